/**
 * Clients that ask for themselves (RFC 6749, 4.4; RFC 7523, 3; MCP, OAuth client credentials): each case is the good
 * request with one thing changed.
 */
import { createHmac } from 'node:crypto'
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePublicKeys } from '../../packages/gateway/src/cli/public-keys.ts'
import { addMachine, ASSERTION_TYPE, claimsOf, type Machine } from '../fixtures/oauth/machine.ts'
import { startTestServer, type TestServer } from '../fixtures/oauth/server.ts'

let server: TestServer
let nightly: Machine
let other: Machine
let good: Record<string, string>
beforeAll(async () => {
  server = await startTestServer()
  nightly = await addMachine(server.store, server.origin, 'nightly')
  other = await addMachine(server.store, server.origin, 'other', { kind: 'agent' })
  good = { grant_type: 'client_credentials', resource: server.resource() }
})
afterAll(() => server.close())

const seconds = () => Math.floor(Date.now() / 1000)
const withAssertion = async (assertion: string | Promise<string>) =>
  nightly.token({ ...good, client_assertion: await assertion })

describe('a client on its own', () => {
  it('gets a token that says what it is and for which route, for a short time, and nothing else', async () => {
    const { status, body } = await nightly.token(good)
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'mcp', expires_in: 300 })
    expect(body).not.toHaveProperty('refresh_token')
    expect(claimsOf(body['access_token'])).toMatchObject({
      sub: 'nightly',
      client_id: 'nightly',
      aud: server.resource(),
      principal_type: 'service',
      client_auth: 'private_key_jwt',
    })
    expect(claimsOf(await other.ownToken(server.resource()))).toMatchObject({ principal_type: 'agent' })
  })

  it.each([
    ['no route', { resource: '' }, 'invalid_target'],
    ['a route elsewhere', { resource: 'https://elsewhere.example/mcp/files' }, 'invalid_target'],
    ['another path', { resource: 'ORIGIN/admin' }, 'invalid_target'],
  ])('names the route it is for: %s', async (_title, changes, error) => {
    const resource = changes.resource.replace('ORIGIN', server.origin)
    expect((await nightly.token({ ...good, resource })).body).toMatchObject({ error })
  })

  it('gets a token for one route at a time', async () => {
    const body = new URLSearchParams({
      ...good,
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: await nightly.assertion(),
    })
    body.append('resource', server.resource('db'))
    const response = await fetch(`${server.origin}/oauth/token`, { method: 'POST', body })
    expect(await response.json()).toMatchObject({ error: 'invalid_target' })
  })

  it('gets nothing that needs a person', async () => {
    const { body } = await nightly.token({ ...good, scope: 'mcp openid offline_access admin' })
    expect(body).toMatchObject({ scope: 'mcp' })
    const asked = new URL(server.authorizeUrl('nightly'))
    expect((await fetch(asked, { redirect: 'manual' })).status).toBe(400)
  })

  it('may act for people, too, where it has a place for them to come back to', async () => {
    const web = await addMachine(server.store, server.origin, 'web', {
      redirects: ['https://app.example/callback'],
    })
    const code = (await server.consent('web')).searchParams.get('code') ?? ''
    const { body } = await web.token(server.exchange('web', code))
    expect(claimsOf(body['access_token'])).toMatchObject({ sub: 'alice', client_auth: 'private_key_jwt' })
    expect(claimsOf(body['access_token'])).not.toHaveProperty('principal_type')
    expect((await server.token(server.exchange('web', code))).body).toMatchObject({ error: 'invalid_client' })
  })

  it('is none that registered itself, with a key or without', async () => {
    const jwks = { keys: [await exportJWK((await generateKeyPair('ES256')).publicKey)] }
    const proved = { token_endpoint_auth_method: 'private_key_jwt', jwks }
    for (const metadata of [{}, proved, { ...proved, tollgate: 'service', principal_type: 'service' }])
      await expect(
        server.register({ ...metadata, grant_types: ['authorization_code', 'client_credentials'] }),
      ).rejects.toThrow('invalid_client_metadata')
    const client_id = await server.register()
    expect((await server.token({ ...good, client_id })).body).toMatchObject({ error: 'invalid_request' })
  })

  it('ends with its revocation: its tokens, and new ones', async () => {
    const doomed = await addMachine(server.store, server.origin, 'doomed')
    const standsOn = String(claimsOf(await doomed.ownToken(server.resource()))['jti']).split('.')[0] ?? ''
    expect(server.store.isGranted(standsOn, Date.now())).toBe(true)
    server.store.clients.revoke('doomed', Date.now())
    expect(server.store.isGranted(standsOn, Date.now())).toBe(false)
    expect((await doomed.token(good)).body).toMatchObject({ error: 'invalid_client' })
    const again = server.store.clients.add(
      { name: 'doomed', kind: 'agent', jwks: { keys: [] }, redirects: [] },
      0,
    )
    expect(again).toMatchObject({ ok: false })
  })
})

describe('an assertion', () => {
  const cases: readonly [string, (() => JWTPayload) | JWTPayload][] = [
    ['for another server', { aud: 'https://elsewhere.example' }],
    ['for the route', () => ({ aud: server.resource() })],
    ['for others, too', () => ({ aud: [server.origin, 'https://elsewhere.example'] })],
    ['for nobody', { aud: undefined as never }],
    ['that has expired', () => ({ exp: seconds() - 20 })],
    ['that never expires', { exp: undefined as never }],
    ['that is good for a day', () => ({ exp: seconds() + 86_400 })],
    ['that is not good yet', () => ({ nbf: seconds() + 60 })],
    ['without a name', { jti: undefined as never }],
    ['of another issuer', { iss: 'other' }],
    ['about another client', { sub: 'other' }],
  ]
  it.each(cases)('%s is refused', async (_title, claims) => {
    const assertion = await nightly.assertion(typeof claims === 'function' ? claims() : claims)
    const { status, body } = await withAssertion(assertion)
    expect(body).toMatchObject({ error: 'invalid_client' })
    expect(status).toBe(401)
  })

  it.each(['', '/oauth/token'])('may be for the issuer or its token endpoint: %s', async (path) => {
    const assertion = await nightly.assertion({ aud: server.origin + path })
    expect((await withAssertion(assertion)).status).toBe(200)
  })

  it('is good once, also when it comes twice at the same time', async () => {
    const assertion = await nightly.assertion()
    expect((await withAssertion(assertion)).status).toBe(200)
    expect((await withAssertion(assertion)).body).toMatchObject({ error: 'invalid_client' })
    const twice = await nightly.assertion()
    const both = await Promise.all([withAssertion(twice), withAssertion(twice)])
    expect(both.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  it.each(['ES256', 'RS256', 'PS256', 'EdDSA'])('may be signed with %s', async (alg) => {
    const { privateKey, publicKey } = await generateKeyPair(alg)
    const keys = parsePublicKeys(await exportSPKI(publicKey))
    if (!keys.ok) throw new Error(keys.error)
    const id = `with-${alg}`
    server.store.clients.add({ name: id, kind: 'agent', jwks: keys.value, redirects: [] }, Date.now())
    const claims = { iss: id, sub: id, aud: server.origin, exp: seconds() + 60, jti: crypto.randomUUID() }
    const assertion = await new SignJWT(claims).setProtectedHeader({ alg }).sign(privateKey)
    const fields = { ...good, client_assertion_type: ASSERTION_TYPE, client_assertion: assertion }
    expect(await server.token(fields)).toMatchObject({ status: 200 })
  })

  it('by the key of another client is refused', async () => {
    const { body } = await withAssertion(nightly.assertion({}, other.privateKey))
    expect(body).toMatchObject({ error: 'invalid_client' })
  })

  it.each(['none', 'HS256'])('with %s is refused', async (alg) => {
    const [, claims = ''] = (await nightly.assertion()).split('.')
    const signed = `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.${claims}`
    // The public key as a shared secret, as where a library takes any key for any algorithm.
    const { jwks } = server.store.artifacts.find('Client', 'nightly') as { jwks: { keys: object[] } }
    const secret = JSON.stringify(jwks.keys[0])
    const signature = alg === 'none' ? '' : createHmac('sha256', secret).update(signed).digest('base64url')
    expect((await withAssertion(`${signed}.${signature}`)).status).not.toBe(200)
  })

  it('is what such a client proves itself with: its name is not enough', async () => {
    const { body } = await server.token({ ...good, client_id: 'nightly' })
    expect(body).toMatchObject({ error: 'invalid_client' })
  })
})
