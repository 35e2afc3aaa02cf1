import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import { startEverythingServer } from '../fixtures/everything-server.ts'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { messagesOf, postModern, resultOf, SUBSCRIPTION_ID } from '../fixtures/raw-http.ts'
import { startRecordingUpstream, type RecordingUpstream } from '../fixtures/recording-upstream.ts'
import { closeClients, connectV1, connectV2 } from '../fixtures/sdk-clients.ts'
import { LEGACY_SDK_SERVER, RAW_SERVER, scratchFolder } from '../fixtures/stdio-upstream.ts'

let everything: Awaited<ReturnType<typeof startEverythingServer>>
let recording: RecordingUpstream
let gateway: TestGateway
let key: string
const log = join(scratchFolder(), 'log')
const logged = () => (existsSync(log) ? readFileSync(log, 'utf8') : '')

beforeAll(async () => {
  everything = await startEverythingServer()
  recording = await startRecordingUpstream()
  const config = `servers:
  everything: { url: '${everything.url}' }
  recording: { url: '${recording.url}' }
  program: { command: ${JSON.stringify([process.execPath, RAW_SERVER, 'modern', log])} }
  shared: { command: ${JSON.stringify([process.execPath, LEGACY_SDK_SERVER])} }
  own: { command: ${JSON.stringify([process.execPath, LEGACY_SDK_SERVER])}, sharing: per-session }
`
  gateway = await startTestGateway({ config, policies: PERMIT_ALL })
  key = gateway.key('ada')
})

afterEach(closeClients)
afterAll(async () => {
  await gateway.close()
  await everything.close()
  await recording.close()
})

const LISTEN = {
  id: 'listen:0',
  method: 'subscriptions/listen',
  params: { notifications: { toolsListChanged: true } },
}
const META = { _meta: { [SUBSCRIPTION_ID]: 'listen:0' } }

/** Opens a subscription and takes its acknowledgement. */
async function listen(server: string, signal?: AbortSignal): Promise<AsyncGenerator<JsonObject, undefined>> {
  const options = { key, ...(signal === undefined ? {} : { signal }) }
  const messages = messagesOf(await postModern(gateway.url(server), LISTEN, options))
  expect((await messages.next()).value).toMatchObject({
    method: 'notifications/subscriptions/acknowledged',
    params: META,
  })
  return messages
}

const call = (name: string) => ({ id: 1, method: 'tools/call', params: { name, arguments: {} } })
const CHANGED = { method: 'notifications/tools/list_changed', params: META }

describe('a subscription', () => {
  test.each([
    ['an HTTP server', 'everything', 'test_trigger_tool_change'],
    ['a program', 'program', 'changed'],
  ])('at %s brings changes as they happen, and goes on', async (_, server, trigger) => {
    const messages = await listen(server)
    for (let round = 0; round < 3; round++) {
      await resultOf(await postModern(gateway.url(server), call(trigger), { key }))
      expect((await messages.next()).value).toMatchObject(CHANGED)
    }
    await messages.return(undefined)
  })

  test('ends at an HTTP server when its caller closes it', async () => {
    const gone = new AbortController()
    const messages = await listen('recording', gone.signal)
    const request = await recording.received('subscriptions/listen')
    gone.abort()
    await messages.next().catch(() => undefined)
    expect(await request.ended).toBe('cut')
  })

  test('ends at a program when its caller closes it, and others go on', async () => {
    const staying = await listen('program')
    const gone = new AbortController()
    const leaving = await listen('program', gone.signal)
    const before = logged()
    gone.abort()
    await leaving.next().catch(() => undefined)
    await expect.poll(() => logged().slice(before.length)).toContain('notifications/cancelled')
    await resultOf(await postModern(gateway.url('program'), call('changed'), { key }))
    expect((await staying.next()).value).toMatchObject(CHANGED)
    await staying.return(undefined)
  })

  test('ends with the gateway', async () => {
    const config = `servers: { everything: { url: '${everything.url}' } }\n`
    const other = await startTestGateway({ config, policies: PERMIT_ALL })
    const response = await postModern(other.url('everything'), LISTEN, { key: other.key('ada') })
    const messages = messagesOf(response)
    await messages.next()
    await other.close()
    for (
      let next = await messages.next().catch(END);
      next.done !== true;
      next = await messages.next().catch(END)
    );
  })
})

const END = () => ({ done: true as const, value: undefined })

describe('an SDK client hears that the tools have changed', () => {
  const listChanged = (heard: string[]) => ({
    tools: {
      debounceMs: 10,
      onChanged: (_: unknown, tools: readonly { name: string }[] | null) =>
        void heard.push(...(tools ?? []).map(({ name }) => name)),
    },
  })

  test('of the newest revision, through its subscription', async () => {
    const heard: string[] = []
    const options = { listChanged: listChanged(heard) }
    const client = await connectV2('v2 pinned', gateway.url('everything'), { key, options })
    await client.callTool({ name: 'test_trigger_tool_change' })
    await expect.poll(() => heard).toContain('test_simple_text')
  })

  test.each(['shared', 'own', 'everything'] as const)(
    'in a session, on its stream, at the server "%s"',
    async (server) => {
      const heard: string[] = []
      const options = { listChanged: listChanged(heard) }
      const client = await connectV2('v2 legacy', gateway.url(server), { key, options })
      await client.callTool({ name: server === 'everything' ? 'test_trigger_tool_change' : 'grow' })
      await expect.poll(() => heard).toContain(server === 'everything' ? 'test_simple_text' : 'grown_1')
    },
  )

  test('also when another session made the change, where they share a program', async () => {
    const heard: string[] = []
    const options = { listChanged: listChanged(heard) }
    await connectV2('v2 legacy', gateway.url('shared'), { key: gateway.key('grace'), options })
    const other = await connectV1(gateway.url('shared'), { key })
    const result = await other.callTool({ name: 'grow' })
    const { name } = result.structuredContent as { name: string }
    await expect.poll(() => heard).toContain(name)
  })
})
