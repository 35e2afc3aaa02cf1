/**
 * Loops: the same tool called with the same arguments, again and again. So many different calls are remembered; when
 * there are more, the ones longest not made are dropped, and the most that one of those had been made counts for every
 * call that is new, until the window has passed: a count may be too high then, never too low.
 */
import { SlidingCount, Window } from './sliding.ts'

const LENGTH_MS = 600_000
const MAX_CALLS = 2000
const LOOP_WINDOW = new Window(LENGTH_MS, 10)

/** For storage. */
export interface LoopsState {
  readonly calls: readonly (readonly [call: string, slots: readonly number[]])[]
  readonly dropped: number
  readonly droppedAtMs: number
}

/** How often one task made each call. */
export class Loops {
  /** The one made last comes last. */
  readonly #calls = new Map<string, SlidingCount>()
  /** The call that was asked for last, and what was found: it is counted next. */
  #lastAsked = ''
  #lastFound: SlidingCount | undefined
  #dropped = 0
  #droppedAtMs = Number.NEGATIVE_INFINITY

  /** Within the window, so far. */
  countOf(call: string, nowMs: number): number {
    const known = this.#find(call)
    if (known !== undefined) return known.since(LOOP_WINDOW.firstAt(nowMs))
    return nowMs - this.#droppedAtMs < LOOP_WINDOW.lengthMs ? this.#dropped : 0
  }

  add(call: string, nowMs: number): void {
    const known = this.#find(call)
    if (known !== undefined) return known.add(LOOP_WINDOW.slotAt(nowMs), 1)
    const before = this.countOf(call, nowMs)
    if (this.#calls.size >= MAX_CALLS) this.#drop(nowMs)
    const count = new SlidingCount()
    count.add(LOOP_WINDOW.slotAt(nowMs), before + 1)
    this.#calls.set(call, count)
    this.#lastAsked = ''
  }

  /** Takes back one. */
  remove(call: string): void {
    this.#find(call)?.remove(1)
  }

  /** When the oldest of these calls ceases to count. */
  goneAt(call: string, nowMs: number): number {
    const oldest = this.#calls.get(call)?.oldest
    return oldest === undefined ? nowMs : LOOP_WINDOW.goneAt(oldest)
  }

  get state(): LoopsState | undefined {
    if (this.#calls.size === 0) return undefined
    const calls = [...this.#calls].map(([call, { slots }]) => [call, slots] as const)
    return { calls, dropped: this.#dropped, droppedAtMs: this.#dropped === 0 ? 0 : this.#droppedAtMs }
  }

  restore({ calls, dropped, droppedAtMs }: LoopsState): void {
    for (const [call, slots] of calls) this.#calls.set(call, new SlidingCount(slots))
    this.#lastAsked = ''
    this.#dropped = dropped
    this.#droppedAtMs = droppedAtMs
  }

  /** Half of them, so that it is seldom needed: what has passed, and then those with the oldest last call. */
  #drop(nowMs: number): void {
    const first = LOOP_WINDOW.firstAt(nowMs)
    if (nowMs - this.#droppedAtMs >= LOOP_WINDOW.lengthMs) this.#dropped = 0
    const byLastCall = [...this.#calls].toSorted(([, a], [, b]) => lastOf(a) - lastOf(b))
    for (const [call, count] of byLastCall.slice(0, MAX_CALLS / 2)) {
      const passed = count.since(first)
      if (passed > 0) {
        this.#dropped = Math.max(this.#dropped, passed)
        this.#droppedAtMs = nowMs
      }
      this.#calls.delete(call)
    }
    this.#lastAsked = ''
  }

  #find(call: string): SlidingCount | undefined {
    if (call !== this.#lastAsked) {
      this.#lastAsked = call
      this.#lastFound = this.#calls.get(call)
    }
    return this.#lastFound
  }
}

function lastOf({ slots }: SlidingCount): number {
  return slots.at(-2) ?? 0
}
