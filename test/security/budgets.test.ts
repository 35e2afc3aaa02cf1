/**
 * Budgets under load: two hundred calls at once, of a task and of two that are parts of it, by real HTTP to a real
 * gateway. What the server saw, what the agents got and what the log says are each within every budget.
 */
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import { type Called, callTool } from '../fixtures/calls.ts'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../fixtures/scripted-upstream.ts'

let upstream: ScriptedUpstream
let gateway: TestGateway
/** Names of the tools that were called, and how many were at work at once at the most. */
let seen: string[]
let underWay: number
let most: number

beforeEach(async () => {
  seen = []
  underWay = 0
  most = 0
  upstream = await startScriptedUpstream(async ({ params, method }, answer) => {
    if (method !== 'tools/call') return answer.result('{}')
    const { name, arguments: args } = params as { name: string; arguments: { bytes?: number; ms?: number } }
    seen.push(name)
    underWay++
    most = Math.max(most, underWay)
    await delay(args.ms ?? 5 + Math.random() * 20)
    underWay--
    answer.result(JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(args.bytes ?? 10) }] }))
  })
  gateway = await startTestGateway({
    config: `servers: { s: { url: '${upstream.url}', tools: { read: { readOnly: true } } } }\nhistory: { pushes: { tools: [s__push], per: task, window: 1h } }\n`,
    policies: `${PERMIT_ALL}\n@id("pushes") forbid (principal, action == Action::"s__push", resource) when { context.history.pushes >= 7 };`,
    within: existsSync('/dev/shm') ? '/dev/shm' : tmpdir(),
  })
})
afterEach(async () => {
  await gateway.close()
  await upstream.close()
})

const ANY: JsonObject = { servers: ['s'], tools: { s__push: { n: {} }, s__write: { n: {} } } }

/** So many calls at once, by turns of the keys. */
function storm(count: number, keys: readonly string[], call: (n: number) => [tool: string, args: object]) {
  return Promise.all(
    Array.from({ length: count }, (_, n) => {
      const [tool, args] = call(n)
      return callTool(gateway.url('s'), keys[n % keys.length] ?? '', tool, args)
    }),
  )
}

const through = (calls: readonly Called[]) => calls.filter(({ reason }) => reason === undefined)
const reasons = (calls: readonly Called[]) => [...new Set(calls.map(({ reason }) => reason))]

describe('two hundred calls at once', () => {
  test('never make more calls than the task, its parts and its tools have', async () => {
    const root = gateway.task({ ...ANY, budget: { calls: 60, calls_per_tool: { s__push: 9 } } })
    const left = gateway.task({ ...ANY, budget: { calls: 25 } }, { parent: root.id })
    const right = gateway.task({ ...ANY, budget: { calls_per_tool: { s__push: 3 } } }, { parent: root.id })
    const keys = [root.key, left.key, right.key]
    const calls = await storm(200, keys, (n) => (n % 4 === 0 ? ['push', { n }] : ['read', { n }]))
    expect(through(calls)).toHaveLength(60)
    expect(seen).toHaveLength(60)
    const ofLeft = calls.filter((_, n) => n % 3 === 1)
    expect(through(ofLeft).length).toBeLessThanOrEqual(25)
    const pushesOfRight = calls.filter((_, n) => n % 3 === 2 && n % 4 === 0)
    expect(through(pushesOfRight).length).toBeLessThanOrEqual(3)
    expect(seen.filter((name) => name === 'push').length).toBeLessThanOrEqual(7)
    expect(reasons(calls)).toEqual(expect.arrayContaining([undefined, 'limited']))
    const allowed = gateway
      .entries()
      .filter((entry) => entry.kind === 'decision' && entry.decision === 'allow')
    expect(allowed).toHaveLength(60)
  })

  test('are never more at work than the task may have, whoever of its parts calls', async () => {
    const root = gateway.task({ ...ANY, budget: { concurrency: 8 } })
    const part = gateway.task({ ...ANY, budget: { concurrency: 3 } }, { parent: root.id })
    const calls = await storm(200, [root.key, part.key], (n) => ['read', { n }])
    expect(through(calls).length).toBeGreaterThanOrEqual(8)
    expect(most).toBeLessThanOrEqual(8)
    expect(reasons(calls)).toEqual(expect.arrayContaining([undefined, 'limited']))
    const again = await storm(1, [part.key], (n) => ['read', { n }])
    expect(again[0]?.reason, 'the places are free again').toBeUndefined()
  })

  test('never get more bytes than the task has, and are told that the call was made', async () => {
    const root = gateway.task({ ...ANY, budget: { result_bytes: 100_000 } })
    const part = gateway.task({ ...ANY, budget: { result_bytes: 30_000 } }, { parent: root.id })
    const calls = await storm(200, [root.key, part.key], (n) => ['read', { n, bytes: 2000 }])
    const bytes = (of: readonly Called[]) => of.reduce((sum, call) => sum + call.bytes, 0)
    expect(bytes(calls)).toBeLessThanOrEqual(100_000)
    expect(bytes(calls)).toBeGreaterThan(90_000)
    expect(bytes(calls.filter((_, n) => n % 2 === 1))).toBeLessThanOrEqual(30_000)
    expect(calls.map(({ text }) => text)).toContainEqual(expect.stringContaining('The call was made'))
  })

  test('make the same call no more often than a hundred times', async () => {
    const task = gateway.task(ANY)
    const calls = await storm(200, [task.key], () => ['read', { path: 'a' }])
    expect(through(calls)).toHaveLength(100)
    expect(seen).toHaveLength(100)
    expect(through(await storm(1, [task.key], () => ['read', { path: 'b' }]))).toHaveLength(1)
  })

  test('are all in the counters that policies see, those under way included', async () => {
    const task = gateway.task(ANY)
    const calls = await storm(200, [task.key], (n) => ['push', { n }])
    expect(through(calls)).toHaveLength(7)
    expect(seen).toHaveLength(7)
    expect(reasons(calls)).toEqual(expect.arrayContaining([undefined, 'unknown']))
  })
})

test('calls that take too long together are ended, and no more are let through', async () => {
  const task = gateway.task({ ...ANY, budget: { wall_seconds: 2 } })
  const beganMs = performance.now()
  const calls = await storm(4, [task.key], (n) => ['read', { n, ms: 20_000 }])
  expect(reasons(calls)).toEqual(['limited'])
  expect(performance.now() - beganMs).toBeGreaterThan(450)
  expect(await callTool(gateway.url('s'), task.key, 'read')).toMatchObject({
    reason: 'limited',
    text: expect.stringContaining('of 2 seconds'),
  })
})

test('the events of a stream count as they are sent, and the end of it says what was kept back', async () => {
  const chatty = await startScriptedUpstream(({ method, id }, answer) => {
    if (method !== 'tools/call') return answer.result('{}')
    const send = answer.stream()
    const params = { level: 'info', data: 'y'.repeat(1000) }
    for (let n = 0; n < 30; n++) send({ jsonrpc: '2.0', method: 'notifications/message', params })
    send({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'z'.repeat(1000) }] } })
    answer.response.end()
  })
  try {
    await gateway.reload({ config: `servers: { s: { url: '${chatty.url}' } }\n` })
    const { key } = gateway.task({ tools: { s__read: {} }, budget: { result_bytes: 10_000 } })
    const response = await fetch(gateway.url('s'), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-11-25',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'read' } }),
    })
    const events = (await response.text()).split('\n\n').map((event) => `${event}\n\n`)
    const ofServer = events.filter((event) => event.includes('yyy') || event.includes('zzz'))
    const bytes = Buffer.byteLength(ofServer.join(''))
    expect(bytes).toBeLessThanOrEqual(10_000)
    expect(bytes).toBeGreaterThan(8000)
    expect(events.join('')).toContain('The call was made, but its answer is too much')
  } finally {
    await chatty.close()
  }
})

test('without a task the same calls all go through', async () => {
  const calls = await storm(200, [gateway.key('ada')], () => ['read', { path: 'a' }])
  expect(through(calls)).toHaveLength(200)
})
