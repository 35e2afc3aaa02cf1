/**
 * What a token must be good for (RFC 6750, 3.1): a scope that is asked for is needed besides what policies permit, the
 * answer says which ones to come back with, and it tells nobody of what is hidden from them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { getStream, messagesOf, postLegacy, postModern, startSession } from '../fixtures/raw-http.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../fixtures/recording-upstream.ts'
import { type Claims, startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'

const POLICIES = `@id("two-tools")
permit (principal, action in [Action::"files__echo", Action::"files__whoami"], resource);`

let upstream: RecordingUpstream
let corp: TokenIssuer
let gateway: TestGateway

const configWith = (scopes: string) => `servers:
  files:
    url: '${upstream.url}'
    scopes: [${scopes}]
    tools:
      echo: { scopes: ['files:write'] }
      secret: { scopes: ['files:secret'] }
  out-of-reach: { url: '${upstream.url}', scopes: ['other:read'] }
identity: { issuers: [ { name: corp, issuer: '${corp.url}', scopes: [mcp] } ] }
`

beforeAll(async () => {
  upstream = await startRecordingUpstream()
  corp = await startTokenIssuer()
  gateway = await startTestGateway({ config: configWith("'files:read'"), policies: POLICIES })
})
afterAll(async () => {
  await gateway.close()
  await corp.close()
  await upstream.close()
})

const token = (claims: Claims = {}) => corp.sign({ sub: 'ada', aud: gateway.url('files'), ...claims })

async function ask(key: string | undefined, method: string, params = {}, server = 'files') {
  const before = upstream.requests.length
  const response = await postModern(gateway.url(server), { id: 1, method, params }, { key })
  const messages: unknown[] = []
  for await (const message of messagesOf(response)) messages.push(message)
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    messages,
    entry: gateway.entries().findLast(({ kind }) => kind === 'decision'),
    forwarded: upstream.requests.length - before,
  }
}
const call = (key: string | undefined, name: string) => ask(key, 'tools/call', { name, arguments: {} })

const challengeWith = (scope: string) =>
  `Bearer realm="tollgate", error="insufficient_scope", scope="${scope}", resource_metadata="${gateway.origin}/.well-known/oauth-protected-resource/mcp/files", error_description="This token is not good for that; one with these scopes may be."`

describe('a token without a scope that is needed is refused, and told which ones are', () => {
  test.each<[string, Claims, string]>([
    ['none', {}, 'files:read'],
    ['an empty one', { scope: '' }, 'files:read'],
    ['another one', { scope: 'files:reader mcp' }, 'files:read'],
    ['one of another case', { scope: 'Files:Read' }, 'files:read'],
    ['that of a tool only', { scope: 'files:write' }, 'files:read files:write'],
  ])('for a list, with %s', async (_, claims, scope) => {
    const { status, challenge, entry, messages, forwarded } = await ask(await token(claims), 'tools/list')
    expect({ status, challenge, forwarded }).toEqual({
      status: 403,
      challenge: challengeWith(scope),
      forwarded: 0,
    })
    expect(entry).toMatchObject({
      decision: 'deny',
      reason: 'not-permitted',
      detail: 'the token lacks the scope files:read',
    })
    const remedy = { kind: 'scope', scopes: scope.split(' ') }
    expect(messages).toMatchObject([{ id: 1, error: { data: { reason: 'not-permitted', remedy } } }])
  })

  test.each([
    ['none', {}],
    ['that of the server', { scope: 'files:read' }],
    ['that of the tool', { scp: ['files:write'] }],
  ])('for a tool, with %s', async (_, claims) => {
    const { status, challenge, forwarded } = await call(await token(claims), 'echo')
    expect({ status, challenge, forwarded }).toEqual({
      status: 403,
      challenge: challengeWith('files:read files:write'),
      forwarded: 0,
    })
  })

  test('for what belongs to a session, its end included', async () => {
    const good = await token({ scope: 'files:read' })
    const session = await startSession(gateway.url('files'), { key: good })
    const bad = { key: await token(), session }
    const before = upstream.requests.length
    expect((await postLegacy(gateway.url('files'), { id: 1, method: 'ping' }, bad)).status).toBe(403)
    expect((await getStream(gateway.url('files'), bad)).status).toBe(403)
    const headers = { authorization: `Bearer ${bad.key}`, 'mcp-session-id': session }
    expect((await fetch(gateway.url('files'), { method: 'DELETE', headers })).status).toBe(403)
    expect(upstream.requests.length).toBe(before)
  })
})

describe('control: what goes through', () => {
  test.each<[string, Claims]>([
    ['a text', { scope: 'mcp files:write files:read' }],
    ['a list', { scp: ['files:read', 'files:write'] }],
    ['a text in scp', { scp: 'files:read files:write' }],
    ['a list in scope', { scope: ['files:read', 'files:write'] }],
  ])('a token with both, as %s', async (_, claims) => {
    const { messages } = await call(await token(claims), 'echo')
    expect(messages).toMatchObject([{ result: {} }])
  })

  test('a key, which has no scopes', async () => {
    expect((await call(gateway.key('ada'), 'echo')).messages).toMatchObject([{ result: {} }])
  })

  test('a tool that asks for no more than its server', async () => {
    expect((await call(await token({ scope: 'files:read' }), 'whoami')).messages).toMatchObject([
      { result: {} },
    ])
  })
})

test.each<Claims>([{ scope: 7 }, { scope: { a: 1 } }, { scp: [1] }, { scope: [['files:read']] }])(
  'a token whose scopes cannot be read is no token: %o',
  async (claims) => {
    expect((await call(await token(claims), 'whoami')).status).toBe(401)
  },
)

test('what is hidden answers like what is not there, with and without the scopes', async () => {
  for (const scope of ['files:read', 'files:read files:secret', 'files:secret', '']) {
    const key = await token({ scope })
    const [hidden, missing] = [await call(key, 'secret'), await call(key, 'nothing')]
    const text = (answer: object, name: string) => JSON.stringify(answer).replaceAll(name, 'NAME')
    const told = ({ status, challenge, messages }: typeof hidden) => ({ status, challenge, messages })
    expect(text(told(hidden), 'secret')).toBe(text(told(missing), 'nothing'))
    expect(hidden.challenge).toBeNull()
    const server = await corp.sign({ sub: 'ada', aud: gateway.url('out-of-reach'), scope })
    expect((await ask(server, 'tools/list', {}, 'out-of-reach')).status).toBe(404)
  }
})

test('a tool that only a scope stands before is listed, so that a client can ask for it', async () => {
  const { messages } = await ask(await token({ scope: 'files:read' }), 'tools/list')
  const [{ result }] = messages as [{ result: { tools: { name: string }[] } }]
  expect(result.tools.map(({ name }) => name)).toContain('echo')
})

test('whoever shows no token is told the scopes of all servers, on every route alike', async () => {
  const seen = new Set<string>()
  for (const name of ['files', 'out-of-reach', 'nowhere']) {
    const { status, challenge } = await ask(undefined, 'tools/list', {}, name)
    const metadata = await fetch(`${gateway.origin}/.well-known/oauth-protected-resource/mcp/${name}`)
    seen.add(`${status} ${challenge} ${await metadata.text()}`.replaceAll(`/mcp/${name}`, '/mcp/NAME'))
  }
  const [only = ''] = seen
  expect(seen.size).toBe(1)
  expect(only).toContain('scope="mcp files:read other:read"')
  expect(only).toContain('"scopes_supported":["mcp","files:read","other:read"]')
  expect(only).not.toMatch(/files:write|files:secret/)
})

test('a scope that the configuration asks for anew is asked for at the next call', async () => {
  const key = await token({ scope: 'files:read' })
  expect((await call(key, 'whoami')).status).toBe(200)
  expect(await gateway.reload({ config: configWith("'files:read', 'files:more'") })).toEqual([])
  expect((await call(key, 'whoami')).challenge).toBe(challengeWith('files:read files:more'))
  expect(await gateway.reload({ config: configWith("'files:read'") })).toEqual([])
})
