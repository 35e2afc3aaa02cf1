/** Token exchange (RFC 8693): what nobody must get by it, and what ends what came of it. */
import { importJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTokenIssuer } from '../fixtures/token-issuer.ts'
import { addMachine, claimsOf, type Machine } from '../fixtures/oauth/machine.ts'
import { startTestServer, type TestServer } from '../fixtures/oauth/server.ts'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

let server: TestServer
let client: string
let planner: Machine
let worker: Machine
/** Of alice, by a client that registered itself. */
let tokens: { access_token: string; refresh_token: string }
beforeAll(async () => {
  server = await startTestServer()
  client = await server.register()
  planner = await addMachine(server.store, server.origin, 'planner', { kind: 'agent' })
  worker = await addMachine(server.store, server.origin, 'worker', { kind: 'agent' })
  tokens = await grant()
})
afterAll(() => server.close())

async function grant(clientId = client): Promise<typeof tokens> {
  const code = (await server.consent(clientId)).searchParams.get('code') ?? ''
  return (await server.token(server.exchange(clientId, code))).body as unknown as typeof tokens
}

const asked = (token: unknown, changes: Record<string, string> = {}) => ({
  grant_type: EXCHANGE,
  subject_token: String(token),
  subject_token_type: ACCESS_TOKEN,
  ...changes,
})
const exchange = (actor: Machine, token: unknown, changes: Record<string, string> = {}) =>
  actor.token(asked(token, changes))
const isGranted = (token: unknown) =>
  server.store.isGranted(String(claimsOf(token)['jti']).split('.')[0] ?? '', Date.now())

/** A token as ours, signed with our key, with these claims instead. */
async function ours(changes: object, header: object = {}): Promise<string> {
  const [jwk = {}] = server.keys
  const claims = { ...claimsOf(tokens.access_token), ...changes }
  const given = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
  return new SignJWT(given)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: String(jwk.kid), ...header })
    .sign(await importJWK(jwk, 'ES256'))
}

describe('an exchange', () => {
  it('gives a token of the same person, for the same route, by the client that asked', async () => {
    const { status, body } = await exchange(planner, tokens.access_token)
    expect(body).toMatchObject({ token_type: 'Bearer', issued_token_type: ACCESS_TOKEN, scope: 'mcp' })
    expect(status).toBe(200)
    expect(body).not.toHaveProperty('refresh_token')
    const { exp, auth_time, acr } = claimsOf(tokens.access_token)
    const claims = claimsOf(body['access_token'])
    expect(claims).toMatchObject({
      sub: 'alice',
      aud: server.resource(),
      client_id: 'planner',
      client_auth: 'private_key_jwt',
      act: { sub: 'planner' },
      first_client_id: client,
      auth_time,
      acr,
    })
    expect(Number(claims['exp'])).toBeLessThanOrEqual(Number(exp))
    expect(isGranted(body['access_token'])).toBe(true)
    expect(server.happenings.at(-1)).toMatchObject({ event: 'token', account: 'alice', client: 'planner' })
  })

  it('can be made of what came of one: the one who acts is outermost', async () => {
    const { body: first } = await exchange(planner, tokens.access_token)
    const { body: second } = await exchange(worker, first['access_token'])
    expect(claimsOf(second['access_token'])).toMatchObject({
      sub: 'alice',
      client_id: 'worker',
      act: { sub: 'worker', act: { sub: 'planner' } },
      first_client_id: client,
    })
  })

  it('can be made of a service’s own token, which is then the first and needs no naming', async () => {
    const own = await planner.ownToken(server.resource())
    const { body } = await exchange(worker, own, {
      actor_token: await worker.ownToken(server.resource('db')),
      actor_token_type: ACCESS_TOKEN,
    })
    const claims = claimsOf(body['access_token'])
    expect(claims).toMatchObject({ sub: 'planner', principal_type: 'agent', act: { sub: 'worker' } })
    expect(claims).not.toHaveProperty('first_client_id')
  })
})

describe('an exchange is refused', () => {
  const cases: readonly [string, () => Promise<Record<string, string>>, string][] = [
    ['for more scopes', async () => asked(tokens.access_token, { scope: 'mcp admin' }), 'invalid_scope'],
    [
      'for another route',
      async () => asked(tokens.access_token, { resource: server.resource('db') }),
      'invalid_target',
    ],
    [
      'for another audience',
      async () => asked(tokens.access_token, { audience: server.resource('db') }),
      'invalid_target',
    ],
    [
      'for a refresh token',
      async () =>
        asked(tokens.access_token, {
          requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token',
        }),
      'invalid_request',
    ],
    ['of a refresh token', async () => asked(tokens.refresh_token), 'invalid_request'],
    [
      'of a refresh token that is called one',
      async () =>
        asked(tokens.refresh_token, { subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }),
      'invalid_request',
    ],
    ['of an ID token', async () => asked(await ours({}, { typ: 'JWT' })), 'invalid_request'],
    [
      'of an ID token that is called one',
      async () =>
        asked(tokens.access_token, { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' }),
      'invalid_request',
    ],
    [
      'of a token that has expired',
      async () => asked(await ours({ exp: Math.floor(Date.now() / 1000) - 1 })),
      'invalid_request',
    ],
    ['of a token without an end', async () => asked(await ours({ exp: undefined })), 'invalid_request'],
    [
      'of a token of another issuer',
      async () => asked(await ours({ iss: 'https://idp.example' })),
      'invalid_request',
    ],
    ['of a token without a standing', async () => asked(await ours({ jti: 'x' })), 'invalid_request'],
    [
      'of a token for somewhere else',
      async () => asked(await ours({ aud: 'https://elsewhere.example' })),
      'invalid_target',
    ],
    [
      'of a token that is bound to a key',
      async () => asked(await ours({ cnf: { jkt: 'x' } })),
      'invalid_request',
    ],
    ['of nothing', async () => ({ grant_type: EXCHANGE }), 'invalid_request'],
    [
      'of a token without a type',
      async () => ({ grant_type: EXCHANGE, subject_token: tokens.access_token }),
      'invalid_request',
    ],
    [
      'with the token of another as actor',
      async () =>
        asked(tokens.access_token, {
          actor_token: await worker.ownToken(server.resource()),
          actor_token_type: ACCESS_TOKEN,
        }),
      'invalid_request',
    ],
    [
      'with the token of a person who has its name as actor',
      async () =>
        asked(tokens.access_token, {
          actor_token: await ours({ sub: 'planner' }),
          actor_token_type: ACCESS_TOKEN,
        }),
      'invalid_request',
    ],
    [
      'with an actor of no type',
      async () => asked(tokens.access_token, { actor_token: await planner.ownToken(server.resource()) }),
      'invalid_request',
    ],
  ]
  it.each(cases)('%s', async (_title, fields, error) => {
    const { status, body } = await planner.token(await fields())
    expect(body).toMatchObject({ error })
    expect(status).toBe(400)
  })

  it('with a chain that was forged, or a key that is another’s', async () => {
    const issuer = await startTokenIssuer()
    const claims = { ...claimsOf(tokens.access_token), act: { sub: 'planner' } }
    const signed = await issuer.sign(claims)
    await issuer.close()
    const [head, , signature] = tokens.access_token.split('.')
    const changed = [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.')
    const none = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${changed.split('.')[1]}.`
    for (const token of [signed, changed, none])
      expect((await exchange(worker, token)).body).toMatchObject({ error: 'invalid_request' })
  })

  it('when the token is the client’s own already', async () => {
    const { body } = await exchange(planner, tokens.access_token)
    for (const token of [body['access_token'], await planner.ownToken(server.resource())])
      expect((await exchange(planner, token)).body).toMatchObject({ error: 'invalid_request' })
  })

  it('beyond eight times', async () => {
    let token: unknown = tokens.access_token
    for (let depth = 1; depth <= 8; depth++) {
      const { body } = await exchange(depth % 2 === 0 ? worker : planner, token)
      token = body['access_token']
    }
    const { body } = await exchange(planner, token)
    expect(body).toMatchObject({ error: 'invalid_request' })
    expect(body['error_description']).toContain('8 times')
  })

  it('to clients that registered themselves, that show no key, or that were revoked', async () => {
    const registered = await server.register()
    for (const client_id of [registered, client, 'planner']) {
      const { body } = await server.token({ ...asked(tokens.access_token), client_id })
      expect(['invalid_request', 'invalid_client']).toContain(body['error'])
    }
    await expect(server.register({ grant_types: ['authorization_code', EXCHANGE] })).rejects.toThrow(
      'operator',
    )
    const doomed = await addMachine(server.store, server.origin, 'doomed')
    server.store.clients.revoke('doomed', Date.now())
    expect((await exchange(doomed, tokens.access_token)).body).toMatchObject({ error: 'invalid_client' })
  })

  it('where a proof of a key comes with it, which the token would not hold', async () => {
    const body = new URLSearchParams({
      ...asked(tokens.access_token),
      client_assertion: await planner.assertion(),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
    const response = await fetch(`${server.origin}/oauth/token`, {
      method: 'POST',
      body,
      headers: { DPoP: 'x' },
    })
    expect(await response.json()).toMatchObject({ error: 'invalid_request' })
  })
})

describe('what came of two exchanges ends', () => {
  const ends: readonly [
    string,
    (of: { first: string; middle: string; last: string }) => Promise<void> | void,
  ][] = [
    ['with the first client', ({ first }) => void server.store.clients.revoke(first, Date.now())],
    ['with the one in the middle', ({ middle }) => void server.store.clients.revoke(middle, Date.now())],
    ['with the last', ({ last }) => void server.store.clients.revoke(last, Date.now())],
    [
      'with what the person let the first do',
      ({ first }) => void server.store.clients.withdraw(first, 'alice', Date.now()),
    ],
  ]
  it.each(ends)('%s', async (title, end) => {
    const id = title.replaceAll(' ', '-')
    const [middle, last] = [
      await addMachine(server.store, server.origin, `middle-${id}`),
      await addMachine(server.store, server.origin, `last-${id}`),
    ]
    const first = await server.register()
    const { access_token: subject } = await grant(first)
    const { body } = await exchange(middle, subject)
    const { body: made } = await exchange(last, body['access_token'])
    expect(isGranted(made['access_token'])).toBe(true)
    await end({ first, middle: middle.id, last: last.id })
    expect(isGranted(made['access_token'])).toBe(false)
    expect((await exchange(planner, made['access_token'])).body).toMatchObject({ error: 'invalid_request' })
    // And nobody else's.
    expect(isGranted(tokens.access_token)).toBe(true)
  })

  it('with the token that was exchanged, which is itself good for no exchange then', async () => {
    const { access_token: subject } = await grant()
    const { body } = await exchange(planner, subject)
    const { body: made } = await exchange(worker, body['access_token'])
    const revoke = new URLSearchParams({ client_id: client, token: subject })
    expect((await fetch(`${server.origin}/oauth/revoke`, { method: 'POST', body: revoke })).status).toBe(200)
    expect(isGranted(made['access_token'])).toBe(false)
    for (const token of [subject, body['access_token'], made['access_token']]) {
      const other = await addMachine(server.store, server.origin, `other-${crypto.randomUUID()}`)
      expect((await exchange(other, token)).body).toMatchObject({ error: 'invalid_request' })
    }
    expect(isGranted(tokens.access_token)).toBe(true)
  })

  it('with the refresh token of the first, with the client that it is of, and with the person', async () => {
    const subject = await grant()
    const { body } = await exchange(planner, subject.access_token)
    const revoked = await fetch(`${server.origin}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: client, token: subject.refresh_token }),
    })
    expect(revoked.status).toBe(200)
    expect(isGranted(body['access_token'])).toBe(false)

    const service = await addMachine(server.store, server.origin, 'service')
    const { body: made } = await exchange(worker, await service.ownToken(server.resource()))
    expect(isGranted(made['access_token'])).toBe(true)
    server.store.clients.revoke('service', Date.now())
    expect(isGranted(made['access_token'])).toBe(false)

    const { body: last } = await exchange(worker, tokens.access_token)
    expect(isGranted(last['access_token'])).toBe(true)
    server.store.people.remove('alice', Date.now())
    expect(isGranted(last['access_token'])).toBe(false)
  })
})
