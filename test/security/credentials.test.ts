/** Who is calling (A1): every request proves it anew, and a credential that is not good is never passed over. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKeyStore } from '../../packages/gateway/src/store/keys.ts'
import { ANONYMOUS } from '../fixtures/gateway.ts'
import {
  eventually,
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'
import { withHeader, withLine, withoutHeader, type WireRequest } from '../fixtures/wire.ts'

let gateway: WatchedGateway
let open: WatchedGateway
beforeAll(async () => {
  gateway = await startWatchedGateway()
  open = await startWatchedGateway({ config: ANONYMOUS })
})
afterAll(async () => {
  await gateway.close()
  await open.close()
})

const REFUSED = { status: 401, code: -31000, reason: 'unauthenticated' } as const
/** Where to get a token, and what to ask for: said where nobody is anonymous. */
const rest = () =>
  `, resource_metadata="${gateway.origin}/.well-known/oauth-protected-resource/mcp/files", scope="mcp"`
const as = (gate: WatchedGateway, authorization: string) =>
  withHeader(gate.legacy(), 'Authorization', authorization)

test('control: a good key passes, and the log names who and by which key', async () => {
  const seen = await gateway.send(gateway.legacy())
  expectAllowed(seen)
  expect(seen.decisions).toMatchObject([
    { principal: 'User::"alice"', credential: expect.stringMatching(/^key-/) },
  ])
})

test.each(['Bearer', 'bearer', 'BEARER', 'bEaReR', 'Bearer '])(
  'control: the scheme %s passes',
  async (scheme) => {
    expectAllowed(await gateway.send(as(gateway, `${scheme} ${gateway.alice}`)))
  },
)

describe('without a good credential', () => {
  const altered = (at: number) => {
    const key = gateway.alice
    return `${key.slice(0, at)}${key[at] === 'A' ? 'B' : 'A'}${key.slice(at + 1)}`
  }
  const cases: [string, () => string][] = [
    ['an empty header', () => ''],
    ['the scheme alone', () => 'Bearer'],
    ['the key alone', () => gateway.alice],
    ['another scheme', () => `Token ${gateway.alice}`],
    ['Basic', () => `Basic ${Buffer.from(`alice:${gateway.alice}`).toString('base64')}`],
    ['Negotiate', () => 'Negotiate YII'],
    ['DPoP', () => `DPoP ${gateway.alice}`],
    ['a key that was never made', () => `Bearer tg_${'A'.repeat(43)}00000000`],
    ['a key with a letter changed', () => `Bearer ${altered(10)}`],
    ['a key with its checksum changed', () => `Bearer ${altered(gateway.alice.length - 1)}`],
    ['a key cut short', () => `Bearer ${gateway.alice.slice(0, -1)}`],
    ['a key made longer', () => `Bearer ${gateway.alice}0`],
    ['a key in capitals', () => `Bearer ${gateway.alice.toUpperCase()}`],
    ['a key in quotes', () => `Bearer "${gateway.alice}"`],
    ['two keys', () => `Bearer ${gateway.alice} ${gateway.bob}`],
    ['two keys with a comma', () => `Bearer ${gateway.alice}, Bearer ${gateway.bob}`],
    ['two schemes', () => `Basic x, Bearer ${gateway.alice}`],
    ['a key and a parameter', () => `Bearer ${gateway.alice};realm=x`],
    ['a tab instead of a space', () => `Bearer\t${gateway.alice}`],
    [
      'an unsigned token',
      () =>
        `Bearer ${['{"alg":"none"}', '{"sub":"alice"}', ''].map((part) => Buffer.from(part).toString('base64url')).join('.')}`,
    ],
    ['a name', () => 'Bearer alice'],
    ['the hash of a key', () => `Bearer ${'x'.repeat(43)}`],
    ['wild cards', () => 'Bearer tg_%'],
    ['SQL', () => `Bearer tg_' OR '1'='1`],
  ]
  test.each(cases)('%s: refused with a challenge; never taken for nobody', async (_title, authorization) => {
    for (const gate of [gateway, open]) {
      const seen = await gate.send(as(gate, authorization()))
      expectRefused(seen, REFUSED)
      const challenge = seen.replies[0]?.headers['www-authenticate']
      expect(challenge).toBe(`Bearer realm="tollgate", error="invalid_token"${gate === open ? '' : rest()}`)
      expect(seen.decisions).toMatchObject([{ principal: null, credential: null }])
      expect(seen.replies[0]?.body).not.toContain(gateway.alice)
    }
  })

  test('none: refused where nobody is anonymous, let in where the configuration says so', async () => {
    const seen = await gateway.send(withoutHeader(gateway.legacy(), 'Authorization'))
    expectRefused(seen, REFUSED)
    expect(seen.replies[0]?.headers['www-authenticate']).toBe(`Bearer realm="tollgate"${rest()}`)
    const welcome = await open.send(withoutHeader(open.legacy(), 'Authorization'))
    expectAllowed(welcome)
    expect(welcome.decisions).toMatchObject([{ principal: 'User::"local"', credential: null }])
  })

  test.each(['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via'])(
    'none, and %s, so it came from elsewhere: refused',
    async (name) => {
      const request = withLine(withoutHeader(open.legacy(), 'Authorization'), name, '127.0.0.1')
      expectRefused(await open.send(request), REFUSED)
    },
  )

  test.each(['GET', 'DELETE', 'OPTIONS', 'PUT'])('none, in a %s: refused', async (method) => {
    const request = { ...withoutHeader(gateway.legacy({ session: 'x' }), 'Authorization'), method, body: '' }
    expectRefused(await gateway.send(request), REFUSED)
  })

  test.each(['initialize', 'server/discover', 'ping', 'tools/list', 'notifications/initialized'])(
    'none, in %s: refused like any other',
    async (method) => {
      expectRefused(
        await gateway.send(withoutHeader(gateway.legacy({ method, params: {} }), 'Authorization')),
        REFUSED,
      )
      expectRefused(
        await gateway.send(withoutHeader(gateway.modern({ method, params: {} }), 'Authorization')),
        REFUSED,
      )
    },
  )

  test.each(['/', '/mcp', '/mcp/files', '/mcp/no-such-server', '/.well-known/x'])(
    'none, at %s: refused alike, whatever is there',
    async (target) => {
      expectRefused(
        await gateway.send({ ...withoutHeader(gateway.legacy(), 'Authorization'), target }),
        REFUSED,
      )
    },
  )

  test.each([
    ['Proxy-Authorization', (key: string) => `Bearer ${key}`],
    ['Cookie', (key: string) => `access_token=${key}`],
    ['X-Api-Key', (key: string) => key],
    ['X-Forwarded-User', () => 'alice'],
    ['X-Remote-User', () => 'alice'],
    ['X-Forwarded-Access-Token', (key: string) => key],
  ])('a credential in %s instead: refused', async (name, value) => {
    const request = withLine(withoutHeader(gateway.legacy(), 'Authorization'), name, value(gateway.alice))
    expectRefused(await gateway.send(request), REFUSED)
  })
})

describe('a key in the address', () => {
  const targets: [string, (key: string) => string][] = [
    ['access_token', (key) => `/mcp/files?access_token=${key}`],
    ['token', (key) => `/mcp/files?token=${key}`],
    ['api_key', (key) => `/mcp/files?api_key=${key}`],
    ['without a name', (key) => `/mcp/files?${key}`],
  ]
  test.each(targets)('%s: refused, with or without the header, and not logged', async (_title, target) => {
    const requests: WireRequest[] = [gateway.legacy(), withoutHeader(gateway.legacy(), 'Authorization')]
    for (const request of requests) {
      const seen = await gateway.send({ ...request, target: target(gateway.alice) })
      expectRefused(seen, REFUSED)
      expect(JSON.stringify([seen.decisions, seen.replies, gateway.log])).not.toContain(gateway.alice)
    }
  })
})

describe('a key that was good', () => {
  test('revoked: refused within a second, and so is what was begun with it', async () => {
    const store = openKeyStore(join(gateway.folder, 'data'))
    if (!store.ok) throw new Error(store.error)
    const nowMs = Date.now()
    const made = store.value.create({ name: 'to-revoke', principal: { type: 'User', id: 'dora' }, nowMs })
    if (!made.ok) throw new Error(made.error)
    const request = gateway.legacy({ key: made.value.token })
    expectAllowed(await gateway.send(request))
    store.value.revoke('to-revoke', Date.now())
    store.value.close()
    await eventually(
      async () => expectRefused(await gateway.send(request), { ...REFUSED, detail: /to-revoke/ }),
      2000,
    )
  })

  test('expired: refused', async () => {
    const store = openKeyStore(join(gateway.folder, 'data'))
    if (!store.ok) throw new Error(store.error)
    const principal = { type: 'User', id: 'erin' }
    const nowMs = Date.now()
    const past = store.value.create({
      name: 'past',
      principal,
      nowMs: nowMs - 2000,
      expiresAtMs: nowMs - 1000,
    })
    const soon = store.value.create({ name: 'soon', principal, nowMs, expiresAtMs: nowMs + 700 })
    store.value.close()
    if (!past.ok || !soon.ok) throw new Error('no key')
    expectRefused(await gateway.send(gateway.legacy({ key: past.value.token })), {
      ...REFUSED,
      detail: /past/,
    })
    const request = gateway.legacy({ key: soon.value.token })
    expectAllowed(await gateway.send(request))
    await eventually(
      async () => expectRefused(await gateway.send(request), { ...REFUSED, detail: /soon/ }),
      3000,
    )
  })
})
