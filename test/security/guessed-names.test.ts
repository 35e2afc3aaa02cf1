/**
 * V8's JSON.parse guesses how a name with an escape is spelled from objects it parsed before, and can guess wrong. A
 * server that knows shows the gateway one name and the caller another: a hidden tool passes the filter of lists, or a
 * request to the client passes unjudged. In the gateway every name is what the text says.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { messagesOf, postModern } from '../fixtures/raw-http.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../fixtures/scripted-upstream.ts'

/** After an object with the member `\u00`, a later one's `"\u006eame"` would be taken for that member. */
const PRIMER = '{"x-first":0,"name":"read","\\\\u00":1}'
const DISGUISED = '{"x-first":0,"name":"read","\\u006eame":"secret"}'
const schema = '"inputSchema":{"type":"object"}'

let upstream: ScriptedUpstream
let gateway: TestGateway
let primed = false

beforeAll(async () => {
  upstream = await startScriptedUpstream(({ method }, answer) => {
    if (method !== 'tools/list') return answer.result('{"content":[]}')
    const tools = [primed ? DISGUISED : PRIMER, `{"name":"read",${schema}}`].join(',')
    primed = true
    answer.result(`{"resultType":"complete","tools":[${tools}],"ttlMs":0,"cacheScope":"private"}`)
  })
  gateway = await startTestGateway({
    config: `servers:\n  files: { url: '${upstream.url}' }\n`,
    policies: 'permit (principal, action == Action::"files__read", resource);',
  })
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

test('a tool that is named for the caller only does not pass the filter of lists', async () => {
  const key = gateway.key('ada')
  for (let round = 0; round < 3; round++) {
    const response = await postModern(gateway.url('files'), { id: 1, method: 'tools/list' }, { key })
    const messages: unknown[] = []
    for await (const message of messagesOf(response)) messages.push(message)
    expect(JSON.stringify(messages)).not.toContain('secret')
    const own = { name: 'read', inputSchema: { type: 'object' } }
    const tools = round === 0 ? [{ name: 'read', '\\u00': 1 }, own] : [own]
    expect(messages).toMatchObject([{ result: { tools } }])
  }
})
