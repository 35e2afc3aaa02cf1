import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { postLegacy, postModern, resultOf, startSession } from '../fixtures/raw-http.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../fixtures/scripted-upstream.ts'
import { RAW_SERVER } from '../fixtures/stdio-upstream.ts'

// Some clients read JSON without minding case. What such a client would take for a question must not pass as
// something else here, or a server could ask what policy does not permit.

const policies = '@id("calls") permit (principal, action in Action::"tools/call", resource);'
const ASKS = '"params":{"messages":[],"maxTokens":1}'
const INPUT = '{"q":{"method":"sampling/createMessage","params":{}}}'

/** Messages before the response, each a question to a reader that does not mind case. */
const QUESTIONS = [
  `{"jsonrpc":"2.0","ID":7,"method":"sampling/createMessage",${ASKS}}`,
  `{"jsonrpc":"2.0","id":7,"method":"ping","Method":"sampling/createMessage",${ASKS}}`,
  `{"jsonrpc":"2.0","\\u0049d":7,"method":"sampling/createMessage",${ASKS}}`,
  `{"jsonrpc":"2.0","id":7,"result":{},"METHOD":"sampling/createMessage",${ASKS}}`,
]
/** Results that want input to a reader that does not mind case. */
const RESULTS = [
  `{"content":[],"resultType":"complete","ResultType":"input_required","InputRequests":${INPUT}}`,
  `{"content":[],"RESULTTYPE":"input_required","inputRequests":${INPUT}}`,
  `{"content":[],"re\\u017fultType":"input_required","inputRequests":${INPUT}}`,
  '{"resultType":"input_required","inputRequests":{"q":{"method":"sampling/createMessage"}}}',
  `{"resultType":"input_required","inputRequests":{},"INPUTREQUESTS":${INPUT}}`,
  '{"resultType":"input_required","inputRequests":{"q":{"method":"future/thing","Method":"sampling/createMessage"}}}',
]

let upstream: ScriptedUpstream
let gateway: TestGateway
let key: string

beforeAll(async () => {
  upstream = await startScriptedUpstream(({ id, params }, answer) => {
    const { text, as } = params['arguments'] as { text: string; as: string }
    if (as === 'result') return answer.result(text)
    const send = answer.stream()
    send(text)
    send({ jsonrpc: '2.0', id, result: { content: [] } })
    answer.response.end()
  })
  const raw = (era: string) => JSON.stringify([process.execPath, RAW_SERVER, era])
  const config = `servers:
  http: { url: '${upstream.url}' }
  own: { command: ${raw('legacy')}, sharing: per-session }
  modern: { command: ${raw('modern')} }
`
  gateway = await startTestGateway({
    config,
    policies: `${policies}\n@id("future") permit (principal, action == Action::"future/thing", resource);`,
  })
  key = gateway.key('ada')
})

afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const call = (name: string, args: object) => ({
  id: 1,
  method: 'tools/call',
  params: { name, arguments: args },
})

async function inSession(server: string, request: ReturnType<typeof call>): Promise<string> {
  const session = await startSession(gateway.url(server), { key })
  return (await postLegacy(gateway.url(server), request, { key, session })).text()
}

describe.each(QUESTIONS)('the message %s', (text) => {
  test('of an HTTP server does not reach the client', async () => {
    expect(await inSession('http', call('any', { text, as: 'message' }))).not.toContain(
      'sampling/createMessage',
    )
  })

  test('of a program does not reach the client', async () => {
    const both = `${text}\n{"jsonrpc":"2.0","id":$ID,"result":{"content":[]}}`
    const seen = await inSession('own', call('raw', { text: both }))
    expect(seen).not.toContain('sampling/createMessage')
    expect(seen).toContain('"result":{"content":[]}')
  })
})

describe.each(RESULTS)('the result %s', (text) => {
  test('is refused, whatever the transport', async () => {
    const line = `{"jsonrpc":"2.0","id":$ID,"result":${text}}`
    const replies = [
      await postModern(gateway.url('http'), call('any', { text, as: 'result' }), { key }),
      await postModern(gateway.url('modern'), call('raw', { text: line }), { key }),
    ]
    for (const reply of replies) {
      const result = await resultOf(reply)
      expect(Object.keys(result)).toEqual(['resultType', 'content', 'isError', '_meta'])
      expect(result).toMatchObject({
        resultType: 'complete',
        isError: true,
        _meta: { 'tollgate/refusal': {} },
      })
    }
  })
})
