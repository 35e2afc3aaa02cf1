/** What an authorization server has to refuse: requests, redirects, codes, refresh tokens and answers of people. */
import { expect } from 'vitest'
import { Browser, field } from '../../fixtures/oauth/browser.ts'
import { allow, PASSWORD } from '../../fixtures/oauth/person.ts'
import { REDIRECT, VERIFIER } from '../../fixtures/oauth/server.ts'
import type { Requirement } from './requirement.ts'
import type { World } from './world.ts'

type Changes = Record<string, string | undefined>

/** Where the person's browser is sent who has let this client in before: outside, with a code. */
const back = async ({ server, client, person }: World, changes: Changes = {}) =>
  allow(person, server.authorizeUrl(client, changes))

async function newCode(world: World, changes: Changes = {}): Promise<string> {
  const { origin, pathname, searchParams } = await back(world, changes)
  expect(origin + pathname).toBe(REDIRECT)
  expect(Object.fromEntries(searchParams)).toMatchObject({ iss: world.server.origin, state: 'a-state' })
  return searchParams.get('code') ?? ''
}

async function redeem({ server, client }: World, code: string, changes: Record<string, string> = {}) {
  return server.token(server.exchange(client, code, changes))
}

const refresh = ({ server, client }: World, token: unknown, changes: Record<string, string> = {}) =>
  server.token({
    grant_type: 'refresh_token',
    client_id: client,
    refresh_token: String(token),
    ...changes,
  })

const gotCode = async (world: World) => {
  expect(await newCode(world)).not.toBe('')
}
const gotToken = async (world: World) => {
  expect((await redeem(world, await newCode(world))).status).toBe(200)
}

const REDIRECTS = 'MCP security considerations, Open Redirection; RFC 9700, 2.1'
const exact = (attempt: string, redirect_uri: string | undefined): Requirement => ({
  where: REDIRECTS,
  must: 'a redirect is one that the client registered, exactly; nobody is sent elsewhere',
  attempt,
  honest: gotCode,
  async attack({ server, client, person }) {
    const answer = await person.get(server.authorizeUrl(client, { redirect_uri }))
    expect(answer.status).toBe(400)
    expect(answer.location).toBeUndefined()
  },
})

const registered = (uri: string): Requirement => ({
  where: 'MCP security considerations, Communication Security; RFC 8252, 8.4',
  must: 'a redirect is https or to this machine',
  attempt: `registering for ${uri}`,
  async honest({ documented }) {
    expect(await documented.register()).not.toBe('')
  },
  async attack({ documented }) {
    for (const application_type of ['web', 'native'])
      await expect(documented.register({ redirect_uris: [uri], application_type })).rejects.toThrow(
        /invalid_/,
      )
    documented.pass(3600) // registrations are counted by the hour
  },
})

/** A request that is answered with an error, at the client and with `iss` where it goes back. */
const request = (
  where: string,
  must: string,
  attempt: string,
  [changes, error]: [Changes, string],
): Requirement => ({
  where,
  must,
  attempt,
  honest: gotCode,
  async attack(world) {
    const { origin } = world.server
    const resource = changes['resource']?.replace('ORIGIN', origin)
    const url = await back(world, resource === undefined ? changes : { ...changes, resource })
    if (url.origin === origin) return // told the person
    const told = new URLSearchParams(url.search || url.hash.slice(1))
    expect(Object.fromEntries(told)).toMatchObject({ error, iss: origin, state: 'a-state' })
    expect(told.has('code')).toBe(false)
  },
})

/** A code that is not redeemed. */
const code = (
  where: string,
  must: string,
  attempt: string,
  changes: Record<string, string>,
): Requirement => ({
  where,
  must,
  attempt,
  honest: gotToken,
  async attack(world) {
    const { status, body } = await redeem(world, await newCode(world), changes)
    expect(status).toBe(400)
    expect(body).not.toHaveProperty('access_token')
  },
})

const PKCE = 'MCP security considerations, Authorization Code Protection; RFC 9700, 2.1.1'

const requests: readonly Requirement[] = [
  exact('a longer path', `${REDIRECT}/more`),
  exact('a prefix', 'https://app.example/'),
  exact('a query', `${REDIRECT}?next=https://evil.example`),
  exact('a host that begins alike', 'https://app.example.evil.example/callback'),
  exact('a user before the host', 'https://app.example@evil.example/callback'),
  exact('dots', 'https://app.example/callback/../steal'),
  exact('another case', 'https://app.example/CALLBACK'),
  exact('plain http', 'http://app.example/callback'),
  exact('another port', 'https://app.example:444/callback'),
  exact('javascript:', 'javascript:alert(1)'),
  exact('data:', 'data:text/html,x'),
  exact('none', undefined),
  ...['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'vbscript:x', 'app.example:/cb'].map(
    registered,
  ),
  ...['http://app.example/callback', 'http://127.0.0.1.evil.example/cb', `${REDIRECT}#x`].map(registered),
  request(PKCE, 'PKCE is required', 'none', [
    { code_challenge: undefined, code_challenge_method: undefined },
    'invalid_request',
  ]),
  request(PKCE, 'PKCE is S256', 'plain', [
    { code_challenge: VERIFIER, code_challenge_method: 'plain' },
    'invalid_request',
  ]),
  request(PKCE, 'PKCE is S256', 'no method, which means plain', [
    { code_challenge_method: undefined },
    'invalid_request',
  ]),
  request('RFC 9700, 2.1.2', 'no tokens in addresses (implicit grant)', 'response_type token', [
    { response_type: 'token' },
    'unsupported_response_type',
  ]),
  request('RFC 9700, 2.1.2', 'no tokens in addresses (implicit grant)', 'response_type id_token', [
    { response_type: 'id_token' },
    'unsupported_response_type',
  ]),
  request(
    'MCP authorization, Resource Parameter; RFC 8707, 2',
    'what a token is for is named',
    'no resource',
    [{ resource: undefined }, 'invalid_target'],
  ),
  request('RFC 8707, 2', 'a resource is one of ours', 'elsewhere', [
    { resource: 'https://other.example/mcp/files' },
    'invalid_target',
  ]),
  request('RFC 8707, 2', 'a resource is one of ours', 'another path', [
    { resource: 'ORIGIN/admin' },
    'invalid_target',
  ]),
  request('RFC 8707, 2', 'a resource has no fragment', 'one', [
    { resource: 'ORIGIN/mcp/files#x' },
    'invalid_target',
  ]),
  request('RFC 9101, 10.5', 'requests are not fetched from where a client says', 'a request_uri', [
    { request_uri: 'https://evil.example/r' },
    'request_uri_not_supported',
  ]),
  request('RFC 9101, 4', 'request objects are not read unsigned', 'alg none', [
    { request: 'e30.e30.' },
    'request_not_supported',
  ]),
  request('RFC 8414, 2', 'a code comes back in a way that metadata names', 'response_mode form_post', [
    { response_mode: 'form_post' },
    'invalid_request',
  ]),
]

const codes: readonly Requirement[] = [
  code(PKCE, 'a code needs its verifier', 'none', { code_verifier: '' }),
  code(PKCE, 'a code needs its verifier', 'another one', { code_verifier: VERIFIER.replace('d', 'e') }),
  code(PKCE, 'a code needs its verifier', 'its challenge', {
    code_verifier: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  }),
  code('RFC 6749, 4.1.3', 'a code goes with its redirect', 'another one', {
    redirect_uri: 'https://app.example/',
  }),
  code('RFC 8707, 2.2', 'a code is for what was said yes to', 'another route', {
    resource: 'https://other.example/mcp/files',
  }),
  {
    where: 'RFC 9700, 4.5; OAuth 2.1, 4.1.3',
    must: 'a code is for the client that asked (injection)',
    attempt: 'another client',
    honest: gotToken,
    async attack(world) {
      const other = await world.server.register()
      const { body } = await world.server.token(world.server.exchange(other, await newCode(world)))
      expect(body).toMatchObject({ error: 'invalid_grant' })
    },
  },
  {
    where: 'RFC 9700, 4.2.4; OAuth 2.1, 4.1.3',
    must: 'a code is good once, and used twice ends what came of it',
    attempt: 'the same exchange again',
    honest: gotToken,
    async attack(world) {
      const stolen = await newCode(world)
      const { body: first } = await redeem(world, stolen)
      expect((await redeem(world, stolen)).body).toMatchObject({ error: 'invalid_grant' })
      expect((await refresh(world, first['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' })
    },
  },
  {
    where: 'RFC 9700, 2.4',
    must: 'no passwords at the token endpoint',
    attempt: 'grant_type password',
    honest: gotToken,
    async attack({ server, client }) {
      const asked = { grant_type: 'password', client_id: client, username: 'alice', password: 'x' }
      expect((await server.token(asked)).body).toMatchObject({ error: 'unsupported_grant_type' })
    },
  },
]

const tokensFor = async (world: World) => (await redeem(world, await newCode(world))).body

const refreshes: readonly Requirement[] = [
  {
    where: 'MCP security considerations, Token Theft; RFC 9700, 4.14',
    must: 'a refresh token of a public client changes, and a replay ends the family',
    attempt: 'the first one again',
    async honest(world) {
      const { body, status } = await refresh(world, (await tokensFor(world))['refresh_token'])
      expect(status).toBe(200)
      expect((await refresh(world, body['refresh_token'])).status).toBe(200)
    },
    async attack(world) {
      const { refresh_token: first } = await tokensFor(world)
      const { refresh_token: second } = (await refresh(world, first)).body
      expect(second).not.toBe(first)
      expect((await refresh(world, first)).body).toMatchObject({ error: 'invalid_grant' })
      expect((await refresh(world, second)).body).toMatchObject({ error: 'invalid_grant' })
    },
  },
  {
    where: 'RFC 6749, 6',
    must: 'a refresh token is for its client',
    attempt: 'another client',
    honest: gotToken,
    async attack(world) {
      const { refresh_token: token } = await tokensFor(world)
      const other = await world.server.register()
      const { body } = await refresh(world, token, { client_id: other })
      expect(body).toMatchObject({ error: 'invalid_grant' })
    },
  },
  {
    where: 'RFC 9700, 2.3; RFC 8707, 2.2',
    must: 'refreshing gives no more than was granted',
    attempt: 'another route',
    honest: gotToken,
    async attack(world) {
      const { refresh_token: token } = await tokensFor(world)
      const { body } = await refresh(world, token, { resource: world.server.resource('secrets') })
      expect(body).toMatchObject({ error: 'invalid_target' })
    },
  },
]

const consentFor = async (world: World, browser: Browser) => {
  const { server } = world
  const client = await server.register()
  let page = await browser.follow(await browser.get(server.authorizeUrl(client)))
  if (page.text.includes('name="password"')) {
    const fields = { csrf: field(page.text, 'csrf'), action: 'sign-in', name: 'alice', password: PASSWORD }
    page = await browser.follow(await browser.post(page.url, fields))
  }
  return { page, fields: { csrf: field(page.text, 'csrf'), action: 'allow' } }
}

const saidYes = async (world: World) => {
  const { page, fields } = await consentFor(world, world.person)
  const end = await world.person.follow(await world.person.post(page.url, fields))
  expect(new URL(end.url).searchParams.has('code')).toBe(true)
}

const CONSENT = 'MCP security best practices, Confused Deputy'

const consents: readonly Requirement[] = [
  {
    where: CONSENT,
    must: 'each client is asked about (consent is not skipped)',
    attempt: 'going on to the code without an answer',
    honest: saidYes,
    async attack(world) {
      const { page } = await consentFor(world, world.person)
      const resume = page.url.replace('/interaction/', '/authorize/')
      const { text, url } = await world.person.follow(await world.person.get(resume))
      expect(new URL(url || page.url).origin).toBe(world.server.origin)
      expect(text).toContain('value="allow"')
    },
  },
  {
    where: CONSENT,
    must: 'each client is asked about (consent is not skipped)',
    attempt: 'prompt=none of a client that is new',
    honest: saidYes,
    async attack(world) {
      const { server, person } = world
      const client = await server.register()
      const end = await person.follow(await person.get(server.authorizeUrl(client, { prompt: 'none' })))
      const told = new URL(end.url).searchParams
      expect(Object.fromEntries(told)).toMatchObject({ error: 'consent_required', iss: server.origin })
    },
  },
  {
    where: CONSENT,
    must: 'an answer comes from the page that asked (CSRF)',
    attempt: 'without the token of the page, and from another site',
    honest: saidYes,
    async attack(world) {
      const { page, fields } = await consentFor(world, world.person)
      const answers = [
        await world.person.post(page.url, { ...fields, csrf: 'x'.repeat(43) }),
        await world.person.post(page.url, fields, { 'sec-fetch-site': 'cross-site' }),
      ]
      expect(answers.map(({ status }) => status)).toEqual([403, 403])
    },
  },
  {
    where: CONSENT,
    must: 'an answer comes from the browser that was asked',
    attempt: 'another browser, with everything but the cookie',
    honest: saidYes,
    async attack(world) {
      const { page, fields } = await consentFor(world, world.person)
      expect((await new Browser(world.server.origin).post(page.url, fields)).status).toBe(400)
    },
  },
  {
    where: `${CONSENT}; RFC 9700, 4.16`,
    must: 'pages are not framed (clickjacking)',
    attempt: 'a look at what forbids it, on both pages',
    honest: saidYes,
    async attack(world) {
      const { page: consent } = await consentFor(world, world.person)
      const stranger = new Browser(world.server.origin)
      const signIn = await stranger.follow(await stranger.get(world.server.authorizeUrl(world.client)))
      for (const { headers } of [consent, signIn]) {
        expect(headers.get('x-frame-options')).toBe('DENY')
        expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      }
    },
  },
  {
    where: 'RFC 9700, 4.12',
    must: 'a form with a password is not sent on (no 307)',
    attempt: 'a look at the answer to one',
    honest: saidYes,
    async attack({ server, client }) {
      const browser = new Browser(server.origin)
      const page = await browser.follow(await browser.get(server.authorizeUrl(client)))
      const fields = { csrf: field(page.text, 'csrf'), action: 'sign-in', name: 'alice', password: PASSWORD }
      expect((await browser.post(page.url, fields)).status).toBe(303)
    },
  },
  {
    where: 'RFC 9700, 4.2.4',
    must: 'pages tell nobody where they are (Referer), and load nothing from elsewhere',
    attempt: 'a look at the page',
    honest: saidYes,
    async attack(world) {
      const { page } = await consentFor(world, world.person)
      expect(page.headers.get('referrer-policy')).toBe('same-origin')
      expect(page.text).not.toMatch(/(?:src|href)="https?:/)
    },
  },
]

const metadataOf = async ({ server }: World) => {
  const answer = await fetch(`${server.origin}/.well-known/oauth-authorization-server`)
  return (await answer.json()) as Record<string, unknown>
}

const answers: readonly Requirement[] = [
  {
    where: 'MCP authorization, Authorization Response Validation; RFC 9207, 2',
    must: 'answers say who gives them, and metadata says so (mix-up)',
    attempt: 'a look at a good one, at an error, and at the metadata',
    honest: gotCode,
    async attack(world) {
      const { server } = world
      const good = await back(world)
      const error = await back(world, { resource: 'https://other.example/mcp/files' })
      expect(error.searchParams.has('error')).toBe(true)
      for (const { searchParams } of [good, error])
        expect(searchParams.getAll('iss')).toEqual([server.origin])
      const metadata = await metadataOf(world)
      expect(metadata).toMatchObject({
        issuer: server.origin,
        authorization_response_iss_parameter_supported: true,
      })
    },
  },
  {
    where: 'MCP security considerations, Authorization Code Protection; RFC 8414, 2',
    must: 'metadata promises what there is and nothing else',
    attempt: 'a look at methods, grants and responses that are not',
    honest: gotCode,
    async attack(world) {
      const metadata = await metadataOf(world)
      expect(metadata).toMatchObject({
        code_challenge_methods_supported: ['S256'],
        response_types_supported: ['code'],
        client_id_metadata_document_supported: true,
        response_modes_supported: ['query', 'fragment'],
      })
      expect(metadata['scopes_supported']).not.toContain('openid')
      expect(metadata).not.toHaveProperty('id_token_signing_alg_values_supported')
      expect(metadata['grant_types_supported']).not.toContain('implicit')
      expect(metadata['grant_types_supported']).not.toContain('password')
      expect(metadata['token_endpoint_auth_methods_supported']).not.toContain('client_secret_post')
    },
  },
  {
    where: 'RFC 6749, 5.1',
    must: 'tokens are not kept on the way',
    attempt: 'a look at what caches are told',
    honest: gotToken,
    async attack(world) {
      const { server, client } = world
      const body = new URLSearchParams(server.exchange(client, await newCode(world)))
      const answer = await fetch(`${server.origin}/oauth/token`, { method: 'POST', body })
      expect(answer.status).toBe(200)
      expect(answer.headers.get('cache-control')).toContain('no-store')
    },
  },
  {
    where: 'MCP security considerations, Token Theft; RFC 9700, 2.2',
    must: 'access tokens are short-lived and for one resource',
    attempt: 'a look at one',
    honest: gotToken,
    async attack(world) {
      const token = String((await tokensFor(world))['access_token'])
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
      expect(claims.exp - claims.iat).toBeLessThanOrEqual(600)
      expect(claims.aud).toBe(world.server.resource())
    },
  },
  {
    where: 'RFC 7009, 2.1',
    must: 'a client revokes what is its own',
    attempt: 'the refresh token of another client',
    honest: gotToken,
    async attack(world) {
      const { refresh_token: token } = await tokensFor(world)
      const other = await world.server.register()
      const body = new URLSearchParams({ client_id: other, token: String(token) })
      await fetch(`${world.server.origin}/oauth/revoke`, { method: 'POST', body })
      expect((await refresh(world, token)).status).toBe(200)
    },
  },
]

export const authorizationRequirements: readonly Requirement[] = [
  ...requests,
  ...codes,
  ...refreshes,
  ...consents,
  ...answers,
]
