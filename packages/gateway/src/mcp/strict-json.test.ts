import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseStrictJson } from './strict-json.ts'

const limits = { maxJsonDepth: 64, maxJsonMembers: 1000 }
const parse = (text: string | Buffer) => parseStrictJson(Buffer.from(text), limits)

describe('what every parser reads alike passes, with the value JSON.parse gives', () => {
  test.each([
    '{}',
    '[]',
    'null',
    '"a"',
    '{"a":1,"b":{"a":2}}',
    '[{"a":1},{"a":2}]',
    '{"camelCase":1,"camel":2}',
    '{"a":"\\ud83d\\ude00","b":"😀"}',
    '{"a":"\\\\ud800"}',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '[1.0,1e3,-0,0,9007199254740991,0.1,1.5e-7,123.456,1E+2,100000000000000000000]',
    ' { "a" : [ 1 , 2 ] } ',
  ])('%s', (text) => {
    expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) })
  })

  test('any value that JSON.stringify writes, unless names collide by case', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value)
        fc.pre(!hasCollision(JSON.parse(text)))
        expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) })
      }),
    )
  })
})

describe('what two parsers could read differently is refused', () => {
  test.each([
    ['a duplicate member', '{"a":1,"a":1}'],
    ['a duplicate member spelled with an escape', '{"a":1,"\\u0061":2}'],
    ['a duplicate deep inside', '{"x":[{"y":{"a":1,"b":2,"a":3}}]}'],
    ['members that differ by case', '{"name":1,"Name":2}'],
    ['members that only Unicode folding makes equal', '{"k":1,"\u212a":2}'],
    ['the long s', '{"paths":1,"path\u017f":2}'],
    ['__proto__', '{"__proto__":{"a":1}}'],
    ['__proto__ in disguise', '{"\\u005f_proto__":1}'],
    ['a lone high surrogate', '{"a":"\\ud800"}'],
    ['a lone low surrogate', '{"a":"\\udc00"}'],
    ['surrogates in the wrong order', '{"a":"\\udc00\\ud800"}'],
    ['a lone surrogate in a name', '{"\\ud800":1}'],
    ['an integer that a double cannot hold', '[9007199254740993]'],
    ['a number with too many digits', '[0.1000000000000000055511151231257827]'],
    ['a number beyond a double', '[1e400]'],
    ['a number that vanishes', '[1e-400]'],
    ['nothing', ''],
    ['half a text', '{"a":'],
    ['two values', '{} {}'],
    ['a comment', '{/* a */}'],
    ['NaN', '[NaN]'],
    ['a byte order mark', '\ufeff{}'],
    ['a leading zero', '[01]'],
    ['a trailing comma', '[1,]'],
  ])('%s', (_name, text) => {
    expect(parse(text).ok).toBe(false)
  })

  test.each([
    ['an overlong form', [0x22, 0xc0, 0xaf, 0x22]],
    ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a lone continuation', [0x22, 0x80, 0x22]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0, 0x7d, 0]],
  ])('invalid UTF-8: %s', (_name, bytes) => {
    expect(parse(Buffer.from(bytes)).ok).toBe(false)
  })

  test('a duplicate of any member of any object', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 })
    fc.assert(
      fc.property(fc.dictionary(name, fc.jsonValue(), { minKeys: 1 }), fc.nat(), (object, pick) => {
        const text = JSON.stringify(object)
        const names = Object.keys(object)
        const again = names[pick % names.length] ?? ''
        const doubled = `${text.slice(0, -1)},${JSON.stringify(again)}:1}`
        expect(parse(doubled).ok).toBe(false)
      }),
    )
  })
})

describe('size is bounded', () => {
  test.each(['[', '{"a":', '[{"a":'])('100,000 levels of %s', (open) => {
    expect(parse(open.repeat(100_000))).toMatchObject({ ok: false, error: { reason: 'invalid' } })
  })

  test('members are counted over the whole text', () => {
    const object = (count: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, 1])))
    expect(parse(object(1000)).ok).toBe(true)
    expect(parse(object(1001)).ok).toBe(false)
    expect(parse(`[${object(600)},${object(600)}]`).ok).toBe(false)
  })

  test('no bytes make it throw', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parse(Buffer.from(bytes))))
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('{}[]",:\\u0aA1-.e ')) }),
        (text) => void parse(text),
      ),
    )
  })
})

function hasCollision(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasCollision)
  if (typeof value !== 'object' || value === null) return false
  const names = Object.keys(value)
  const folded = new Set(names.map((name) => name.toUpperCase().toLowerCase()))
  return folded.size < names.length || names.includes('__proto__') || Object.values(value).some(hasCollision)
}
