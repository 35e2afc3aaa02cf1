/**
 * How long what is open may stay open. A stream ends when its caller leaves, when its session ends, when the key it
 * was opened with is revoked, and when the gateway stops.
 */
import type { Permitted } from '../pipeline.ts'

export class Lifetimes {
  readonly #stop = new AbortController()
  readonly #byCredential = new Map<string, Set<AbortController>>()

  /** The signal that ends this call. Short calls end with their exchange; only streams need more. */
  of({ exchange, message, caller, session }: Permitted): AbortSignal {
    if (message.kind !== 'stream' && message.method !== 'subscriptions/listen') return exchange.signal
    const revoked = new AbortController()
    this.#watch(caller.authentication.credential, revoked, exchange.signal)
    const signals = [exchange.signal, revoked.signal, this.#stop.signal]
    return AbortSignal.any(session === undefined ? signals : [...signals, session.ended.signal])
  }

  /** Ends the streams that were opened with these credentials. */
  revoke(credentials: readonly string[]): void {
    for (const name of credentials) for (const stream of this.#byCredential.get(name) ?? []) stream.abort()
  }

  /** Ends every stream: the gateway is stopping. */
  stop(): void {
    this.#stop.abort()
  }

  #watch(credential: string | undefined, stream: AbortController, closed: AbortSignal): void {
    if (credential === undefined) return
    const streams = this.#byCredential.get(credential) ?? new Set()
    this.#byCredential.set(credential, streams.add(stream))
    closed.addEventListener('abort', () => {
      streams.delete(stream)
      if (streams.size === 0) this.#byCredential.delete(credential)
    })
  }
}
