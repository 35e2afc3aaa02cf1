/** How often something may be tried within a time; counted before it is tried, so that many at once gain nothing. */

/** Beyond this many keys the oldest is forgotten; each costs an attacker an attempt of another limit. */
const MAX_KEYS = 10_000

export class Attempts {
  readonly #limit: number
  readonly #windowMs: number
  readonly #windows = new Map<string, { startedAtMs: number; count: number }>()

  /** At most `limit` for a key within `windowSeconds` of the first one. */
  constructor(limit: number, windowSeconds: number) {
    this.#limit = limit
    this.#windowMs = windowSeconds * 1000
  }

  /** Counts an attempt; false when there were too many. */
  take(key: string, nowMs: number): boolean {
    const known = this.#windows.get(key)
    if (known === undefined || nowMs - known.startedAtMs >= this.#windowMs || nowMs < known.startedAtMs) {
      this.#windows.delete(key)
      this.#windows.set(key, { startedAtMs: nowMs, count: 1 })
      this.#forgetOldest()
      return true
    }
    known.count++
    return known.count <= this.#limit
  }

  /** Forgets a key's attempts: the last one was good. */
  clear(key: string): void {
    this.#windows.delete(key)
  }

  #forgetOldest(): void {
    if (this.#windows.size <= MAX_KEYS) return
    const [oldest] = this.#windows.keys()
    if (oldest !== undefined) this.#windows.delete(oldest)
  }
}
