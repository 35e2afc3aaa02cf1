import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SIGHT } from './sight.ts'

let folder = ''
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'tollgate-sight-')))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('what the gateway sees of the file system', () => {
  test('is where a path leads, that it leads nowhere, or nothing, however often it is asked', () => {
    mkdirSync(path.join(folder, 'there'))
    symlinkSync(path.join(folder, 'there'), path.join(folder, 'link'))
    symlinkSync(path.join(folder, 'gone'), path.join(folder, 'dangling'))
    for (let again = 0; again < 2; again++) {
      expect(SIGHT.placeOf(path.join(folder, 'link'))).toBe(path.join(folder, 'there'))
      expect(SIGHT.placeOf(path.join(folder, 'dangling'))).toBeNull()
      expect(SIGHT.placeOf(path.join(folder, 'nothing'))).toBeUndefined()
    }
  })

  test('is looked at anew for what arrives later', async () => {
    const asked = path.join(folder, 'later')
    expect(SIGHT.placeOf(asked)).toBeUndefined()
    symlinkSync('/etc', asked)
    await nextTurn()
    expect(SIGHT.placeOf(asked)).toBe(realpathSync('/etc'))
    rmSync(asked)
    await nextTurn()
    expect(SIGHT.placeOf(asked)).toBeUndefined()
  })

  test('is looked at anew when a turn is long: a call that ends in it may have arrived after the first look', () => {
    const asked = path.join(folder, 'while-busy')
    expect(SIGHT.placeOf(asked)).toBeUndefined()
    symlinkSync('/etc', asked)
    const began = performance.now()
    while (performance.now() - began < 20);
    expect(SIGHT.placeOf(asked)).toBe(realpathSync('/etc'))
  })
})
