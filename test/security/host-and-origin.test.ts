/**
 * Names in Host and Origin that are not this listener's (A2, DNS rebinding): refused before anything else is looked
 * at, whatever the method, and whether or not the caller has a key.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'
import { withHeader, withLine, withoutHeader, type WireRequest } from '../fixtures/wire.ts'

let gateway: WatchedGateway
let port: string
beforeAll(async () => {
  gateway = await startWatchedGateway({
    config: `allowedHosts: [gate.example.com, 'gate.example.com:8443']\nallowedOrigins: ['https://app.example.com']`,
  })
  port = new URL(gateway.origin).port
})
afterAll(() => gateway.close())

const FOREIGN = { status: 403, code: -32600, reason: 'invalid' } as const
const MALFORMED = { ...FOREIGN, status: 400 } as const

const requests: { how: string; make: () => WireRequest }[] = [
  { how: 'POST, legacy', make: () => gateway.legacy() },
  { how: 'POST, modern', make: () => gateway.modern() },
  { how: 'POST without a key', make: () => withoutHeader(gateway.legacy(), 'Authorization') },
  { how: 'GET', make: () => ({ ...gateway.legacy({ session: 'x' }), method: 'GET', body: '' }) },
  { how: 'DELETE', make: () => ({ ...gateway.legacy({ session: 'x' }), method: 'DELETE', body: '' }) },
]

describe.each(requests)('Host, in a $how', ({ make }) => {
  test.each([
    'example.com',
    'evil.test:$',
    '127.0.0.1',
    '127.0.0.1:1',
    '127.0.0.1:0$',
    '127.0.0.1:$1',
    '127.0.0.1:',
    '127.0.0.1.:$',
    '127.1:$',
    '127.0.0.2:$',
    '0x7f.0.0.1:$',
    '2130706433:$',
    '0.0.0.0:$',
    '0:$',
    'localhost',
    'localhost.:$',
    'localhost.example.com:$',
    'localhost:$@example.com',
    'user@localhost:$',
    'user:password@127.0.0.1:$',
    '::1:$',
    '[::1]',
    '[::]:$',
    '[0:0:0:0:0:0:0:1]:$',
    '[::ffff:127.0.0.1]:$',
    '[::1%25lo]:$',
    'gate.example.com.',
    'gate.example.com:443',
    'gate.example.com:$',
    'evil.gate.example.com',
    'gate.example.com.evil.test',
    'gate.example.com, evil.test',
    'evil.test, 127.0.0.1:$',
    'http://127.0.0.1:$',
    '127.0.0.1:$/',
    '127.0.0.1:$?x',
    '127.0.0.1:$#x',
    'xn--localhost-:$',
    'l\u00f6calhost:$',
    'localhost\u00a0:$',
    '',
    '*',
  ])('%j ($ is the port): refused', async (host) => {
    const seen = await gateway.send(withHeader(make(), 'Host', host.replace('$', port)))
    expectRefused(seen, FOREIGN)
  })

  test('none: refused', async () => {
    expectRefused(await gateway.send(withoutHeader(make(), 'Host')), MALFORMED)
  })

  test.each(['127.0.0.1:$', 'evil.test'])('a second one, %j: refused', async (host) => {
    expectRefused(await gateway.send(withLine(make(), 'Host', host.replace('$', port))), MALFORMED)
  })
})

describe('Host', () => {
  test.each(['127.0.0.1:$', 'localhost:$', 'LOCALHOST:$', 'LocalHost:$', '[::1]:$', 'gate.example.com'])(
    'control: %j ($ is the port) passes',
    async (host) => {
      expectAllowed(await gateway.send(withHeader(gateway.legacy(), 'Host', host.replace('$', port))))
    },
  )

  test.each(['Gate.Example.COM', 'gate.example.com:8443'])(
    'control: %j, from the configuration, passes',
    async (host) => {
      expectAllowed(await gateway.send(withHeader(gateway.legacy(), 'Host', host)))
    },
  )

  test.each(['X-Forwarded-Host', 'X-Host', 'Forwarded', 'X-Original-Host', 'X-HTTP-Host-Override'])(
    'control: %s means nothing, neither good nor bad',
    async (name) => {
      expectAllowed(await gateway.send(withLine(gateway.legacy(), name, 'evil.test')))
      const foreign = withHeader(gateway.legacy(), 'Host', 'evil.test')
      expectRefused(await gateway.send(withLine(foreign, name, gateway.host)), FOREIGN)
    },
  )
})

describe.each(requests)('Origin, in a $how', ({ make }) => {
  test.each([
    'null',
    'NULL',
    '',
    '*',
    'http://evil.test',
    'https://evil.test:$',
    'https://127.0.0.1:$',
    'http://127.0.0.1',
    'http://127.0.0.1:1',
    'http://127.0.0.1.:$',
    'http://127.0.0.1:$/',
    'http://127.0.0.1:$.evil.test',
    'http://user@127.0.0.1:$',
    'http://0.0.0.0:$',
    'http://[::]:$',
    'http://[::ffff:7f00:1]:$',
    'http://localhost',
    'http://localhost.:$',
    'http://localhost:$, http://evil.test',
    'http://localhost:$ http://evil.test',
    'localhost:$',
    '//localhost:$',
    'file://',
    'chrome-extension://abcdefghijklmnop',
    'ws://127.0.0.1:$',
    'https://app.example.com.',
    'https://app.example.com:443',
    'http://app.example.com',
    'https://evil.app.example.com',
    'https://xn--pp-xja.example.com',
    'https://\u00e4pp.example.com',
  ])('%j ($ is the port): refused', async (origin) => {
    const seen = await gateway.send(withLine(make(), 'Origin', origin.replace('$', port)))
    expectRefused(seen, FOREIGN)
  })

  test('two of them, both good: refused', async () => {
    const twice = withLine(withLine(make(), 'Origin', gateway.origin), 'Origin', gateway.origin)
    expectRefused(await gateway.send(twice), MALFORMED)
  })
})

describe('Origin', () => {
  test.each([
    'http://127.0.0.1:$',
    'http://localhost:$',
    'HTTP://LocalHost:$',
    'https://app.example.com',
    'https://APP.example.com',
  ])('control: %j ($ is the port) passes', async (origin) => {
    expectAllowed(await gateway.send(withLine(gateway.legacy(), 'Origin', origin.replace('$', port))))
  })

  test('a page may not ask what it may do: there is no CORS', async () => {
    const asked = withHeader(
      { ...gateway.legacy(), method: 'OPTIONS', body: '' },
      'Origin',
      'https://evil.test',
    )
    const seen = await gateway.send(withLine(asked, 'Access-Control-Request-Method', 'POST'))
    expectRefused(seen, FOREIGN)
    const names = Object.keys(seen.replies[0]?.headers ?? {})
    expect(names.filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

test('what is refused here is refused without a look at the key, and says nothing of it', async () => {
  const good = withHeader(gateway.legacy(), 'Host', 'evil.test')
  const bad = withHeader(good, 'Authorization', 'Bearer nobody')
  const [first, second] = [await gateway.send(good), await gateway.send(bad)]
  expect(first.decisions).toMatchObject([{ principal: null, credential: null, decision: 'deny' }])
  const told = ({ replies }: typeof first) => replies[0]?.body.replace(/"requestId":"[^"]+"/, '')
  expect(told(second)).toBe(told(first))
})

describe('lines that must come once', () => {
  const legacy = () => gateway.legacy({ session: 'x' })
  const cases: [string, string, () => WireRequest][] = [
    ['Authorization', 'Bearer other', legacy],
    ['Authorization', 'Bearer', () => withHeader(legacy(), 'Authorization', 'Bearer x')],
    ['Content-Type', 'application/json', legacy],
    ['Content-Encoding', 'identity', () => withLine(legacy(), 'Content-Encoding', 'identity')],
    ['Accept', '*/*', legacy],
    ['MCP-Protocol-Version', '2025-11-25', legacy],
    ['mcp-protocol-version', '2026-07-28', legacy],
    ['MCP-Protocol-Version', '2026-07-28', () => gateway.modern()],
    ['Mcp-Session-Id', 'y', legacy],
    ['Mcp-Method', 'tools/call', () => gateway.modern()],
    ['Mcp-Name', 'other', () => gateway.modern()],
    ['Last-Event-ID', '2', () => withLine(legacy(), 'Last-Event-ID', '1')],
    ['Mcp-Param-Region', 'us', () => withLine(gateway.modern(), 'Mcp-Param-Region', 'eu')],
    ['mcp-param-region', 'eu', () => withLine(gateway.modern(), 'Mcp-Param-Region', 'eu')],
  ]
  test.each(cases)('%s: %s a second time: refused', async (name, value, make) => {
    expectRefused(await gateway.send(withLine(make(), name, value)), {
      ...MALFORMED,
      detail: /more than one/,
    })
  })

  test('control: a header that decides nothing may come twice', async () => {
    expectAllowed(await gateway.send(withLine(withLine(gateway.legacy(), 'X-Note', '1'), 'X-Note', '2')))
  })
})
