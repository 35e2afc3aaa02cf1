/** Event streams that cost more to read than to send: the server that sends one harms its own calls only. */
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ANONYMOUS, PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { allMessages, answerOf, postLegacy } from '../fixtures/raw-http.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../fixtures/scripted-upstream.ts'

const MEBIBYTE = 1024 * 1024
const MANY = 20_000
const filler = (text: string) => Buffer.from(text.repeat((2 * MEBIBYTE) / text.length))

/** What the server sends before its answer, by the name of the tool. */
const floods: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'lines that end with carriage returns': filler('a\r'),
  'carriage returns': filler('\r'),
  'line feeds': filler('\n'),
  both: filler('\r\n'),
  comments: filler(':\n'),
  'fields without a name': filler('a:b\n'),
  'empty data': filler('data\r'),
  'data of one event': filler('data:x\r\n'),
  ids: filler('id:1\n\n'),
  'a line that does not end': filler('a'),
  'two-byte text and carriage returns': filler('漢\r'.repeat(2)),
}

let upstream: ScriptedUpstream
let gateway: TestGateway
beforeAll(async () => {
  upstream = await startScriptedUpstream(async ({ id, params }, { response }) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    if (params['name'] === 'progress') {
      for (let progress = 1; progress <= MANY; progress++) {
        const notification = {
          jsonrpc: '2.0',
          method: 'notifications/progress',
          params: { progressToken: 1, progress },
        }
        if (!response.write(`data: ${JSON.stringify(notification)}\n\n`)) await once(response, 'drain')
      }
    }
    const flood = floods[String(params['name'])] ?? Buffer.alloc(0)
    for (let at = 0; at < flood.length; at += 65_536) {
      if (!response.write(flood.subarray(at, at + 65_536))) await once(response, 'drain')
    }
    response.end(`\r\n\r\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\r\n\r\n`)
  })
  gateway = await startTestGateway({
    config: `${ANONYMOUS}servers: { flood: { url: '${upstream.url}' }, quiet: { url: '${upstream.url}' } }\n`,
    policies: PERMIT_ALL,
  })
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const call = async (server: string, name: string) =>
  answerOf(
    await postLegacy(gateway.url(server), { id: 1, method: 'tools/call', params: { name, arguments: {} } }),
  )

test.each(Object.keys(floods))(
  'two megabytes of %s: read at once, and others are served meanwhile',
  async (name) => {
    const startedAtMs = performance.now()
    const flooded = call('flood', name)
    expect(await call('quiet', 'nothing')).toMatchObject({ id: 1, result: { content: [] } })
    expect(await flooded).toMatchObject({ id: 1, result: {} })
    expect(performance.now() - startedAtMs).toBeLessThan(4000)
  },
)

test(`${MANY} messages, faster than they can be passed on: all of them arrive, in order`, async () => {
  const params = { name: 'progress', arguments: {} }
  const response = await postLegacy(gateway.url('flood'), { id: 1, method: 'tools/call', params })
  const [...messages] = await allMessages(response)
  expect(messages.pop()).toMatchObject({ id: 1, result: {} })
  const steps = messages.map((message) => (message['params'] as { progress: number }).progress)
  expect(steps).toEqual(Array.from({ length: MANY }, (_, at) => at + 1))
})
