/** What was granted by a person ends when it is taken back, in the gateway that runs; and how its pages are reached. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openOauthStore, type OpenOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { openRevokedTokens, type RevokedTokens } from '../../packages/gateway/src/store/revoked-tokens.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type Granted, grant as grantTo } from '../fixtures/oauth/grant.ts'
import { addPerson } from '../fixtures/oauth/person.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

const SERVERS = `servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} }, other: { url: 'http://127.0.0.1:9/mcp' } }\n`
const POLICIES = '@id("people") permit (principal is User, action, resource);'
const ON = 'identity: { authorizationServer: {} }\n'

let gateway: TestGateway
/** Another process, as far as the gateway can tell. */
let store: OpenOauthStore
let revokedTokens: RevokedTokens
beforeAll(async () => {
  gateway = await startTestGateway({ config: ON + SERVERS, policies: POLICIES })
  const opened = openOauthStore(join(gateway.folder, 'data'))
  if (!opened.ok) throw new Error(opened.error)
  store = opened.value
  const revoked = openRevokedTokens(join(gateway.folder, 'data'))
  if (!revoked.ok) throw new Error(revoked.error)
  revokedTokens = revoked.value
})
afterAll(async () => {
  store.close()
  revokedTokens.close()
  await gateway.close()
})

/** Somebody new signs in and lets a new client in. */
const grant = (name: string) => grantTo(store, name, gateway.url('files'))

/** The name of a token in the audit log. */
const nameOf = (token: string) => `local/${decodeJwt(token).jti}`

/** RFC 7009. */
const revoke = ({ clientId, token }: { clientId: string; token: string }) =>
  fetch(`${gateway.origin}/oauth/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, token }),
  })

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
})

const initialize = (token: string, server = 'files') =>
  fetch(gateway.url(server), {
    method: 'POST',
    headers: { ...HEADERS, authorization: `Bearer ${token}` },
    body: INITIALIZE,
  })

describe('what was granted ends within five seconds, open streams too', () => {
  test.each<[string, (granted: Granted) => unknown]>([
    ['the person is removed', ({ name }) => store.people.remove(name, Date.now())],
    ['the client is revoked', ({ clientId }) => store.clients.revoke(clientId, Date.now())],
    ['the consent is withdrawn', ({ clientId, name }) => store.clients.withdraw(clientId, name, Date.now())],
    ['the person is signed out', ({ name }) => store.people.signOut(name)],
    ['the person sets another password', ({ name }) => addPerson(store, name, { again: true })],
    ['the client gives its access token back', revoke],
    ['the operator revokes the token', ({ token }) => revokedTokens.add(nameOf(token), Date.now())],
    [
      'the client gives its refresh token back',
      ({ clientId, refreshToken: token }) => revoke({ clientId, token }),
    ],
  ])('when %s', async (why, end) => {
    const [granted, other] = [
      await grant(why.replaceAll(' ', '-')),
      await grant(`not-${why.replaceAll(' ', '-')}`),
    ]
    const answer = await initialize(granted.token)
    expect(answer.status).toBe(200)
    const session = answer.headers.get('mcp-session-id') ?? ''
    const stream = await fetch(gateway.url('files'), {
      headers: {
        accept: 'text/event-stream',
        authorization: `Bearer ${granted.token}`,
        'mcp-session-id': session,
        'mcp-protocol-version': '2025-11-25',
      },
    })
    expect(stream.status).toBe(200)
    await end(granted)
    const ended = stream.text().then(
      () => 'ended',
      () => 'ended',
    )
    expect(await Promise.race([ended, sleep(5000, 'still open')])).toBe('ended')
    expect((await initialize(granted.token)).status).toBe(401)
    expect((await initialize(other.token)).status).toBe(200)
  })

  test('but not for a client that it was not issued to', async () => {
    const [granted, other] = [await grant('gus'), await grant('hal')]
    expect((await revoke({ clientId: other.clientId, token: granted.token })).status).toBe(200)
    await sleep(1500)
    expect((await initialize(granted.token)).status).toBe(200)
  })

  test('a token is for no other route', async () => {
    const { token } = await grant('wanda')
    const answer = await initialize(token, 'other')
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain('invalid_token')
  })
})

describe('the pages and endpoints', () => {
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(gateway.origin + path, { headers })

  test.each(['/oauth/authorize', '/oauth/style.css', '/.well-known/oauth-authorization-server'])(
    '%s answers no foreign Origin and no foreign Host',
    async (path) => {
      for (const origin of ['https://evil.example', 'null', `${gateway.origin}.evil.example`])
        expect((await get(path, { origin })).status).toBe(403)
      const { port } = new URL(gateway.origin)
      const asked = request(gateway.origin + path, { headers: { host: `evil.example:${port}` } }).end()
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      expect(answer.resume().statusCode).toBe(403)
    },
  )

  test('go by the public address, and there clients do not register themselves', async () => {
    const secure = await startTestGateway({
      config: `${ON}publicUrl: https://gate.example\ntrustedProxies: ['127.0.0.1']\n${SERVERS}`,
      policies: POLICIES,
    })
    const metadata = await fetch(`${secure.origin}/.well-known/oauth-authorization-server`)
    expect(await metadata.json()).toMatchObject({
      issuer: 'https://gate.example',
      token_endpoint: 'https://gate.example/oauth/token',
    })
    // Reached from elsewhere, so clients may not register themselves.
    const registered = await fetch(`${secure.origin}/oauth/register`, { method: 'POST' })
    expect(registered.status).toBe(404)
    await secure.close()
  })
})
