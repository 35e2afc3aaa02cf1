/**
 * A session id is not a credential (A10, invariant 3): for anyone but the caller it was made for, and on any other
 * server, it does not exist; and nobody can tell such an id from one that never was.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectAllowed,
  expectRefused,
  type Seen,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'
import { withHeader, withoutHeader, type WireRequest } from '../fixtures/wire.ts'

let gateway: WatchedGateway
beforeAll(async () => {
  gateway = await startWatchedGateway()
})
afterAll(() => gateway.close())

const NOT_FOUND = { status: 404, code: -32001, reason: 'unknown' } as const
const NEVER = 'A'.repeat(32)

async function startSession(key: string, server = 'files'): Promise<string> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
  const seen = await gateway.send(gateway.legacy({ key, server, method: 'initialize', params }))
  expectAllowed(seen)
  const session = seen.replies[0]?.headers['mcp-session-id']
  if (session === undefined) throw new Error('no session')
  return session
}

interface Use {
  readonly how: string
  make(key: string, session: string, server?: string): WireRequest
}
const uses: Use[] = [
  { how: 'a call', make: (key, session, server = 'files') => gateway.legacy({ key, session, server }) },
  {
    how: 'a notification',
    make: (key, session, server = 'files') => {
      const body = JSON.stringify({
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: 1 },
      })
      return { ...gateway.legacy({ key, session, server }), body }
    },
  },
  {
    how: 'an answer to the server',
    make: (key, session, server = 'files') => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { action: 'accept' } })
      return { ...gateway.legacy({ key, session, server }), body }
    },
  },
  {
    how: 'GET',
    make: (key, session, server = 'files') => ({
      ...gateway.legacy({ key, session, server }),
      method: 'GET',
      body: '',
    }),
  },
  {
    how: 'GET to resume',
    make: (key, session, server = 'files') =>
      withHeader(
        { ...gateway.legacy({ key, session, server }), method: 'GET', body: '' },
        'Last-Event-ID',
        'stream-1',
      ),
  },
  {
    how: 'DELETE',
    make: (key, session, server = 'files') => ({
      ...gateway.legacy({ key, session, server }),
      method: 'DELETE',
      body: '',
    }),
  },
]

describe.each(uses)('$how', ({ make }) => {
  test('control: of the caller who has the session reaches the server, in the server’s own session', async () => {
    const session = await startSession(gateway.alice)
    const { decisions, requests } = await gateway.send(make(gateway.alice, session))
    expect(decisions).toMatchObject([{ decision: 'allow' }])
    expect(requests).toHaveLength(1)
    expect(requests[0]?.rawHeaders).toContain('mcp-session-id')
    expect(requests[0]?.rawHeaders).not.toContain(session)
  })

  test('of another principal: refused, and the session lives on', async () => {
    const session = await startSession(gateway.alice)
    const seen = await gateway.send(make(gateway.bob, session))
    expectRefused(seen, { ...NOT_FOUND, detail: /another caller/ })
    expect(seen.decisions).toMatchObject([{ principal: 'User::"bob"' }])
    expectAllowed(await gateway.send(gateway.legacy({ session })))
  })

  test('of another agent of the same principal: refused', async () => {
    const [one, other] = [gateway.key('carol', 'claude-code'), gateway.key('carol', 'cursor')]
    const session = await startSession(one)
    expectRefused(await gateway.send(make(other, session)), NOT_FOUND)
    expectRefused(await gateway.send(make(gateway.key('carol'), session)), NOT_FOUND)
    expectAllowed(await gateway.send(gateway.legacy({ key: one, session })))
  })

  test('on another server: refused', async () => {
    const session = await startSession(gateway.alice)
    expectRefused(await gateway.send(make(gateway.alice, session, 'db')), NOT_FOUND)
    const there = await startSession(gateway.alice, 'db')
    expectRefused(await gateway.send(make(gateway.alice, there)), NOT_FOUND)
    expectAllowed(await gateway.send(gateway.legacy({ session: there, server: 'db' })))
  })

  test('after DELETE: refused', async () => {
    const session = await startSession(gateway.alice)
    const end = { ...gateway.legacy({ session }), method: 'DELETE', body: '' }
    expect((await gateway.send(end)).replies.map(({ status }) => status)).toEqual([200])
    expectRefused(await gateway.send(make(gateway.alice, session)), NOT_FOUND)
  })

  test.each([
    ['the server’s own id', () => serversOwnId()],
    ['one letter less', async () => (await startSession(gateway.alice)).slice(0, -1)],
    ['one letter more', async () => `${await startSession(gateway.alice)}A`],
    ['other case', async () => swapCase(await startSession(gateway.alice))],
    ['two ids', async () => `${await startSession(gateway.alice)}, ${await startSession(gateway.alice)}`],
    ['nothing', async () => ''],
    ['a name of Object.prototype', async () => '__proto__'],
  ])('with %s for an id: refused', async (_title, session) => {
    expectRefused(await gateway.send(make(gateway.alice, await session())), NOT_FOUND)
  })

  test('with someone else’s id is answered exactly as with one that never was', async () => {
    const session = await startSession(gateway.alice)
    const theirs = await gateway.send(make(gateway.bob, session))
    const never = await gateway.send(make(gateway.bob, NEVER))
    expect(told(theirs)).toEqual(told(never))
  })

  test('without a key, or with a bad one, the session id helps nobody', async () => {
    const session = await startSession(gateway.alice)
    const request = make(gateway.alice, session)
    const refused = { status: 401, code: -31000, reason: 'unauthenticated' } as const
    expectRefused(await gateway.send(withoutHeader(request, 'Authorization')), refused)
    expectRefused(await gateway.send(withHeader(request, 'Authorization', 'Bearer nobody')), refused)
  })
})

test('initialize with the id of another caller’s session opens a new one', async () => {
  const theirs = await startSession(gateway.alice)
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
  const request = gateway.legacy({ key: gateway.bob, method: 'initialize', params, session: theirs })
  const seen = await gateway.send(request)
  const { rawHeaders } = expectAllowed(seen)
  expect(rawHeaders.map((name) => name.toLowerCase())).not.toContain('mcp-session-id')
  const mine = seen.replies[0]?.headers['mcp-session-id']
  expect(mine).toMatch(/^[\x21-\x7e]{22,}$/)
  expect(mine).not.toBe(theirs)
  expectRefused(await gateway.send(gateway.legacy({ session: mine ?? '' })), NOT_FOUND)
})

test('a modern request has no session: an id on it is neither used nor passed on', async () => {
  const session = await startSession(gateway.alice)
  const { rawHeaders } = expectAllowed(await gateway.send(gateway.modern({ key: gateway.bob, session })))
  expect(rawHeaders).not.toContain(session)
  expect(rawHeaders.map((name) => name.toLowerCase())).not.toContain('mcp-session-id')
})

test('ids are long, random and never the server’s', async () => {
  const ids: string[] = []
  for (let count = 0; count < 20; count++) ids.push(await startSession(gateway.alice))
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(Buffer.from(id, 'base64url').length).toBeGreaterThanOrEqual(16)
})

/** The id under which the server knows a session of alice. */
async function serversOwnId(): Promise<string> {
  const session = await startSession(gateway.alice)
  const { rawHeaders } = expectAllowed(await gateway.send(gateway.legacy({ session })))
  return rawHeaders[rawHeaders.indexOf('mcp-session-id') + 1] ?? ''
}

function swapCase(text: string): string {
  return text.replace(/[A-Za-z]/g, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  )
}

/** What a caller is told, without what names the request. */
function told({ replies }: Seen) {
  return replies.map(({ status, headers, body }) => {
    const { date: _, ...others } = headers
    return { status, headers: others, body: body.replace(/"requestId":"[^"]+"/, '') }
  })
}
