/** Deny is the default, and failure denies (invariant 2): whatever throws or errs, the call does not go on. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DecisionEntry } from '../../packages/gateway/src/model/entry.ts'
import type { Exchange } from '../../packages/gateway/src/model/exchange.ts'
import { createCaller } from '../../packages/gateway/src/model/caller.ts'
import { ok } from '../../packages/gateway/src/model/result.ts'
import type { Permit } from '../../packages/gateway/src/model/permit.ts'
import { Handles } from '../../packages/gateway/src/mcp/handles.ts'
import { Seals } from '../../packages/gateway/src/mcp/sealed.ts'
import { Sessions } from '../../packages/gateway/src/mcp/sessions.ts'
import { type Gateway, handleCall } from '../../packages/gateway/src/pipeline.ts'
import { Policies } from '../../packages/gateway/src/policy/policies.ts'
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
    reply: {
      send: (status, _headers, text) => {
        answer = { status, body: text }
        return text.length
      },
      stream: () => ({ write: async () => undefined, end: () => undefined }),
    },
  })

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
      authenticate: () => ok(createCaller({ type: 'User', id: 'alice' }, undefined, { method: 'anonymous' })),
      challenge: () => '',
      trail: {
        record: async (entry) => {
          recorded.push(entry)
          return ok({ requestId: entry.requestId, entry })
        },
        outcome: () => undefined,
      },
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

  function failOnce(): () => number {
    let failed = false
    return () => {
      if (failed) return 0
      failed = true
      return fail()
    }
  }
})
