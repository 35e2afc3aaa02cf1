/** Requests that are sent ahead, behind others on their connection: each is judged, in turn, or not carried out at all. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  eventually,
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'
import { open, readReplies, withHeader, write } from '../fixtures/wire.ts'

let gateway: WatchedGateway
beforeAll(async () => {
  gateway = await startWatchedGateway()
})
afterAll(() => gateway.close())

const UNTIL_CLOSED = { replies: Number.POSITIVE_INFINITY, deadlineMs: 8000 }
const REFUSED = { status: 400, code: -32600, reason: 'invalid' } as const

const call = () => write(gateway.legacy()).toString()

/** Sends a call that the server keeps waiting, and resolves when it is there. */
async function sendSlowly() {
  gateway.since()
  const before = gateway.upstream.requests.length
  const socket = await open(gateway.origin)
  const replies = readReplies(socket, UNTIL_CLOSED)
  socket.write(call())
  await eventually(() => expect(gateway.upstream.requests.length).toBe(before + 1))
  return { socket, replies }
}

describe('one request behind another', () => {
  test('garbage in the same piece: neither is carried out', async () => {
    const seen = await gateway.send(`${call()}garbage`, UNTIL_CLOSED)
    expectRefused(seen, REFUSED)
  })

  test('garbage after a call that is under way: the call keeps its answer, the garbage gets its own', async () => {
    gateway.upstream.misbehave({ kind: 'delay', ms: 200 })
    const { socket, replies } = await sendSlowly()
    socket.write('garbage\r\n\r\n')
    expect((await replies).map(({ status }) => status)).toEqual([200, 400])
    gateway.upstream.misbehave(undefined)
    const { decisions, requests } = gateway.since()
    expect(decisions.map(({ decision }) => decision)).toEqual(['allow', 'deny'])
    expect(requests).toHaveLength(1)
  })

  test('a request behind one that ends the connection is not carried out', async () => {
    const refused = withHeader(gateway.legacy(), 'Authorization', 'Bearer nobody')
    const bytes = Buffer.concat([write(refused), write(gateway.legacy())])
    expectRefused(await gateway.send(bytes, UNTIL_CLOSED), {
      status: 401,
      code: -31000,
      reason: 'unauthenticated',
    })
    await sleep(100)
    expect(gateway.since()).toEqual({ decisions: [], requests: [] })
  })

  test('thousands behind one that is not answered: not piled up, the connection ends', async () => {
    gateway.upstream.misbehave({ kind: 'hang' })
    const { socket, replies } = await sendSlowly()
    socket.write(`GET /mcp/files HTTP/1.1\r\nHost: ${gateway.host}\r\n\r\n`.repeat(5000))
    expect(await replies).toEqual([])
    gateway.upstream.misbehave(undefined)
    await sleep(100)
    const { decisions, requests } = gateway.since()
    expect(decisions).toMatchObject([{ decision: 'allow' }])
    expect(requests).toHaveLength(1)
    expectAllowed(await gateway.send(gateway.legacy()))
  })

  test('control: a few behind one another are each answered, in order', async () => {
    const calls = Array.from({ length: 10 }, (_, id) => write(gateway.legacy({ id })).toString())
    const { replies, decisions, requests } = await gateway.send(calls.join(''), { replies: 10 })
    expect(replies.map(({ body }) => JSON.parse(body).id)).toEqual(calls.map((_, id) => id))
    expect(decisions.map(({ decision }) => decision)).toEqual(calls.map(() => 'allow'))
    expect(requests).toHaveLength(10)
  })

  test('each is judged by itself: a refusal in the middle takes nothing from the others', async () => {
    const bad = write({ ...gateway.legacy(), body: '[]' }).toString()
    const { replies, requests } = await gateway.send(call() + bad + call(), { replies: 3 })
    expect(replies.map(({ status }) => status)).toEqual([200, 400, 200])
    expect(requests).toHaveLength(2)
  })
})
