/**
 * A server that is slow, dies in the middle of a call, answers garbage, never ends a stream or sends too much harms
 * the calls that it was answering, and nobody else's.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Fault } from '../fixtures/recording/faults.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../fixtures/recording-upstream.ts'
import { ANONYMOUS, PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { eventually } from '../fixtures/watched-gateway.ts'
import { messagesOf, postLegacy, postModern } from '../fixtures/raw-http.ts'

let faulty: RecordingUpstream
let healthy: RecordingUpstream
let gateway: TestGateway
const unhandled: unknown[] = []
const onUnhandled = (reason: unknown) => unhandled.push(reason)

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled)
  faulty = await startRecordingUpstream()
  healthy = await startRecordingUpstream()
  gateway = await startTestGateway({
    config: `${ANONYMOUS}limits: { requestTimeoutSeconds: 1, maxResultBytes: 100000 }
servers:
  faulty: { url: '${faulty.url}' }
  healthy: { url: '${healthy.url}' }
`,
    policies: PERMIT_ALL,
  })
})
afterEach(() => faulty.misbehave(undefined))
afterAll(async () => {
  await gateway.close()
  await faulty.close()
  await healthy.close()
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled).toEqual([])
})

const request = { id: 7, method: 'tools/call', params: { name: 'echo', arguments: { text: 'hello' } } }
const eras = { legacy: postLegacy, modern: postModern }

/** The response to id 7 at the end of whatever came; undefined when there was none. */
async function answerOf(server: string, era: keyof typeof eras) {
  const response = await eras[era](gateway.url(server), request)
  for await (const message of messagesOf(response))
    if ('id' in message) return { status: response.status, message }
  return undefined
}

const faults: { title: string; fault: Fault }[] = [
  { title: 'never answers', fault: { kind: 'hang' } },
  { title: 'resets the connection in the middle of a body', fault: { kind: 'reset-body' } },
  { title: 'resets the connection in the middle of a stream', fault: { kind: 'reset-sse' } },
  { title: 'sends a body that is too large', fault: { kind: 'huge-body', bytes: 10_000_000 } },
  { title: 'sends an event that is too large', fault: { kind: 'huge-body', bytes: 10_000_000, as: 'sse' } },
  { title: 'sends a compression bomb', fault: { kind: 'gzip-bomb', bytes: 50_000_000 } },
  { title: 'answers another request', fault: { kind: 'wrong-id' } },
  { title: 'redirects', fault: { kind: 'redirect', location: 'http://127.0.0.1:1/elsewhere' } },
  { title: 'redirects with 307', fault: { kind: 'redirect', location: '/mcp', status: 307 } },
  { title: 'sends what is not UTF-8', fault: { kind: 'invalid-utf8' } },
  { title: 'sends half a response', fault: { kind: 'invalid-json' } },
  { title: 'calls its answer HTML', fault: { kind: 'wrong-content-type' } },
  { title: 'says 500', fault: { kind: 'status', status: 500, body: 'oops' } },
  { title: 'says 401', fault: { kind: 'status', status: 401, headers: { 'www-authenticate': 'Bearer' } } },
  { title: 'says 403', fault: { kind: 'status', status: 403 } },
  { title: 'says nothing with 204', fault: { kind: 'status', status: 204 } },
]

describe.each(['legacy', 'modern'] as const)('in the %s era, a server that', (era) => {
  test.each(faults)('$title fails its own call only', async ({ fault }) => {
    expect((await answerOf('faulty', era))?.message, 'control').toMatchObject({ id: 7, result: {} })
    faulty.misbehave(fault)
    const failing = answerOf('faulty', era)
    const other = await answerOf('healthy', era)
    expect(other?.message).toMatchObject({ id: 7, result: {} })
    const failed = await failing
    expect(failed?.status).toBe(200)
    expect(failed?.message).toMatchObject({
      id: 7,
      result: { isError: true, _meta: { 'tollgate/refusal': { reason: 'unavailable' } } },
    })
    faulty.misbehave(undefined)
    expect((await answerOf('faulty', era))?.message).toMatchObject({ id: 7, result: {} })
  })

  test('sends a second response to one request is heard once', async () => {
    faulty.misbehave({ kind: 'duplicate-reply' })
    const response = await eras[era](gateway.url('faulty'), request)
    const messages = []
    for await (const message of messagesOf(response)) messages.push(message)
    expect(messages).toHaveLength(1)
    expect(messages[0]).not.toHaveProperty('result.second')
  })

  test('never ends its stream is left when its caller leaves', async () => {
    faulty.misbehave({ kind: 'endless-sse' })
    const leave = new AbortController()
    const seen = faulty.requests.length
    const response = await eras[era](gateway.url('faulty'), request, { signal: leave.signal })
    const stream = messagesOf(response)
    await stream.next()
    leave.abort()
    await expect(stream.next()).rejects.toMatchObject({ name: 'AbortError' })
    expect(await faulty.requests[seen]?.ended).toBe('cut')
  })
})

test('the log tells how each of these calls ended', async () => {
  // Outcomes are written with the next commit, not waited for.
  await eventually(() => {
    const entries = gateway.entries()
    const outcomes = entries.filter((entry) => entry.kind === 'outcome')
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['ok', 'failed', 'cancelled']))
    expect(outcomes.length).toBe(entries.length - outcomes.length)
  })
})
