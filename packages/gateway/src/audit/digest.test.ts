import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, digestArguments } from './digest.ts'

describe('canonicalJson', () => {
  it('writes the example of RFC 8785, section 3.2.2, as the RFC does', () => {
    const value = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
        '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    )
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  it('sorts members as RFC 8785, section 3.2.3, does: by UTF-16 code units', () => {
    const names = ['\u20ac', '\r', '\ufb33', '1', '\u{1f600}', '\u0080', '\u00f6']
    const value = Object.fromEntries(names.map((name) => [name, 0]))
    const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\u{1f600}', '\ufb33']
    expect(Object.keys(JSON.parse(canonicalJson(value).replaceAll('"1"', '"x1"')))).toEqual(
      sorted.map((name) => (name === '1' ? 'x1' : name)),
    )
  })

  it('parses back to the same value', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(canonicalJson(JSON.parse(text)))).toEqual(
          JSON.parse(JSON.stringify(JSON.parse(text))),
        )
      }),
    )
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, undefined, () => 0, 1n, { a: undefined }])(
    'throws for %s, which JSON does not have',
    (value) => {
      expect(() => canonicalJson(value)).toThrow(TypeError)
    },
  )
})

describe('digestArguments', () => {
  it('is the SHA-256 of the canonical text', () => {
    expect(digestArguments({})).toBe('sha256:RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o')
    const text = '{"a":[1,"x"],"b":null}'
    const expected = createHash('sha256').update(text).digest('base64url')
    expect(digestArguments({ b: null, a: [1, 'x'] })).toBe(`sha256:${expected}`)
  })

  it('does not depend on the order of members, at any depth', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(digestArguments(reversed(value))).toBe(digestArguments(value))
      }),
    )
  })

  it('differs for two different values', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const areEqual = canonicalJson(one) === canonicalJson(other)
        expect(digestArguments(one) === digestArguments(other)).toBe(areEqual)
        // The canonical text itself must not confuse two values: reading it gives each back.
        if (areEqual) expect(JSON.parse(canonicalJson(one))).toEqual(JSON.parse(canonicalJson(other)))
      }),
    )
  })

  it('differs when any one leaf differs', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, pick) => {
        expect(digestArguments(changeLeaf(value, pick))).not.toBe(digestArguments(value))
      }),
    )
  })

  it('keeps kinds of values apart', () => {
    const values = [null, false, 0, '', '0', [], {}, [0], ['0'], { '0': 0 }, [[]], [{}], 'null', 'false']
    expect(new Set(values.map(digestArguments)).size).toBe(values.length)
  })
})

/** The same value with the members of every object the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).reverse()
  const result: Record<string, unknown> = Object.create(null)
  for (const [name, member] of entries) result[name] = reversed(member)
  return result
}

/** The same value with one leaf (or empty container) replaced. */
function changeLeaf(value: unknown, pick: number): unknown {
  if (Array.isArray(value) && value.length > 0) {
    const index = pick % value.length
    return value.map((item, at) => (at === index ? changeLeaf(item, Math.floor(pick / value.length)) : item))
  }
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
    const names = Object.keys(value)
    const name = names[pick % names.length] as string
    const result = Object.assign(Object.create(null), value)
    result[name] = changeLeaf(result[name], Math.floor(pick / names.length))
    return result
  }
  return value === 'changed' ? 'changed again' : 'changed'
}
