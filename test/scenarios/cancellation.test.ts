import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { startEverythingServer } from '../fixtures/everything-server.ts'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import {
  eventsOf,
  getStream,
  messagesOf,
  postLegacy,
  postModern,
  type RawRequest,
  startSession,
} from '../fixtures/raw-http.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../fixtures/recording-upstream.ts'
import { closeClients, connectClient } from '../fixtures/sdk-clients.ts'
import { RAW_SERVER, scratchFolder } from '../fixtures/stdio-upstream.ts'

const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  await closeClients()
  for (const each of open.splice(0)) await each.close()
})

async function gatewayTo(server: string): Promise<TestGateway> {
  const gateway = await startTestGateway({ config: `servers: { one: ${server} }\n`, policies: PERMIT_ALL })
  open.push(gateway)
  return gateway
}

async function recording(): Promise<{ upstream: RecordingUpstream; gateway: TestGateway }> {
  const upstream = await startRecordingUpstream()
  const gateway = await gatewayTo(`{ url: '${upstream.url}' }`)
  open.push(upstream)
  return { upstream, gateway }
}

/** A program that keeps a log of the notifications it gets. */
async function program(era: string) {
  const log = join(scratchFolder(), 'log')
  const gateway = await gatewayTo(`{ command: ${JSON.stringify([process.execPath, RAW_SERVER, era, log])} }`)
  return { gateway, log: () => (existsSync(log) ? readFileSync(log, 'utf8') : '') }
}

const HANG: RawRequest = {
  id: 1,
  method: 'tools/call',
  params: { name: 'hang', arguments: {}, _meta: { progressToken: 't' } },
}
const ECHO: RawRequest = { id: 2, method: 'tools/call', params: { name: 'echo', arguments: {} } }

const outcomeOf = (gateway: TestGateway, tool: string) => {
  const entries = gateway.entries()
  const decision = entries.find((entry) => entry.kind === 'decision' && entry.tool === tool)
  return entries.find((entry) => entry.kind === 'outcome' && entry.requestId === decision?.requestId)
}

describe('a caller of the newest revision who leaves', () => {
  test.each(['hang', 'endless-sse'] as const)(
    'cuts the request at an HTTP server that answers with %s',
    async (kind) => {
      const { upstream, gateway } = await recording()
      upstream.misbehave({ kind })
      const gone = new AbortController()
      const key = gateway.key('ada')
      const call = postModern(gateway.url('one'), HANG, { key, signal: gone.signal })
      const read = async () => {
        // Leaving the loop is leaving the stream.
        for await (const _ of messagesOf(await call)) return
      }
      const reading = read().catch(() => undefined)
      const request = await upstream.received('tools/call')
      if (kind === 'hang') gone.abort()
      await reading
      expect(await request.ended).toBe('cut')
      await expect.poll(() => outcomeOf(gateway, 'one__hang')).toMatchObject({ status: 'cancelled' })
    },
  )

  test('has the request cancelled at a program, and only that one', async () => {
    const { gateway, log } = await program('modern')
    const key = gateway.key('ada')
    const gone = new AbortController()
    const leaving = postModern(gateway.url('one'), HANG, { key, signal: gone.signal })
    postModern(gateway.url('one'), HANG, { key }).catch(() => undefined) // stays until the gateway goes
    await (await postModern(gateway.url('one'), ECHO, { key })).text() // the others have arrived
    gone.abort()
    await expect(leaving).rejects.toThrow('abort')
    await expect.poll(log).toContain('notifications/cancelled')
    expect(log().match(/notifications\/cancelled/g)).toHaveLength(1)
    await expect.poll(() => outcomeOf(gateway, 'one__hang')).toMatchObject({ status: 'cancelled' })
  })

  test('is what an SDK client does when its call is aborted', async () => {
    const { upstream, gateway } = await recording()
    upstream.misbehave({ kind: 'hang' })
    const client = await connectClient('v2 pinned', gateway.url('one'), { key: gateway.key('ada') })
    const abort = new AbortController()
    const call = client.callTool({ name: 'hang' }, abort.signal)
    const request = await upstream.received('tools/call')
    abort.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    expect(await request.ended).toBe('cut')
  })
})

describe('a caller in a session who leaves', () => {
  test('has not cancelled anything at a program', async () => {
    const { gateway, log } = await program('legacy')
    const key = gateway.key('ada')
    const session = await startSession(gateway.url('one'), { key })
    const gone = new AbortController()
    const call = postLegacy(gateway.url('one'), HANG, { key, session, signal: gone.signal })
    await (await postLegacy(gateway.url('one'), ECHO, { key, session })).text()
    gone.abort()
    await expect(call).rejects.toThrow('abort')
    await expect.poll(() => outcomeOf(gateway, 'one__hang')).toMatchObject({ status: 'cancelled' })
    await (await postLegacy(gateway.url('one'), ECHO, { key, session })).text()
    expect(log()).not.toContain('notifications/cancelled')
  })

  test('has not cancelled anything at an HTTP server, and may come back for the answer', async () => {
    const everything = await startEverythingServer()
    open.push(everything)
    const gateway = await gatewayTo(`{ url: '${everything.url}' }`)
    const url = gateway.url('one')
    const key = gateway.key('ada')
    const session = await startSession(url, { key })
    const call = { id: 1, method: 'tools/call', params: { name: 'test_tool_with_progress', arguments: {} } }
    const gone = new AbortController()
    const response = await postLegacy(url, call, { key, session, signal: gone.signal })
    const { value: first } = await eventsOf(response).next()
    gone.abort()
    const headers = { 'last-event-id': String(first?.id) }
    const resumed = messagesOf(await getStream(url, { key, session, headers }))
    expect((await resumed.next()).value).toMatchObject({ id: 1, result: { content: [{ type: 'text' }] } })
    await resumed.return(undefined)
  })

  test('cancels by saying so', async () => {
    const { gateway, log } = await program('legacy')
    const client = await connectClient('v2 legacy', gateway.url('one'), { key: gateway.key('ada') })
    const abort = new AbortController()
    const call = client.callTool({ name: 'hang' }, abort.signal)
    await client.callTool({ name: 'echo' })
    abort.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    await expect.poll(log).toMatch(/notifications\/cancelled \{"requestId":\d+,"reason":".*enough/)
  })
})
