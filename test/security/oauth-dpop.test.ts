/** Tokens bound to a key of the client, at the authorization server (RFC 9449): issued by its proof, refreshed by it alone. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { Browser } from '../fixtures/oauth/browser.ts'
import { createProofKey, type ProofKey } from '../fixtures/oauth/dpop.ts'
import { addPerson, allow } from '../fixtures/oauth/person.ts'
import { RAW_SERVER } from '../fixtures/stdio-upstream.ts'

const REDIRECT = 'https://app.example/callback'
const INSECURE = { execute: [openid.allowInsecureRequests] }

let gateway: TestGateway
let config: openid.Configuration
let endpoint: string
beforeAll(async () => {
  gateway = await startTestGateway({
    config: `identity: { authorizationServer: {} }
servers: { files: { command: ${JSON.stringify([process.execPath, RAW_SERVER, 'modern'])} } }
`,
    policies: PERMIT_ALL,
  })
  const store = openOauthStore(join(gateway.folder, 'data'))
  if (!store.ok) throw new Error(store.error)
  await addPerson(store.value, 'alice')
  store.value.close()
  config = await openid.dynamicClientRegistration(
    new URL(gateway.origin),
    { client_name: 'An app', redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' },
    openid.None(),
    { algorithm: 'oauth2', ...INSECURE },
  )
  endpoint = String(config.serverMetadata().token_endpoint)
})
afterAll(() => gateway.close())

const claimsOf = (jwt: unknown) =>
  JSON.parse(Buffer.from(String(jwt).split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

/** Asks for access as alice; returns what the client is sent back to, and the verifier. */
async function authorize(changes: Record<string, string> = {}) {
  const verifier = openid.randomPKCECodeVerifier()
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: 'mcp',
    resource: gateway.url('files'),
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...changes,
  })
  return { back: await allow(new Browser(gateway.origin), url.href), verifier }
}

/** Posts to the token endpoint with these proofs. */
async function token(fields: Record<string, string>, ...proofs: readonly string[]) {
  const headers = new Headers()
  for (const proof of proofs) headers.append('dpop', proof)
  const clientId = config.clientMetadata().client_id
  const response = await fetch(endpoint, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ client_id: clientId, resource: gateway.url('files'), ...fields }),
  })
  return {
    status: response.status,
    nonce: response.headers.get('dpop-nonce'),
    body: (await response.json()) as Record<string, unknown>,
  }
}

async function codeFields(changes: Record<string, string> = {}): Promise<Record<string, string>> {
  const { back, verifier } = await authorize(changes)
  const code = back.searchParams.get('code') ?? ''
  return { grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: verifier }
}

const refresh = (refreshToken: unknown) => ({
  grant_type: 'refresh_token',
  refresh_token: String(refreshToken),
})

/** Tokens that were bound to a key. */
async function bound(key: ProofKey) {
  const { status, body } = await token(await codeFields(), await key.prove(endpoint))
  expect(status, JSON.stringify(body)).toBe(200)
  return body
}

describe('openid-client with a key', () => {
  it('is told which algorithms there are, gets a token bound to it, and refreshes with it', async () => {
    expect(config.serverMetadata().dpop_signing_alg_values_supported).toContain('ES256')
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'))
    const { back, verifier } = await authorize()
    const checks = { pkceCodeVerifier: verifier, idTokenExpected: false }
    const tokens = await openid.authorizationCodeGrant(
      config,
      back,
      checks,
      { resource: gateway.url('files') },
      { DPoP },
    )
    expect(tokens.token_type).toBe('dpop')
    const { cnf } = claimsOf(tokens.access_token)
    expect(cnf).toEqual({ jkt: await DPoP.calculateThumbprint() })
    const next = await openid.refreshTokenGrant(config, String(tokens.refresh_token), {}, { DPoP })
    expect(claimsOf(next.access_token)['cnf']).toEqual(cnf)
    await expect(openid.refreshTokenGrant(config, String(next.refresh_token))).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  it('binds the code when the request was pushed with a proof (RFC 9449, 10.1)', async () => {
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'))
    const verifier = openid.randomPKCECodeVerifier()
    const url = await openid.buildAuthorizationUrlWithPAR(
      config,
      {
        redirect_uri: REDIRECT,
        scope: 'mcp',
        resource: gateway.url('files'),
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      },
      { DPoP },
    )
    const back = await allow(new Browser(gateway.origin), url.href)
    const fields = { grant_type: 'authorization_code', redirect_uri: REDIRECT, code_verifier: verifier }
    const code = back.searchParams.get('code') ?? ''
    expect(await token({ ...fields, code })).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })
})

describe('a token that is bound to a key', () => {
  it('does not come from the one key when another one’s thumbprint went with the request (RFC 9449, 10)', async () => {
    const [key, other] = [await createProofKey(), await createProofKey()]
    const changes = { dpop_jkt: key.thumbprint }
    for (const proofs of [[], [await other.prove(endpoint)]]) {
      const { status, body } = await token(await codeFields(changes), ...proofs)
      expect({ status, error: body['error'] }).toEqual({ status: 400, error: 'invalid_grant' })
    }
    expect((await token(await codeFields(changes), await key.prove(endpoint))).status).toBe(200)
  })

  it('is not refreshed without a proof, nor with that of another key, and then still is with its own', async () => {
    const [key, other] = [await createProofKey(), await createProofKey()]
    const { refresh_token: first, token_type: type } = await bound(key)
    expect(type).toBe('DPoP')
    for (const proofs of [[], [await other.prove(endpoint)]]) {
      const { status, body } = await token(refresh(first), ...proofs)
      expect({ status, error: body['error'] }).toEqual({ status: 400, error: 'invalid_grant' })
    }
    const { status, body } = await token(refresh(first), await key.prove(endpoint))
    expect({ status, jkt: (claimsOf(body['access_token'])['cnf'] as { jkt: string }).jkt }).toEqual({
      status: 200,
      jkt: key.thumbprint,
    })
  })

  it('is good with its key, and nothing to whoever shows it as a bearer or with another', async () => {
    const [key, other] = [await createProofKey(), await createProofKey()]
    const { access_token: access } = await bound(key)
    const htu = `${gateway.origin}/whoami/mcp/files`
    const ath = createHash('sha256').update(String(access)).digest('base64url')
    const ask = async (scheme: string, proof?: string) => {
      const headers = {
        authorization: `${scheme} ${String(access)}`,
        ...(proof === undefined ? {} : { dpop: proof }),
      }
      return fetch(htu, { headers })
    }
    const get = { htm: 'GET', ath }
    const good = await ask('DPoP', await key.prove(htu, get))
    expect(good.status).toBe(200)
    expect(await good.json()).toMatchObject({
      principal: 'User::"local/alice"',
      authentication: { bound: 'dpop', issuer: 'local' },
    })
    const elsewhere = `${gateway.origin}/mcp/files`
    for (const answer of [
      await ask('Bearer'),
      await ask('Bearer', await key.prove(htu, get)),
      await ask('DPoP'),
      await ask('DPoP', await other.prove(htu, get)),
      await ask('DPoP', await key.prove(elsewhere, get)),
      await ask('DPoP', await key.prove(htu, { htm: 'GET' })),
    ])
      expect(answer.status).toBe(401)
  })
})

describe('a proof', () => {
  it('is good once, also of many at the same time', async () => {
    const key = await createProofKey()
    const { refresh_token: first } = await bound(key)
    const proof = await key.prove(endpoint)
    const { status, body } = await token(refresh(first), proof)
    expect(status).toBe(200)
    expect(await token(refresh(body['refresh_token']), proof)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
    const codes = await Promise.all(Array.from({ length: 6 }, () => codeFields()))
    const again = await key.prove(endpoint)
    const answers = await Promise.all(codes.map((fields) => token(fields, again)))
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
  })

  it.each([
    ['another address', { htu: 'http://127.0.0.1:1/oauth/token' }],
    ['another endpoint', { htu: 'PAR' }],
    ['another method', { htm: 'GET' }],
    ['no address', { htu: undefined }],
    ['no method', { htm: undefined }],
    ['no id', { jti: undefined }],
    ['no time', { iat: undefined }],
    ['a nonce that was not given', { nonce: 'made-up' }],
    ['a time long past', { iat: Math.floor(Date.now() / 1000) - 3600 }],
    ['a time to come', { iat: Math.floor(Date.now() / 1000) + 3600 }],
  ])('with %s is refused, and the code is still good', async (_title, changes: Record<string, unknown>) => {
    const key = await createProofKey()
    const fields = await codeFields()
    const htu = changes['htu'] === 'PAR' ? { htu: endpoint.replace('token', 'par') } : {}
    const { status, body } = await token(fields, await key.prove(endpoint, { ...changes, ...htu }))
    expect(status).toBe(400)
    expect(body['error']).toMatch(/^(invalid_dpop_proof|use_dpop_nonce)$/)
    expect((await token(fields, await key.prove(endpoint))).status).toBe(200)
  })

  it.each([
    ['of another type', { typ: 'JWT' }],
    ['without its key', { jwk: undefined }],
  ])('%s is refused', async (_title, header) => {
    const key = await createProofKey()
    const { status, body } = await token(await codeFields(), await key.prove(endpoint, {}, header))
    expect({ status, error: body['error'] }).toEqual({ status: 400, error: 'invalid_dpop_proof' })
  })

  it('of another key than it names, or two at once, is refused', async () => {
    const [key, other] = [await createProofKey(), await createProofKey()]
    const [head] = (await other.prove(endpoint)).split('.')
    const [, claims, signature] = (await key.prove(endpoint)).split('.')
    for (const proofs of [
      [`${head}.${claims}.${signature}`],
      [await key.prove(endpoint), await key.prove(endpoint)],
    ])
      expect((await token(await codeFields(), ...proofs)).body['error']).toBe('invalid_dpop_proof')
  })

  it('may come from a clock that is wrong, once it holds the nonce that it was told', async () => {
    const key = await createProofKey()
    const fields = await codeFields()
    const late = { iat: Math.floor(Date.now() / 1000) - 3600 }
    const { nonce, body } = await token(fields, await key.prove(endpoint, late))
    expect(body['error']).toBe('use_dpop_nonce')
    expect(nonce).toMatch(/^[\w-]{43}$/)
    expect((await token(fields, await key.prove(endpoint, { ...late, nonce }))).status).toBe(200)
  })
})
