/**
 * Server events between a server that sends and one caller who reads at its own pace. Bounded in number and size:
 * `push` says when the reader is too slow. One reader; leaving its loop early is told to `left`.
 */
import type { ServerEvent } from '../model/upstream.ts'

export interface QueueLimits {
  readonly maxQueuedEvents: number
  readonly maxMessageBytes: number
}

export class EventQueue implements AsyncIterable<ServerEvent>, AsyncIterator<ServerEvent, undefined> {
  readonly #limits: QueueLimits
  readonly #left: () => void
  #events: ServerEvent[] = []
  #characters = 0
  #wake: (() => void) | undefined
  #ended = false
  #failure: string | undefined

  /** `initial` events are within the limits already. */
  constructor(limits: QueueLimits, left: () => void, initial: readonly ServerEvent[] = []) {
    this.#limits = limits
    this.#left = left
    for (const event of initial) this.#take(event)
  }

  /** False when too much waits already; the event was not taken. */
  push(event: ServerEvent): boolean {
    const size = event.message?.text.length ?? 0
    if (this.#events.length >= this.#limits.maxQueuedEvents) return false
    if (this.#events.length > 0 && this.#characters + size > this.#limits.maxMessageBytes) return false
    this.#take(event)
    return true
  }

  /** Takes a last event, however much waits, and ends the stream after it. */
  finish(event: ServerEvent): void {
    this.#take(event)
    this.end()
  }

  /** Ends the stream after what waits; with a failure, by throwing it at the reader. */
  end(failure?: string): void {
    this.#ended = true
    this.#failure ??= failure
    this.#wake?.()
  }

  /** What was never read; the reader finds the stream ended. */
  drain(): ServerEvent[] {
    const unread = this.#events
    this.#events = []
    this.end()
    return unread
  }

  [Symbol.asyncIterator](): AsyncIterator<ServerEvent, undefined> {
    return this
  }

  async next(): Promise<IteratorResult<ServerEvent, undefined>> {
    for (;;) {
      const event = this.#events.shift()
      if (event !== undefined) {
        this.#characters -= event.message?.text.length ?? 0
        return { done: false, value: event }
      }
      if (this.#failure !== undefined) throw new Error(this.#failure)
      if (this.#ended) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  return(): Promise<IteratorResult<ServerEvent, undefined>> {
    this.#ended = true
    this.#wake?.()
    this.#left()
    return Promise.resolve({ done: true, value: undefined })
  }

  #take(event: ServerEvent): void {
    this.#events.push(event)
    this.#characters += event.message?.text.length ?? 0
    this.#wake?.()
  }
}
