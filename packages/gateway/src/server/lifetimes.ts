/**
 * How long what is open may stay open. A call ends when its caller leaves and when what its caller proved who it is with
 * is revoked, also while its body is still on its way; a stream besides when its credential expires, when its session ends,
 * and when the gateway stops.
 */
import type { Authentication } from '../model/caller.ts'
import type { Exchange } from '../model/exchange.ts'
import type { Refusal } from '../model/refusal.ts'
import type { Permitted } from '../pipeline.ts'

const REVOKED: Refusal = {
  reason: 'unauthenticated',
  message: 'The credential of this call has ended while the call was under way.',
  remedy: { kind: 'sign-in' },
}

interface UnderWay {
  readonly exchange: Exchange
  readonly authentication: Authentication
}

/**
 * Calls come and go by the thousand, so they are kept in places that are used again. A Map would be written anew all the
 * time, and each table that it leaves behind, once it is old, holds the calls that were in it until the next full
 * collection: half as much memory again, and pauses twice as long.
 */
export class Lifetimes {
  readonly #stop = new AbortController()
  readonly #underWay: (UnderWay | undefined)[] = []
  readonly #free: number[] = []
  readonly #streams = new Map<Exchange, Authentication>()

  /** Calls that have not ended. */
  get open(): number {
    return this.#underWay.length - this.#free.length
  }

  /** The caller has proved who it is. */
  began(exchange: Exchange, authentication: Authentication): void {
    const place = exchange.place ?? this.#free.pop() ?? this.#underWay.length
    exchange.place = place
    this.#underWay[place] = { exchange, authentication }
  }

  /** The signal that ends this call, now that it goes ahead. */
  of({ exchange, message, caller, session }: Permitted): AbortSignal {
    if (message.kind !== 'stream' && message.method !== 'subscriptions/listen') return exchange.signal
    this.#streams.set(exchange, caller.authentication)
    const signals = [exchange.signal, this.#stop.signal]
    return AbortSignal.any(session === undefined ? signals : [...signals, session.ended.signal])
  }

  /** Call when an exchange is over, however it ended. */
  ended(exchange: Exchange): void {
    const { place } = exchange
    if (place === undefined) return
    exchange.place = undefined
    this.#underWay[place] = undefined
    this.#free.push(place)
    if (this.#streams.size > 0) this.#streams.delete(exchange)
  }

  /** Ends the calls whose callers proved who they are in such a way. */
  endWhere(isOver: (authentication: Authentication) => boolean, refusal = REVOKED): void {
    for (const call of this.#underWay) {
      if (call !== undefined && isOver(call.authentication)) call.exchange.end(refusal)
    }
  }

  /** Ends the streams whose credential is good until then. What was begun with it in time and is short may end by itself. */
  expire(nowMs: number): void {
    for (const [exchange, { goodUntilMs }] of this.#streams) {
      if (goodUntilMs !== undefined && goodUntilMs <= nowMs) exchange.end(REVOKED)
    }
  }

  /** Ends every stream: the gateway is stopping. */
  stop(): void {
    this.#stop.abort()
  }
}
