import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { digestArguments } from '../../packages/gateway/src/audit/digest.ts'
import type { DecisionEntry, Entry, OutcomeEntry } from '../../packages/gateway/src/model/entry.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import {
  getStream,
  messagesOf,
  post,
  postLegacy,
  postModern,
  type RawRequest,
  startSession,
} from '../fixtures/raw-http.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../fixtures/recording-upstream.ts'
import { RAW_SERVER } from '../fixtures/stdio-upstream.ts'

const policies = `
@id("ada") permit (principal == User::"ada", action, resource);
@id("limit") forbid (principal, action == Action::"stdio__echo", resource) when { context.input has no };
@id("grace") permit (principal == User::"grace", action == Action::"stdio__echo", resource);
@id("broken") forbid (principal, action == Action::"stdio__big", resource) when { context.input.bytes > 10 };
`

let http: RecordingUpstream
let gateway: TestGateway
let ada: string
let grace: string
let known = 0

beforeAll(async () => {
  http = await startRecordingUpstream()
  const config = `servers:
  stdio: { command: ${JSON.stringify([process.execPath, RAW_SERVER, 'modern'])} }
  old: { command: ${JSON.stringify([process.execPath, RAW_SERVER, 'legacy'])} }
  http: { url: '${http.url}' }
`
  gateway = await startTestGateway({ config, policies })
  ada = gateway.key('ada', 'claude')
  grace = gateway.key('grace')
})

beforeEach(() => {
  known = gateway.entries().length
})

afterAll(async () => {
  await gateway.close()
  await http.close()
})

const fresh = () => gateway.entries().slice(known)
const isDecision = (entry: Entry): entry is DecisionEntry => entry.kind === 'decision'
const isOutcome = (entry: Entry): entry is OutcomeEntry => entry.kind === 'outcome'

/** The two entries of the one call that was made since the test began. */
async function recorded(): Promise<{ decision: DecisionEntry; outcome: OutcomeEntry }> {
  await expect.poll(() => fresh().filter(isOutcome).length).toBe(1)
  const [decision, outcome, ...more] = fresh()
  expect(more).toEqual([])
  return { decision: decision as DecisionEntry, outcome: outcome as OutcomeEntry }
}

const call = (name: string, args: object = {}): RawRequest => ({
  id: 1,
  method: 'tools/call',
  params: { name, arguments: args },
})
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

test('an allowed call is told by a decision and an outcome, with everything the contract names', async () => {
  const args = { b: [1, { deep: 'é' }], a: 1.5 }
  const response = await postModern(gateway.url('stdio'), call('echo', args), { key: ada })
  const body = await response.text()
  const { decision, outcome } = await recorded()
  expect(decision).toEqual({
    kind: 'decision',
    requestId: expect.stringMatching(/^[\w-]{16}$/),
    time: TIME,
    principal: 'User::"ada"',
    agent: 'claude',
    credential: expect.stringMatching(/^key-/),
    source: '127.0.0.1',
    server: 'stdio',
    method: 'tools/call',
    tool: 'stdio__echo',
    argumentsDigest: digestArguments({ a: 1.5, b: [1, { deep: 'é' }] }),
    counted: true,
    decision: 'allow',
    policies: ['ada'],
    reason: null,
    detail: null,
  })
  expect(outcome).toEqual({
    kind: 'outcome',
    requestId: decision.requestId,
    time: TIME,
    status: 'ok',
    reason: null,
    detail: null,
    durationMs: expect.any(Number),
    resultBytes: Buffer.byteLength(body),
  })
  expect(Object.keys(decision).slice(0, 3)).toEqual(['kind', 'requestId', 'time'])
  expect(JSON.stringify(gateway.entries())).not.toContain('deep')
})

interface Case {
  readonly what: string
  readonly send: () => Promise<Response>
  readonly decision: Partial<DecisionEntry>
  readonly outcome: Partial<OutcomeEntry>
}

const toStdio = (request: RawRequest, key: () => string) => () =>
  postModern(gateway.url('stdio'), request, { key: key() })
const toHttp = (request: RawRequest) => () => postModern(gateway.url('http'), request, { key: ada })

const CASES: Case[] = [
  {
    what: 'a call that a policy forbids',
    send: toStdio(call('echo', { no: 1 }), () => grace),
    decision: {
      decision: 'deny',
      policies: ['limit'],
      reason: 'not-permitted',
      tool: 'stdio__echo',
      agent: null,
    },
    outcome: { status: 'refused', reason: 'not-permitted' },
  },
  {
    what: 'a call of a hidden tool',
    send: toStdio(call('pid'), () => grace),
    decision: { decision: 'deny', policies: [], reason: 'unknown', tool: 'stdio__pid' },
    outcome: { status: 'refused', reason: 'unknown' },
  },
  {
    what: 'a call that a policy could not be evaluated for',
    send: toStdio(call('big', { bytes: 'many' }), () => ada),
    decision: {
      decision: 'deny',
      reason: 'not-permitted',
      detail: expect.stringMatching(/^"broken" \([^)]*:5:\d+\): .*context\.input\.bytes = "many"/) as string,
    },
    outcome: { status: 'refused' },
  },
  {
    what: 'a call without a credential',
    send: () => postModern(gateway.url('stdio'), call('echo')),
    decision: {
      decision: 'deny',
      reason: 'unauthenticated',
      principal: null,
      credential: null,
      method: null,
    },
    outcome: { status: 'refused', reason: 'unauthenticated' },
  },
  {
    what: 'a call to a server that is not there',
    send: () => postModern(gateway.url('nowhere'), call('echo'), { key: ada }),
    decision: { decision: 'deny', reason: 'unknown', principal: 'User::"ada"', server: null },
    outcome: { status: 'refused' },
  },
  {
    what: 'a body that is no message',
    send: () => post(gateway.url('stdio'), '{"jsonrpc":"2.0","id":1,"id":2}', { key: ada }),
    decision: { decision: 'deny', reason: 'invalid', server: null, method: null },
    outcome: { status: 'refused', reason: 'invalid' },
  },
  {
    what: 'a method that the server does not know',
    send: toStdio({ id: 1, method: 'future/method' }, () => ada),
    decision: {
      decision: 'allow',
      method: 'future/method',
      tool: null,
      argumentsDigest: expect.any(String) as string,
    },
    outcome: { status: 'error' },
  },
  {
    what: 'a prompt',
    send: toHttp({ id: 1, method: 'prompts/get', params: { name: 'hello', arguments: { a: 'b' } } }),
    decision: { decision: 'allow', tool: 'http__hello', argumentsDigest: digestArguments({ a: 'b' }) },
    outcome: { status: 'ok' },
  },
  {
    what: 'a resource',
    send: toHttp({ id: 1, method: 'resources/read', params: { uri: 'record://one' } }),
    decision: { decision: 'allow', tool: 'record://one', argumentsDigest: null },
    outcome: { status: 'ok' },
  },
  {
    what: 'a list',
    send: toHttp({ id: 1, method: 'tools/list' }),
    decision: { decision: 'allow', policies: ['ada'], tool: null },
    outcome: { status: 'ok' },
  },
]

test.each(CASES)('$what: one decision, one outcome', async ({ send, decision, outcome }) => {
  const response = await send()
  const body = await response.text()
  const told = await recorded()
  expect(told.decision).toMatchObject(decision)
  expect(told.outcome).toMatchObject(outcome)
  expect(told.outcome.requestId).toBe(told.decision.requestId)
  expect(told.outcome.resultBytes).toBe(Buffer.byteLength(body))
  expect(told.outcome.durationMs).toBeGreaterThanOrEqual(0)
})

test.each([
  ['that breaks off', 'reset-body', 'failed'],
  ['that breaks off its stream', 'reset-sse', 'failed'],
  ['that answers something else', 'wrong-id', 'failed'],
] as const)('a server %s: the outcome says that it failed', async (_, kind, status) => {
  http.misbehave({ kind })
  await (await toHttp(call('echo'))()).text()
  http.misbehave(undefined)
  const { decision, outcome } = await recorded()
  expect(decision).toMatchObject({ decision: 'allow', tool: 'http__echo' })
  expect(outcome).toMatchObject({ status, reason: 'unavailable' })
})

describe('a session', () => {
  test('is told message by message, its stream from beginning to end', async () => {
    const url = gateway.url('old')
    const session = await startSession(url, { key: ada })
    const stream = await getStream(url, { key: ada, session })
    await (await postLegacy(url, call('changed'), { key: ada, session })).text()
    await messagesOf(stream).next()
    const headers = {
      'mcp-session-id': session,
      authorization: `Bearer ${ada}`,
      'mcp-protocol-version': '2025-11-25',
    }
    await fetch(url, { method: 'DELETE', headers })
    await expect.poll(() => fresh().filter(isOutcome).length).toBe(5)
    expect(
      fresh()
        .filter(isDecision)
        .map(({ method }) => method),
    ).toEqual(['initialize', 'notifications/initialized', 'session/stream', 'tools/call', 'session/end'])
    const streamId = fresh()
      .filter(isDecision)
      .find(({ method }) => method === 'session/stream')?.requestId
    const last = fresh()
      .filter(isOutcome)
      .find(({ requestId }) => requestId === streamId)
    expect(last).toMatchObject({
      status: expect.stringMatching(/^(ok|failed)$/),
      resultBytes: expect.any(Number),
    })
    expect(last?.resultBytes).toBeGreaterThan(0)
  })
})

test('under load every call has exactly one decision and one outcome, in that order', async () => {
  const calls = Array.from({ length: 300 }, (_, n) => CASES[n % CASES.length]!.send())
  await Promise.all(calls.map(async (sent) => (await sent).text()))
  await expect.poll(() => fresh().filter(isOutcome).length, { timeout: 10_000 }).toBe(300)
  const byRequest = Map.groupBy(fresh(), ({ requestId }) => requestId)
  expect(byRequest.size).toBe(300)
  for (const entries of byRequest.values()) {
    expect(entries.map(({ kind }) => kind)).toEqual(['decision', 'outcome'])
  }
})
