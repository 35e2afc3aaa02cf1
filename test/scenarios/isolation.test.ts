import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { createKeys } from '../fixtures/key-bundle.ts'
import {
  allMessages,
  messagesOf,
  postLegacy,
  postModern,
  startSession,
  SUBSCRIPTION_ID,
} from '../fixtures/raw-http.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../fixtures/scripted-upstream.ts'
import { RAW_SERVER, SDK_SERVER } from '../fixtures/stdio-upstream.ts'

const CALLERS = 1000
const LISTENERS = 200

let gateway: TestGateway
let http: ScriptedUpstream
let keys: string[]
/** Calls that the HTTP server holds until all have come. */
let held: (() => void)[] = []

beforeAll(async () => {
  http = await startScriptedUpstream((request, answer) => {
    if (request.method === 'subscriptions/listen') {
      const send = answer.stream()
      const meta = { _meta: { [SUBSCRIPTION_ID]: request.id } }
      const { notifications } = request.params
      send({
        ...NOTIFY,
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications, ...meta },
      })
      send({ ...NOTIFY, method: 'notifications/tools/list_changed', params: meta })
      send({ jsonrpc: '2.0', id: request.id, result: { resultType: 'complete', ...meta } })
      answer.response.end()
      return
    }
    const { text } = request.params['arguments'] as { text: string }
    const { progressToken } = request.params['_meta'] as { progressToken: string }
    const send = answer.stream()
    held.push(() => {
      send({
        ...NOTIFY,
        method: 'notifications/progress',
        params: { progressToken, progress: 1, message: text },
      })
      send({ jsonrpc: '2.0', id: request.id, result: { content: [], structuredContent: { told: text } } })
      answer.response.end()
    })
    // The last to come is the first to be answered.
    if (held.length === CALLERS) for (const release of held.reverse()) release()
  })
  const sdk = JSON.stringify([process.execPath, SDK_SERVER])
  const raw = JSON.stringify([process.execPath, RAW_SERVER, 'modern'])
  const config = `servers: { stdio: { command: ${sdk} }, raw: { command: ${raw} }, http: { url: '${http.url}' } }\n`
  gateway = await startTestGateway({ config, policies: PERMIT_ALL })
  keys = createKeys(gateway.folder, 'caller-', CALLERS)
})

afterAll(async () => {
  await gateway.close()
  await http.close()
})

const NOTIFY = { jsonrpc: '2.0' }
const canaryOf = (index: number) => `canary-${index}-${(index * 7919) % 1_000_003}`

describe.each(['stdio', 'http'] as const)(`${CALLERS} callers at once, over %s`, (server) => {
  test.each(['legacy', 'modern'] as const)(
    'each gets its own answer and progress, though all use id 0 and one token, %s era',
    async (era) => {
      held = []
      const url = gateway.url(server)
      const sessions =
        era === 'modern' ? [] : await Promise.all(keys.map((key) => startSession(url, { key })))
      const replies = await Promise.all(
        keys.map(async (key, index) => {
          const call = {
            id: 0,
            method: 'tools/call',
            params: {
              name: 'tell',
              arguments: { text: canaryOf(index), steps: 1, ms: 20 },
              _meta: { progressToken: 'same' },
            },
          }
          const options = { key, session: sessions[index] }
          return allMessages(
            await (era === 'modern' ? postModern(url, call, options) : postLegacy(url, call, options)),
          )
        }),
      )
      const wrong = replies.filter((messages, index) => !isOwn(messages, canaryOf(index)))
      expect(wrong).toEqual([])
    },
  )
})

/** One step of progress and the result, under the ids and with the canary of this caller. */
function isOwn(messages: readonly JsonObject[], canary: string): boolean {
  const [progress, answer, ...more] = messages as {
    id?: unknown
    params?: JsonObject
    result?: { structuredContent: { told: string } }
  }[]
  return (
    more.length === 0 &&
    progress?.params?.['progressToken'] === 'same' &&
    progress.params['message'] === canary &&
    answer?.id === 0 &&
    answer.result?.structuredContent.told === canary
  )
}

describe.each(['raw', 'http'] as const)(
  `${LISTENERS} subscriptions at once, at the server "%s"`,
  (server) => {
    test('each hears of its own under its own id, though all ids are equal', async () => {
      const url = gateway.url(server)
      const wanted = (index: number) => ({ resourceSubscriptions: [`canary://${canaryOf(index)}`] })
      const streams = await Promise.all(
        keys.slice(0, LISTENERS).map(async (key, index) => {
          const listen = { id: 0, method: 'subscriptions/listen', params: { notifications: wanted(index) } }
          return messagesOf(await postModern(url, listen, { key }))
        }),
      )
      const first = await Promise.all(streams.map(async (stream) => (await stream.next()).value))
      const meta = { _meta: { [SUBSCRIPTION_ID]: 0 } }
      expect(first).toEqual(
        streams.map((_, index) => ({
          ...NOTIFY,
          method: 'notifications/subscriptions/acknowledged',
          params: { notifications: wanted(index), ...meta },
        })),
      )
      if (server === 'raw') {
        const change = { id: 1, method: 'tools/call', params: { name: 'changed', arguments: {} } }
        await allMessages(await postModern(url, change, { key: keys[0] }))
      }
      const second = await Promise.all(streams.map(async (stream) => (await stream.next()).value))
      const changed = { ...NOTIFY, method: 'notifications/tools/list_changed', params: meta }
      expect(second).toEqual(streams.map(() => changed))
      await Promise.all(streams.map((stream) => stream.return(undefined)))
    })
  },
)
