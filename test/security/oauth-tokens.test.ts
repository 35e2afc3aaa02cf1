/**
 * Tokens of issuers outside (A3, A4), as sessions, issuers of other habits and the audit log see them. What is refused of
 * one token for which requirement is in oauth-requirements.
 */
import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Claims } from '../fixtures/token-issuer.ts'
import { expectAllowed, expectRefused, type WatchedGateway } from '../fixtures/watched-gateway.ts'
import { startWorld, type World } from './oauth-requirements/world.ts'

let world: World
let gateway: WatchedGateway
beforeAll(async () => {
  world = await startWorld()
  gateway = world.gateway
})
afterAll(() => world.close())

const REFUSED = { status: 401, code: -31000, reason: 'unauthenticated' } as const
const route = () => world.route()
const good = (claims: Claims = {}, header: Claims = {}) => world.good(claims, header)
const withToken = (token: string, server?: string) => world.withToken(token, server)
const now = () => Math.floor(Date.now() / 1000)

type Case = readonly [
  requirement: string,
  title: string,
  token: () => string | Promise<string>,
  detail: RegExp,
]

describe('an issuer whose access tokens do not say what they are', () => {
  const loose = (more: Claims, header: Claims = { typ: 'JWT' }) =>
    world.other.sign(
      { iss: world.baitUrl, aud: route(), email: 'ada@example.com', email_verified: true, ...more },
      header,
    )

  test.each([
    ['JWT', { typ: 'JWT' }],
    ['nothing', { typ: undefined }],
    ['at+jwt', { typ: 'application/at+jwt' }],
  ])('may say %s', async (_, header) => {
    expectAllowed(await withToken(await loose({}, header)))
  })

  const cases: readonly Case[] = [
    ['RFC 9068, 4: ID token', 'at_hash', () => loose({ at_hash: 'x' }), /an ID token/],
    ['RFC 9068, 4: ID token', 'nonce', () => loose({ nonce: 'x' }), /an ID token/],
    ['RFC 9068, 4: ID token', 'for a client', () => loose({ aud: 'client' }), /another audience/],
    ['RFC 8725, 3.11', 'a logout token', () => loose({}, { typ: 'logout+jwt' }), /typ/],
    ['an address is verified', 'not', () => loose({ email_verified: false }), /not verified/],
    ['an address is verified', 'not said', () => loose({ email_verified: undefined }), /not verified/],
  ]
  test.each(cases)('%s: %s', async (_requirement, _title, make, detail) => {
    expectRefused(await withToken(await make()), { ...REFUSED, detail })
  })
})

describe('a token that is too large', () => {
  test('for a request head is refused before it is read', async () => {
    const seen = await withToken(await good({ pad: 'x'.repeat(20_000) }))
    expect(seen.replies[0]?.status).toBe(431)
    expect(seen.requests).toEqual([])
  })
})

describe('RFC 9700, 4.10; MCP: every request proves it anew', () => {
  test('a session of one principal is not another’s, and goes on with the next token of the same', async () => {
    const initialize = {
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    }
    const opened = await gateway.send(gateway.legacy({ ...initialize, key: await good() }))
    const session = opened.replies[0]?.headers['mcp-session-id'] ?? ''
    expect(session).not.toBe('')
    const ask = async (token: string) => gateway.send(gateway.legacy({ key: token, session }))
    expectAllowed(await ask(await good()))
    expectRefused(await ask(await good({ sub: 'bob' })), { status: 404, reason: 'unknown' })
    expectRefused(await ask(await world.other.sign({ aud: route() })), { status: 404, reason: 'unknown' })
    expectRefused(await ask('x.y.z'), REFUSED)
    expectAllowed(await ask(await good()))
  })

  test('the same subject at two issuers is two principals', async () => {
    const [one, two] = [
      await withToken(await good()),
      await withToken(await world.other.sign({ aud: route() })),
    ]
    expect([one.decisions[0]?.principal, two.decisions[0]?.principal]).toEqual([
      'User::"corp/ada"',
      'User::"other/ada"',
    ])
  })
})

describe('what is on record', () => {
  test('who, through which client, how proved, by which issuer; never the token', async () => {
    const jti = randomUUID()
    const token = await good({ jti, client_id: 'ide', acr: 'mfa', auth_time: 1_700_000_000 })
    const { decisions } = await withToken(token)
    expect(decisions).toMatchObject([
      {
        principal: 'User::"corp/ada"',
        agent: 'corp/ide',
        credential: `corp/${jti}`,
        authentication: { method: 'token', issuer: 'corp', strength: 'mfa', at: '2023-11-14T22:13:20.000Z' },
      },
    ])
    expect(JSON.stringify(decisions)).not.toContain(token)
  })

  test('a client on its own is a service, not a person', async () => {
    const { decisions } = await withToken(await good({ sub: 'batch', client_id: 'batch' }))
    expect(decisions).toMatchObject([{ principal: 'Service::"corp/batch"', agent: null }])
  })

  test('a configured audience is good for every route', async () => {
    const token = await good({ aud: ['https://gate.example.com'] })
    expectAllowed(await withToken(token))
    expectAllowed(await withToken(token, 'db'))
  })
})

test('the signing library would make the forged ones good if it were asked: the control of this file', async () => {
  const token = await new SignJWT({ iss: world.corp.url, sub: 'ada', aud: route(), exp: now() + 60 })
    .setProtectedHeader({
      alg: 'ES256',
      kid: 'key-1',
      typ: 'at+jwt',
      jku: world.baitUrl,
      jwk: world.foreign.jwk,
    })
    .sign(world.corp.key.privateKey)
  expectAllowed(await withToken(token))
  expect(world.looks()).toBe(0)
})
