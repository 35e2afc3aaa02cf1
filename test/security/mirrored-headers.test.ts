/**
 * Headers that repeat the body (A7; 2026-07-28: basic/transports/streamable-http, Server Validation; SEP-2243). They
 * decide nothing, but a proxy in front may have judged by them: where they differ from the body, the call is refused.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import {
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'
import { withHeader, withLine, withoutHeader, type WireRequest } from '../fixtures/wire.ts'

let gateway: WatchedGateway
beforeAll(async () => {
  gateway = await startWatchedGateway()
})
afterAll(() => gateway.close())

const MISMATCH = { status: 400, code: -32020, reason: 'invalid' } as const
const UNSUPPORTED = { status: 400, code: -32022, reason: 'invalid' } as const
const INVALID_PARAMS = { status: 400, code: -32602, reason: 'invalid' } as const

const call = (name: string) => ({ name, arguments: {} })
const base64 = (text: string | Buffer) => `=?base64?${Buffer.from(text).toString('base64')}?=`
/** A value as header bytes, which the wire writes one for one. */
const asBytes = (text: string) => Buffer.from(text).toString('latin1')

test('control: a modern call with headers that agree passes, and goes on with the same ones', async () => {
  const { rawHeaders, message } = expectAllowed(await gateway.send(gateway.modern()))
  const headers = Object.fromEntries(
    Array.from({ length: rawHeaders.length / 2 }, (_, at) => rawHeaders.slice(at * 2)),
  )
  expect(headers).toMatchObject({
    'mcp-method': 'tools/call',
    'mcp-name': 'echo',
    'mcp-protocol-version': '2026-07-28',
  })
  expect(message).toMatchObject({ method: 'tools/call', params: { name: 'echo' } })
})

describe('Mcp-Method', () => {
  const cases: [string, (request: WireRequest) => WireRequest][] = [
    ['missing', (request) => withoutHeader(request, 'Mcp-Method')],
    ['empty', (request) => withHeader(request, 'Mcp-Method', '')],
    ['of another method', (request) => withHeader(request, 'Mcp-Method', 'tools/list')],
    ['in capitals', (request) => withHeader(request, 'Mcp-Method', 'TOOLS/CALL')],
    ['with a space in it', (request) => withHeader(request, 'Mcp-Method', 'tools /call')],
    ['with a comma', (request) => withHeader(request, 'Mcp-Method', 'tools/call, tools/call')],
    ['percent-encoded', (request) => withHeader(request, 'Mcp-Method', 'tools%2Fcall')],
    ['in base64', (request) => withHeader(request, 'Mcp-Method', base64('tools/call'))],
    ['in quotes', (request) => withHeader(request, 'Mcp-Method', '"tools/call"')],
  ]
  test.each(cases)('%s: refused', async (_title, change) => {
    expectRefused(await gateway.send(change(gateway.modern())), MISMATCH)
  })

  test('twice: refused', async () => {
    const twice = withLine(gateway.modern(), 'Mcp-Method', 'tools/call')
    expectRefused(await gateway.send(twice), { ...MISMATCH, code: -32600 })
  })

  test.each(['server/discover', 'tools/list', 'prompts/list', 'subscriptions/listen', 'no/such/method'])(
    'missing in %s: refused',
    async (method) => {
      const request = withoutHeader(gateway.modern({ method, params: {} }), 'Mcp-Method')
      expectRefused(await gateway.send(request), MISMATCH)
    },
  )
})

describe('Mcp-Name', () => {
  const cases: [string, (request: WireRequest) => WireRequest][] = [
    ['missing', (request) => withoutHeader(request, 'Mcp-Name')],
    ['empty', (request) => withHeader(request, 'Mcp-Name', '')],
    ['of another tool', (request) => withHeader(request, 'Mcp-Name', 'query')],
    ['of the full name', (request) => withHeader(request, 'Mcp-Name', 'files__echo')],
    ['in capitals', (request) => withHeader(request, 'Mcp-Name', 'ECHO')],
    ['percent-encoded', (request) => withHeader(request, 'Mcp-Name', '%65cho')],
    ['with a tab behind it', (request) => withHeader(request, 'Mcp-Name', 'echo\tx')],
    ['of another tool, in base64', (request) => withHeader(request, 'Mcp-Name', base64('query'))],
    ['in base64 without padding', (request) => withHeader(request, 'Mcp-Name', '=?base64?ZWNobw?=')],
    ['in base64 with too much padding', (request) => withHeader(request, 'Mcp-Name', '=?base64?ZWNobw===?=')],
    ['in base64 with other last bits', (request) => withHeader(request, 'Mcp-Name', '=?base64?ZWNobx==?=')],
    ['in base64 with a space', (request) => withHeader(request, 'Mcp-Name', '=?base64?ZWNo bw==?=')],
    ['in base64 with garbage', (request) => withHeader(request, 'Mcp-Name', '=?base64?ZWNo*bw==?=')],
    ['in base64url', (request) => withHeader(request, 'Mcp-Name', '=?base64?_-__?=')],
    ['in base64 of nothing', (request) => withHeader(request, 'Mcp-Name', '=?base64??=')],
    ['with the marker in capitals', (request) => withHeader(request, 'Mcp-Name', '=?BASE64?ZWNobw==?=')],
    ['with the marker of MIME', (request) => withHeader(request, 'Mcp-Name', '=?utf-8?b?ZWNobw==?=')],
    ['with half a marker', (request) => withHeader(request, 'Mcp-Name', '=?base64?ZWNobw==')],
    ['in base64 twice', (request) => withHeader(request, 'Mcp-Name', base64(base64('echo')))],
    ['with something behind the base64', (request) => withHeader(request, 'Mcp-Name', `${base64('echo')}x`)],
    [
      'in base64 of what is not UTF-8',
      (request) => withHeader(request, 'Mcp-Name', base64(Buffer.from([0xc3, 0x28]))),
    ],
    ['in base64, with a NUL behind it', (request) => withHeader(request, 'Mcp-Name', base64('echo\0'))],
  ]
  test.each(cases)('%s: refused', async (_title, change) => {
    expectRefused(await gateway.send(change(gateway.modern())), MISMATCH)
  })

  test('twice: refused', async () => {
    const twice = withLine(gateway.modern(), 'Mcp-Name', 'echo')
    expectRefused(await gateway.send(twice), { ...MISMATCH, code: -32600 })
  })

  test.each([
    ['raw UTF-8', asBytes('größe')],
    ['raw Latin-1', 'gr\u00f6\u00dfe'],
    ['without its accents', 'grosse'],
    ['in base64 of Latin-1', base64(Buffer.from('größe', 'latin1'))],
    ['in base64 of the decomposed form', base64('größe'.normalize('NFD'))],
  ])('a name that is not ASCII, %s: refused', async (_title, value) => {
    const request = withHeader(gateway.modern({ params: call('größe') }), 'Mcp-Name', value)
    expectRefused(await gateway.send(request), MISMATCH)
  })

  test.each(['größe', '道具', '🔧', ' echo', 'echo ', 'a\nb', '=?base64?x?=', '\u202ereversed'])(
    'control: %j in base64 passes, and goes on in base64',
    async (name) => {
      const request = withHeader(gateway.modern({ params: call(name) }), 'Mcp-Name', base64(name))
      const { rawHeaders, message } = expectAllowed(await gateway.send(request))
      expect(rawHeaders[rawHeaders.indexOf('mcp-name') + 1]).toBe(base64(name))
      expect(message).toMatchObject({ params: { name } })
    },
  )

  test('control: a name that needs no base64 may have it', async () => {
    const request = withHeader(gateway.modern(), 'Mcp-Name', base64('echo'))
    const { rawHeaders } = expectAllowed(await gateway.send(request))
    expect(rawHeaders[rawHeaders.indexOf('mcp-name') + 1]).toBe('echo')
  })

  const others: [string, JsonObject, string][] = [
    ['resources/read', { uri: 'record://one' }, 'record://two'],
    ['prompts/get', { name: 'hello' }, 'bye'],
  ]
  test.each(others)('of another thing in %s: refused', async (method, params, other) => {
    const request = gateway.modern({ method, params })
    expectAllowed(await gateway.send(request))
    expectRefused(await gateway.send(withHeader(request, 'Mcp-Name', other)), MISMATCH)
    expectRefused(await gateway.send(withoutHeader(request, 'Mcp-Name')), MISMATCH)
  })

  test('in a method that names nothing: refused', async () => {
    const request = withLine(gateway.modern({ method: 'tools/list', params: {} }), 'Mcp-Name', 'echo')
    expectRefused(await gateway.send(request), MISMATCH)
  })
})

describe('a legacy revision with mirrored headers', () => {
  const versions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', undefined]
  const legacy = (version: string | undefined) => {
    const request = gateway.legacy()
    return version === undefined
      ? withoutHeader(request, 'MCP-Protocol-Version')
      : withHeader(request, 'MCP-Protocol-Version', version)
  }
  test.each(versions)('%s: those that agree pass, others are refused', async (version) => {
    const agreeing = withLine(withLine(legacy(version), 'Mcp-Method', 'tools/call'), 'Mcp-Name', 'echo')
    expectAllowed(await gateway.send(agreeing))
    expectRefused(await gateway.send(withHeader(agreeing, 'Mcp-Method', 'tools/list')), MISMATCH)
    expectRefused(await gateway.send(withHeader(agreeing, 'Mcp-Name', 'query')), MISMATCH)
    expectRefused(await gateway.send(withHeader(agreeing, 'Mcp-Name', '=?base64?ZWNobw?=')), MISMATCH)
    expectRefused(
      await gateway.send(withoutHeader(withHeader(agreeing, 'Mcp-Name', 'x'), 'Mcp-Method')),
      MISMATCH,
    )
  })
})

describe('the protocol version', () => {
  const VERSION = 'io.modelcontextprotocol/protocolVersion'
  const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
  /** A modern call whose body says this of itself. */
  const saying = (meta: JsonObject | undefined) => {
    const params = meta === undefined ? call('echo') : { ...call('echo'), _meta: meta }
    return {
      ...gateway.modern(),
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    }
  }
  const good = { [VERSION]: '2026-07-28', [CAPABILITIES]: {} }
  const set = (request: WireRequest, version: string) => withHeader(request, 'MCP-Protocol-Version', version)

  const cases: [string, () => WireRequest, typeof MISMATCH | typeof UNSUPPORTED | typeof INVALID_PARAMS][] = [
    [
      'modern in the header, legacy in the body',
      () => saying({ ...good, [VERSION]: '2025-11-25' }),
      MISMATCH,
    ],
    ['legacy in the header, modern in the body', () => set(saying(good), '2025-11-25'), MISMATCH],
    ['modern in the body, no header', () => withoutHeader(saying(good), 'MCP-Protocol-Version'), MISMATCH],
    ['unknown in the header, modern in the body', () => set(saying(good), '2099-01-01'), MISMATCH],
    ['unknown in both', () => set(saying({ ...good, [VERSION]: '2099-01-01' }), '2099-01-01'), UNSUPPORTED],
    [
      'legacy in both, where only _meta of the modern era stands',
      () => set(saying({ ...good, [VERSION]: '2025-11-25' }), '2025-11-25'),
      UNSUPPORTED,
    ],
    ['modern in the header, nothing in the body', () => saying(undefined), INVALID_PARAMS],
    ['modern in the header, no version in the body', () => saying({ [CAPABILITIES]: {} }), INVALID_PARAMS],
    ['a number in the body', () => saying({ ...good, [VERSION]: 20260728 }), INVALID_PARAMS],
    ['null in the body', () => saying({ ...good, [VERSION]: null }), INVALID_PARAMS],
    ['no capabilities', () => saying({ [VERSION]: '2026-07-28' }), INVALID_PARAMS],
    ['capabilities that are no object', () => saying({ ...good, [CAPABILITIES]: [] }), INVALID_PARAMS],
    ['unknown, legacy call', () => set(gateway.legacy(), '2025-01-01'), UNSUPPORTED],
    ['empty, legacy call', () => set(gateway.legacy(), ''), UNSUPPORTED],
    ['a later one, legacy call', () => set(gateway.legacy(), '2026-07-29'), UNSUPPORTED],
    ['with something behind it', () => set(gateway.legacy(), '2025-11-25x'), UNSUPPORTED],
    ['two in one line', () => set(gateway.legacy(), '2025-11-25, 2026-07-28'), UNSUPPORTED],
  ]
  test.each(cases)('%s: refused', async (_title, make, expected) => {
    expectRefused(await gateway.send(make()), expected)
  })

  test.each(['GET', 'DELETE'])('unknown in a %s: refused', async (method) => {
    const request = { ...gateway.legacy({ session: 'x' }), method, body: '' }
    expectRefused(await gateway.send(set(request, '2025-01-01')), UNSUPPORTED)
    expectRefused(await gateway.send(set(request, '2026-07-28')), {
      ...UNSUPPORTED,
      status: 405,
      code: -32600,
    })
  })

  test.each(['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'])(
    'control: %s passes',
    async (version) => {
      expectAllowed(await gateway.send(set(gateway.legacy(), version)))
    },
  )
})
