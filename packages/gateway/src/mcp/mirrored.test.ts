import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeHeaderValue } from '../upstream/http-headers.ts'
import { decodeHeaderValue } from './mirrored.ts'

describe('decodeHeaderValue', () => {
  test.each([
    ['files__read', 'files__read'],
    ['=?base64?Y2Fmw6k=?=', 'café'],
    ['=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=', '=?base64?literal?='],
    ['=?base64?SGVsbG8=?=', 'Hello'],
    ['SGVsbG8=', 'SGVsbG8='],
    ['=?base64?SGVsbG8=', '=?base64?SGVsbG8='],
    ['=?BASE64?SGVsbG8=?=', '=?BASE64?SGVsbG8=?='],
  ])('%s stands for %s', (value, expected) => {
    expect(decodeHeaderValue(value)).toBe(expected)
  })

  test.each([
    ['missing padding', '=?base64?SGVsbG8?='],
    ['other characters', '=?base64?SGVs!!!bG8=?='],
    ['bits that are not zero', '=?base64?SGVsbG9=?='],
    ['the URL alphabet', '=?base64?Pz8_?='],
    ['invalid UTF-8 inside', '=?base64?/w==?='],
    ['a raw byte', 'caf\u00e9'],
  ])('is undefined for %s', (_name, value) => {
    expect(decodeHeaderValue(value)).toBeUndefined()
  })

  test('reads back whatever is written for the upstream', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        expect(decodeHeaderValue(encodeHeaderValue(value))).toBe(value)
      }),
    )
  })

  test('what is written is safe in a header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(encodeHeaderValue(value)).toMatch(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/)
      }),
    )
  })
})
