/**
 * What a server hands out to go on with (A11, invariant 3): task handles, request states and cursors. Each is good for
 * the caller, the server and the request it was made for, and a state for one retry. Judged anew like any request.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DecisionEntry } from '../../packages/gateway/src/model/entry.ts'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { answerOf, postLegacy, postModern } from '../fixtures/raw-http.ts'
import { type ScriptedUpstream, type Script, startScriptedUpstream } from '../fixtures/scripted-upstream.ts'

const POLICIES = `
@id("alice") permit (principal == User::"alice", action, resource);
@id("bob") permit (principal == User::"bob", action, resource);
`

/** What reached the servers: path, method and parameters without `_meta`. */
const seen: { method: string; params: JsonObject }[] = []
let upstream: ScriptedUpstream
let gateway: TestGateway
const keys: Record<string, string> = {}

const script: Script = ({ method, params, modern }, answer) => {
  const { _meta: _, ...kept } = params
  seen.push({ method, params: kept })
  const say = (result: JsonObject) =>
    answer.result(JSON.stringify({ ...(modern ? { resultType: 'complete' } : {}), ...result }))
  const taskId = `task-of-${String(params['name'])}`
  if (method === 'tools/call' && params['name'] === 'ask' && params['requestState'] === undefined) {
    const inputRequests = { who: { method: 'elicitation/create', params: { message: 'Who?' } } }
    return say({ resultType: 'input_required', requestState: 'the-servers-own-state', inputRequests })
  }
  if (method === 'tools/call' && modern && params['name'] !== 'ask')
    return say({ resultType: 'task', taskId, status: 'working' })
  if (method === 'tools/call' && params['task'] !== undefined)
    return say({ task: { taskId, status: 'working' } })
  if (method === 'tools/list')
    return say({ tools: [], nextCursor: 'the-servers-own-cursor', ttlMs: 0, cacheScope: 'private' })
  if (method === 'tasks/list')
    return say({
      tasks: [{ taskId: 'task-of-job' }, { taskId: 'task-of-nobody' }, { taskId: 'task-of-bobs' }],
    })
  return say({ content: [], taskId })
}

beforeAll(async () => {
  upstream = await startScriptedUpstream(script)
  gateway = await startTestGateway({
    config: `servers:\n  a: { url: '${upstream.url}' }\n  b: { url: '${upstream.url}' }\n`,
    policies: POLICIES,
  })
  for (const name of ['alice', 'bob']) keys[name] = gateway.key(name)
  keys['agent'] = gateway.key('alice', 'other-agent')
  await Promise.all(['a', 'b'].map((server) => ask('alice', 'tools/list', {}, server)))
})
beforeEach(() => void seen.splice(0))
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

async function ask(who: string, method: string, params: JsonObject, server = 'a'): Promise<JsonObject> {
  const capabilities = { elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } }
  const headers = typeof params['taskId'] === 'string' ? { 'mcp-name': params['taskId'] } : {}
  const options = { key: keys[who], headers }
  return answerOf(await postModern(gateway.url(server), { id: 1, method, params, capabilities }, options))
}

function lastDecision(): DecisionEntry {
  return gateway
    .entries()
    .filter((entry) => entry.kind === 'decision')
    .at(-1) as DecisionEntry
}

/** Refused as an error with this code, on record, and not seen by the server. */
function expectRefused(answer: JsonObject, code: number, reason: string): void {
  expect(answer).toMatchObject({ error: { code } })
  expect(lastDecision()).toMatchObject({ decision: 'deny', reason })
  expect(seen).toEqual([])
}

const resultOf = (answer: JsonObject) => answer['result'] as JsonObject

describe('a request state', () => {
  const call = { name: 'ask', arguments: { path: '/a' } }
  async function obtain(who = 'alice', server = 'a', params: JsonObject = call): Promise<string> {
    const result = resultOf(await ask(who, 'tools/call', params, server))
    expect(result).toMatchObject({ resultType: 'input_required' })
    seen.splice(0)
    return String(result['requestState'])
  }
  const retry = (who: string, requestState: unknown, changes: JsonObject = {}, server = 'a') =>
    ask(who, 'tools/call', { ...call, inputResponses: { who: {} }, requestState, ...changes }, server)

  test('control: leaves sealed, comes back once, and is then the server’s own again', async () => {
    const state = await obtain()
    expect(state).not.toContain('the-servers-own-state')
    expect(Buffer.from(state, 'base64url').toString()).not.toContain('the-servers-own-state')
    expect(await retry('alice', state)).toMatchObject({ result: { resultType: 'complete' } })
    expect(seen).toEqual([
      {
        method: 'tools/call',
        params: { ...call, inputResponses: { who: {} }, requestState: 'the-servers-own-state' },
      },
    ])
  })

  const flip = (text: string, at: number) =>
    `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
  const cases: [string, (state: string) => Promise<JsonObject>][] = [
    ['of another caller', (state) => retry('bob', state)],
    ['of another agent of the caller', (state) => retry('agent', state)],
    ['of another server', (state) => retry('alice', state, {}, 'b')],
    ['of another tool', (state) => retry('alice', state, { name: 'job' })],
    ['with other arguments', (state) => retry('alice', state, { arguments: { path: '/b' } })],
    ['with more arguments', (state) => retry('alice', state, { arguments: { path: '/a', force: true } })],
    ['with other parameters', (state) => retry('alice', state, { task: {} })],
    ['of another method', (state) => ask('alice', 'prompts/get', { ...call, requestState: state })],
    ['with a letter changed in its text', (state) => retry('alice', flip(state, state.length - 40))],
    ['with a letter changed in its tag', (state) => retry('alice', flip(state, state.length - 10))],
    ['with a letter changed in its head', (state) => retry('alice', flip(state, 5))],
    ['cut short', (state) => retry('alice', state.slice(0, -4))],
    ['made longer', (state) => retry('alice', `${state}AAAA`)],
    ['empty', () => retry('alice', '')],
    ['the server’s own', () => retry('alice', 'the-servers-own-state')],
    ['unsigned', () => retry('alice', `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`)],
    ['a number', () => retry('alice', 1)],
    ['null', () => retry('alice', null)],
    ['an object', (state) => retry('alice', { state })],
    ['a list', (state) => retry('alice', [state])],
  ]
  test.each(cases)('%s: refused, and still good for its own caller', async (_title, use) => {
    const state = await obtain()
    expectRefused(await use(state), -32602, 'invalid')
    expect(await retry('alice', state)).toMatchObject({ result: { resultType: 'complete' } })
  })

  test('a second time: refused', async () => {
    const state = await obtain()
    expect(await retry('alice', state)).toMatchObject({ result: {} })
    seen.splice(0)
    expectRefused(await retry('alice', state), -32602, 'invalid')
    expect(lastDecision().detail).toMatch(/used before/)
  })

  test('twenty times at once: good for one', async () => {
    const state = await obtain()
    const answers = await Promise.all(Array.from({ length: 20 }, () => retry('alice', state)))
    expect(answers.filter((answer) => 'result' in answer)).toHaveLength(1)
    expect(seen).toHaveLength(1)
  })

  test('for a tool that may no longer be called: refused by policy, as without it', async () => {
    const state = await obtain()
    await gateway.reload({
      policies: `${POLICIES}\nforbid (principal, action == Action::"a__ask", resource);`,
    })
    const answer = await retry('alice', state)
    await gateway.reload({ policies: POLICIES })
    expectRefused(answer, -32602, 'unknown')
  })

  test('as a cursor, and a cursor as a state: refused', async () => {
    const state = await obtain()
    const cursor = resultOf(await ask('alice', 'tools/list', {}))['nextCursor']
    seen.splice(0)
    expectRefused(await ask('alice', 'tools/list', { cursor: state }), -32602, 'invalid')
    expectRefused(await retry('alice', cursor), -32602, 'invalid')
  })
})

describe('a cursor', () => {
  async function obtain(): Promise<string> {
    const cursor = resultOf(await ask('alice', 'tools/list', {}))['nextCursor']
    seen.splice(0)
    return String(cursor)
  }

  test('control: leaves sealed, and may be used again, as lists may be read again', async () => {
    const cursor = await obtain()
    expect(cursor).not.toContain('the-servers-own-cursor')
    for (let time = 0; time < 2; time++)
      expect(await ask('alice', 'tools/list', { cursor })).toMatchObject({ result: {} })
    const sent = { method: 'tools/list', params: { cursor: 'the-servers-own-cursor' } }
    expect(seen).toEqual([sent, sent])
  })

  const cases: [string, (cursor: string) => Promise<JsonObject>][] = [
    ['of another caller', (cursor) => ask('bob', 'tools/list', { cursor })],
    ['of another agent of the caller', (cursor) => ask('agent', 'tools/list', { cursor })],
    ['of another server', (cursor) => ask('alice', 'tools/list', { cursor }, 'b')],
    ['of another list', (cursor) => ask('alice', 'prompts/list', { cursor })],
    ['cut short', (cursor) => ask('alice', 'tools/list', { cursor: cursor.slice(0, -4) })],
    ['the server’s own', () => ask('alice', 'tools/list', { cursor: 'the-servers-own-cursor' })],
    ['empty', () => ask('alice', 'tools/list', { cursor: '' })],
    ['null', () => ask('alice', 'tools/list', { cursor: null })],
  ]
  test.each(cases)('%s: refused', async (_title, use) => {
    expectRefused(await use(await obtain()), -32602, 'invalid')
  })
})

describe('a task', () => {
  const methods = ['tasks/get', 'tasks/update', 'tasks/cancel', 'tasks/result']
  async function begin(who: string, tool: string, server = 'a'): Promise<string> {
    const result = resultOf(await ask(who, 'tools/call', { name: tool, arguments: {} }, server))
    expect(result).toMatchObject({ resultType: 'task' })
    seen.splice(0)
    return String(result['taskId'])
  }

  test.each(methods)('control: %s of the caller who began it reaches the server', async (method) => {
    const taskId = await begin('alice', `control-${method.slice(6)}`)
    expect(await ask('alice', method, { taskId })).toMatchObject({ result: {} })
    expect(seen).toEqual([{ method, params: { taskId } }])
  })

  describe.each(methods)('%s', (method) => {
    const cases: [string, (taskId: string) => Promise<JsonObject>][] = [
      ['of another caller', (taskId) => ask('bob', method, { taskId })],
      ['of another agent of the caller', (taskId) => ask('agent', method, { taskId })],
      ['on another server', (taskId) => ask('alice', method, { taskId }, 'b')],
      ['of a task that never was', () => ask('alice', method, { taskId: 'task-of-nobody' })],
      ['of a name of Object.prototype', () => ask('alice', method, { taskId: '__proto__' })],
      ['without one', () => ask('alice', method, {})],
    ]
    test.each(cases)('%s: refused', async (_title, use) => {
      expectRefused(await use(await begin('alice', 'job')), -32602, 'unknown')
    })

    test('with a list: refused', async () => {
      expectRefused(await ask('alice', method, { taskId: [await begin('alice', 'job')] }), -32020, 'invalid')
    })

    test('of someone else’s is answered as one that never was', async () => {
      const taskId = await begin('alice', 'job')
      const [theirs, never] = [
        await ask('bob', method, { taskId }),
        await ask('bob', method, { taskId: 'never' }),
      ]
      expect(theirs).toEqual(never)
    })

    test('of a tool that may no longer be called: refused', async () => {
      const taskId = await begin('alice', 'revoked')
      await gateway.reload({
        policies: `${POLICIES}\nforbid (principal, action == Action::"a__revoked", resource);`,
      })
      const answer = await ask('alice', method, { taskId })
      await gateway.reload({ policies: POLICIES })
      expectRefused(answer, -32602, 'unknown')
      expect(await ask('alice', method, { taskId })).toMatchObject({ result: {} })
    })
  })

  test('an id that the server gives to a second caller stays the first one’s', async () => {
    const taskId = await begin('alice', 'same')
    expect(await begin('bob', 'same')).toBe(taskId)
    expectRefused(await ask('bob', 'tasks/get', { taskId }), -32602, 'unknown')
    expect(await ask('alice', 'tasks/get', { taskId })).toMatchObject({ result: {} })
  })

  test('of another caller cannot be listened to', async () => {
    const taskId = await begin('alice', 'job')
    const answer = await ask('bob', 'subscriptions/listen', { notifications: { taskIds: [taskId] } })
    expectRefused(answer, -32602, 'unknown')
  })

  test('of another caller is not in a list of tasks', async () => {
    const legacy = async (who: string, method: string, params: JsonObject) =>
      answerOf(await postLegacy(gateway.url('a'), { id: 1, method, params }, { key: keys[who] }))
    expect(await legacy('alice', 'tools/call', { name: 'job', arguments: {}, task: {} })).toMatchObject({
      result: { task: {} },
    })
    await legacy('bob', 'tools/call', { name: 'bobs', arguments: {}, task: {} })
    const listed = async (who: string) => resultOf(await legacy(who, 'tasks/list', {}))['tasks']
    expect(await listed('alice')).toEqual([{ taskId: 'task-of-job' }])
    expect(await listed('bob')).toEqual([{ taskId: 'task-of-bobs' }])
    expect(await listed('agent')).toEqual([])
  })
})
