/**
 * One request of one caller, in flight at a server. Its reply is a single response when that is the first thing to
 * come, and a stream otherwise. It ends exactly once: answered, failed, timed out, cancelled, or abandoned.
 */
import type { JsonRpcId } from '../model/message.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { Reply, ServerMessage } from '../model/upstream.ts'
import type { Timers } from './channel.ts'
import { EventQueue, type QueueLimits } from './event-queue.ts'
import { errorOf, METHOD_NOT_FOUND } from './json-rpc.ts'

export interface CallLimits extends QueueLimits {
  readonly requestTimeoutMs: number
}

export interface CallOptions {
  /** The id under which the server knows the request. */
  readonly number: number
  readonly id: JsonRpcId
  readonly progressToken: JsonRpcId | undefined
  /** Modern requests are cancelled when their caller goes; legacy ones run on (2025-11-25: basic/transports). */
  readonly modern: boolean
  /** A subscription: after its first sign it lasts until someone ends it. */
  readonly standing: boolean
  readonly limits: QueueLimits
  /** How long the server may say nothing. */
  readonly timeoutMs: number
  readonly timers: Timers
  readonly signal: AbortSignal
  /** While true, the server waits for the client, so time does not run against it. */
  readonly waitsForClient?: () => boolean
  /** The call is over. `cancel` tells the server to stop, and why. */
  ended(cancel: string | undefined): void
}

export class Call {
  readonly reply: Promise<Result<Reply, Refusal>>
  readonly options: CallOptions
  #settle: (reply: Result<Reply, Refusal>) => void = () => undefined
  #begun = false
  #queue: EventQueue | undefined
  #listening = true
  #over = false
  #deadlineMs: number
  #cancelTimer: () => void = () => undefined
  readonly #onAbort = () => this.#leave()

  constructor(options: CallOptions) {
    this.options = options
    this.reply = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.#deadlineMs = options.timers.now() + options.timeoutMs
    this.#arm(options.timeoutMs)
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  get over(): boolean {
    return this.#over
  }

  /** Whether someone still takes what is delivered. */
  get listening(): boolean {
    return this.#listening && !this.#over
  }

  /** Hands over something that comes before the response. */
  deliver(message: ServerMessage): void {
    if (this.#over) return
    this.#deadlineMs = this.options.timers.now() + this.options.timeoutMs
    if (!this.#listening) return
    if (this.#stream().push({ message })) return
    this.#end('the caller reads too slowly')
    this.#fail(unavailable('The answer came faster than it was read.'))
  }

  /** Hands over the response. */
  answer(message: ServerMessage): void {
    this.#end(undefined)
    if (this.#queue !== undefined) this.#queue.finish({ message })
    else this.#begin({ kind: 'single', status: this.#statusOf(message), message })
  }

  /** Ends the stream without a response: the server has ended the subscription. */
  finish(): void {
    this.#end(undefined)
    this.#stream().end()
  }

  /** Ends the call because there will be no response. `cancel` as in `CallOptions.ended`. */
  fail(refusal: Refusal, cancel?: string): void {
    if (this.#over) return
    this.#end(cancel)
    this.#fail(refusal)
  }

  #leave(): void {
    if (!this.#listening || this.#over) return
    this.#listening = false
    if (this.options.modern) this.#end('the caller has gone')
    this.#fail(unavailable('The caller has gone.'))
  }

  #fail(refusal: Refusal): void {
    if (this.#begun) this.#queue?.end(refusal.message)
    else {
      this.#begun = true
      this.#settle(err(refusal))
    }
  }

  #stream(): EventQueue {
    if (this.#queue === undefined) {
      this.#queue = new EventQueue(this.options.limits, this.#onAbort)
      this.#begin({ kind: 'events', events: this.#queue })
    }
    return this.#queue
  }

  #begin(reply: Reply): void {
    if (this.#begun) return
    this.#begun = true
    this.#settle(ok(reply))
  }

  #end(cancel: string | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#cancelTimer()
    this.options.signal.removeEventListener('abort', this.#onAbort)
    this.options.ended(cancel)
  }

  /** One timer a call: progress moves the deadline, and the timer finds out when it fires. */
  #arm(delayMs: number): void {
    this.#cancelTimer = this.options.timers.after(delayMs, () => this.#timeUp())
  }

  #timeUp(): void {
    const { timeoutMs, timers, standing, waitsForClient } = this.options
    if (standing && this.#begun) return
    if (waitsForClient?.() === true) return this.#arm(timeoutMs)
    const leftMs = this.#deadlineMs - timers.now()
    if (leftMs > 0) return this.#arm(leftMs)
    this.fail(unavailable(`The server did not answer within ${seconds(timeoutMs)}.`), 'timeout')
  }

  /** How HTTP carries a modern error (2026-07-28: basic/transports/streamable-http); all else is 200. */
  #statusOf(message: ServerMessage): number {
    if (!this.options.modern) return 200
    const code = errorOf(message.body)?.code
    if (code === METHOD_NOT_FOUND) return 404
    return code === -32020 || code === -32021 || code === -32022 ? 400 : 200
  }
}

/** `1.5 s`, for messages. */
export function seconds(durationMs: number): string {
  return `${Math.round(durationMs / 100) / 10} s`
}
