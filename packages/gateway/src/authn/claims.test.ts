import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { claimAt, hasAll } from './claims.ts'

const claims = {
  sub: 'ada',
  'https://example.com/groups': ['a'],
  'kubernetes.io': { namespace: 'builds', 'a/b': 1, 'c~d': 2 },
  list: [{ name: 'x' }],
  verified: true,
  level: 3,
  nothing: null,
}

describe('a claim', () => {
  it.each([
    ['sub', 'ada'],
    ['https://example.com/groups', ['a']],
    ['/kubernetes.io/namespace', 'builds'],
    ['/kubernetes.io/a~1b', 1],
    ['/kubernetes.io/c~0d', 2],
    ['/list/0/name', 'x'],
    ['kubernetes.io/namespace', undefined],
    ['/sub/length', undefined],
    ['/list/length', undefined],
    ['/nothing/x', undefined],
    ['constructor', undefined],
    ['/kubernetes.io/__proto__', undefined],
    ['toString', undefined],
  ])('%s', (path, value) => {
    expect(claimAt(claims, path)).toEqual(value)
  })

  it('is never found where the token has none', () => {
    fc.assert(fc.property(fc.string(), (path) => claimAt({}, path) === undefined))
  })
})

describe('what is required', () => {
  it.each<[Record<string, string[]>, boolean]>([
    [{}, true],
    [{ sub: [] }, true],
    [{ sub: ['bob', 'ada'] }, true],
    [{ sub: ['ad'] }, false],
    [{ sub: ['ada'], missing: [] }, false],
    [{ verified: ['true'] }, true],
    [{ level: ['3'] }, true],
    [{ nothing: [] }, false],
    [{ list: [] }, false],
    [{ '/kubernetes.io/namespace': ['builds'] }, true],
  ])('%j: %s', (wanted, expected) => {
    expect(hasAll(claims, new Map(Object.entries(wanted)))).toBe(expected)
  })
})
