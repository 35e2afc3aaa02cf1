/**
 * What a legacy server sends to one session unasked: kept, within bounds, until the client opens its stream, then
 * delivered there. One reader at a time, and no message twice: what a reader left unread waits for the next.
 */
import { invalid, type Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { Reply, ServerEvent, ServerMessage } from '../model/upstream.ts'
import { EventQueue, type QueueLimits } from './event-queue.ts'

export class SessionStream {
  readonly #limits: QueueLimits
  /** Told what nobody will get: the oldest, when too much has piled up. */
  readonly #dropped: (message: ServerMessage) => void
  #waiting: ServerEvent[] = []
  #reader: EventQueue | undefined

  constructor(limits: QueueLimits, dropped: (message: ServerMessage) => void) {
    this.#limits = limits
    this.#dropped = dropped
  }

  get open(): boolean {
    return this.#reader !== undefined
  }

  send(message: ServerMessage): void {
    if (this.#reader?.push({ message }) === true) return
    // A reader that cannot keep up loses its stream, not the messages; it may open another.
    this.#detach()
    if (isRepeatable(message) && this.#waiting.some((event) => event.message?.text === message.text)) return
    this.#waiting.push({ message })
    const excess = this.#waiting.length - this.#limits.maxQueuedEvents
    for (const event of this.#waiting.splice(0, Math.max(0, excess))) {
      if (event.message !== undefined) this.#dropped(event.message)
    }
  }

  /** Gives the stream to a reader. */
  read(signal: AbortSignal): Result<Reply, Refusal> {
    if (this.#reader !== undefined) {
      return err(invalid('This session already has an open stream.', { status: 409 }))
    }
    const left = () => {
      if (this.#reader === reader) this.#detach()
    }
    const reader: EventQueue = new EventQueue(this.#limits, left, this.#waiting)
    this.#waiting = []
    this.#reader = reader
    if (signal.aborted) left()
    else signal.addEventListener('abort', left, { once: true })
    return ok({ kind: 'events', events: reader })
  }

  close(): void {
    this.#reader?.end()
    this.#reader = undefined
    this.#waiting = []
  }

  #detach(): void {
    const reader = this.#reader
    this.#reader = undefined
    if (reader !== undefined) this.#waiting = [...reader.drain(), ...this.#waiting]
  }
}

/** "The list has changed", said ten times, says as much as once. */
function isRepeatable({ body }: ServerMessage): boolean {
  return typeof body['method'] === 'string' && /\/(list_changed|updated)$/.test(body['method'])
}
