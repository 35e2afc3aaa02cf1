/**
 * How long what is open may stay open. A stream ends when its caller leaves, when its session ends, when the key or
 * token it was opened with is revoked or expires, and when the gateway stops.
 */
import type { Authentication } from '../model/caller.ts'
import type { Exchange } from '../model/exchange.ts'
import type { Permitted } from '../pipeline.ts'

interface Stream {
  readonly authentication: Authentication
  readonly revoked: AbortController
}

export class Lifetimes {
  readonly #stop = new AbortController()
  readonly #streams = new Map<Exchange, Stream>()

  /** Streams that have not ended. */
  get open(): number {
    return this.#streams.size
  }

  /** The signal that ends this call. Short calls end with their exchange; only streams need more. */
  of({ exchange, message, caller, session }: Permitted): AbortSignal {
    if (message.kind !== 'stream' && message.method !== 'subscriptions/listen') return exchange.signal
    const revoked = new AbortController()
    this.#streams.set(exchange, { authentication: caller.authentication, revoked })
    const signals = [exchange.signal, revoked.signal, this.#stop.signal]
    return AbortSignal.any(session === undefined ? signals : [...signals, session.ended.signal])
  }

  /** Call when an exchange is over, however it ended. */
  ended(exchange: Exchange): void {
    this.#streams.delete(exchange)
  }

  /** Ends the streams whose callers proved who they are in such a way. */
  endWhere(isOver: (authentication: Authentication) => boolean): void {
    for (const { authentication, revoked } of this.#streams.values()) {
      if (isOver(authentication)) revoked.abort()
    }
  }

  /** Ends every stream: the gateway is stopping. */
  stop(): void {
    this.#stop.abort()
  }
}
