/**
 * What a caller may not use is not there (invariant 4, A9): refused in the same bytes as what does not exist, so that
 * nobody can find out by asking.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import {
  expectAllowed,
  expectRefused,
  type Seen,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'
import { withHeader, withLine, withoutHeader, type WireRequest } from '../fixtures/wire.ts'

// Alice may do everything. Bob may call `echo` on `files` alone, get one prompt and read one resource there.
const POLICIES = `
@id("alice") permit (principal == User::"alice", action, resource);
@id("echo") permit (principal == User::"bob", action == Action::"files__echo", resource);
@id("hello") permit (principal == User::"bob", action == Action::"prompts/get", resource == Prompt::"files__hello");
@id("one") permit (principal == User::"bob", action == Action::"resources/read", resource in Server::"files")
  when { resource.uri == "record://one" };
@id("never") forbid (principal == User::"bob", action == Action::"files__quiz", resource);
@id("maybe") permit (principal == User::"bob", action == Action::"files__quiz", resource);
`
let gateway: WatchedGateway
beforeAll(async () => {
  gateway = await startWatchedGateway({ policies: POLICIES })
})
afterAll(() => gateway.close())

const eras = [
  { era: 'legacy', make: (...args: Parameters<WatchedGateway['legacy']>) => gateway.legacy(...args) },
  { era: 'modern', make: (...args: Parameters<WatchedGateway['modern']>) => gateway.modern(...args) },
] as const

/** Everything that the caller gets, but for what names the request and the thing asked for. */
function told({ replies }: Seen, ...names: string[]) {
  return replies.map(({ status, headers, body }) => {
    const { date: _, ...others } = headers
    const anonymous = (text: string) => names.reduce((shown, name) => shown.replaceAll(name, '…'), text)
    const shown = Object.entries(others).map(([name, value]) => [name, anonymous(value)])
    return { status, headers: shown, body: anonymous(body).replace(/"requestId":"[^"]+"/, '') }
  })
}

describe.each(eras)('in the $era era', ({ make }) => {
  interface Thing {
    readonly title: string
    readonly method: string
    readonly hidden: JsonObject
    readonly missing: JsonObject
    readonly names: readonly [string, string]
    readonly own: JsonObject
  }
  const things: Thing[] = [
    {
      title: 'a tool',
      method: 'tools/call',
      own: { name: 'echo', arguments: {} },
      hidden: { name: 'query', arguments: { region: 'eu', sql: '' } },
      missing: { name: 'nosuc', arguments: { region: 'eu', sql: '' } },
      names: ['query', 'nosuc'],
    },
    {
      title: 'a tool that a forbid hides from a permit',
      method: 'tools/call',
      own: { name: 'echo', arguments: {} },
      hidden: { name: 'quiz', arguments: {} },
      missing: { name: 'nosu', arguments: {} },
      names: ['quiz', 'nosu'],
    },
    {
      title: 'a prompt',
      method: 'prompts/get',
      own: { name: 'hello' },
      hidden: { name: 'bye' },
      missing: { name: 'nos' },
      names: ['bye', 'nos'],
    },
    {
      title: 'a resource',
      method: 'resources/read',
      own: { uri: 'record://one' },
      hidden: { uri: 'record://two' },
      missing: { uri: 'nothing://x1' },
      names: ['record://two', 'nothing://x1'],
    },
  ]
  test.each(things)('$title: refused, and exactly as one that is not there', async (thing) => {
    const { method, hidden, missing, names, own } = thing
    const ask = (params: JsonObject, key = gateway.bob) => gateway.send(make({ key, method, params }))
    expectAllowed(await ask(hidden, gateway.alice))
    expectAllowed(await ask(own))
    const one = await ask(hidden)
    const other = await ask(missing)
    const code = method === 'resources/read' && make === eras[0].make ? -32002 : -32602
    expectRefused(one, { status: 200, code, reason: 'unknown' })
    expectRefused(other, { status: 200, code, reason: 'unknown' })
    expect(told(one, ...names)).toEqual(told(other, ...names))
    expect(one.replies[0]?.body).not.toMatch(/tollgate|policy|permit/)
  })

  test.each([
    ['tools/list', 'tools', 'name', ['echo']],
    ['prompts/list', 'prompts', 'name', ['hello']],
    ['resources/list', 'resources', 'uri', ['record://one']],
  ])('%s shows what may be used, and only that', async (method, member, name, expected) => {
    const list = async (key: string) => {
      const { replies } = await gateway.send(make({ key, method, params: {} }))
      const { result } = JSON.parse(replies[0]?.body ?? '')
      return (result[member] as Record<string, string>[]).map((item) => item[name])
    }
    expect(await list(gateway.alice)).toEqual(expect.arrayContaining(expected))
    expect(await list(gateway.bob)).toEqual(expected)
  })
})

describe('a server on which a caller may do nothing', () => {
  const at = (server: string, make: (server: string) => WireRequest) => gateway.send(make(server))
  const requests: [string, (server: string) => WireRequest][] = [
    ['a call', (server) => gateway.legacy({ key: gateway.bob, server })],
    ['a modern call', (server) => gateway.modern({ key: gateway.bob, server })],
    [
      'initialize',
      (server) => gateway.legacy({ key: gateway.bob, server, method: 'initialize', params: {} }),
    ],
    [
      'server/discover',
      (server) => gateway.modern({ key: gateway.bob, server, method: 'server/discover', params: {} }),
    ],
    [
      'tools/list',
      (server) => gateway.legacy({ key: gateway.bob, server, method: 'tools/list', params: {} }),
    ],
    ['ping', (server) => gateway.legacy({ key: gateway.bob, server, method: 'ping', params: {} })],
    [
      'an unknown method',
      (server) => gateway.legacy({ key: gateway.bob, server, method: 'no/such', params: {} }),
    ],
    [
      'a notification',
      (server) => ({
        ...gateway.legacy({ key: gateway.bob, server }),
        body: '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      }),
    ],
    ['a session that is not', (server) => gateway.legacy({ key: gateway.bob, server, session: 'x' })],
    ['what is not JSON', (server) => ({ ...gateway.legacy({ key: gateway.bob, server }), body: '{' })],
    ['a batch', (server) => ({ ...gateway.legacy({ key: gateway.bob, server }), body: '[]' })],
    ['nothing', (server) => ({ ...gateway.legacy({ key: gateway.bob, server }), body: '' })],
    [
      'too much',
      (server) => ({ ...gateway.legacy({ key: gateway.bob, server }), body: ' '.repeat(5_000_000) }),
    ],
    [
      'text',
      (server) => withHeader(gateway.legacy({ key: gateway.bob, server }), 'Content-Type', 'text/plain'),
    ],
    [
      'a coding',
      (server) => withLine(gateway.legacy({ key: gateway.bob, server }), 'Content-Encoding', 'gzip'),
    ],
    [
      'too little accepted',
      (server) => withHeader(gateway.legacy({ key: gateway.bob, server }), 'Accept', 'text/html'),
    ],
    [
      'a version that there is none',
      (server) => withHeader(gateway.legacy({ key: gateway.bob, server }), 'MCP-Protocol-Version', '1'),
    ],
    [
      'headers that disagree',
      (server) => withHeader(gateway.modern({ key: gateway.bob, server }), 'Mcp-Name', 'x'),
    ],
    [
      'GET',
      (server) => ({
        ...gateway.legacy({ key: gateway.bob, server, session: 'x' }),
        method: 'GET',
        body: '',
      }),
    ],
    [
      'GET without a session',
      (server) => ({ ...gateway.legacy({ key: gateway.bob, server }), method: 'GET', body: '' }),
    ],
    [
      'GET that accepts no events',
      (server) =>
        withHeader(
          { ...gateway.legacy({ key: gateway.bob, server }), method: 'GET', body: '' },
          'Accept',
          'text/html',
        ),
    ],
    [
      'DELETE',
      (server) => ({
        ...gateway.legacy({ key: gateway.bob, server, session: 'x' }),
        method: 'DELETE',
        body: '',
      }),
    ],
    ['PUT', (server) => ({ ...gateway.legacy({ key: gateway.bob, server }), method: 'PUT' })],
    [
      'OPTIONS',
      (server) => ({ ...gateway.legacy({ key: gateway.bob, server }), method: 'OPTIONS', body: '' }),
    ],
    [
      'a task that is not',
      (server) => gateway.modern({ key: gateway.bob, server, method: 'tasks/get', params: { taskId: 'x' } }),
    ],
    [
      'a cursor that is not',
      (server) => gateway.legacy({ key: gateway.bob, server, method: 'tools/list', params: { cursor: 'x' } }),
    ],
  ]
  test.each(requests)('%s: refused, and exactly as where there is no server', async (_title, make) => {
    const [hidden, missing] = [await at('db', make), await at('xx', make)]
    expect(told(hidden)).toEqual(told(missing))
    for (const seen of [hidden, missing]) {
      expect(seen.requests).toEqual([])
      expect(seen.decisions).toMatchObject([{ decision: 'deny', principal: 'User::"bob"', server: null }])
    }
  })

  test('the log knows the difference', async () => {
    const details = [await at('db', requests[0]![1]), await at('xx', requests[0]![1])].map((seen) => {
      expectRefused(seen, { status: 404, code: -31000, reason: 'unknown' })
      return seen.decisions[0]?.detail
    })
    expect(details).toEqual([expect.stringMatching(/no policy.*"db"/), 'no such server'])
  })

  test('control: who may do something there is answered', async () => {
    expectAllowed(await gateway.send(gateway.legacy({ server: 'db' })))
    const bad = withHeader(gateway.legacy({ server: 'db' }), 'Content-Type', 'text/plain')
    expectRefused(await gateway.send(bad), { status: 415, code: -32600, reason: 'invalid' })
  })

  test('without a key nothing can be told apart either', async () => {
    const ask = (server: string) => gateway.send(withoutHeader(gateway.legacy({ server }), 'Authorization'))
    const [there, not] = [await ask('db'), await ask('xx')]
    expectRefused(there, { status: 401, code: -31000, reason: 'unauthenticated' })
    expect(told(there, 'db')).toEqual(told(not, 'xx'))
  })
})
