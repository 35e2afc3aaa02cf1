import { describe, expect, test } from 'vitest'
import { suggest } from './suggest.ts'

describe('the likely name', () => {
  test.each([
    ['limitt', ['path', 'limit', 'lines'], 'limit'],
    ['desriptoin', ['description', 'destination'], 'description'],
    ['prinicpal', ['resource', 'principal'], 'principal'],
    ['usr', ['User', 'Group'], 'User'],
    ['readonly', ['readOnly', 'readonly2'], 'readOnly'],
    ['ab', ['ba', 'cd'], 'ba'],
    ['Usr::Admin', ['User::Admin'], 'User::Admin'],
  ])('for %s among %j', (name, candidates, likely) => {
    expect(suggest(name, candidates)).toBe(likely)
  })

  test.each([
    ['limit', ['path', 'query']],
    ['x', ['y', 'z']],
    ['id', ['to', 'of']],
    ['name', []],
    ['name', ['name']],
    ['', ['a', '']],
  ])('is none for %s among %j', (name, candidates) => {
    expect(suggest(name, candidates)).toBeUndefined()
  })

  test('is the closest, and the first of equally close ones', () => {
    expect(suggest('colour', ['colours', 'color', 'colors'])).toBe('colours')
    expect(suggest('creates', ['createx', 'create'])).toBe('createx')
  })

  test('is not sought for enormous names', () => {
    expect(suggest('a'.repeat(100_000), ['a'.repeat(100_001)])).toBeUndefined()
  })
})
