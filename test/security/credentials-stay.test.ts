/**
 * Credentials do not cross (A3, invariant 6): nothing that a server receives, be it headers, body or environment,
 * holds the caller's credential or a secret of the gateway.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { getStream, messagesOf, postLegacy, postModern, startSession } from '../fixtures/raw-http.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../fixtures/recording-upstream.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

const SECRET = 'the-gateways-own-secret'
const UPSTREAM_TOKEN = 'for-the-upstream-only'

let upstream: RecordingUpstream
let gateway: TestGateway
let key: string

beforeAll(async () => {
  process.env['TOLLGATE_TEST_SECRET'] = SECRET
  process.env['TOLLGATE_TEST_UPSTREAM'] = UPSTREAM_TOKEN
  upstream = await startRecordingUpstream()
  gateway = await startTestGateway({
    config: `servers:
  http: { url: '${upstream.url}' }
  credentialed: { url: '${upstream.url}', credential: { type: bearer, secret: 'env:TOLLGATE_TEST_UPSTREAM' } }
  stdio: { command: ['${process.execPath}', '${SDK_SERVER}'], env: { GIVEN: yes-please } }
`,
    policies: PERMIT_ALL,
  })
  key = gateway.key('alice', 'claude-code')
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
  delete process.env['TOLLGATE_TEST_SECRET']
  delete process.env['TOLLGATE_TEST_UPSTREAM']
})

/** The key in whatever form it could be passed on. */
const formsOf = (token: string) => [
  token,
  token.slice(3, 40),
  Buffer.from(token).toString('base64'),
  Buffer.from(`Bearer ${token}`).toString('base64'),
  encodeURIComponent(token),
]
const call = { id: 1, method: 'tools/call', params: { name: 'echo', arguments: { text: 'hello' } } }

async function text(response: Response): Promise<string> {
  return `${JSON.stringify(Object.fromEntries(response.headers))} ${await response.text()}`
}

describe('over HTTP', () => {
  test('no request of any kind carries the caller’s key', async () => {
    const server = gateway.url('http')
    const from = upstream.requests.length
    await text(await postModern(server, call, { key }))
    await text(await postModern(server, { id: 2, method: 'tools/list' }, { key }))
    const session = await startSession(server, { key })
    await text(await postLegacy(server, call, { key, session }))
    const leave = new AbortController()
    await getStream(server, { key, session, signal: leave.signal })
    leave.abort()
    await text(
      await fetch(server, {
        method: 'DELETE',
        headers: {
          authorization: `Bearer ${key}`,
          'mcp-session-id': session,
          'mcp-protocol-version': '2025-11-25',
        },
      }),
    )
    const seen = upstream.requests.slice(from)
    expect(new Set(seen.map(({ method }) => method))).toEqual(new Set(['POST', 'GET', 'DELETE']))
    const everything = seen.map(
      ({ path, rawHeaders, body }) => `${path} ${rawHeaders.join(' ')} ${body.toString()}`,
    )
    for (const form of formsOf(key)) expect(everything.join('\n')).not.toContain(form)
    expect(everything.join('\n')).not.toMatch(/authorization|cookie|x-forwarded/i)
    expect(everything.join('\n')).not.toContain(SECRET)
  })

  test('headers that a caller adds do not pass', async () => {
    const from = upstream.requests.length
    const headers = {
      cookie: 'a=b',
      'x-forwarded-for': '1.2.3.4',
      'x-api-key': key,
      'proxy-authorization': `Bearer ${key}`,
    }
    await text(await postModern(gateway.url('http'), call, { key, headers }))
    const names = upstream.requests
      .slice(from)
      .flatMap(({ rawHeaders }) => rawHeaders.filter((_, at) => at % 2 === 0))
    expect(names.map((name) => name.toLowerCase()).toSorted()).toEqual(
      [
        'accept',
        'accept-encoding',
        'connection',
        'content-length',
        'content-type',
        'host',
        'mcp-method',
        'mcp-name',
      ].concat(['mcp-protocol-version', 'user-agent']),
    )
  })

  test('the server’s own credential goes to it and not to the caller', async () => {
    const from = upstream.requests.length
    await text(await postModern(gateway.url('credentialed'), call, { key }))
    const [request] = upstream.requests
      .slice(from)
      .filter(({ message }) => message?.['method'] === 'tools/call')
    expect(request?.rawHeaders).toContain(`Bearer ${UPSTREAM_TOKEN}`)
    for (const form of formsOf(key)) expect(request?.rawHeaders.join(' ')).not.toContain(form)
    upstream.misbehave({ kind: 'status', status: 401, body: UPSTREAM_TOKEN })
    const refused = await text(await postModern(gateway.url('credentialed'), call, { key }))
    upstream.misbehave(undefined)
    expect(refused).toContain('unavailable')
    expect(refused).not.toContain(UPSTREAM_TOKEN)
  })
})

describe('over stdio', () => {
  test('the environment of the child has neither the key nor the gateway’s secrets', async () => {
    const response = await postModern(
      gateway.url('stdio'),
      { ...call, params: { name: 'env', arguments: {} } },
      { key },
    )
    const messages = []
    for await (const message of messagesOf(response)) messages.push(message)
    const environment = JSON.stringify(messages)
    expect(environment).toContain('yes-please')
    expect(environment).toContain('PATH')
    for (const secret of [...formsOf(key), SECRET, UPSTREAM_TOKEN]) expect(environment).not.toContain(secret)
    expect(environment).not.toContain('TOLLGATE_')
  })
})

test('the log names the key and does not hold it', () => {
  const log = JSON.stringify(gateway.entries())
  expect(log).toMatch(/"credential":"[^"]+"/)
  for (const form of formsOf(key)) expect(log).not.toContain(form)
  expect(gateway.log.join('\n')).not.toContain(key)
})
