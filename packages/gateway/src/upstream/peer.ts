/**
 * One JSON-RPC peer at the other end of one channel, shared by any number of callers. Every request gets a number of
 * ours, so that equal ids of different callers never meet; every message that comes is for exactly one of them, or
 * for the listener. What belongs to nobody is dropped.
 */
import type { JsonObject, JsonRpcId, RequestMessage } from '../model/message.ts'
import { parseJson } from '../model/parse-json.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { ServerMessage } from '../model/upstream.ts'
import { Call, type CallLimits } from './call.ts'
import type { Channel, Timers } from './channel.ts'
import { idOf, member } from './json-rpc.ts'
import * as restore from './restore.ts'
import { parseServerMessage } from './server-message.ts'

export interface PeerListener {
  /** A notification that belongs to no request. */
  unsolicited(message: ServerMessage): void
  /** A request of the server. */
  asked(message: ServerMessage, id: JsonRpcId): void
  /** `why` completes "the server …". */
  closed(why: string): void
}

export interface PeerOptions {
  readonly channel: Channel
  readonly limits: CallLimits
  readonly timers: Timers
  readonly log: (text: string) => void
}

/** What a caller's request carries besides itself. */
export interface CallManner {
  readonly signal: AbortSignal
  /** Instead of the limit for requests in general. */
  readonly timeoutMs?: number
  readonly waitsForClient?: () => boolean
  ended?(): void
}

/** The start of a batch. */
const BRACKET = 0x5b

type Answer = Result<ServerMessage, Refusal>

export class Peer {
  readonly channel: Channel
  /** Until someone takes the connection over, nobody wants what comes unasked. */
  listener: PeerListener | undefined
  /** For whoever keeps account of connections. */
  onClosed: (why: string) => void = () => undefined
  /** Whether its death would say nothing about the server: it is being tried out, or is one caller's own. */
  excused = false
  readonly #options: PeerOptions
  readonly #calls = new Map<number, Call>()
  readonly #questions = new Map<number, (answer: Answer) => void>()
  #nextNumber = 1
  #closedWhy: string | undefined

  constructor(options: PeerOptions) {
    this.#options = options
    this.channel = options.channel
    options.channel.listen({
      line: (text) => this.#received(text),
      tooLong: (head, tail) => this.#tooLong(head, tail),
      closed: (why) => this.#closed(why),
    })
  }

  get open(): boolean {
    return this.#closedWhy === undefined
  }

  get callsInFlight(): number {
    return this.#calls.size
  }

  /** Sends a caller's request. */
  call(message: RequestMessage, manner: CallManner): Call {
    const number = this.#nextNumber++
    const call: Call = new Call({
      number,
      id: message.id,
      progressToken: restore.progressTokenOf(message),
      modern: message.era === 'modern',
      standing: message.method === 'subscriptions/listen',
      limits: this.#options.limits,
      timeoutMs: manner.timeoutMs ?? this.#options.limits.requestTimeoutMs,
      timers: this.#options.timers,
      signal: manner.signal,
      ...(manner.waitsForClient === undefined ? {} : { waitsForClient: manner.waitsForClient }),
      ended: (cancel) => {
        this.#calls.delete(number)
        if (cancel !== undefined) this.cancel(number, cancel, message)
        manner.ended?.()
      },
    })
    this.#calls.set(number, call)
    if (manner.signal.aborted) call.fail(unavailable('The caller has gone.'))
    else if (!this.open) call.fail(this.#gone('before'))
    else if (!this.channel.write(restore.requestLine(message, number))) call.fail(notReading())
    return call
  }

  /** Asks something of our own. */
  ask(method: string, params: JsonObject, timeoutMs: number): Promise<Answer> {
    return new Promise((resolve) => {
      const number = this.#nextNumber++
      const cancelTimer = this.#options.timers.after(timeoutMs, () =>
        answer(err(unavailable('The server did not answer in time.'))),
      )
      const answer = (value: Answer) => {
        cancelTimer()
        this.#questions.delete(number)
        resolve(value)
      }
      this.#questions.set(number, answer)
      if (!this.open) answer(err(this.#gone('before')))
      else if (!this.send({ jsonrpc: '2.0', id: number, method, params })) answer(err(notReading()))
    })
  }

  /** Sends a notification or a response as it is. */
  send(body: JsonObject): boolean {
    return this.open && this.channel.write(JSON.stringify(body))
  }

  /** Tells the server to stop working on a request. */
  cancel(number: number, reason: string, message?: RequestMessage): void {
    const meta = message?.era === 'modern' ? member(message.params, '_meta') : undefined
    const { progressToken: _, ...envelope } = meta ?? {}
    const params = { requestId: number, reason, ...(meta === undefined ? {} : { _meta: envelope }) }
    this.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
  }

  close(): Promise<void> {
    return this.channel.close()
  }

  #received(text: string): void {
    if (text.charCodeAt(0) === BRACKET) return this.#batch(text)
    const message = parseServerMessage(text)
    if (message === undefined) return this.#options.log('ignored a line that is not a JSON-RPC message')
    const { body } = message
    if (typeof body['method'] !== 'string') return this.#answered(message)
    const id = idOf(body)
    if (id !== undefined) this.listener?.asked(message, id)
    else if (!('id' in body)) this.#notified(message, body['method'])
  }

  /** Servers up to 2025-03-26 may send several messages in an array. */
  #batch(text: string): void {
    for (const item of itemsOf(text)) {
      if (item.charCodeAt(0) === BRACKET) this.#options.log('ignored a batch in a batch')
      else this.#received(item)
    }
  }

  #answered(message: ServerMessage): void {
    const number = message.body['id']
    const call = typeof number === 'number' ? this.#calls.get(number) : undefined
    if (call !== undefined) {
      return call.answer(restore.restoreResponse(message, call.options.number, call.options.id))
    }
    const question = typeof number === 'number' ? this.#questions.get(number) : undefined
    if (question !== undefined) return question(ok(message))
    // A second answer, an answer to nothing, or one to a request that its caller has given up.
    this.#options.log('dropped a response that no request waits for')
  }

  #notified(message: ServerMessage, method: string): void {
    if (method === 'notifications/progress') {
      const call = this.#callOf(restore.progressNumber(message.body))
      const token = call?.options.progressToken
      if (call !== undefined && token !== undefined) call.deliver(restore.restoreProgress(message, token))
      return
    }
    const subscription = this.#callOf(restore.subscriptionNumber(message.body))
    if (subscription !== undefined) {
      return subscription.deliver(restore.restoreSubscription(message, subscription.options.id))
    }
    const ended =
      method === 'notifications/cancelled' ? this.#callOf(cancelledNumber(message.body)) : undefined
    // In the modern era the server has no requests of its own, so this is the end of a subscription.
    if (ended?.options.modern === true) {
      ended.deliver(restore.restoreCancelled(message, ended.options.id))
      if (ended.options.standing) ended.finish()
      return
    }
    this.listener?.unsolicited(message)
  }

  #callOf(number: unknown): Call | undefined {
    return typeof number === 'number' ? this.#calls.get(number) : undefined
  }

  #tooLong(head: string, tail: string): void {
    // Servers write the id first or last; where neither shows it, the call's timeout ends it.
    const found = /^\{"jsonrpc":"2\.0","id":(\d+),/.exec(head) ?? /,"id":(\d+)\}\s*$/.exec(tail)
    const limit = `${this.#options.limits.maxMessageBytes} bytes`
    this.#options.log(`ignored a message longer than ${limit}`)
    const number = Number(found?.[1])
    const refusal = unavailable(`The server's answer is longer than ${limit}.`)
    this.#callOf(number)?.fail(refusal)
    this.#questions.get(number)?.(err(refusal))
  }

  #closed(why: string): void {
    this.#closedWhy = why
    for (const call of this.#calls.values()) call.fail(this.#gone('during'))
    for (const answer of this.#questions.values()) answer(err(this.#gone('during')))
    this.onClosed(why)
    this.listener?.closed(why)
  }

  #gone(when: 'before' | 'during'): Refusal {
    return unavailable(`The server ${this.#closedWhy ?? 'is gone'} ${when} the call.`)
  }
}

/** The elements of an array, as JSON; what is no array, or too deep to write again, is one element that is no message. */
function itemsOf(text: string): string[] {
  try {
    const items = parseJson(text) as unknown[]
    return items.map((item) => JSON.stringify(item))
  } catch {
    return ['']
  }
}

function cancelledNumber(body: JsonObject): unknown {
  return member(body, 'params')?.['requestId']
}

function notReading(): Refusal {
  return unavailable('The server does not read what is sent to it.')
}
