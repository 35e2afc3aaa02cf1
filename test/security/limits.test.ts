/** Requests that are too much: bodies, heads, and callers who take their time. */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'
import { chunk, open, readReplies, withHeader, withLine, withoutHeader, write } from '../fixtures/wire.ts'

const MAX_BODY = 4096
let gateway: WatchedGateway
beforeAll(async () => {
  gateway = await startWatchedGateway({
    config: `limits: { maxBodyBytes: ${MAX_BODY}, maxHeaderBytes: 16384, headersTimeoutSeconds: 1, bodyTimeoutSeconds: 1 }`,
  })
})
afterAll(() => gateway.close())

const UNTIL_CLOSED = { replies: Number.POSITIVE_INFINITY, deadlineMs: 15_000 }
const TOO_LARGE = { status: 413, code: -32600, reason: 'invalid' } as const
const MEDIA = { status: 415, code: -32600, reason: 'invalid' } as const
const LATE = { status: 408, code: -32600, reason: 'invalid' } as const

/** A good call of exactly so many bytes. */
function callOf(bytes: number): string {
  const params = (text: string) => ({ name: 'echo', arguments: { text } })
  const { body } = gateway.legacy({ params: params('') })
  return gateway.legacy({ params: params('x'.repeat(bytes - body.length)) }).body.toString()
}

/** The call in chunks of 1000 bytes. */
function chunked(body: string): Buffer {
  const pieces = body.match(/[^]{1,1000}/g) ?? []
  return Buffer.concat([...pieces.map((piece) => chunk(piece)), chunk('')])
}

const inChunks = (body: string) => ({
  ...withLine(gateway.legacy(), 'Transfer-Encoding', 'chunked'),
  body: chunked(body),
})

describe('a body', () => {
  test('control: exactly as large as allowed, passes', async () => {
    const body = callOf(MAX_BODY)
    expect(expectAllowed(await gateway.send({ ...gateway.legacy(), body })).body.length).toBe(MAX_BODY)
    expect(expectAllowed(await gateway.send(inChunks(body))).body.length).toBe(MAX_BODY)
  })

  test('one byte larger: refused', async () => {
    const body = callOf(MAX_BODY + 1)
    expectRefused(await gateway.send({ ...gateway.legacy(), body }, UNTIL_CLOSED), TOO_LARGE)
    expectRefused(await gateway.send(inChunks(body), UNTIL_CLOSED), TOO_LARGE)
  })

  test('announced as larger: refused before any of it has come', async () => {
    const announced = { ...withLine(gateway.legacy(), 'Content-Length', '999999999999'), body: '' }
    expectRefused(await gateway.send(announced, UNTIL_CLOSED), TOO_LARGE)
  })

  test('in endless chunks: refused at the limit', async () => {
    const endless = {
      ...inChunks(''),
      body: Buffer.concat(Array.from({ length: 1000 }, () => chunk('x'.repeat(1000)))),
    }
    expectRefused(await gateway.send(endless, UNTIL_CLOSED), TOO_LARGE)
  })

  test('in many chunks of a byte: counted by its bytes', async () => {
    const body = callOf(MAX_BODY)
    const bytes = Buffer.concat([...body.split('').map((letter) => chunk(letter)), chunk('')])
    expectAllowed(await gateway.send({ ...inChunks(''), body: bytes }))
  })

  test('shorter than announced, and then the end: refused', async () => {
    gateway.since()
    const socket = await open(gateway.origin)
    const replies = readReplies(socket, UNTIL_CLOSED)
    socket.end(write(gateway.legacy()).subarray(0, -5))
    const seen = { replies: await replies, ...gateway.since() }
    expectRefused(seen, { status: 400, code: -32600, reason: 'invalid' })
  })

  test('of nothing: refused', async () => {
    const none = { ...gateway.legacy(), body: '' }
    expectRefused(await gateway.send(none), { status: 400, code: -32700, reason: 'invalid' })
    const unannounced = Buffer.from(
      write(none).toString('latin1').replace('Content-Length: 0\r\n', ''),
      'latin1',
    )
    expectRefused(await gateway.send(unannounced), { status: 400, code: -32700, reason: 'invalid' })
  })
})

describe('a content type', () => {
  test.each([
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/json-rpc',
    'application/json-patch+json',
    'application/vnd.api+json',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
    'application/json; charset=iso-8859-1',
    'application/json; charset=utf-8; charset=utf-16',
    'application/json; boundary=x',
    'application/json, text/plain',
    'text/plain; x=application/json',
    'application/json;',
    'application /json',
    '*/*',
    '',
  ])('%j: refused', async (type) => {
    expectRefused(await gateway.send(withHeader(gateway.legacy(), 'Content-Type', type)), MEDIA)
  })

  test('none: refused', async () => {
    expectRefused(await gateway.send(withoutHeader(gateway.legacy(), 'Content-Type')), MEDIA)
  })

  test('with thousands of spaces: refused at once', async () => {
    const type = `application/json${' '.repeat(15_000)}x`
    const startedAtMs = performance.now()
    expectRefused(await gateway.send(withHeader(gateway.legacy(), 'Content-Type', type)), MEDIA)
    expect(performance.now() - startedAtMs).toBeLessThan(2000)
  })

  test.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"',
    'application/json ; charset=utf-8',
  ])('control: %j passes', async (type) => {
    expectAllowed(await gateway.send(withHeader(gateway.legacy(), 'Content-Type', type)))
  })
})

describe('a content encoding', () => {
  test.each([
    'gzip',
    'x-gzip',
    'deflate',
    'br',
    'zstd',
    'compress',
    'identity, gzip',
    'gzip, identity',
    '*',
    '',
  ])('%j: refused, whatever the body', async (encoding) => {
    const encoded = withLine(gateway.legacy(), 'Content-Encoding', encoding)
    expectRefused(await gateway.send(encoded), MEDIA)
    expectRefused(await gateway.send({ ...encoded, body: gzipSync(encoded.body) }), MEDIA)
  })

  test('none, but a compressed body: refused', async () => {
    const { body } = gateway.legacy()
    const seen = await gateway.send({ ...gateway.legacy(), body: gzipSync(body) })
    expectRefused(seen, { status: 400, code: -32700, reason: 'invalid' })
  })

  test('control: identity passes', async () => {
    expectAllowed(await gateway.send(withLine(gateway.legacy(), 'Content-Encoding', 'identity')))
  })
})

describe('what the caller accepts', () => {
  test.each(['application/json', 'text/event-stream', 'text/html', 'application/json, text/plain', ''])(
    '%j is not enough: refused',
    async (accept) => {
      const request = withHeader(gateway.legacy(), 'Accept', accept)
      expectRefused(await gateway.send(request), { ...MEDIA, status: 406 })
    },
  )

  test.each([
    '*/*',
    'text/event-stream,application/json',
    'application/*;q=0.5, text/*',
    'APPLICATION/JSON, text/Event-Stream',
  ])('control: %j is', async (accept) => {
    expectAllowed(await gateway.send(withHeader(gateway.legacy(), 'Accept', accept)))
  })
})

describe('a head', () => {
  const HEAD = { status: 431, code: -32600, reason: 'invalid' } as const
  test.each([
    ['one long line', 'X-A', 'a'.repeat(20_000), 1],
    ['a long name', 'X'.repeat(20_000), 'a', 1],
    ['many lines', 'X-A', 'a', 5000],
  ])('of more than 16 kB, %s: refused', async (_title, name, value, count) => {
    const headers = [
      ...gateway.legacy().headers,
      ...Array.from({ length: count }, () => [name, value] as const),
    ]
    expectRefused(await gateway.send({ ...gateway.legacy(), headers }, UNTIL_CLOSED), HEAD)
  })

  test('with a target of more than 16 kB: refused', async () => {
    const target = `/mcp/files/${'x'.repeat(20_000)}`
    expectRefused(await gateway.send({ ...gateway.legacy(), target }, UNTIL_CLOSED), HEAD)
  })

  test('with a trailer of more than 16 kB: refused', async () => {
    const { body } = gateway.legacy()
    const trailer = Buffer.from(`0\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`)
    const request = { ...inChunks(''), body: Buffer.concat([chunk(body), trailer]) }
    expectRefused(await gateway.send(request, UNTIL_CLOSED), HEAD)
  })

  test('control: of less passes, also with many lines', async () => {
    const lines = Array.from({ length: 500 }, (_, at) => [`X${at}`, ''] as const)
    expectAllowed(
      await gateway.send({ ...gateway.legacy(), headers: [...gateway.legacy().headers, ...lines] }),
    )
  })
})

describe('a caller that takes its time', () => {
  /** Sends the beginning, then a byte every 100 ms for as long as the other side listens. */
  async function drip(begin: string, drop: string) {
    gateway.since()
    const socket = await open(gateway.origin)
    const replies = readReplies(socket, UNTIL_CLOSED)
    socket.write(begin)
    const timer = setInterval(() => socket.writable && socket.write(drop), 100)
    const seen = { replies: await replies, ...gateway.since() }
    clearInterval(timer)
    socket.destroy()
    return seen
  }

  test.concurrent.each([
    ['says half a head and waits', () => write(gateway.legacy()).toString().slice(0, 60), ''],
    ['sends its head byte by byte', () => `POST /mcp/files HTTP/1.1\r\nHost: ${gateway.host}\r\nX-A: `, 'a'],
    [
      'sends its head line by line',
      () => `POST /mcp/files HTTP/1.1\r\nHost: ${gateway.host}\r\n`,
      'X: 1\r\n',
    ],
  ])('%s: refused, and the connection ends', async (_title, begin, drop) => {
    const { replies } = await drip(begin(), drop)
    expect(replies.map(({ status }) => status)).toEqual([408])
  })

  test('each of them is on record', async () => {
    const entries = gateway.entries().filter((entry) => entry.kind === 'decision')
    const late = entries.filter(({ detail }) => detail === 'ERR_HTTP_REQUEST_TIMEOUT')
    expect(late).toHaveLength(3)
    for (const entry of late) expect(entry).toMatchObject({ decision: 'deny', reason: 'invalid' })
  })

  test('sends its body byte by byte: refused, and the connection ends', async () => {
    const request = withLine(gateway.legacy(), 'Content-Length', '4000')
    expectRefused(await drip(write({ ...request, body: '{' }).toString(), ' '), LATE)
  })

  test('sends its chunks byte by byte: refused, and the connection ends', async () => {
    expectRefused(await drip(write({ ...inChunks(''), body: '' }).toString(), '1\r\n \r\n'), LATE)
  })

  test('says nothing at all: the connection ends, and there is nothing to record', async () => {
    gateway.since()
    const socket = await open(gateway.origin)
    expect(await readReplies(socket, UNTIL_CLOSED)).toEqual([])
    expect(gateway.since()).toEqual({ decisions: [], requests: [] })
  })

  test('does not keep others waiting', async () => {
    const slow = await Promise.all(Array.from({ length: 200 }, () => open(gateway.origin)))
    for (const socket of slow) socket.write('POST /mcp/files HTTP/1.1\r\nX-A: ')
    const startedAtMs = performance.now()
    for (let call = 0; call < 20; call++) expectAllowed(await gateway.send(gateway.legacy()))
    expect(performance.now() - startedAtMs).toBeLessThan(20_000)
    for (const socket of slow) socket.destroy()
  })
})
