/**
 * When a server that keeps dying may be started again. The first early death costs nothing, so that a crash during
 * one call does not refuse the next; from then on the pause doubles. A long life forgives everything.
 */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000
const LONG_LIFE_MS = 30_000

export class Backoff {
  #earlyDeaths = 0
  #notBeforeMs = 0

  /** Notes that a server is gone that lived for `livedMs`; zero when it did not even start. */
  died(nowMs: number, livedMs: number): void {
    if (livedMs >= LONG_LIFE_MS) this.#earlyDeaths = 0
    this.#earlyDeaths++
    const doublings = Math.min(this.#earlyDeaths - 2, 20)
    const pauseMs = doublings < 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** doublings, LONGEST_PAUSE_MS)
    this.#notBeforeMs = nowMs + pauseMs
  }

  /** How long to wait until the next start; 0 for none. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs)
  }
}
