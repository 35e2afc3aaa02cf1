import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { Seals } from './sealed.ts'

let nowMs: number
let seals: Seals

beforeEach(() => {
  nowMs = 1_700_000_000_000
  const randomId = () => randomBytes(12).toString('hex')
  seals = new Seals({ key: randomBytes(32), ttlSeconds: 60, now: () => nowMs, randomId })
})

describe('a seal', () => {
  test('gives back what was sealed, to the request it was made for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.string(), async (value, binding) => {
        const opened = await seals.open(await seals.seal(value, binding), binding)
        expect(opened).toMatchObject({ ok: true, value: { value } })
      }),
      { numRuns: 20 },
    )
  })

  test('hides what it holds', async () => {
    expect(await seals.seal('upstream-secret', 'alice')).not.toContain(
      Buffer.from('upstream-secret').toString('base64url'),
    )
  })

  test('does not open for another binding', async () => {
    expect(await seals.open(await seals.seal('s', 'alice'), 'bob')).toMatchObject({ ok: false })
  })

  test('does not open when any character was changed, or when it was cut', async () => {
    const sealed = await seals.seal('s', 'alice')
    for (let at = 0; at < sealed.length; at += 7) {
      const other = sealed[at] === 'A' ? 'B' : 'A'
      const changed = sealed.slice(0, at) + other + sealed.slice(at + 1)
      expect((await seals.open(changed, 'alice')).ok, changed).toBe(false)
    }
    expect((await seals.open(sealed.slice(0, -3), 'alice')).ok).toBe(false)
  })

  test('expires', async () => {
    const sealed = await seals.seal('s', 'alice')
    nowMs += 61_000
    expect((await seals.open(sealed, 'alice')).ok).toBe(false)
  })

  test('is spent once', async () => {
    const sealed = await seals.seal('s', 'alice')
    const opened = await seals.open(sealed, 'alice')
    if (!opened.ok) throw new Error('expected to open')
    expect(seals.spend(opened.value.id).ok).toBe(true)
    expect(seals.spend(opened.value.id).ok).toBe(false)
    expect((await seals.open(sealed, 'alice')).ok).toBe(false)
  })

  test.each([undefined, null, 1, {}, '', 'a.b.c.d.e'])('of another shape (%j) is refused', async (sealed) => {
    expect((await seals.open(sealed, 'alice')).ok).toBe(false)
  })
})
