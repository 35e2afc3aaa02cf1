/**
 * Where a call comes from, behind proxies: policies, limits and the log go by what declared proxies wrote, and what
 * anybody else writes changes nothing. Here the declared proxy calls from 127.0.0.1, and a stranger from 127.0.0.9.
 */
import { Agent, fetch as undiciFetch, request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { messagesOf, postModern } from '../fixtures/raw-http.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../fixtures/recording-upstream.ts'

const INSIDE = '203.0.113.9'
const OUTSIDE = '198.51.100.7'
const POLICIES = `@id("from-there")
permit (principal, action, resource) when { context.source.ip.isInRange(ip("203.0.113.0/24")) };
@id("on-this-machine")
permit (principal == User::"local", action, resource);`

let upstream: RecordingUpstream
let gateway: TestGateway
let stranger: Agent
let key: string

beforeAll(async () => {
  upstream = await startRecordingUpstream()
  gateway = await startTestGateway({
    config: `servers:\n  files: { url: '${upstream.url}' }
trustedProxies: ['127.0.0.1', '10.0.0.0/8']
identity: { authorizationServer: { registration: true }, anonymous: 'User::"local"' }\n`,
    policies: POLICIES,
  })
  stranger = new Agent({ localAddress: '127.0.0.9' })
  key = gateway.key('ada')
})
afterAll(async () => {
  await stranger.close()
  await gateway.close()
  await upstream.close()
})

const asStranger = ((url: string, init: object) =>
  undiciFetch(url, { ...init, dispatcher: stranger })) as unknown as typeof fetch

/** A call; its status, its answer, and its entry in the log. */
async function call(headers: Readonly<Record<string, string>>, from?: typeof fetch, who = key) {
  const response = await postModern(
    gateway.url('files'),
    { id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } },
    { headers, ...(who === '' ? {} : { key: who }), ...(from === undefined ? {} : { fetch: from }) },
  )
  const messages: unknown[] = []
  for await (const message of messagesOf(response)) messages.push(message)
  const entry = gateway.entries().findLast(({ kind }) => kind === 'decision')
  return { status: response.status, messages, entry }
}

describe('a declared proxy', () => {
  test.each([
    ['X-Forwarded-For', INSIDE],
    ['X-Forwarded-For', `${OUTSIDE}, ${INSIDE}, 10.0.0.2`],
    ['Forwarded', `for="${INSIDE}:4711";proto=https`],
  ])('that says %s: %s calls for a client that policy permits', async (name, value) => {
    const { entry, messages } = await call({ [name]: value })
    expect(messages).toMatchObject([{ result: {} }])
    expect(entry).toMatchObject({ decision: 'allow', source: INSIDE, via: '127.0.0.1' })
  })

  test.each([
    ['X-Forwarded-For', OUTSIDE],
    ['X-Forwarded-For', `${INSIDE}, ${OUTSIDE}`],
    ['X-Forwarded-For', `${INSIDE}, ${OUTSIDE}, 10.0.0.2`],
    ['Forwarded', `for=${INSIDE}, for=${OUTSIDE}`],
  ])('that says %s: %s does not, whatever its client wrote', async (name, value) => {
    const { entry } = await call({ [name]: value })
    expect(entry).toMatchObject({ decision: 'deny', source: OUTSIDE, via: '127.0.0.1' })
  })

  test.each([
    { 'x-forwarded-for': 'unknown' },
    { forwarded: 'for=_hidden' },
    { forwarded: `for="x, for=${INSIDE}` },
    { 'x-forwarded-for': OUTSIDE, forwarded: `for=${INSIDE}` },
  ])('that does not say for whom it calls is refused: %o', async (headers) => {
    const { status, entry } = await call(headers)
    expect(status).toBe(400)
    expect(entry).toMatchObject({ decision: 'deny', reason: 'invalid', source: '127.0.0.1' })
  })

  test('that adds nothing calls for itself, and nobody behind it is anonymous', async () => {
    const { entry } = await call({})
    expect(entry).toMatchObject({ decision: 'deny', reason: expect.any(String), source: '127.0.0.1' })
    expect(entry).not.toHaveProperty('via')
    expect((await call({}, undefined, '')).status).toBe(401)
    expect((await call({ 'x-forwarded-for': '127.0.0.5' }, undefined, '')).status).toBe(401)
    expect((await call({}, asStranger, '')).entry, 'control').toMatchObject({
      decision: 'allow',
      principal: 'User::"local"',
    })
  })
})

test.each([{ 'x-forwarded-for': INSIDE }, { forwarded: `for=${INSIDE}` }, { 'x-real-ip': INSIDE }])(
  'nobody else is believed: %o',
  async (headers) => {
    const { entry } = await call(headers, asStranger)
    expect(entry).toMatchObject({ decision: 'deny', source: '127.0.0.9' })
    expect(entry).not.toHaveProperty('via')
  },
)

test('nothing of it goes to the server, and none of it is a Host', async () => {
  const before = upstream.requests.length
  await call({ 'x-forwarded-for': INSIDE, 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' })
  const sent = upstream.requests.slice(before)
  expect(sent.length).toBeGreaterThan(0)
  const text = JSON.stringify(sent.map(({ rawHeaders }) => rawHeaders)).toLowerCase()
  expect(text).not.toMatch(/forwarded|203\.0\.113|evil/)
  const { statusCode, body } = await request(gateway.url('files'), {
    method: 'POST',
    headers: {
      host: 'evil.example',
      'x-forwarded-host': new URL(gateway.origin).host,
      'x-forwarded-for': INSIDE,
    },
  })
  await body.dump()
  expect(statusCode).toBe(403)
})

test('attempts are counted by the client, and a stranger cannot change who it is', async () => {
  const register = async (headers: Readonly<Record<string, string>>, send: typeof fetch = fetch) => {
    const response = await send(`${gateway.origin}/oauth/register`, { method: 'POST', headers, body: '{}' })
    await response.text()
    return response.status
  }
  for (let at = 0; at < 30; at++) await register({ 'x-forwarded-for': OUTSIDE })
  expect(await register({ 'x-forwarded-for': `${INSIDE}, ${OUTSIDE}` })).toBe(429)
  expect(await register({ 'x-forwarded-for': INSIDE })).not.toBe(429)
  for (let at = 0; at < 30; at++) await register({ 'x-forwarded-for': `203.0.113.${at}` }, asStranger)
  expect(await register({ 'x-forwarded-for': '203.0.113.200' }, asStranger)).toBe(429)
})
