/** What clients, their redirects and codes must not be able to do (RFC 9700; MCP, authorization). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser } from '../fixtures/oauth/browser.ts'
import { REDIRECT, startTestServer, type TestServer, VERIFIER } from '../fixtures/oauth/server.ts'

let server: TestServer
let client: string
beforeAll(async () => {
  server = await startTestServer()
  client = await server.register()
})
afterAll(() => server.close())

const ask = (changes: Record<string, string | undefined>) =>
  new Browser(server.origin).get(server.authorizeUrl(client, changes))

describe('a redirect', () => {
  it.each([
    ['a longer path', `${REDIRECT}/more`],
    ['a shorter path', 'https://app.example/'],
    ['a query', `${REDIRECT}?next=https://evil.example`],
    ['a host that begins alike', 'https://app.example.evil.example/callback'],
    ['a user before the host', 'https://app.example@evil.example/callback'],
    ['dots', 'https://app.example/callback/../steal'],
    ['another case', 'https://app.example/CALLBACK'],
    ['another scheme', 'http://app.example/callback'],
    ['a port', 'https://app.example:444/callback'],
    ['a script', 'javascript:alert(1)'],
  ])('to %s is refused, and nobody is sent there', async (_title, uri) => {
    const answer = await ask({ redirect_uri: uri })
    expect(answer.status).toBe(400)
    expect(answer.location).toBeUndefined()
    expect(answer.text).toContain('redirect_uri')
  })

  it('that is left out is refused, even where the client has only one', async () => {
    const answer = await ask({ redirect_uri: undefined })
    expect(answer.status).toBe(400)
    expect(answer.location).toBeUndefined()
  })

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    'blob:https://app.example/x',
    'app.example:/callback',
    'http://app.example/callback',
    'http://127.0.0.1.evil.example/callback',
    'https://user:secret@app.example/callback',
    'https://app.example/callback#x',
    'callback',
  ])('cannot be registered for %s', async (uri) => {
    for (const application_type of ['web', 'native'])
      await expect(server.register({ redirect_uris: [uri], application_type })).rejects.toThrow(/invalid_/)
  })

  it.each(['http://127.0.0.1:3000/cb', 'http://localhost/cb', 'http://[::1]:9/cb'])(
    'can be registered for this machine: %s',
    async (uri) => {
      expect(await server.register({ redirect_uris: [uri] })).toMatch(/^[\w-]+$/)
    },
  )
})

describe('a request', () => {
  it.each([
    ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['with PKCE plain', { code_challenge: VERIFIER, code_challenge_method: 'plain' }, 'invalid_request'],
    ['with PKCE of no method', { code_challenge_method: undefined }, 'invalid_request'],
    ['for a token at once', { response_type: 'token' }, 'unsupported_response_type'],
    ['for an ID token', { response_type: 'id_token' }, 'unsupported_response_type'],
    ['for a resource elsewhere', { resource: 'https://other.example/mcp/files' }, 'invalid_target'],
    ['for a resource of another path', { resource: 'ORIGIN/admin' }, 'invalid_target'],
    ['for a resource with a query', { resource: 'ORIGIN/mcp/files?x' }, 'invalid_target'],
    ['that brings a request object', { request: 'e30.e30.' }, 'request_not_supported'],
    [
      'that names a request elsewhere',
      { request_uri: 'https://evil.example/r' },
      'request_uri_not_supported',
    ],
  ])('%s is refused', async (_title, changes: Record<string, string | undefined>, error) => {
    const resource = changes['resource']?.replace('ORIGIN', server.origin)
    const { location, text } = await ask(resource === undefined ? changes : { ...changes, resource })
    if (location === undefined) return expect(text).toContain(error)
    const back = new URL(location)
    expect(back.origin).toBe('https://app.example')
    const told = new URLSearchParams(back.search || back.hash.slice(1))
    expect(Object.fromEntries(told)).toMatchObject({
      error,
      iss: server.origin,
      state: 'a-state',
    })
  })

  it('from a client that is not known is refused here', async () => {
    const answer = await new Browser(server.origin).get(server.authorizeUrl('nobody'))
    expect(answer.status).toBe(400)
    expect(answer.location).toBeUndefined()
  })

  it('for no resource gets nothing', async () => {
    const back = await server.consent(client, { resource: undefined })
    expect(back.searchParams.get('error')).toBe('invalid_target')
  })

  it.each(['secrets', 'not-there'])(
    'for %s, out of reach or not there, ends in the same words',
    async (name) => {
      const back = await server.consent(client, { resource: server.resource(name) })
      expect(Object.fromEntries(back.searchParams)).toEqual({
        error: 'invalid_target',
        error_description: 'there is no such resource',
        iss: server.origin,
        state: 'a-state',
      })
    },
  )

  it('cannot be shown in a frame, nor its pages cached or scripted', async () => {
    const browser = new Browser(server.origin)
    const page = await browser.follow(await browser.get(server.authorizeUrl(client)))
    expect(page.headers.get('x-frame-options')).toBe('DENY')
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' https://app.example; frame-ancestors 'none'; base-uri 'none'",
    )
    expect(page.text).not.toMatch(/<script|style=|https?:\/\//)
  })
})

describe('a code', () => {
  const newCode = async () => (await server.consent(client)).searchParams.get('code') ?? ''

  it('that is used twice ends what came of it', async () => {
    const fields = server.exchange(client, await newCode())
    const first = await server.token(fields)
    expect(first.status).toBe(200)
    expect((await server.token(fields)).body).toMatchObject({ error: 'invalid_grant' })
    const again = { grant_type: 'refresh_token', client_id: client }
    const { body } = await server.token({ ...again, refresh_token: String(first.body['refresh_token']) })
    expect(body).toMatchObject({ error: 'invalid_grant' })
  })

  it.each([
    ['with no verifier', { code_verifier: '' }],
    ['with another verifier', { code_verifier: VERIFIER.replace('d', 'e') }],
    ['with another redirect', { redirect_uri: 'https://app.example/' }],
  ])('%s is refused', async (_title, changes) => {
    const { status, body } = await server.token(server.exchange(client, await newCode(), changes))
    expect(status).toBe(400)
    expect(body).not.toHaveProperty('access_token')
  })

  it('for another route than was said yes to is refused', async () => {
    const fields = server.exchange(client, await newCode(), { resource: server.resource('secrets') })
    expect((await server.token(fields)).body).toMatchObject({ error: 'invalid_target' })
  })

  it('of another client is refused', async () => {
    const other = await server.register()
    const { body } = await server.token(server.exchange(other, await newCode()))
    expect(body).toMatchObject({ error: 'invalid_grant' })
  })
})

describe('registration', () => {
  it('is bounded in speed, for one address', async () => {
    const own = await startTestServer()
    for (let count = 0; count < 30; count++) await own.register()
    await expect(own.register()).rejects.toThrow('too many registrations')
    own.pass(3600)
    await own.register()
    await own.close()
  })

  it('forgets clients that nobody let in', async () => {
    const own = await startTestServer()
    const [unused, used] = [await own.register(), await own.register()]
    await own.consent(used)
    own.store.clients.forgetUnused(Date.now() + 1)
    expect(own.store.clients.list().map(({ clientId }) => clientId)).toEqual([used])
    const answer = await new Browser(own.origin).get(own.authorizeUrl(unused))
    expect(answer.status).toBe(400)
    await own.close()
  })

  it('can be off', async () => {
    const own = await startTestServer({ registration: false })
    const answer = await fetch(`${own.origin}/oauth/register`, { method: 'POST' })
    expect(answer.status).toBe(404)
    await own.close()
  })
})
