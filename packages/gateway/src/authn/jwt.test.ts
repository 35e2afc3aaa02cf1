import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseStrictJson } from '../mcp/strict-json.ts'
import { looksLikeToken, readToken } from './jwt.ts'

const parse = (bytes: Buffer) => parseStrictJson(bytes, { maxJsonDepth: 16, maxJsonMembers: 5000 })
const read = (token: string) => readToken(token, parse)
const encode = (text: string) => Buffer.from(text).toString('base64url')
const token = (header: string, claims: string) => `${encode(header)}.${encode(claims)}.AA`

describe('a token', () => {
  it('is read as header and claims', () => {
    expect(read(token('{"alg":"ES256"}', '{"iss":"x","n":[1]}'))).toEqual({
      header: { alg: 'ES256' },
      claims: { iss: 'x', n: [1] },
    })
  })

  it.each([
    ['a duplicate claim', token('{"alg":"ES256"}', '{"iss":"x","iss":"y"}')],
    ['a duplicate in the header', token('{"alg":"none","alg":"ES256"}', '{}')],
    ['a claim that differs by case only', token('{"alg":"ES256"}', '{"iss":"x","ISS":"y"}')],
    ['__proto__', token('{"alg":"ES256"}', '{"__proto__":{"iss":"x"}}')],
    [
      'bytes that are not UTF-8',
      `${encode('{}')}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.AA`,
    ],
    ['a list', token('[]', '{}')],
    ['null', token('{}', 'null')],
    ['nothing', '..'],
    ['no signature', `${encode('{}')}.${encode('{}')}.`],
    ['spaces', ` ${token('{}', '{}')}`],
    ['base64 of the other alphabet', `${encode('{}')}.${encode('{}')}.+/`],
    ['too much', token('{}', `{"a":"${'x'.repeat(16_384)}"}`)],
  ])('is none with %s', (_, text) => expect(read(text)).toBeUndefined())

  it('is looked for in anything without harm', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(fc.json(), fc.json()).map(([a, b]) => token(a, b)),
        ),
        (text) => {
          const found = read(text)
          return found === undefined || (looksLikeToken(text) && typeof found.claims === 'object')
        },
      ),
    )
  })
})
