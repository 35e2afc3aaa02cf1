/**
 * Enterprise-managed authorization (MCP; draft-ietf-oauth-identity-assertion-authz-grant): one negative test for each
 * requirement, each the good assertion with one thing changed.
 */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IdJags } from '../../packages/gateway/src/authn/id-jag.ts'
import type { TokenIssuer as IssuerSettings } from '../../packages/gateway/src/model/issuer.ts'
import { fetchJson } from '../../packages/gateway/src/server/fetch-json.ts'
import { openOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { addMachine, ASSERTION_TYPE, claimsOf, type Machine } from '../fixtures/oauth/machine.ts'
import { startTestServer, type TestServer } from '../fixtures/oauth/server.ts'
import { type Claims, createKey, startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

let corp: TokenIssuer
let stranger: TokenIssuer
let server: TestServer
let desk: Machine
const parseJson = (bytes: Buffer) => ({ ok: true as const, value: JSON.parse(bytes.toString()) as unknown })
const idJags = new IdJags({ fetchJson, parseJson, now: Date.now })
/** With the settings that a configuration has of an issuer. */
const settings = (name: string, issuer: string, changes: Partial<IssuerSettings> = {}): IssuerSettings => ({
  name,
  issuer,
  audiences: [],
  jwks: undefined,
  algorithms: ['ES256'],
  type: 'at+jwt',
  kind: 'user',
  agents: new Map(),
  services: new Map([['client_id', []]]),
  subject: 'sub',
  subjectPrefix: '',
  groups: 'groups',
  tags: new Map([['department', 'dept']]),
  clients: ['client_id'],
  clientProof: undefined,
  requires: new Map([['ver', ['2.0']]]),
  scopes: [],
  enterprise: new Map([['tenant', ['acme']]]),
  authorizes: false,
  ...changes,
})

beforeAll(async () => {
  corp = await startTokenIssuer()
  stranger = await startTokenIssuer()
  idJags.replace([settings('corp', corp.url)])
  server = await startTestServer({ idJags })
  desk = await addMachine(server.store, server.origin, 'desk')
})
afterAll(async () => {
  await server.close()
  await Promise.all([corp.close(), stranger.close()])
})

const seconds = () => Math.floor(Date.now() / 1000)
/** An assertion that is as it should be, but for the changes; undefined leaves one out. */
const word = (claims: Claims = {}, header: Claims = {}, by = corp) =>
  by.sign(
    {
      aud: server.origin,
      client_id: 'desk',
      resource: server.resource(),
      scope: 'mcp',
      exp: seconds() + 300,
      tenant: 'acme',
      groups: ['engineering'],
      ...claims,
    },
    { typ: 'oauth-id-jag+jwt', ...header },
  )
const show = async (assertion: string | Promise<string>, changes: Record<string, string> = {}, by = desk) =>
  by.token({ grant_type: JWT_BEARER, assertion: await assertion, ...changes })

describe('the word of an identity provider', () => {
  it('gives a token of the same person as its own tokens tell of, for the one route, and nothing to refresh it', async () => {
    const { status, body } = await show(word({ auth_time: 1_700_000_000, acr: 'phr', dept: 'research' }))
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'mcp', expires_in: 600 })
    expect(body).not.toHaveProperty('refresh_token')
    expect(claimsOf(body['access_token'])).toMatchObject({
      sub: 'corp/ada',
      principal_issuer: 'corp',
      aud: server.resource(),
      client_id: 'desk',
      client_auth: 'private_key_jwt',
      groups: ['engineering'],
      tags: { department: 'research' },
      auth_time: 1_700_000_000,
      acr: 'phr',
    })
    expect(server.happenings.at(-1)).toMatchObject({
      account: 'corp/ada',
      isVouchedFor: true,
      client: 'desk',
    })
  })

  it('is advertised, where somebody’s is taken', async () => {
    const metadata = async ({ origin }: TestServer) =>
      (await (await fetch(`${origin}/.well-known/oauth-authorization-server`)).json()) as object
    expect(await metadata(server)).toMatchObject({
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
      grant_types_supported: expect.arrayContaining([JWT_BEARER]),
    })
    const other = await startTestServer()
    expect(await metadata(other)).not.toHaveProperty('authorization_grant_profiles_supported')
    const machine = await addMachine(other.store, other.origin, 'desk')
    expect((await show(word(), {}, machine)).body).toMatchObject({ error: 'unsupported_grant_type' })
    await other.close()
  })

  it('is good for one task alone where the client asks for that, and for no task that the provider speaks of', async () => {
    const details = [{ type: 'tollgate_task', purpose: 'One thing', servers: ['files'], expires_in: 60 }]
    const asked = { authorization_details: JSON.stringify(details) }
    const { body } = await show(word(), asked)
    const [{ id = '' } = {}] = claimsOf(body['access_token'])['authorization_details'] as { id?: string }[]
    expect(server.tasks.find(id)).toMatchObject({
      principal: { type: 'User', id: 'corp/ada' },
      agent: 'local/desk',
    })
    expect(Number(body['expires_in'])).toBeLessThanOrEqual(60)
    const told = await show(word({ authorization_details: [{ type: 'tollgate_task', id }] }))
    expect(told.body).toMatchObject({ error: 'invalid_grant' })
  })

  it.each<[string, Claims, Record<string, string>, string]>([
    ['all that both have', { scope: 'mcp admin' }, { scope: 'mcp other' }, 'mcp'],
    ['ours, where it has none', { scope: undefined }, {}, 'mcp'],
  ])('is for the scopes that it has and that are asked for: %s', async (_title, claims, changes, scope) => {
    expect((await show(word(claims), changes)).body).toMatchObject({ scope })
  })

  const refused: readonly [string, () => Promise<string>, string?][] = [
    ['by an issuer that is not known', () => word({}, {}, stranger)],
    ['in the name of one that is', () => word({ iss: corp.url }, {}, stranger)],
    [
      'with another key of the same name',
      async () => corp.sign(claimsOf(await word()), { typ: 'oauth-id-jag+jwt' }, await createKey('key-1')),
    ],
    ['that is an access token', () => word({}, { typ: 'at+jwt' })],
    ['that is an ID token', () => word({}, { typ: 'JWT' })],
    ['of no type', () => word({}, { typ: undefined })],
    ['for another server', () => word({ aud: 'https://elsewhere.example' })],
    ['for our token endpoint', () => word({ aud: `${server.origin}/oauth/token` })],
    ['for others, too', () => word({ aud: [server.origin, 'https://elsewhere.example'] })],
    ['that has expired', () => word({ exp: seconds() - 60, iat: seconds() - 120 })],
    ['that never expires', () => word({ exp: undefined })],
    ['that is good for long', () => word({ exp: seconds() + 3600 })],
    ['of yesterday', () => word({ iat: seconds() - 86_400 })],
    ['of tomorrow', () => word({ iat: seconds() + 86_400, exp: seconds() + 86_500 })],
    ['of no time', () => word({ iat: undefined })],
    ['about nobody', () => word({ sub: undefined })],
    ['without a name', () => word({ jti: undefined })],
    ['for no client', () => word({ client_id: undefined })],
    ['for another client', () => word({ client_id: 'other' })],
    ['for no route', () => word({ resource: undefined })],
    ['for a route elsewhere', () => word({ resource: 'https://elsewhere.example/mcp/files' })],
    ['for a server that is not there', () => word({ resource: server.resource('none') })],
    ['for several routes', () => word({ resource: [server.resource(), server.resource('db')] })],
    ['that is bound to a key', () => word({ cnf: { jkt: 'x' } })],
    ['that was handed on', () => word({ act: { sub: 'x' } })],
    ['without what is required', () => word({ tenant: 'other' })],
    ['with groups that cannot be read', () => word({ groups: [{}] })],
    ['for other scopes', () => word({ scope: 'admin' }), 'invalid_scope'],
    ['that is none', () => Promise.resolve('x')],
  ]
  it.each(refused)('%s is refused', async (_title, assertion, error = 'invalid_grant') => {
    const { status, body } = await show(assertion())
    expect(body).toMatchObject({ error })
    expect(status).toBe(400)
  })

  it.each(['none', 'HS256'])('with %s is refused', async (alg) => {
    const [, claims = ''] = (await word()).split('.')
    const header = Buffer.from(JSON.stringify({ alg, typ: 'oauth-id-jag+jwt', kid: corp.key.kid })).toString(
      'base64url',
    )
    const secret = JSON.stringify(corp.key.jwk)
    const signature =
      alg === 'none' ? 'AA' : createHmac('sha256', secret).update(`${header}.${claims}`).digest('base64url')
    expect((await show(`${header}.${claims}.${signature}`)).body).toMatchObject({ error: 'invalid_grant' })
  })

  it('is for the route that is asked for, if one is', async () => {
    const { body } = await show(word(), { resource: server.resource('db') })
    expect(body).toMatchObject({ error: 'invalid_target' })
    expect((await show(word(), { resource: server.resource() })).status).toBe(200)
  })

  it('is good once, also at the same time and after a restart', async () => {
    const assertion = await word()
    expect((await show(assertion)).status).toBe(200)
    expect((await show(assertion)).body).toMatchObject({ error: 'invalid_grant' })
    const twice = await word()
    const both = await Promise.all([show(twice), show(twice)])
    expect(both.filter(({ status }) => status === 200)).toHaveLength(1)

    const reopened = openOauthStore(server.folder)
    if (!reopened.ok) throw new Error(reopened.error)
    const restarted = await startTestServer({ idJags, issuer: server.origin, store: reopened.value })
    const again = async (shown: string) => {
      const proof = await desk.assertion()
      const fields = { client_assertion_type: ASSERTION_TYPE, client_assertion: proof, assertion: shown }
      return (await restarted.token({ grant_type: JWT_BEARER, ...fields })).body
    }
    expect(await again(assertion)).toMatchObject({ error: 'invalid_grant' })
    expect(await again(await word())).toMatchObject({ token_type: 'Bearer' })
    await restarted.close()
    reopened.value.close()
  })

  it('of two issuers is never about the same person, and ends with the issuer', async () => {
    idJags.replace([settings('corp', corp.url), settings('other', stranger.url)])
    const tokens = [await show(word()), await show(word({}, {}, stranger))].map(
      ({ body }) => body['access_token'],
    )
    expect(tokens.map((token) => claimsOf(token)['sub'])).toEqual(['corp/ada', 'other/ada'])
    const isGranted = (token: unknown) =>
      server.store.isGranted(String(claimsOf(token)['jti']).split('.')[0] ?? '', Date.now())
    expect(tokens.map(isGranted)).toEqual([true, true])
    server.store.endEnterprise([corp.url])
    expect(tokens.map(isGranted)).toEqual([true, false])
    idJags.replace([settings('corp', corp.url)])
    expect((await show(word({}, {}, stranger))).body).toMatchObject({ error: 'invalid_grant' })
  })

  it('is of no use to clients that registered themselves, or that show no key', async () => {
    const client_id = await server.register()
    const assertion = await word({ client_id })
    expect((await server.token({ grant_type: JWT_BEARER, assertion, client_id })).body).toMatchObject({
      error: 'invalid_request',
    })
    await expect(server.register({ grant_types: ['authorization_code', JWT_BEARER] })).rejects.toThrow(
      'operator',
    )
    expect(
      (await server.token({ grant_type: JWT_BEARER, assertion: await word(), client_id: 'desk' })).body,
    ).toMatchObject({
      error: 'invalid_client',
    })
  })

  it('ends with the client, and is nowhere on record', async () => {
    const doomed = await addMachine(server.store, server.origin, 'doomed')
    const assertion = await word({ client_id: 'doomed' })
    const { body } = await show(assertion, {}, doomed)
    const standsOn = String(claimsOf(body['access_token'])['jti']).split('.')[0] ?? ''
    expect(server.store.isGranted(standsOn, Date.now())).toBe(true)
    server.store.clients.revoke('doomed', Date.now())
    expect(server.store.isGranted(standsOn, Date.now())).toBe(false)
    expect((await show(word({ client_id: 'doomed' }), {}, doomed)).body).toMatchObject({
      error: 'invalid_client',
    })
    const signature = assertion.split('.')[2] ?? ''
    expect(JSON.stringify([server.happenings, server.notes])).not.toContain(signature)
  })
})
