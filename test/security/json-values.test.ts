/** Values, encodings and shapes of a body that two parsers could read differently, or that cost too much to read (A8). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'

let gateway: WatchedGateway
beforeAll(async () => {
  gateway = await startWatchedGateway()
})
afterAll(() => gateway.close())

const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":1}}}'
const withValue = (text: string) => CALL.replace('{"a":1}', `{"a":${text}}`)
const send = (body: string | Buffer) => gateway.send({ ...gateway.legacy(), body })
const bytes = (...parts: (string | number)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))))
/** The call with these bytes inside a string of its arguments. */
const withBytes = (...raw: number[]) => {
  const [before = '', after = ''] = withValue('"|"').split('|')
  return bytes(before, ...raw, after)
}
const PARSE_ERROR = { status: 400, code: -32700, reason: 'invalid' } as const
const INVALID = { status: 400, code: -32600, reason: 'invalid' } as const

test('control: the same call, well-formed, goes through byte for byte', async () => {
  expect(expectAllowed(await send(CALL)).body.toString()).toBe(CALL)
})

describe('text that is not UTF-8', () => {
  test.each([
    ['an overlong slash', withBytes(0xc0, 0xaf)],
    ['an overlong NUL', withBytes(0xc0, 0x80)],
    ['an overlong quote', withBytes(0xe0, 0x80, 0xa2)],
    ['a lone continuation', withBytes(0x80)],
    ['a lead without its continuation', withBytes(0xc3, 0x28)],
    ['a surrogate encoded as such', withBytes(0xed, 0xa0, 0x80)],
    ['a pair of encoded surrogates (CESU-8)', withBytes(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)],
    ['beyond the last code point', withBytes(0xf4, 0x90, 0x80, 0x80)],
    ['five bytes', withBytes(0xf8, 0x88, 0x80, 0x80, 0x80)],
    ['0xff', withBytes(0xff)],
    ['Latin-1', Buffer.from(withValue('"é"'), 'latin1')],
    ['UTF-16 with its mark', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(CALL, 'utf16le')])],
    ['UTF-16 big-endian with its mark', bytes(0xfe, 0xff, ...Buffer.from(CALL, 'utf16le').swap16())],
    ['UTF-16 without a mark', Buffer.from(CALL, 'utf16le')],
    ['outside of strings', bytes(CALL, 0x80)],
    ['a UTF-8 mark before the text', bytes(0xef, 0xbb, 0xbf, CALL)],
  ])('%s: refused', async (_title, body) => {
    expectRefused(await send(body), PARSE_ERROR)
  })

  test.each(['é', '漢', '😀', '\u0000', '\ufffd', '\uffff', '\u{10ffff}', '\u200b', '\ufeff'])(
    'control: %j in a string passes',
    async (text) => {
      const { message } = expectAllowed(await send(withValue(JSON.stringify(text))))
      expect(message).toMatchObject({ params: { arguments: { a: text } } })
    },
  )
})

describe('surrogates that are not a pair', () => {
  const lone = { ...INVALID, detail: /lone surrogate/ }
  test.each([
    ['a high one', '"\\ud800"'],
    ['a low one', '"\\udc00"'],
    ['a pair the wrong way round', '"\\ude00\\ud83d"'],
    ['two high ones', '"\\ud83d\\ud83d"'],
    ['a high one before a letter', '"\\ud83dx"'],
    ['a high one before another escape', '"\\ud83d\\n"'],
    ['a high one at the end of a string, a low one in the next', '["\\ud83d","\\ude00"]'],
    ['after an escaped backslash', '"\\\\\\ud800"'],
    ['in capitals', '"\\uD800"'],
    ['in a name', '{"\\ud800":1}'],
  ])('%s: refused', async (_title, value) => {
    expectRefused(await send(withValue(value)), lone)
  })

  test.each([
    ['a pair', '"\\ud83d\\ude00"', '😀'],
    ['an escaped backslash before u', '"\\\\ud800"', '\\ud800'],
  ])('control: %s passes', async (_title, value, text) => {
    const { message } = expectAllowed(await send(withValue(value)))
    expect(message).toMatchObject({ params: { arguments: { a: text } } })
  })
})

describe('numbers', () => {
  const changed = { ...INVALID, detail: /number that would change/ }
  test.each([
    ['2^53 + 1', '9007199254740993'],
    ['its negative', '-9007199254740993'],
    ['20 digits', '12345678901234567890'],
    ['2^64 - 1', '18446744073709551615'],
    ['too large for a double', '1e400'],
    ['too large, negative', '-1e400'],
    ['too small for a double', '1e-400'],
    ['more digits than a double holds', '0.1000000000000000055511151231257827'],
    ['an integer with a fraction that would be lost', '4503599627370497.25'],
    ['a large exponent of a small digit', '0.000001e400'],
    ['in an array', '[1,2,9007199254740993]'],
  ])('%s (%s): refused', async (_title, value) => {
    expectRefused(await send(withValue(value)), changed)
  })

  test('an id that would be another one: refused', async () => {
    expectRefused(await send(CALL.replace('"id":1', '"id":9007199254740993')), changed)
  })

  test.each([
    '1.0',
    '1e3',
    '1E+3',
    '-0',
    '0.0',
    '9007199254740991',
    '-9007199254740991',
    '0.1',
    '1.50',
    '5e-324',
  ])('control: %s keeps its value and passes', async (value) => {
    const { message } = expectAllowed(await send(withValue(value)))
    expect(message).toEqual(JSON.parse(withValue(String(Number(value)))))
  })
})

describe('not one JSON text', () => {
  test.each([
    ['nothing', ''],
    ['spaces', '   '],
    ['two messages', CALL + CALL],
    ['two messages in two lines', `${CALL}\n${CALL}`],
    ['garbage after it', `${CALL}x`],
    ['a bracket after it', `${CALL}}`],
    ['a NUL after it', bytes(CALL, 0)],
    ['a record separator before it', bytes(0x1e, CALL)],
    ['a line comment', `// call\n${CALL}`],
    ['a block comment', CALL.replace('"id"', '/**/"id"')],
    ['NaN', withValue('NaN')],
    ['Infinity', withValue('-Infinity')],
    ['undefined', withValue('undefined')],
    ['a hexadecimal number', withValue('0x10')],
    ['a leading zero', withValue('010')],
    ['a leading plus', withValue('+1')],
    ['a bare point', withValue('.5')],
    ['a point at the end', withValue('5.')],
    ['single quotes', withValue("'x'")],
    ['a name without quotes', CALL.replace('"id"', 'id')],
    ['a trailing comma', withValue('[1,]')],
    ['a line break in a string', withValue('"a\nb"')],
    ['a tab in a string', withValue('"a\tb"')],
    ['an escape that there is none', withValue('"\\x41"')],
    ['half an escape', withValue('"\\u12"')],
    ['half a text', CALL.slice(0, -2)],
    ['a no-break space between', CALL.replace(',', ',\u00a0')],
  ])('%s: refused', async (_title, body) => {
    expectRefused(await send(body), PARSE_ERROR)
  })

  test.each([
    ['null', 'null'],
    ['a string', '"tools/call"'],
    ['a number', '7'],
  ])('%s instead of a message: refused', async (_title, body) => {
    expectRefused(await send(body), INVALID)
  })

  test('control: JSON’s own four spaces between and around pass', async () => {
    expectAllowed(await send(` \t\r\n${CALL.replaceAll(',', ' ,\r\n\t ')}\n`))
  })
})

describe('batches', () => {
  const list = '{"jsonrpc":"2.0","id":2,"method":"tools/list"}'
  const bodies = [
    ['empty', '[]'],
    ['of one', `[${CALL}]`],
    ['of two', `[${list},${CALL}]`],
    ['of a notification', '[{"jsonrpc":"2.0","method":"notifications/initialized"}]'],
    ['in a batch', `[[${CALL}]]`],
  ] as const
  const versions = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', undefined]
  const cases = versions.flatMap((version) => bodies.map(([title, body]) => ({ version, title, body })))
  test.each(cases)('$title, $version: refused', async ({ version, body }) => {
    const headers = gateway.legacy().headers.filter(([name]) => name !== 'MCP-Protocol-Version')
    const versioned = version === undefined ? [] : [['MCP-Protocol-Version', version] as const]
    const seen = await gateway.send({ ...gateway.legacy(), headers: [...headers, ...versioned], body })
    expectRefused(seen, { ...INVALID, detail: /batch/ })
  })
})

describe('bodies that are costly to read', () => {
  const nested = (opened: string, closed: string, depth: number) =>
    opened.repeat(depth) + closed.repeat(depth)
  const deep = { ...INVALID, detail: /nested deeper/ }
  test.each([
    ['arrays', nested('[', ']', 100_000), deep],
    ['objects', nested('{"a":', '}', 100_000).replace(':}', ':1}'), deep],
    ['both by turns', nested('[{"a":', '}]', 50_000).replace(':}', ':1}'), deep],
    ['arrays that never end', '['.repeat(1_000_000), deep],
  ])('100,000 levels of %s: refused', async (_title, value, expected) => {
    expectRefused(await send(withValue(value)), expected)
  })

  const many = { ...INVALID, detail: /more than 20000 members/ }
  const members = (count: number) => Array.from({ length: count }, (_, index) => `"${index.toString(36)}":0`)
  test.each([
    ['200,000 members', `{${members(200_000).join(',')}}`],
    ['1,000,000 elements', `[${'0,'.repeat(999_999)}0]`],
    ['1,000,000 empty objects', `[${'{},'.repeat(999_999)}{}]`],
    ['elements in many arrays', `[${'[0,0,0,0,0,0,0,0],'.repeat(20_000)}0]`],
  ])('%s: refused', async (_title, value) => {
    expectRefused(await send(withValue(value)), many)
  })

  test.each([
    ['1,000,000 members', `{${members(1_000_000).join(',')}}`],
    ['a string', `"${'x'.repeat(5_000_000)}"`],
  ])('%s, more than 4 MiB: refused for its size', async (_title, value) => {
    expectRefused(await send(withValue(value)), { status: 413, code: -32600, reason: 'invalid' })
  })

  test.each([
    ['zeros within', `1.${'0'.repeat(2_000_000)}1`],
    ['zeros within, twice', `1.${`${'0'.repeat(999_999)}1`.repeat(2)}`],
    ['zeros at both ends', `0.${'0'.repeat(1_000_000)}1${'0'.repeat(1_000_000)}`],
    ['other digits', '9'.repeat(2_000_000)],
    ['signs', '-'.repeat(2_000_000)],
  ])('a number of 2,000,000 characters, %s: refused within a second or two', async (_title, value) => {
    const startedAtMs = performance.now()
    const { requests, decisions } = await gateway.send({ ...gateway.legacy(), body: withValue(value) })
    expect(performance.now() - startedAtMs).toBeLessThan(5000)
    expect(requests).toEqual([])
    expect(decisions).toMatchObject([{ decision: 'deny', reason: 'invalid' }])
  })

  test.each([
    ['60 levels', nested('[', ']', 60)],
    ['19,000 members', `{${members(19_000).join(',')}}`],
    ['9,000 elements', `[${'0,'.repeat(8999)}0]`],
    ['a string of 3 MB', `"${'x'.repeat(3_000_000)}"`],
    ['1 with 2,000,000 zeros after the point', `1.${'0'.repeat(2_000_000)}`],
  ])('control: %s pass', async (_title, value) => {
    expect(expectAllowed(await send(withValue(value))).message).toEqual(JSON.parse(withValue(value)))
  })
})
