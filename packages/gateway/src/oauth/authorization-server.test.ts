import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser } from '../../../../test/fixtures/oauth/browser.ts'
import { startTestServer, type TestServer } from '../../../../test/fixtures/oauth/server.ts'

let server: TestServer
let client: string
beforeAll(async () => {
  server = await startTestServer()
  client = await server.register()
})
afterAll(() => server.close())

const getJson = async (path: string) =>
  (await (await fetch(server.origin + path)).json()) as Record<string, unknown>

/** A code that a person has said yes to. */
const newCode = async () => (await server.consent(client)).searchParams.get('code') ?? ''

describe('the metadata', () => {
  it('says what there is, under the issuer byte for byte', async () => {
    const metadata = await getJson('/.well-known/oauth-authorization-server')
    expect(metadata).toMatchObject({
      issuer: server.origin,
      authorization_endpoint: `${server.origin}/oauth/authorize`,
      token_endpoint: `${server.origin}/oauth/token`,
      registration_endpoint: `${server.origin}/oauth/register`,
      revocation_endpoint: `${server.origin}/oauth/revoke`,
      response_types_supported: ['code'],
      device_authorization_endpoint: `${server.origin}/oauth/device-authorization`,
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      grant_types_supported: [
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange',
      ],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
      token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
    })
    for (const name of [
      'subject_types_supported',
      'claims_supported',
      'id_token_signing_alg_values_supported',
    ])
      expect(metadata).not.toHaveProperty(name)
    expect(metadata).toMatchObject({ response_modes_supported: ['query', 'fragment'] })
    expect(JSON.stringify(metadata)).not.toContain('openid')
    expect(metadata).not.toHaveProperty('introspection_endpoint')
    expect(metadata).not.toHaveProperty('userinfo_endpoint')
  })

  it('is not taken from what the caller says of the host', async () => {
    const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
    const response = await fetch(`${server.origin}/.well-known/oauth-authorization-server`, { headers })
    expect(await response.text()).not.toContain('evil.example')
  })

  it('names keys without their private part', async () => {
    const { keys } = (await getJson('/oauth/jwks')) as { keys: object[] }
    expect(keys).toHaveLength(1)
    expect(keys[0]).not.toHaveProperty('d')
  })

  it.each(['/oauth/introspect', '/oauth/userinfo', '/oauth/end', '/oauth/device/', '/oauth/', '/oauth/x'])(
    '%s is not there',
    async (path) => {
      expect((await fetch(server.origin + path)).status).toBe(404)
    },
  )
})

describe('an authorization', () => {
  it('is refused where its answer would need a script, which our pages do not run', async () => {
    const { location } = await new Browser(server.origin).get(
      server.authorizeUrl(client, { response_mode: 'form_post' }),
    )
    const back = new URL(location ?? '')
    expect(back.origin + back.pathname).toBe('https://app.example/callback')
    expect(back.searchParams.get('error')).toBe('invalid_request')
  })

  it('ends in a token for the one route, which says who, through which client, and since when', async () => {
    const back = await server.consent(client)
    expect(back.origin + back.pathname).toBe('https://app.example/callback')
    expect(Object.fromEntries(back.searchParams)).toMatchObject({ state: 'a-state', iss: server.origin })
    const { status, body } = await server.token(server.exchange(client, back.searchParams.get('code') ?? ''))
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'mcp' })
    expect(body['expires_in']).toBeLessThanOrEqual(900)
    const token = String(body['access_token'])
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt', alg: 'ES256' })
    const keys = createLocalJWKSet((await getJson('/oauth/jwks')) as unknown as JSONWebKeySet)
    const { payload } = await jwtVerify(token, keys, { issuer: server.origin, audience: server.resource() })
    expect(payload).toMatchObject({
      sub: 'alice',
      client_id: client,
      acr: 'password',
      scope: 'mcp',
      client_auth: 'none',
    })
    expect(payload['auth_time']).toBeCloseTo(Date.now() / 1000, -1)
  })

  it('gives a token for the route also to a client that names no scope', async () => {
    const back = await server.consent(client, { scope: undefined })
    const { body } = await server.token(server.exchange(client, back.searchParams.get('code') ?? ''))
    expect(body).toMatchObject({ scope: 'mcp' })
  })

  it('gives no ID token, whatever is asked for', async () => {
    const back = await server.consent(client, { scope: 'openid mcp offline_access profile', nonce: 'n' })
    const { body } = await server.token(server.exchange(client, back.searchParams.get('code') ?? ''))
    expect(body).toMatchObject({ scope: 'mcp' })
    expect(body).not.toHaveProperty('id_token')
  })
})

describe('a refresh token', () => {
  const refresh = (token: unknown) =>
    server.token({ grant_type: 'refresh_token', client_id: client, refresh_token: String(token) })

  it('rotates, and one that is used twice ends the family', async () => {
    const first = (await server.token(server.exchange(client, await newCode()))).body
    const second = await refresh(first['refresh_token'])
    expect(second.status).toBe(200)
    expect(second.body['refresh_token']).not.toBe(first['refresh_token'])
    expect((await refresh(first['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' })
    expect((await refresh(second.body['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' })
    const [, payload = ''] = String(second.body['access_token']).split('.')
    const { jti } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { jti: string }
    expect(server.store.isGranted(jti.split('.')[0] ?? '', Date.now())).toBe(false)
  })

  it('is good once when it comes twice at the same time', async () => {
    const { body } = await server.token(server.exchange(client, await newCode()))
    const both = await Promise.all([refresh(body['refresh_token']), refresh(body['refresh_token'])])
    const good = both.filter(({ status }) => status === 200)
    expect(good.length).toBeLessThanOrEqual(1)
    for (const { body: next } of good)
      expect((await refresh(next['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' })
  })

  it('is of no use to another client', async () => {
    const { body } = await server.token(server.exchange(client, await newCode()))
    const other = await server.register()
    const fields = {
      grant_type: 'refresh_token',
      client_id: other,
      refresh_token: String(body['refresh_token']),
    }
    expect((await server.token(fields)).body).toMatchObject({ error: 'invalid_grant' })
  })

  it('ends with the client, the person and its revocation', async () => {
    const { body } = await server.token(server.exchange(client, await newCode()))
    const revoked = await fetch(`${server.origin}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: client, token: String(body['refresh_token']) }),
    })
    expect(revoked.status).toBe(200)
    expect((await refresh(body['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' })

    const doomed = await server.register()
    const code = (await server.consent(doomed)).searchParams.get('code') ?? ''
    const { body: tokens } = await server.token(server.exchange(doomed, code))
    server.store.clients.revoke(doomed, Date.now())
    const fields = { grant_type: 'refresh_token', refresh_token: String(tokens['refresh_token']) }
    expect((await server.token({ ...fields, client_id: doomed })).body).toMatchObject({
      error: 'invalid_client',
    })
  })
})
