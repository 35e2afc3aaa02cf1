/** Deny is the default, and failure denies (invariant 2): whatever throws or errs, the call does not go on. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DecisionEntry, OutcomeEntry } from '../../packages/gateway/src/model/entry.ts'
import type { Exchange } from '../../packages/gateway/src/model/exchange.ts'
import { createCaller } from '../../packages/gateway/src/model/caller.ts'
import { err, ok } from '../../packages/gateway/src/model/result.ts'
import type { Permit } from '../../packages/gateway/src/model/permit.ts'
import { Handles } from '../../packages/gateway/src/mcp/handles.ts'
import { Seals } from '../../packages/gateway/src/mcp/sealed.ts'
import { Sessions } from '../../packages/gateway/src/mcp/sessions.ts'
import { type Gateway, handleCall, refuseUnreadable } from '../../packages/gateway/src/pipeline.ts'
import { Policies } from '../../packages/gateway/src/policy/policies.ts'
import { Paths } from '../../packages/gateway/src/tasks/path.ts'
import {
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'

const PERMIT = '@id("ok") permit (principal, action, resource);'

describe('a policy that cannot be evaluated refuses', () => {
  let gateway: WatchedGateway
  beforeEach(async () => {
    gateway = await startWatchedGateway({ policies: PERMIT })
  })
  afterEach(() => gateway.close())

  test.each([
    [
      'an attribute that is not there',
      'permit (principal, action, resource) when { context.input.missing == 1 };',
    ],
    [
      'an overflow',
      'permit (principal, action, resource) when { context.input.count * 9223372036854775807 > 0 };',
    ],
    ['another type than expected', 'permit (principal, action, resource) when { context.input.text < 3 };'],
    [
      'a forbid that cannot be evaluated',
      'forbid (principal, action, resource) when { context.input.missing };',
    ],
    [
      'an extension value that is none',
      'forbid (principal, action, resource) when { ip(context.input.text).isLoopback() };',
    ],
    ['null in the arguments', 'forbid (principal, action, resource) when { context.input.nothing == "x" };'],
    [
      'a tag that is not there',
      'permit (principal, action, resource) when { context.input.text == principal.getTag("x") };',
    ],
  ])('%s', async (_name, text) => {
    const params = { name: 'echo', arguments: { text: 'hello', count: 2, nothing: null } }
    expectAllowed(await gateway.send(gateway.modern({ params })))
    expect(await gateway.reload({ policies: `${PERMIT} @id("bad") ${text}` })).toEqual([])
    const seen = await gateway.send(gateway.modern({ params }))
    expect(seen.requests).toEqual([])
    expect(seen.decisions).toMatchObject([{ decision: 'deny', detail: expect.stringContaining('bad') }])
  })

  test('no policy at all', async () => {
    expect(await gateway.reload({ policies: '' })).toEqual([])
    expectRefused(await gateway.send(gateway.modern()), { status: 404, reason: 'unknown' })
  })
})

describe('anything thrown in the pipeline denies', () => {
  const forwarded: Permit[] = []
  const recorded: DecisionEntry[] = []
  let answer: { status: number; body: string } | undefined
  beforeEach(() => {
    forwarded.length = 0
    recorded.length = 0
    answer = undefined
  })

  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'echo', arguments: {} },
  })
  const exchange = (): Exchange => ({
    requestId: 'r',
    arrivedAtMs: 0,
    method: 'POST',
    target: '/mcp/files',
    rawHeaders: [],
    repeatedHeaders: [],
    header: (name) =>
      ({ host: 'h', 'content-type': 'application/json', 'mcp-protocol-version': '2025-11-25' })[name],
    peer: { transport: 'tcp', address: '127.0.0.1', secure: false },
    readBody: async () => ok(Buffer.from(body)),
    signal: new AbortController().signal,
    end: () => undefined,
    endedWith: undefined,
    place: undefined,
    reply: {
      send: (status, _headers, text) => {
        answer = { status, body: text }
        return text.length
      },
      stream: () => ({ write: async () => undefined, end: () => undefined }),
    },
  })

  const NO_LEDGER: Gateway['ledger'] = {
    begin: () => ok({ end: () => undefined, cancel: () => undefined, deliver: () => undefined }),
    beginAside: () => ok({ end: () => undefined, cancel: () => undefined, deliver: () => undefined }),
    refused: () => undefined,
    fault: undefined,
    labelsOf: () => new Set(),
    callsOf: () => 0,
    historyOf: () => undefined,
  }

  function gatewayWith(over: Partial<Gateway>): Gateway {
    const policies = Policies.load([{ file: 'p.cedar', text: PERMIT }], {
      environment: 'test',
      toolFacts: () => undefined,
    })
    if (!policies.ok) throw new Error('expected to load')
    const message = {
      text: '{"jsonrpc":"2.0","id":1,"result":{}}',
      body: { jsonrpc: '2.0', id: 1, result: {} },
    }
    const upstream = {
      forward: async (permit: Permit) => {
        forwarded.push(permit)
        return ok({ kind: 'single' as const, status: 200, message })
      },
      status: () => ({ transport: 'test', state: 'ready' as const, eras: [] }),
      close: async () => undefined,
    }
    const clock = { now: () => 0, randomId: () => 'id' }
    return {
      snapshot: () => ({
        routes: new Map([['files', { server: 'files', upstream }]]),
        policies: policies.value,
        hosts: { hosts: new Set(['h']), origins: new Set() },
        limits: { maxBodyBytes: 1000, maxJsonDepth: 10, maxJsonMembers: 100 },
      }),
      authenticate: () => ok(createCaller({ type: 'User', id: 'alice' }, {}, { method: 'anonymous' })),
      challenge: () => '',
      trail: {
        record: async (entry) => {
          recorded.push(entry)
          return ok({ requestId: entry.requestId, entry })
        },
        outcome: () => undefined,
      },
      tasks: { bind: () => ok(undefined) },
      ledger: NO_LEDGER,
      approvals: {
        find: () => undefined,
        ask: (_asked, _judged, refusal) => refusal,
        settled: () => Promise.resolve(),
        spend: () => ok(undefined),
      },
      paths: new Paths(),
      sessions: new Sessions({ ...clock, maxSessionsPerCaller: 1, idleSeconds: 1 }),
      handles: new Handles(),
      seals: new Seals({ ...clock, key: new Uint8Array(32), ttlSeconds: 1 }),
      lifetime: ({ exchange: { signal } }) => signal,
      now: () => 0,
      note: () => undefined,
      ...over,
    }
  }
  const fail = (): never => {
    throw new Error('injected')
  }

  test('control: with nothing thrown the call is forwarded', async () => {
    await handleCall(exchange(), gatewayWith({}))
    expect(forwarded).toHaveLength(1)
    expect(answer?.status).toBe(200)
  })

  test.each<[string, Partial<Gateway>]>([
    ['the snapshot', { snapshot: fail }],
    ['authentication', { authenticate: fail }],
    [
      'the session table',
      { sessions: { find: fail } as never, handles: { find: fail } as never, snapshot: fail },
    ],
    ['the seals', { seals: { spend: fail } as never }],
    ['the tasks', { tasks: { bind: fail } }],
    ['the budgets', { ledger: { ...NO_LEDGER, begin: fail } }],
    ['the counters', { ledger: { ...NO_LEDGER, historyOf: fail } }],
    ['the lifetime', { lifetime: fail }],
    ['the clock, once', { now: failOnce() }],
  ])('in %s', async (_name, over) => {
    await handleCall(exchange(), gatewayWith(over))
    expect(forwarded).toEqual([])
    expect(recorded.length).toBeGreaterThan(0)
    expect(answer?.status).toBe(500)
    expect(answer?.body).toContain('"reason":"internal"')
    expect(answer?.body).not.toContain('injected')
  })

  test.each<[string, Gateway['trail']]>([
    ['throws', { record: fail, outcome: () => undefined }],
    ['rejects', { record: () => Promise.reject(new Error('injected')), outcome: () => undefined }],
  ])('in a log that %s', async (_name, trail) => {
    await expect(handleCall(exchange(), gatewayWith({ trail }))).resolves.toBeUndefined()
    expect(forwarded).toEqual([])
    expect(answer).toMatchObject({ status: 500 })
  })

  const broken = new Proxy({}, { get: fail }) as never
  const snapshotWith = (part: object) => ({ snapshot: () => ({ ...gatewayWith({}).snapshot(), ...part }) })
  const upstreamThat = (forward: () => Promise<never>) =>
    snapshotWith({ routes: new Map([['files', { server: 'files', upstream: { forward } }]]) })
  const unauthenticated = () => err({ reason: 'unauthenticated', message: 'no' } as const)
  const nothing = new Uint8Array()

  test.each<[string, Partial<Gateway>, Partial<Exchange>]>([
    ['the routes', snapshotWith({ routes: broken }), {}],
    ['the policies', snapshotWith({ policies: broken }), {}],
    ['the host rules', snapshotWith({ hosts: broken }), {}],
    ['the limits', snapshotWith({ limits: broken }), {}],
    [
      'the handles',
      { handles: broken },
      { readBody: async () => ok(Buffer.from(body.replace('call', 'get').replace('tools', 'tasks'))) },
    ],
    [
      'the seals, opening',
      { seals: broken },
      { readBody: async () => ok(Buffer.from(body.replace('"name"', '"requestState":"x","name"'))) },
    ],
    [
      'the sessions',
      { sessions: broken },
      { header: (name) => (name === 'mcp-session-id' ? 'x' : exchange().header(name)) },
    ],
    ['the lines of the head', {}, { header: fail }],
    ['the body', {}, { readBody: fail }],
    ['the body, which rejects', {}, { readBody: () => Promise.reject(new Error('injected')) }],
    ['the body, which is no body', {}, { readBody: async () => ok(nothing as Buffer) }],
    ['the clock, always', { now: fail }, {}],
    ['the notes', { note: fail, lifetime: fail }, {}],
    ['the challenge', { challenge: fail, authenticate: unauthenticated }, {}],
  ])('in %s: answered, and nothing is forwarded', async (_name, over, exchanged) => {
    await expect(handleCall({ ...exchange(), ...exchanged }, gatewayWith(over))).resolves.toBeUndefined()
    expect(forwarded).toEqual([])
    expect(answer?.status).toBeGreaterThanOrEqual(400)
    expect(answer?.body).not.toContain('injected')
  })

  test.each<[string, () => Promise<never>]>([
    ['throws', fail],
    ['rejects', () => Promise.reject(new Error('injected'))],
  ])(
    'in a server’s connection that %s: this call fails, and is on record with its end',
    async (_name, forward) => {
      const outcomes: OutcomeEntry[] = []
      const { trail } = gatewayWith({})
      const watched = { ...trail, outcome: (entry: OutcomeEntry) => void outcomes.push(entry) }
      await handleCall(exchange(), gatewayWith({ ...upstreamThat(forward), trail: watched }))
      expect(answer).toMatchObject({ status: 500, body: expect.stringContaining('"internal"') })
      expect(recorded).toMatchObject([{ decision: 'allow' }])
      expect(outcomes).toMatchObject([{ status: 'failed', reason: 'internal' }])
    },
  )

  test.each<[string, Partial<Gateway>, Partial<Exchange['reply']>]>([
    ['recording how it ended', { trail: { ...gatewayWith({}).trail, outcome: fail } }, {}],
    ['answering', {}, { send: fail }],
    ['answering a refusal', { authenticate: fail }, { send: fail }],
  ])('in %s: the gateway goes on', async (_name, over, reply) => {
    const made = exchange()
    const call = handleCall({ ...made, reply: { ...made.reply, ...reply } }, gatewayWith(over))
    await expect(call).resolves.toBeUndefined()
  })

  test('in what cannot even be read: the same', async () => {
    for (const over of [{ now: fail }, { trail: broken }, { note: fail }]) {
      const refusal = { reason: 'internal', message: 'unreadable' } as const
      await expect(refuseUnreadable(exchange(), refusal, gatewayWith(over))).resolves.toBeUndefined()
      expect(answer?.status).toBe(500)
    }
  })

  function failOnce(): () => number {
    let failed = false
    return () => {
      if (failed) return 0
      failed = true
      return fail()
    }
  }
})
