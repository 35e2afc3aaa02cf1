import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startEverythingServer } from '../fixtures/everything-server.ts'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import {
  answerOf,
  eventsOf,
  getStream,
  messagesOf,
  postLegacy,
  postModern,
  type RawRequest,
  resultOf,
  startSession,
} from '../fixtures/raw-http.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../fixtures/scripted-upstream.ts'
import { closeClients, connectV1, connectV2 } from '../fixtures/sdk-clients.ts'
import { RAW_SERVER } from '../fixtures/stdio-upstream.ts'

const step = (progress: number, filling = '') => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: 't', progress, message: filling },
})

let upstream: ScriptedUpstream
let everything: Awaited<ReturnType<typeof startEverythingServer>>
let gateway: TestGateway
let key: string
/** Lets the held answer of the scripted server go on. */
let release: () => void = () => undefined
/** What the flooding answer of the scripted server has written so far. */
let flooded = 0

const FILLING = 'x'.repeat(10_000)
const FLOOD_EVENTS = 10_000

beforeAll(async () => {
  upstream = await startScriptedUpstream(async ({ id, params }, answer) => {
    if (params['name'] === 'quick') return answer.result('{"content":[]}')
    const send = answer.stream()
    if (params['name'] === 'hold') {
      send(step(1))
      await new Promise<void>((resolve) => {
        release = resolve
      })
    } else {
      flooded = 0
      for (let progress = 1; progress <= FLOOD_EVENTS; progress++) {
        send(step(progress, FILLING))
        flooded += FILLING.length
        if (answer.response.writableNeedDrain)
          await new Promise((resolve) => answer.response.once('drain', resolve))
      }
    }
    send({ jsonrpc: '2.0', id, result: { content: [] } })
    answer.response.end()
  })
  everything = await startEverythingServer()
  const raw = (era: string) => JSON.stringify([process.execPath, RAW_SERVER, era])
  const config = `servers:
  http: { url: '${upstream.url}' }
  everything: { url: '${everything.url}' }
  legacy: { command: ${raw('legacy')} }
  modern: { command: ${raw('modern')} }
`
  gateway = await startTestGateway({ config, policies: PERMIT_ALL })
  key = gateway.key('ada')
})

afterEach(closeClients)
afterAll(async () => {
  await gateway.close()
  await upstream.close()
  await everything.close()
})

const call = (name: string, args: object = {}): RawRequest => ({
  id: 1,
  method: 'tools/call',
  params: { name, arguments: args, _meta: { progressToken: 't' } },
})

/** Sends a call in an era, beginning a session if that is what the era wants. */
async function open(
  server: string,
  era: string,
  request: RawRequest,
  signal?: AbortSignal,
): Promise<Response> {
  const url = gateway.url(server)
  const options = { key, ...(signal === undefined ? {} : { signal }) }
  if (era === 'modern') return postModern(url, request, options)
  return postLegacy(url, request, { ...options, session: await startSession(url, { key }) })
}

describe.each(['legacy', 'modern'] as const)('a stream, %s era', (era) => {
  test('is passed on as it comes: the first event is there while the server holds the second', async () => {
    const messages = messagesOf(await open('http', era, call('hold')))
    expect((await messages.next()).value).toEqual(step(1))
    release()
    expect((await messages.next()).value).toMatchObject({ id: 1, result: { content: [] } })
    expect((await messages.next()).done).toBe(true)
  })

  test('of a program is passed on as it comes too', async () => {
    const gone = new AbortController()
    const held = call('progress', { steps: 1, pauseMs: 60_000 })
    const messages = messagesOf(await open(era, era, held, gone.signal))
    const { message: _, ...params } = step(1).params
    expect((await messages.next()).value).toEqual({ ...step(1), params })
    gone.abort()
  })

  test('waits for a slow reader without piling up, while others are served', async () => {
    const response = await open('http', era, call('flood'))
    await standsStill(() => flooded)
    // What is under way fills the buffers of two connections, and little else.
    expect(flooded).toBeLessThan((FLOOD_EVENTS * FILLING.length) / 2)
    await resultOf(await open('http', era, call('quick')))
    const seen: unknown[] = []
    for await (const message of messagesOf(response)) {
      seen.push((message['params'] as { progress?: number } | undefined)?.progress ?? message['id'])
    }
    expect(seen).toEqual([...Array.from({ length: FLOOD_EVENTS }, (_, index) => index + 1), 1])
  })

  test('of a program that does not wait is ended when its reader is too slow, and others are served', async () => {
    const flood = call('progress', { steps: 200_000 })
    const url = gateway.url(era)
    const session = era === 'legacy' ? await startSession(url, { key }) : undefined
    const again = (request: RawRequest) =>
      era === 'modern' ? postModern(url, request, { key }) : postLegacy(url, request, { key, session })
    const response = await again(flood)
    const other = { ...call('echo', { still: 'here' }), id: 2 }
    expect(await resultOf(await again(other))).toMatchObject({ structuredContent: { still: 'here' } })
    expect(await answerOf(response)).toMatchObject({
      id: 1,
      result: { isError: true, _meta: { 'tollgate/refusal': { reason: 'unavailable' } } },
    })
  })
})

/** Waits until a number has stopped growing. */
async function standsStill(current: () => number): Promise<void> {
  for (let before = -1; current() === 0 || current() !== before; await sleep(300)) before = current()
}

describe('a broken stream of a session', () => {
  test('is resumed where it broke, by the id of the last event', async () => {
    const url = gateway.url('everything')
    const session = await startSession(url, { key })
    const first = []
    const response = await postLegacy(url, call('test_reconnection'), { key, session })
    for await (const event of eventsOf(response)) first.push(event)
    // The server has primed the stream and closed it before its answer.
    expect(first).toMatchObject([{ id: expect.any(String), data: '' }])
    const headers = { 'last-event-id': String(first[0]?.id) }
    const messages = messagesOf(await getStream(url, { key, session, headers }))
    expect((await messages.next()).value).toMatchObject({
      id: 1,
      result: { content: [{ text: 'Answered after the stream was closed.' }] },
    })
    await messages.return(undefined)
  })

  test.each(['v1', 'v2 legacy'] as const)('a %s client resumes it by itself', async (sdk) => {
    const url = gateway.url('everything')
    const client = sdk === 'v1' ? await connectV1(url, { key }) : await connectV2(sdk, url, { key })
    const result = await client.callTool({ name: 'test_reconnection' })
    expect(JSON.stringify(result)).toContain('Answered after the stream was closed.')
  })

  test('cannot be resumed by someone else, whatever ids they know', async () => {
    const url = gateway.url('everything')
    const session = await startSession(url, { key })
    const response = await postLegacy(url, call('test_reconnection'), { key, session })
    const { value: first } = await eventsOf(response).next()
    const headers = { 'last-event-id': String(first?.id) }
    const stranger = await getStream(url, { key: gateway.key('grace'), session, headers })
    expect(stranger.status).toBe(404)
    // With a session of their own, the id of the event means nothing.
    const own = await startSession(url, { key })
    const elsewhere = await getStream(url, { key, session: own, headers, signal: AbortSignal.timeout(1000) })
    expect(await elsewhere.text().catch(() => '')).not.toContain('Answered after')
  })
})
