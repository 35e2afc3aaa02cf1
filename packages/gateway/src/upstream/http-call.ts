/**
 * One HTTP request to an upstream, by undici's dispatch (the cheapest way through it). Resolves at the first sign
 * of an answer: a whole JSON body, or the head of an event stream. Redirects are not followed, encodings not
 * undone, bodies bounded.
 */
import { isUtf8 } from 'node:buffer'
import type { Dispatcher } from 'undici'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import { EventStream } from './sse.ts'

export interface HttpAnswer {
  readonly status: number
  /** `Mcp-Session-Id` of the answer. */
  readonly sessionId: string | undefined
  readonly body:
    | { readonly kind: 'text'; readonly json: boolean; readonly text: string }
    | { readonly kind: 'events'; readonly events: EventStream }
}

export interface HttpRequest {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly path: string
  readonly headers: string[]
  readonly body: string | null
  /** To the head of the answer, and between two pieces of its body; 0 waits for ever. */
  readonly headersTimeoutMs: number
  readonly bodyTimeoutMs: number
  readonly maxResultBytes: number
}

/** Sends the request; every failure of the upstream is a Refusal. */
export function callHttp(
  dispatcher: Dispatcher,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<Result<HttpAnswer, Refusal>> {
  return new Promise((resolve) => {
    const handler = new AnswerHandler(request, signal, resolve)
    const { method, path, headers, body, headersTimeoutMs, bodyTimeoutMs } = request
    dispatcher.dispatch(
      { method, path, headers, body, headersTimeout: headersTimeoutMs, bodyTimeout: bodyTimeoutMs },
      handler,
    )
  })
}

type Resolve = (answer: Result<HttpAnswer, Refusal>) => void

class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest
  readonly #signal: AbortSignal
  readonly #resolve: Resolve
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #sessionId: string | undefined
  #json = false
  #first: Buffer | undefined
  #chunks: Buffer[] | undefined
  #bytes = 0
  #events: EventStream | undefined
  readonly #onAbort = () => this.#controller?.abort(new Error('the caller has gone'))

  constructor(request: HttpRequest, signal: AbortSignal, resolve: Resolve) {
    this.#request = request
    this.#signal = signal
    this.#resolve = resolve
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#signal.aborted) this.#onAbort()
    else this.#signal.addEventListener('abort', this.#onAbort)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, unknown>,
  ): void {
    if (status < 200) return
    this.#status = status
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') {
      return this.#fail(
        'The server sent an encoded answer that was not asked for.',
        `content-encoding: ${JSON.stringify(encoding)}`,
      )
    }
    const sessionId = headers['mcp-session-id']
    this.#sessionId = typeof sessionId === 'string' ? sessionId : undefined
    const type = mediaType(headers['content-type'])
    this.#json = type === 'application/json'
    if (type !== 'text/event-stream' || status !== 200) return
    const source = {
      pause: () => controller.pause(),
      resume: () => controller.resume(),
      abort: (reason: Error) => controller.abort(reason),
    }
    this.#events = new EventStream(source, this.#request.maxResultBytes)
    this.#answer({ kind: 'events', events: this.#events })
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#events !== undefined) return this.#events.feed(chunk)
    this.#bytes += chunk.length
    if (this.#bytes > this.#request.maxResultBytes) {
      return this.#fail(
        'The answer of the server is too large.',
        `more than ${this.#request.maxResultBytes} bytes`,
      )
    }
    if (this.#first === undefined) this.#first = chunk
    else (this.#chunks ??= [this.#first]).push(chunk)
  }

  onResponseEnd(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    if (this.#events !== undefined) return this.#events.end()
    const bytes = this.#chunks === undefined ? this.#first : Buffer.concat(this.#chunks)
    if (bytes !== undefined && !isUtf8(bytes)) return this.#fail('The server sent text that is not UTF-8.')
    this.#answer({ kind: 'text', json: this.#json, text: bytes?.toString('utf8') ?? '' })
  }

  onResponseError(_controller: Dispatcher.DispatchController, problem: Error): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    if (this.#events !== undefined) return this.#events.fail(problem)
    this.#resolve(
      err(unavailable('The server cannot be reached or broke off its answer.', describe(problem))),
    )
  }

  #answer(body: HttpAnswer['body']): void {
    this.#resolve(ok({ status: this.#status, sessionId: this.#sessionId, body }))
  }

  #fail(message: string, detail?: string): void {
    this.#resolve(err(unavailable(message, detail)))
    this.#controller?.abort(new Error(message))
  }
}

function mediaType(header: unknown): string {
  if (header === 'application/json') return header
  return typeof header === 'string' ? (header.split(';', 1)[0] ?? '').trim().toLowerCase() : ''
}

function describe(problem: Error & { code?: string }): string {
  return problem.code === undefined ? problem.message : `${problem.code}: ${problem.message}`
}
