import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { eventsOf, postLegacy, postModern, startSession } from '../fixtures/raw-http.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../fixtures/scripted-upstream.ts'
import { RAW_SERVER } from '../fixtures/stdio-upstream.ts'

/** Results that would not survive being parsed and written anew. */
const RESULTS = {
  'unknown members':
    '{"content":[{"type":"text","text":"a","x-new":{"kept":[true,null]}}],"x-result":{"deep":{"er":""}}}',
  'spellings of numbers':
    '{"content":[],"structuredContent":{"a":1.0,"b":1e2,"c":12345678901234567890,"d":-0,"e":1E+2,"f":0.10}}',
  'the order of members':
    '{"structuredContent":{"z":1,"a":2,"10":3,"9":4,"":5},"isError":false,"content":[]}',
  escapes:
    '{"content":[{"type":"text","text":"\\u0041\\/\\ud83d\\ude00\\u2028 \\u007f"}],"\\u0061":"\\u00e9"}',
  spaces: '{ "content" : [ ] ,  "structuredContent" : { "a" : [ 1 , 2 ] } }',
  'members named twice': '{"content":[],"structuredContent":{"a":1,"a":2}}',
  'members with names of envelopes':
    '{"content":[],"id":0,"method":"x","result":{"id":1},"_meta":{"progressToken":1}}',
}

let upstream: ScriptedUpstream
let gateway: TestGateway
let key: string

beforeAll(async () => {
  upstream = await startScriptedUpstream((request, answer) => {
    if (request.method !== 'tools/call') return answer.result(LISTS[request.method] ?? '{}')
    const { text, as } = request.params['arguments'] as { text: string; as: 'json' | 'events' }
    if (as === 'json') return answer.result(text)
    const send = answer.stream()
    send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } })
    send(`{"jsonrpc":"2.0","id":${JSON.stringify(request.id)},"result":${text}}`)
    answer.response.end()
  })
  const raw = (era: string) => JSON.stringify([process.execPath, RAW_SERVER, era])
  const config = `servers:
  http: { url: '${upstream.url}' }
  stdio-legacy: { command: ${raw('legacy')} }
  stdio-modern: { command: ${raw('modern')} }
  own-legacy: { command: ${raw('legacy')}, sharing: per-session }
`
  gateway = await startTestGateway({ config, policies: `${PERMIT_ALL}\n${HIDING}` })
  key = gateway.key('ada')
})

afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const ID = 'an id "of" the caller'
const expectedText = (result: string) => `{"jsonrpc":"2.0","id":${JSON.stringify(ID)},"result":${result}}`

/** The bytes of the response in a reply, be it one body or the last event of a stream. */
async function textOf(response: Response): Promise<string | undefined> {
  if (response.headers.get('content-type') !== 'text/event-stream') return response.text()
  let last: string | undefined
  for await (const { data } of eventsOf(response)) last = data
  return last
}

describe.each(Object.entries(RESULTS))('%s in a result', (_, result) => {
  test.each(['json', 'events'] as const)('survive over HTTP, both eras, as %s', async (as) => {
    const call = { id: ID, method: 'tools/call', params: { name: 'any', arguments: { text: result, as } } }
    expect(await textOf(await postModern(gateway.url('http'), call, { key }))).toBe(expectedText(result))
    const session = await startSession(gateway.url('http'), { key })
    expect(await textOf(await postLegacy(gateway.url('http'), call, { key, session }))).toBe(
      expectedText(result),
    )
  })

  test('survive over stdio, both eras', async () => {
    const line = `{"jsonrpc":"2.0","id":$ID,"result":${result}}`
    const call = { id: ID, method: 'tools/call', params: { name: 'raw', arguments: { text: line } } }
    expect(await textOf(await postModern(gateway.url('stdio-modern'), call, { key }))).toBe(
      expectedText(result),
    )
    for (const server of ['stdio-legacy', 'own-legacy']) {
      const session = await startSession(gateway.url(server), { key })
      const response = await postLegacy(gateway.url(server), call, { key, session })
      expect(await textOf(response)).toBe(expectedText(result))
    }
  })
})

test('a result of several lines survives in the events of a stream', async () => {
  const result = '{\n  "content": [],\n  "structuredContent": { "a": 1.0 }\n}'
  const data = `{"jsonrpc":"2.0","id":$ID,"result":${result}}`.split('\n').join('\ndata: ')
  const server = await startScriptedUpstream(({ id }, answer) => {
    answer.response.writeHead(200, { 'content-type': 'text/event-stream' })
    answer.response.end(`data: ${data.replace('$ID', JSON.stringify(id))}\n\n`)
  })
  const other = await startTestGateway({
    config: `servers: { http: { url: '${server.url}' } }\n`,
    policies: PERMIT_ALL,
  })
  const call = { id: ID, method: 'tools/call', params: { name: 'any' } }
  const options = { key: other.key('ada') }
  expect(await textOf(await postModern(other.url('http'), call, options))).toBe(expectedText(result))
  await other.close()
  await server.close()
})

/** What the policies hide from everyone. */
const HIDING = `
@id("no-tool") forbid (principal, action in Action::"tools/call", resource) when { resource.name like "hidden*" };
@id("no-prompt") forbid (principal, action == Action::"prompts/get", resource) when { resource.name like "hidden*" };
@id("no-file") forbid (principal, action == Action::"resources/read", resource) when { resource.uri like "hidden*" };`

const list = (member: string, items: string[], scope: string) =>
  `{"x-first":1.0,"${member}":[${items.join(',')}],"cacheScope":"${scope}","ttlMs":1e3,"x-last":{"\\u0061":12345678901234567890}}`
const tools = [
  '{"x-order":0.10,"name":"one","inputSchema":{"type":"object","x-mine":[1E2]},"annotations":{"readOnlyHint":true}}',
  ' {"inputSchema":{},"name":"two", "description":"\\u00fcber"} ',
  '{"name":"\\u0074hree"}',
]
const prompts = ['{"arguments":[{"name":"a","x":1.0}],"name":"p"}', '{"name":"q","_meta":{"b":1,"a":2}}']
const resources = ['{"uri":"file:///a","name":"a","size":1e2}', '{"name":"b","uri":"file:///b"}']
const hidden = (member: string) => `{ "${member}" : "hidden-${member}" , "x" : [1.0] }`

const KEPT: Record<string, { member: string; items: string[]; hidden: string }> = {
  'tools/list': { member: 'tools', items: tools, hidden: hidden('name') },
  'prompts/list': { member: 'prompts', items: prompts, hidden: hidden('name') },
  'resources/list': { member: 'resources', items: resources, hidden: hidden('uri') },
}
const LISTS: Record<string, string> = Object.fromEntries(
  Object.entries(KEPT).map(([method, { member, items, hidden: no }]) => {
    const between = [no, ...items.flatMap((item) => [item, no])]
    return [method, list(member, between, 'public')]
  }),
)

test.each(Object.entries(KEPT))(
  'what remains of a filtered %s keeps its bytes',
  async (method, { member, items }) => {
    const text = await textOf(await postModern(gateway.url('http'), { id: ID, method }, { key }))
    expect(text).toBe(expectedText(list(member, items, 'private')))
    const session = await startSession(gateway.url('http'), { key })
    const response = await postLegacy(gateway.url('http'), { id: ID, method }, { key, session })
    expect(await textOf(response)).toBe(expectedText(list(member, items, 'private')))
  },
)
