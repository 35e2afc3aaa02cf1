/** An Exchange over node:http: what the pipeline needs of a request, and one write per reply. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ClientCertificate, Exchange, Peer, ReplySink, ReplyStream } from '../model/exchange.ts'
import { invalid, type Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import { certificateOf } from './client-certificates.ts'
import { peerOf } from './unreadable-exchange.ts'

/** Comments are sent on a stream that is silent for this long, so that nothing in between takes it for dead. */
const KEEP_ALIVE_MS = 15_000

export class NodeExchange implements Exchange, ReplySink {
  readonly requestId: string
  readonly arrivedAtMs: number
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly repeatedHeaders: readonly string[]
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  #peer: Peer | undefined
  place: number | undefined
  #bodyRead = false
  #breakBody: ((refusal: Refusal) => void) | undefined
  #abort: AbortController | undefined
  #endedWith: Refusal | undefined

  constructor(request: IncomingMessage, response: ServerResponse, requestId: string, arrivedAtMs: number) {
    this.requestId = requestId
    this.arrivedAtMs = arrivedAtMs
    this.method = request.method ?? ''
    this.target = request.url ?? ''
    this.rawHeaders = request.rawHeaders
    this.#request = request
    this.#response = response
    this.repeatedHeaders = repeatedNames(request)
    // Without a listener a reset connection would be an uncaught error; the reply's own close tells the story.
    response.on('error', () => undefined)
    request.on('error', () => undefined)
  }

  header(name: string): string | undefined {
    // The engine has the values by lower-case name already. Where a name is repeated it may have joined or dropped.
    const value = this.repeatedHeaders.length === 0 ? this.#request.headers[name] : this.#firstLine(name)
    return typeof value === 'string' ? value : value?.[0]
  }

  get peer(): Peer {
    this.#peer ??= peerOf(this.#request.socket)
    return this.#peer
  }

  /** A declared proxy is connected, which calls for a client at this address. */
  comesFrom(client: string, proxy: string): void {
    this.#peer = { ...this.peer, address: client, proxy }
  }

  get certificate(): ClientCertificate | undefined {
    return certificateOf(this.#request.socket)
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController()
      this.#abort = abort
      if (this.#response.destroyed || this.#endedWith !== undefined) abort.abort()
      this.#response.on('close', () => {
        if (!this.#response.writableFinished) abort.abort()
      })
    }
    return this.#abort.signal
  }

  get endedWith(): Refusal | undefined {
    return this.#endedWith
  }

  end(refusal: Refusal): void {
    this.#endedWith ??= refusal
    this.breakBody(refusal)
    this.#abort?.abort()
  }

  get reply(): ReplySink {
    return this
  }

  /** Whether the reply has been handed over, or its connection has gone. */
  get isOver(): boolean {
    return this.#response.closed
  }

  /** Resolves when that is so. */
  async over(): Promise<void> {
    if (!this.isOver) await new Promise((resolve) => this.#response.once('close', resolve))
  }

  readBody(maxBytes: number): Promise<Result<Buffer, Refusal>> {
    this.#bodyRead = true
    const tooLarge = () => err(invalid(`The body is larger than ${maxBytes} bytes.`, { status: 413 }))
    if (Number(this.header('content-length') ?? 0) > maxBytes) {
      this.#bodyRead = false
      return Promise.resolve(tooLarge())
    }
    return new Promise((resolve) => {
      const request = this.#request
      let first: Buffer | undefined
      let chunks: Buffer[] | undefined
      let length = 0
      const settle = (result: Result<Buffer, Refusal>) => {
        if (this.#breakBody !== broken) return // settled before
        this.#breakBody = undefined
        // What is still to come will not be read, so the connection cannot serve another request.
        if (!result.ok) this.#bodyRead = false
        resolve(result)
      }
      const broken = (refusal: Refusal) => settle(err(refusal))
      this.#breakBody = broken
      request.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > maxBytes) {
          request.removeAllListeners('data')
          request.pause()
          return settle(tooLarge())
        }
        if (first === undefined) first = chunk
        else (chunks ??= [first]).push(chunk)
      })
      request.on('end', () => settle(ok(chunks === undefined ? (first ?? NO_BYTES) : Buffer.concat(chunks))))
      request.on('close', () => {
        if (this.#breakBody === broken) broken(invalid('The body did not arrive.', { status: 408 }))
      })
    })
  }

  /** The connection failed while the body was being read. False when no body was being read. */
  breakBody(refusal: Refusal): boolean {
    const breakBody = this.#breakBody
    breakBody?.(refusal)
    return breakBody !== undefined
  }

  send(status: number, headers: Readonly<Record<string, string>>, body: string): number {
    const response = this.#response
    if (response.headersSent || response.destroyed) return 0
    const length = Buffer.byteLength(body)
    const lines = ['content-length', String(length)]
    for (const name in headers) lines.push(name, headers[name] ?? '')
    // A body nobody will read must not be taken for the next request.
    if (!this.#bodyRead && this.method !== 'GET') lines.push('connection', 'close')
    response.writeHead(status, lines)
    response.end(body)
    return length
  }

  stream(status: number, headers: Readonly<Record<string, string>>): ReplyStream {
    this.#response.writeHead(status, headers as Record<string, string>)
    this.#response.flushHeaders()
    return new NodeReplyStream(this.#response)
  }

  #firstLine(wanted: string): string | undefined {
    const { rawHeaders } = this
    const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === wanted)
    return at < 0 ? undefined : rawHeaders[at + 1]
  }
}

const NONE: readonly string[] = []

/** The engine keeps one value for each name, so as many values as lines means that no name came twice. */
function repeatedNames({ headers, rawHeaders }: IncomingMessage): readonly string[] {
  if (Object.keys(headers).length * 2 === rawHeaders.length) return NONE
  const seen = new Set<string>()
  const repeated: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    if (seen.has(name)) repeated.push(name)
    else seen.add(name)
  }
  return repeated
}

const NO_BYTES = Buffer.alloc(0)

class NodeReplyStream implements ReplyStream {
  readonly #response: ServerResponse
  readonly #keepAlive: NodeJS.Timeout

  constructor(response: ServerResponse) {
    this.#response = response
    this.#keepAlive = setInterval(() => {
      if (!response.writableNeedDrain) response.write(': keep-alive\n\n')
    }, KEEP_ALIVE_MS)
    response.on('close', () => clearInterval(this.#keepAlive))
  }

  write(chunk: string): Promise<void> {
    const response = this.#response
    if (response.destroyed) return Promise.reject(new Error('the caller has gone'))
    this.#keepAlive.refresh()
    if (response.write(chunk)) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const drained = () => {
        response.off('close', closed)
        resolve()
      }
      const closed = () => {
        response.off('drain', drained)
        reject(new Error('the caller has gone'))
      }
      response.once('drain', drained)
      response.once('close', closed)
    })
  }

  end(): void {
    clearInterval(this.#keepAlive)
    if (!this.#response.destroyed) this.#response.end()
  }
}
