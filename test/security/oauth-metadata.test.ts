/** Where a client without a token is told to get one (RFC 9728), and what a stranger learns by asking: nothing. */
import * as modern from '@modelcontextprotocol/client'
import * as former from '@modelcontextprotocol/sdk/client/auth.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectClient, FLAVOURS } from '../fixtures/sdk-clients.ts'
import { startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'
import { expectRefused, startWatchedGateway, type WatchedGateway } from '../fixtures/watched-gateway.ts'
import { withHeader, withoutHeader, type WireRequest } from '../fixtures/wire.ts'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

let corp: TokenIssuer
let gateway: WatchedGateway
let plain: WatchedGateway
beforeAll(async () => {
  corp = await startTokenIssuer()
  const machines = 'recipe: github-actions, requires: { repository_owner: [acme] }'
  gateway = await startWatchedGateway({
    config: `identity:
  issuers:
    - { name: corp, issuer: '${corp.url}', scopes: [mcp] }
    - { name: ci, ${machines} }
`,
  })
  plain = await startWatchedGateway({ config: `identity: { issuers: [ { name: ci, ${machines} } ] }` })
})
afterAll(async () => {
  await Promise.all([gateway.close(), plain.close()])
  await corp.close()
})

const get = (gate: WatchedGateway, target: string): WireRequest => ({
  method: 'GET',
  target,
  headers: [['Host', gate.host]],
  body: '',
})

describe('metadata of a route', () => {
  test.each(['/mcp', '/mcp/files'])(
    '%s: its canonical address, and who gives tokens for it',
    async (path) => {
      const { replies, decisions } = await gateway.send(get(gateway, WELL_KNOWN + path))
      expect(replies[0]).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
      expect(JSON.parse(replies[0]?.body ?? '')).toEqual({
        resource: gateway.origin + path,
        authorization_servers: [corp.url],
        bearer_methods_supported: ['header'],
        dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
        scopes_supported: ['mcp'],
      })
      expect(decisions).toEqual([])
    },
  )

  test('is the same for a server that is not there', async () => {
    const ask = async (name: string) => {
      const { replies } = await gateway.send(get(gateway, `${WELL_KNOWN}/mcp/${name}`))
      return replies.map(({ status, body }) => ({ status, body: body.replaceAll(name, 'X') }))
    }
    expect(await ask('nobody')).toEqual(await ask('files'))
  })

  test.each([
    '',
    '/',
    '/mcp/',
    '/mcp/a/b',
    '/mcp/files?x=1',
    '/mcp/..',
    '/mcp/a__b',
    '/mcp/%66iles',
    '/admin',
    `/mcp/${'a'.repeat(65)}`,
  ])('there is none for %j', async (path) => {
    expectRefused(await gateway.send(get(gateway, WELL_KNOWN + path)), {
      status: 401,
      reason: 'unauthenticated',
    })
  })

  test('there is none for another method, a foreign Host or a foreign Origin', async () => {
    const request = get(gateway, `${WELL_KNOWN}/mcp/files`)
    for (const each of [
      { ...request, method: 'POST' },
      withHeader(request, 'Host', 'evil.example.com'),
      withHeader(request, 'Origin', 'https://evil.example.com'),
    ]) {
      const { replies } = await gateway.send(each)
      expect([401, 403]).toContain(replies[0]?.status)
      expect(replies[0]?.body).not.toContain(corp.url)
    }
  })

  test('there is none where no issuer gives tokens to clients', async () => {
    const { replies } = await plain.send(get(plain, `${WELL_KNOWN}/mcp/files`))
    expect(replies[0]?.status).toBe(401)
  })
})

describe('the challenge of a 401', () => {
  const ask = async (gate: WatchedGateway, target: string, authorization?: string) => {
    const request = { ...withoutHeader(gate.legacy(), 'Authorization'), target }
    const shown = authorization === undefined ? request : withHeader(request, 'Authorization', authorization)
    const { replies } = await gate.send(shown)
    expect(replies[0]?.status).toBe(401)
    return replies[0]?.headers['www-authenticate']
  }

  test('names the metadata of the route, and the scopes to ask for', async () => {
    const rest = `resource_metadata="${gateway.origin}${WELL_KNOWN}/mcp/files", scope="mcp"`
    expect(await ask(gateway, '/mcp/files')).toBe(`Bearer realm="tollgate", ${rest}`)
    const shown = await ask(gateway, '/mcp/files', 'Bearer x')
    expect(shown).toBe(`Bearer realm="tollgate", error="invalid_token", ${rest}`)
  })

  test('is the same for a server that is not there', async () => {
    const [there, not] = [await ask(gateway, '/mcp/files'), await ask(gateway, '/mcp/nobody')]
    expect(not?.replace('nobody', 'files')).toBe(there)
  })

  test.each(['/', '/mcp/a"b', '/mcp/files?a=b', '/elsewhere'])('names none for %j', async (target) => {
    expect(await ask(gateway, target)).toBe('Bearer realm="tollgate"')
  })

  test('is as before where no issuer gives tokens to clients', async () => {
    expect(await ask(plain, '/mcp/files')).toBe('Bearer realm="tollgate"')
  })
})

describe.each([
  ['v1', former],
  ['v2', modern],
])('the official SDK %s, knowing only the address of the route', (_, sdk) => {
  test('finds the issuer, what to ask for and where', async () => {
    const url = gateway.url('files')
    const challenged = await fetch(url, { method: 'POST', body: '{}' })
    await challenged.text()
    expect(challenged.status).toBe(401)
    const { resourceMetadataUrl, scope } = sdk.extractWWWAuthenticateParams(challenged)
    expect(scope).toBe('mcp')
    const asTold = resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }
    const metadata = await sdk.discoverOAuthProtectedResourceMetadata(url, asTold)
    expect(metadata).toMatchObject({ resource: url, authorization_servers: [corp.url] })
    expect(await sdk.discoverOAuthProtectedResourceMetadata(url)).toEqual(metadata)
  })
})

test.each(FLAVOURS)('the official SDK %s calls a tool with the token that it got', async (flavour) => {
  const client = await connectClient(flavour, gateway.url('files'), {
    key: await corp.sign({ aud: gateway.url('files') }),
  })
  expect(await client.callTool({ name: 'echo', arguments: { text: 'hello' } })).toMatchObject({
    content: [{ type: 'text' }],
  })
  await client.close()
})

test('with publicUrl, that is the address, and its host may be asked for', async () => {
  const behind = await startWatchedGateway({
    config: `publicUrl: https://gate.example.com\nidentity: { issuers: [ { name: corp, issuer: '${corp.url}' } ] }`,
  })
  try {
    const request = withHeader(get(behind, `${WELL_KNOWN}/mcp/files`), 'Host', 'gate.example.com')
    const { replies } = await behind.send(request)
    expect(JSON.parse(replies[0]?.body ?? '')).toMatchObject({
      resource: 'https://gate.example.com/mcp/files',
    })
    const token = await corp.sign({ aud: 'https://gate.example.com/mcp/files' })
    const call = withHeader(behind.legacy({ key: token }), 'Host', 'gate.example.com')
    expect((await behind.send(call)).replies[0]?.status).toBe(200)
    const local = await corp.sign({ aud: `${behind.origin}/mcp/files` })
    expect((await behind.send(behind.legacy({ key: local }))).replies[0]?.status).toBe(401)
  } finally {
    await behind.close()
  }
})
