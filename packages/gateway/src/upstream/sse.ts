/**
 * A server-sent event stream as an async iterable with back-pressure: the producer is told to pause when the
 * consumer falls behind, and nothing is held back. One event is bounded; the stream is not.
 */
import type { ServerEvent } from '../model/upstream.ts'
import { EventParser } from './event-parser.ts'
import { parseServerMessage } from './server-message.ts'

/** How the stream slows down and stops the connection that feeds it. */
export interface StreamSource {
  pause(): void
  resume(): void
  abort(reason: Error): void
}

const HIGH_WATER = 32
/** What a server may still send after the last message that matters, before its connection is closed. */
const MAX_TAIL_BYTES = 65_536

export class EventStream implements AsyncIterable<ServerEvent> {
  readonly #source: StreamSource
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  readonly #parser: EventParser
  readonly #queue: ServerEvent[] = []
  #wake: (() => void) | undefined
  #ended = false
  #failure: Error | undefined
  #paused = false
  #retryMs: number | undefined
  #tailBytes: number | undefined

  constructor(source: StreamSource, maxMessageBytes: number) {
    this.#source = source
    this.#parser = new EventParser({
      maxEventLength: maxMessageBytes,
      onEvent: (id, data) => this.#event(id, data),
      onRetry: (retryMs) => {
        this.#retryMs = retryMs
      },
      onComment: (comment) => {
        // They only keep a connection alive: behind one that is still to be delivered, more say nothing.
        if (this.#queue.at(-1)?.comment === undefined) this.#push({ comment })
      },
    })
  }

  /** Takes the next bytes of the body. */
  feed(chunk: Buffer): void {
    if (this.#failure !== undefined) return
    if (this.#tailBytes !== undefined) return this.#discard(chunk)
    try {
      const text = this.#decoder.decode(chunk, { stream: true })
      if (!this.#parser.feed(text)) this.fail(new Error('one event of the stream is too large'))
    } catch (problem) {
      this.fail(problem instanceof Error ? problem : new Error('unreadable event stream'))
    }
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** Ends the stream with an error, after what is already queued. */
  fail(problem: Error): void {
    if (this.#ended || this.#failure !== undefined) return
    this.#failure = problem
    this.#source.abort(problem)
    this.#wake?.()
  }

  /** Nothing more is wanted: a server that ends its stream now keeps its connection. */
  settle(): void {
    if (this.#tailBytes !== undefined) return
    this.#tailBytes = 0
    if (this.#paused) this.#source.resume()
  }

  #discard(chunk: Buffer): void {
    this.#tailBytes = (this.#tailBytes ?? 0) + chunk.length
    if (this.#tailBytes > MAX_TAIL_BYTES) this.fail(new Error('the server does not end its stream'))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ServerEvent> {
    try {
      for (;;) {
        const event = this.#queue.shift()
        if (event !== undefined) {
          yield event
          continue
        }
        if (this.#failure !== undefined) throw this.#failure
        if (this.#ended) return
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        if (this.#paused) {
          this.#paused = false
          this.#source.resume() // may feed at once, so whoever it wakes must be waiting already
        }
        await woken
      }
    } finally {
      if (!this.#ended && this.#tailBytes === undefined) this.#source.abort(new Error('the caller has gone'))
    }
  }

  #event(id: string | undefined, data: string): void {
    const head = { ...(id === undefined ? {} : { eventId: id }), ...this.#takeRetry() }
    if (data === '') return this.#push(head)
    const message = parseServerMessage(data)
    if (message === undefined) return this.fail(new Error('an event of the stream is not a JSON-RPC message'))
    this.#push({ ...head, message })
  }

  #takeRetry(): { retryMs?: number } {
    const retryMs = this.#retryMs
    this.#retryMs = undefined
    return retryMs === undefined ? {} : { retryMs }
  }

  #push(event: ServerEvent): void {
    this.#queue.push(event)
    if (this.#queue.length >= HIGH_WATER && !this.#paused) {
      this.#paused = true
      this.#source.pause()
    }
    this.#wake?.()
  }
}
