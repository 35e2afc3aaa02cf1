/** Ways out besides the arguments of tools: what names a resource, what is asked of a prompt. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import { adminOf } from '../fixtures/admin.ts'
import { ANONYMOUS, PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../fixtures/scripted-upstream.ts'

let upstream: ScriptedUpstream
let gateway: TestGateway
const came: string[] = []
beforeAll(async () => {
  upstream = await startScriptedUpstream(({ method }, { result }) => {
    came.push(method)
    result(
      JSON.stringify({
        resultType: 'complete',
        content: [],
        contents: [],
        messages: [],
        completion: { values: [] },
      }),
    )
  })
  gateway = await startTestGateway({
    config: `${ANONYMOUS}servers:
  web: { url: '${upstream.url}', tools: { fetch: { readOnly: true, sends: true, reads: [untrusted] } } }
  notes: { url: '${upstream.url}', tools: { look: { readOnly: true } } }`,
    policies: PERMIT_ALL,
  })
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const GRANT = { servers: ['web', 'notes'], flow: 'strict' }
const PROMPT = { prompt: 'Read https://docs.example.com/a and the note named plan.' }

/** The gateway's reason for a no; undefined where the server got it. */
async function ask(
  key: string,
  server: string,
  method: string,
  params: JsonObject,
): Promise<string | undefined> {
  const before = came.length
  const response = await fetch(gateway.url(server), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-11-25',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const { result, error } = (await response.json()) as {
    result?: { _meta?: JsonObject }
    error?: { data?: JsonObject }
  }
  const told = (result?._meta ?? error?.data)?.['tollgate/refusal'] as { reason: string } | undefined
  expect(came.length - before).toBe(told === undefined ? 1 : 0)
  return told?.reason
}

const ways: readonly [string, string, JsonObject, JsonObject][] = [
  [
    'a URI',
    'resources/read',
    { uri: 'https://docs.example.com/a?secret' },
    { uri: 'https://docs.example.com/a' },
  ],
  [
    'a subscription',
    'resources/subscribe',
    { uri: 'https://x.example/secret' },
    { uri: 'https://docs.example.com/a' },
  ],
  [
    'an argument of a prompt',
    'prompts/get',
    { name: 'p', arguments: { plan: 'secret' } },
    { name: 'p', arguments: { plan: 'plan' } },
  ],
  [
    'the name of one',
    'prompts/get',
    { name: 'p', arguments: { secret: 'plan' } },
    { name: 'p', arguments: { note: 'plan' } },
  ],
  [
    'a completion',
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'plan', value: 'secret' } },
    { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'note', value: 'plan' } },
  ],
]

test.each(ways)('%s is judged like an argument', async (_, method, secret, known) => {
  const { key } = gateway.task(GRANT, PROMPT)
  expect(await ask(key, 'web', method, secret)).toBeUndefined()
  expect(await ask(key, 'web', 'tools/call', { name: 'fetch', arguments: {} })).toBeUndefined()
  expect(await ask(key, 'web', method, secret)).toBe('approval-required')
  expect(await ask(key, 'web', method, known)).toBeUndefined()
  expect(await ask(key, 'notes', method, secret)).toBeUndefined() // a server that sends nothing
})

test('whoever is asked to approve is shown what brought the task there', async () => {
  const admin = await adminOf(gateway)
  const { key } = gateway.task(GRANT, PROMPT)
  await ask(key, 'notes', 'tools/call', { name: 'look', arguments: {} })
  await ask(key, 'web', 'tools/call', { name: 'fetch', arguments: {} })
  await ask(key, 'web', 'tools/call', { name: 'fetch', arguments: { path: 'secret' } })
  const { body } = await admin.ask('GET /api/v1/approvals')
  await admin.close()
  const [first] = (body as { approvals: JsonObject[] }).approvals
  expect(first).toMatchObject({
    action: 'web__fetch',
    labels: ['untrusted'],
    path: [
      { name: 'notes__look', reads: [] },
      { name: 'web__fetch', reads: ['untrusted'] },
    ],
    unaccounted: [{ argument: 'path', value: 'secret' }],
  })
})
