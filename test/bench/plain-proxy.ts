/**
 * What one has without a gateway: a reverse proxy of node:http and undici, written to be fast. It copies heads and
 * bodies and looks at neither; no credential, no parsing, no policy, no log. Run with the port of the upstream.
 */
import { createServer, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'
import { ready } from './ready.ts'

/** Heads that belong to one connection, not to the message. */
const HOP = new Set(
  'connection keep-alive transfer-encoding te trailer upgrade host content-length'.split(' '),
)

const pool = new Pool(`http://127.0.0.1:${process.argv[2]}`, {
  connections: 128,
  headersTimeout: 0,
  bodyTimeout: 0,
  keepAliveTimeout: 60_000,
})

class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse
  #length = -1
  #ended = false

  constructor(response: ServerResponse) {
    this.#response = response
  }

  onRequestStart(): void {
    // The caller's going away is not watched: no call of a benchmark is cancelled.
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    const lines: (string | string[])[] = []
    for (const name in headers) {
      const value = headers[name] ?? ''
      if (name === 'content-length') this.#length = Number(value)
      if (name === 'content-length' || !HOP.has(name)) lines.push(name, value)
    }
    this.#response.writeHead(status, lines as string[])
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (chunk.length === this.#length) {
      this.#ended = true
      this.#response.end(chunk) // head and body in one write
    } else if (!this.#response.write(chunk)) {
      controller.pause()
      this.#response.once('drain', () => controller.resume())
    }
  }

  onResponseEnd(): void {
    if (!this.#ended) this.#response.end()
  }

  onResponseError(): void {
    if (this.#response.headersSent) this.#response.destroy()
    else this.#response.writeHead(502).end()
  }
}

const server = createServer({ requestTimeout: 0, headersTimeout: 0 }, (request, response) => {
  let first: Buffer | undefined
  let chunks: Buffer[] | undefined
  request.on('data', (chunk: Buffer) => {
    if (first === undefined) first = chunk
    else (chunks ??= [first]).push(chunk)
  })
  request.on('end', () => {
    const { rawHeaders, method = 'POST', url = '/' } = request
    const headers: string[] = []
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = (rawHeaders[at] ?? '').toLowerCase()
      if (!HOP.has(name)) headers.push(name, rawHeaders[at + 1] ?? '')
    }
    const body = chunks === undefined ? (first ?? null) : Buffer.concat(chunks)
    pool.dispatch({ method, path: url, headers, body }, new Relay(response))
  })
})
server.listen(0, '127.0.0.1', () => ready(server))
