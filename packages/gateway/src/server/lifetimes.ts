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

export class Lifetimes {
  readonly #stop = new AbortController()
  readonly #underWay = new Map<Exchange, Authentication>()
  readonly #streams = new Map<Exchange, Authentication>()

  /** Calls that have not ended. */
  get open(): number {
    return this.#underWay.size
  }

  /** The caller has proved who it is. */
  began(exchange: Exchange, authentication: Authentication): void {
    this.#underWay.set(exchange, authentication)
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
    this.#underWay.delete(exchange)
    if (this.#streams.size > 0) this.#streams.delete(exchange)
  }

  /** Ends the calls whose callers proved who they are in such a way. */
  endWhere(isOver: (authentication: Authentication) => boolean): void {
    end(this.#underWay, isOver)
  }

  /** Ends the streams whose credential is good until then. What was begun with it in time and is short may end by itself. */
  expire(nowMs: number): void {
    end(this.#streams, ({ goodUntilMs }) => goodUntilMs !== undefined && goodUntilMs <= nowMs)
  }

  /** Ends every stream: the gateway is stopping. */
  stop(): void {
    this.#stop.abort()
  }
}

function end(
  exchanges: ReadonlyMap<Exchange, Authentication>,
  isOver: (authentication: Authentication) => boolean,
): void {
  for (const [exchange, authentication] of exchanges) if (isOver(authentication)) exchange.end(REVOKED)
}
