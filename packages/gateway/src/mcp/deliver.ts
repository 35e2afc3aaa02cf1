/**
 * A reply on its way to the caller: one JSON response in one write, or server-sent events as they come, unbuffered
 * and at the caller's pace. A stream that ends without its response gets one that says so, unless the caller can
 * resume it.
 */
import type { Exchange, ReplyStream } from '../model/exchange.ts'
import type { OutcomeEntry } from '../model/entry.ts'
import { isObject, type Message } from '../model/message.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import type { Reply, ServerEvent, ServerMessage } from '../model/upstream.ts'
import { type Guard, guardMessage, isPlainResult } from './guard.ts'
import { refusedText } from './render.ts'

/** How a call ended, for the audit log. */
export interface Outcome {
  readonly status: OutcomeEntry['status']
  readonly refusal: Refusal | undefined
  readonly resultBytes: number
}

export interface Delivery {
  readonly exchange: Exchange
  readonly message: Message
  readonly guard: Guard
  /** Headers of the reply, such as the session id of an `initialize`. */
  readonly headers: Readonly<Record<string, string>>
  /** Tells the server that its request was refused. */
  refuseServerRequest(id: unknown, why: string): Promise<void>
  /** Tells operators of what was dropped. */
  note(text: string): void
}

/** Delivers a reply. Resolves when its last byte is handed over or the caller has gone. */
export async function deliver(reply: Reply, delivery: Delivery): Promise<Outcome> {
  switch (reply.kind) {
    case 'empty':
      delivery.exchange.reply.send(reply.status, delivery.headers, '')
      return { status: 'ok', refusal: undefined, resultBytes: 0 }
    case 'single': {
      const { text, refusal } = await guardedText(reply.message, delivery)
      const headers = { 'content-type': 'application/json', ...delivery.headers }
      const resultBytes = delivery.exchange.reply.send(reply.status, headers, text)
      return {
        status: refusal === undefined ? statusOf(reply.message) : 'refused',
        refusal,
        resultBytes,
      }
    }
    case 'events':
      return new EventDelivery(delivery).run(reply.events)
  }
}

/**
 * The text of a response after guarding: the server's, or a refusal in its place. `asSent` puts around a text what it is
 * sent in, which counts too.
 */
async function guardedText(
  message: ServerMessage,
  delivery: Delivery,
  asSent?: (text: string) => string,
): Promise<{ text: string; refusal: Refusal | undefined }> {
  const { guard } = delivery
  if (isPlainResult(message.body, delivery.message.method)) {
    const { result } = message.body
    if (isObject(result)) guard.learn?.(result)
    return withinBudget(message.text, delivery, asSent)
  }
  const guarded = await guardMessage(message, guard)
  if ('pass' in guarded) return withinBudget(guarded.pass.text, delivery, asSent)
  const refusal: Refusal = {
    reason: 'not-permitted',
    message: `The server asked for something that is not permitted: ${'deny' in guarded ? guarded.deny : guarded.drop}.`,
  }
  return { text: refusalFor(refusal, delivery), refusal }
}

/** A text that may go to the caller, or a refusal once its task has had as much as it may. */
function withinBudget(
  text: string,
  delivery: Delivery,
  asSent?: (text: string) => string,
): { text: string; refusal: Refusal | undefined } {
  const refusal = withheld(asSent?.(text) ?? text, delivery)
  return refusal === undefined ? { text, refusal } : { text: refusalFor(refusal, delivery), refusal }
}

/** Why a text may not go to the caller; undefined where it may, and then it is counted. */
function withheld(text: string, { guard }: Delivery): Refusal | undefined {
  const refusal = guard.withhold?.(Buffer.byteLength(text))
  if (refusal === undefined) return undefined
  return { ...refusal, message: `The call was made, but its answer is too much: ${refusal.message}` }
}

function refusalFor(refusal: Refusal, { message, exchange }: Delivery): string {
  return message.kind === 'request' ? refusedText(refusal, message, exchange.requestId) : ''
}

function statusOf(message: ServerMessage): 'ok' | 'error' {
  const result = message.body['result'] as { isError?: unknown } | undefined
  return result === undefined || result.isError === true ? 'error' : 'ok'
}

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

class EventDelivery {
  readonly #delivery: Delivery
  readonly #sink: ReplyStream
  #bytes = 0
  #answered: 'ok' | 'error' | undefined
  #refusal: Refusal | undefined
  #resumable = false

  constructor(delivery: Delivery) {
    this.#delivery = delivery
    this.#sink = delivery.exchange.reply.stream(200, { ...STREAM_HEADERS, ...delivery.headers })
  }

  async run(events: AsyncIterable<ServerEvent>): Promise<Outcome> {
    let failure: string | undefined
    try {
      for await (const event of events) {
        if (event.eventId !== undefined) this.#resumable = true
        await this.#deliver(event)
      }
    } catch (problem) {
      failure = problem instanceof Error ? problem.message : String(problem)
    }
    if (this.#delivery.exchange.signal.aborted) {
      this.#sink.end()
      return this.#outcome('cancelled')
    }
    const owed = this.#delivery.message.kind === 'request' && this.#answered === undefined
    if (owed && !this.#resumable) {
      this.#refusal = unavailable('The server ended its answer early.', failure)
      await this.#write({ text: refusalFor(this.#refusal, this.#delivery) }).catch(() => undefined)
    }
    this.#sink.end()
    if (owed || failure !== undefined) return this.#outcome('failed')
    return this.#outcome(this.#refusal === undefined ? (this.#answered ?? 'ok') : 'refused')
  }

  async #deliver(event: ServerEvent): Promise<void> {
    const { message } = event
    if (message === undefined) {
      if (withheld(frame(event, undefined), this.#delivery) === undefined) await this.#write({ event })
      return
    }
    if (typeof message.body['method'] !== 'string') {
      const asSent = (text: string) => frame(event, text)
      const { text, refusal } = await guardedText(message, this.#delivery, asSent)
      this.#answered = statusOf(message)
      this.#refusal = refusal
      return this.#write({ event, text })
    }
    const guarded = await guardMessage(message, this.#delivery.guard)
    if ('pass' in guarded) {
      const { text } = guarded.pass
      const withholding = withheld(frame(event, text), this.#delivery)
      if (withholding === undefined) return this.#write({ event, text })
      const { id } = message.body
      return this.#drop({ why: withholding.message, ...(id === undefined ? {} : { refuse: id }) })
    }
    const why = 'drop' in guarded ? guarded.drop : guarded.deny
    return this.#drop({ why, ...('refuse' in guarded ? { refuse: guarded.refuse } : {}) })
  }

  /** `refuse` is the id of a server's request that wants an error for an answer. */
  async #drop(dropped: { why: string; refuse?: unknown }): Promise<void> {
    this.#delivery.note(`dropped a message of the server: ${dropped.why}`)
    if ('refuse' in dropped) await this.#delivery.refuseServerRequest(dropped.refuse, dropped.why)
  }

  async #write({ event, text }: { event?: ServerEvent; text?: string }): Promise<void> {
    const chunk = frame(event, text)
    this.#bytes += Buffer.byteLength(chunk)
    await this.#sink.write(chunk)
  }

  #outcome(status: Outcome['status']): Outcome {
    return { status, refusal: this.#refusal, resultBytes: this.#bytes }
  }
}

/** One event of a stream, as text. Line breaks in the data become further data lines. */
function frame(event: ServerEvent | undefined, text: string | undefined): string {
  let out = ''
  if (event?.comment !== undefined) out += `:${event.comment.replace(/[\r\n]+/g, ' ')}\n`
  if (event?.eventId !== undefined) out += `id: ${event.eventId}\n`
  if (event?.retryMs !== undefined) out += `retry: ${event.retryMs}\n`
  if (text !== undefined)
    out += `event: message\ndata: ${/[\r\n]/.test(text) ? text.split(/\r\n|\r|\n/).join('\ndata: ') : text}\n`
  else if (event?.eventId !== undefined) out += 'data: \n'
  return `${out}\n`
}
