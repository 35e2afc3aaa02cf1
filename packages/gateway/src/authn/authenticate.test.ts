import { describe, expect, it } from 'vitest'
import type { Peer } from '../model/exchange.ts'
import { formatApiKey, hashApiKey, type KeyRecord } from './api-key.ts'
import { type AuthenticateDeps, authenticate, challenge, isLocal } from './authenticate.ts'
import { RememberedKeys } from './remembered-keys.ts'

const token = formatApiKey(new Uint8Array(32).fill(1))
const alice = { type: 'User', id: 'alice' }
const local = { type: 'User', id: 'local' }
const loopback: Peer = { transport: 'tcp', address: '127.0.0.1', secure: false }
const remote: Peer = { transport: 'tcp', address: '192.0.2.7', secure: true }

describe('a key', () => {
  it('tells principal, agent and the name of the key', () => {
    expect(ask({ headers: ['Authorization', `Bearer ${token}`] })).toEqual({
      ok: true,
      value: {
        principal: alice,
        agent: { type: 'Agent', id: 'coder' },
        authentication: { method: 'api-key', credential: 'laptop' },
        bindingKey: '["User","alice","Agent","coder"]',
      },
    })
  })

  it.each([
    ['any case of header and scheme', 'AUTHORIZATION', `bEARER ${token}`],
    ['spaces around', 'authorization', `  Bearer   ${token}  `],
  ])('is found with %s', (_, name, value) => {
    expect(ask({ headers: [name, value] }).ok).toBe(true)
  })

  it('without an agent gives a caller without one', () => {
    const { agent: _, ...record } = key()
    const caller = ask({ headers: ['Authorization', `Bearer ${token}`], record })
    expect(caller).toMatchObject({ value: { bindingKey: '["User","alice",null,null]' } })
    expect(caller.ok && 'agent' in caller.value).toBe(false)
  })
})

describe('a credential that is not good is refused, even where the caller could be anonymous', () => {
  const cases: [string, Asking, string][] = [
    ['another scheme', { headers: ['Authorization', 'Basic dTpw'] }, 'does not hold a Tollgate key'],
    ['no scheme', { headers: ['Authorization', token] }, 'does not hold a Tollgate key'],
    ['an empty header', { headers: ['Authorization', ''] }, 'does not hold a Tollgate key'],
    ['an empty token', { headers: ['Authorization', 'Bearer '] }, 'does not hold a Tollgate key'],
    [
      'two tokens',
      { headers: ['Authorization', `Bearer ${token} ${token}`] },
      'does not hold a Tollgate key',
    ],
    [
      'two with a comma',
      { headers: ['Authorization', `Bearer ${token}, Bearer ${token}`] },
      'does not hold a',
    ],
    [
      'some other token',
      { headers: ['Authorization', 'Bearer eyJhbGciOiJub25lIn0.e30.'] },
      'does not hold a',
    ],
    [
      'a mistyped key',
      { headers: ['Authorization', `Bearer ${token.replace(/.$/, 'z')}`] },
      'does not hold a',
    ],
    [
      'an unknown key',
      { headers: ['Authorization', `Bearer ${formatApiKey(new Uint8Array(32))}`] },
      'not known here',
    ],
    ['a revoked key', { record: key({ revokedAtMs: 1 }) }, 'has been revoked'],
    ['an expired key', { record: key({ expiresAtMs: 1000 }) }, 'has expired'],
    [
      'two headers, one of them good',
      { headers: ['Authorization', `Bearer ${token}`, 'authorization', 'Bearer x'] },
      'more than one Authorization',
    ],
    [
      'the same header twice',
      {
        headers: ['Authorization', `Bearer ${token}`, 'Authorization', `Bearer ${token}`],
      },
      'more than one',
    ],
    ['a key in the address', { headers: [], target: `/mcp?key=${token}` }, 'do not belong in the address'],
    [
      'a token in the address',
      { headers: [], target: '/mcp?a=b&Access_Token=x' },
      'do not belong in the address',
    ],
    [
      'a good header and a token in the address',
      { headers: ['Authorization', `Bearer ${token}`], target: '/mcp?access_token=x' },
      'do not belong in the address',
    ],
  ]
  it.each(cases)('%s', (_, asking, message) => {
    const result = ask({ headers: ['Authorization', `Bearer ${token}`], ...asking, anonymous: local })
    expect(result).toMatchObject({
      ok: false,
      error: {
        reason: 'unauthenticated',
        message: expect.stringContaining(message),
        remedy: { kind: 'sign-in' },
      },
    })
    expect(JSON.stringify(result)).not.toContain(token)
  })

  it('and so is a key while keys cannot be looked up, but as unavailable', () => {
    const result = ask({ headers: ['Authorization', `Bearer ${token}`], anonymous: local, broken: true })
    expect(result).toMatchObject({ ok: false, error: { reason: 'unavailable', detail: 'disk I/O error' } })
  })
})

describe('no credential', () => {
  it('is refused unless anonymous callers are configured', () => {
    expect(ask({ headers: [] })).toMatchObject({ ok: false, error: { reason: 'unauthenticated' } })
  })

  it.each<[string, Peer]>([
    ['a loopback address', loopback],
    ['another one', { ...loopback, address: '127.255.0.9' }],
    ['a loopback address in IPv6', { ...loopback, address: '::1' }],
    ['a mapped one', { ...loopback, address: '::ffff:127.0.0.1' }],
    ['a Unix socket', { transport: 'unix', secure: false }],
  ])('is the anonymous principal from %s', (_, peer) => {
    expect(isLocal(peer)).toBe(true)
    expect(ask({ headers: [], anonymous: local, peer })).toEqual({
      ok: true,
      value: {
        principal: local,
        authentication: { method: 'anonymous' },
        bindingKey: '["User","local",null,null]',
      },
    })
  })

  it.each([
    '192.0.2.7',
    '10.0.0.1',
    '0.0.0.0',
    '128.0.0.1',
    '1127.0.0.1',
    '127.0.0.1.example.com',
    '127.1',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1%eth0',
    '::2',
    'fe80::1',
    '',
    undefined,
  ])('is refused from %s', (address) => {
    const peer: Peer = { transport: 'tcp', secure: true, ...(address === undefined ? {} : { address }) }
    expect(ask({ headers: [], anonymous: local, peer })).toMatchObject({
      error: { reason: 'unauthenticated' },
    })
  })

  it.each(['Forwarded', 'X-Forwarded-For', 'X-Real-IP', 'Via'])(
    'is refused when a proxy has added %s',
    (name) => {
      expect(ask({ headers: [name, '127.0.0.1'], anonymous: local })).toMatchObject({
        error: { reason: 'unauthenticated', detail: expect.stringContaining(name.toLowerCase()) },
      })
    },
  )
})

describe('challenge', () => {
  it('says whether a credential was presented', () => {
    const refusal = { reason: 'unauthenticated', message: '' } as const
    expect(challenge({ rawHeaders: [] }, refusal)).toBe('Bearer realm="tollgate"')
    expect(challenge({ rawHeaders: ['authorization', 'Bearer x'] }, refusal)).toBe(
      'Bearer realm="tollgate", error="invalid_token"',
    )
  })
})

interface Asking {
  readonly headers?: readonly string[]
  readonly target?: string
  readonly peer?: Peer
  readonly anonymous?: AuthenticateDeps['anonymous']
  readonly record?: KeyRecord
  readonly broken?: boolean
}

function ask({
  headers,
  target = '/mcp',
  peer = loopback,
  anonymous,
  record = key(),
  broken = false,
}: Asking) {
  const find = (tokenHash: string) => {
    if (broken) throw new Error('disk I/O error')
    return tokenHash === hashApiKey(token) ? record : undefined
  }
  const keys = new RememberedKeys({ lookup: { find, changed: () => false }, now: () => 1000 })
  const exchange = { rawHeaders: headers ?? [], method: 'POST', target, peer }
  const answer = authenticate(exchange, anonymous === undefined ? { keys } : { keys, anonymous })
  if (answer instanceof Promise) throw new Error('a key is never waited for')
  return answer
}

function key(fields: Partial<KeyRecord> = {}): KeyRecord {
  return { name: 'laptop', principal: alice, agent: 'coder', ...fields }
}

it('a key works from anywhere', () => {
  expect(ask({ headers: ['Authorization', `Bearer ${token}`], peer: remote }).ok).toBe(true)
})
