import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { answerOf, postModern, type RawRequest, resultOf } from '../fixtures/raw-http.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../fixtures/scripted-upstream.ts'

/** Everything that might not survive being wrapped. */
const STATE = 'state "of" the\\server \u0000\u2028 – ünïcödé 🙂 {"a":1.0}'
const QUESTION = {
  method: 'elicitation/create',
  params: { message: 'Sure?', requestedSchema: { type: 'object' } },
}

let upstream: ScriptedUpstream
let gateway: TestGateway
let ada: string
let grace: string
/** What the server was given, in order. */
let given: JsonObject[] = []

beforeAll(async () => {
  upstream = await startScriptedUpstream(({ params }, answer) => {
    given.push(params)
    if ('requestState' in params) return answer.result('{"resultType":"complete","content":[]}')
    const wanted = { resultType: 'input_required', inputRequests: { sure: QUESTION }, requestState: STATE }
    answer.result(JSON.stringify(wanted))
  })
  const config = `servers:\n  one: { url: '${upstream.url}' }\n  two: { url: '${upstream.url}' }\n`
  gateway = await startTestGateway({ config, policies: PERMIT_ALL })
  ada = gateway.key('ada')
  grace = gateway.key('grace')
})

beforeEach(() => {
  given = []
})

afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const CALL = { id: 1, method: 'tools/call', params: { name: 'deploy', arguments: { to: 'test', at: 1.5 } } }
const REQUESTS: RawRequest[] = [
  CALL,
  { id: 1, method: 'prompts/get', params: { name: 'plan', arguments: { to: 'test' } } },
  { id: 1, method: 'resources/read', params: { uri: 'deploy://test' } },
]
const ANSWERS = { sure: { action: 'accept', content: {} } }
const INVALID = { code: -32602, data: { reason: 'invalid' } }

/** Makes the request that wants input; resolves to the state as the caller is handed it. */
async function begin(request: RawRequest, key = ada): Promise<string> {
  const result = await resultOf(await postModern(gateway.url('one'), request, { key }))
  expect(result).toMatchObject({ resultType: 'input_required', inputRequests: { sure: QUESTION } })
  return String(result['requestState'])
}

interface Retry {
  readonly key?: string
  readonly server?: string
}

async function retry(request: RawRequest, requestState: unknown, { key = ada, server = 'one' }: Retry = {}) {
  const params = { ...request.params, inputResponses: ANSWERS, requestState }
  return answerOf(await postModern(gateway.url(server), { ...request, id: 2, params }, { key }))
}

describe.each(REQUESTS)('the state of a $method', (request) => {
  test('leaves sealed, and comes back to the server exactly as it was', async () => {
    const sealed = await begin(request)
    expect(sealed).toMatch(/^[\w.-]+$/)
    expect(Buffer.from(sealed, 'base64url').toString()).not.toContain('ünïcödé')
    expect(await retry(request, sealed)).toMatchObject({ id: 2, result: { resultType: 'complete' } })
    expect(given[1]).toMatchObject({ ...request.params, requestState: STATE, inputResponses: ANSWERS })
  })

  test('is good for one retry, also when several come at once', async () => {
    const sealed = await begin(request)
    const answers = await Promise.all(Array.from({ length: 5 }, () => retry(request, sealed)))
    expect(answers.filter(({ result }) => result !== undefined)).toHaveLength(1)
    const refused = answers.filter(({ error }) => error !== undefined)
    expect(refused).toMatchObject(refused.map(() => ({ error: INVALID })))
    expect(refused).toHaveLength(4)
    expect(await retry(request, sealed)).toMatchObject({ error: INVALID })
    expect(given).toHaveLength(2)
  })

  test('is worth nothing to another caller, at another server, or changed', async () => {
    const sealed = await begin(request)
    const changed = `${sealed.slice(0, -2)}${sealed.at(-2) === 'A' ? 'B' : 'A'}${sealed.slice(-1)}`
    for (const state of [changed, `${sealed}x`, STATE, '', null, 7, { a: 1 }]) {
      expect(await retry(request, state)).toMatchObject({ error: INVALID })
    }
    expect(await retry(request, sealed, { key: grace })).toMatchObject({ error: INVALID })
    expect(await retry(request, sealed, { server: 'two' })).toMatchObject({ error: INVALID })
    expect(given).toHaveLength(1)
    // None of that used it up.
    expect(await retry(request, sealed)).toMatchObject({ result: { resultType: 'complete' } })
  })
})

test('a state is bound to the arguments it was asked for', async () => {
  const sealed = await begin(CALL)
  const production = { ...CALL, params: { ...CALL.params, arguments: { to: 'production', at: 1.5 } } }
  const other = { ...CALL, params: { ...CALL.params, name: 'destroy' } }
  expect(await retry(production, sealed)).toMatchObject({ error: INVALID })
  expect(await retry(other, sealed)).toMatchObject({ error: INVALID })
  // The order of members says nothing.
  const reordered = { ...CALL, params: { arguments: { at: 1.5, to: 'test' }, name: 'deploy' } }
  expect(await retry(reordered, sealed)).toMatchObject({ result: { resultType: 'complete' } })
})

test('each retry is judged again', async () => {
  const sealed = await begin(CALL)
  expect(
    await gateway.reload({ policies: '@id("none") permit (principal == User::"nobody", action, resource);' }),
  ).toEqual([])
  expect(await retry(CALL, sealed)).toHaveProperty('error')
  expect(given).toHaveLength(1)
  await gateway.reload({ policies: PERMIT_ALL })
})
