/**
 * What the log still has to be told and nobody waits for: outcomes of calls, and how many decisions and outcomes
 * could not be recorded. Bounded: an outcome that finds no room is counted instead, and the count is written as
 * a gap entry with the next lines that reach storage. A crash loses what is here, never a decision.
 */
import { encodeEntry, type GapEntry } from './encode.ts'

interface Gap {
  readonly sinceMs: number
  /** The first cause: later ones follow from it. */
  readonly cause: string
  refusedCalls: number
  lostOutcomes: number
}

/** What was taken to be written: put back when that fails. */
export interface Taken {
  readonly gap: Gap | undefined
  readonly outcomes: readonly string[]
  readonly text: string
}

export class Backlog {
  readonly #maxCharacters: number
  readonly #now: () => number
  #outcomes: string[] = []
  #characters = 0
  #gap: Gap | undefined
  /** Since the start of the process. */
  readonly totals = { refusedCalls: 0, lostOutcomes: 0 }

  constructor(maxCharacters: number, now: () => number) {
    this.#maxCharacters = maxCharacters
    this.#now = now
  }

  get isEmpty(): boolean {
    return this.#outcomes.length === 0 && this.#gap === undefined
  }

  get queuedOutcomes(): number {
    return this.#outcomes.length
  }

  /** Queues the line of an outcome, or counts it as lost. */
  add(line: string): void {
    if (this.#characters + line.length > this.#maxCharacters) {
      return this.countLost(1, 'outcomes came faster than they could be written')
    }
    this.#outcomes.push(line)
    this.#characters += line.length
  }

  countLost(lostOutcomes: number, cause: string): void {
    this.totals.lostOutcomes += lostOutcomes
    this.#widen({ sinceMs: this.#now(), cause, refusedCalls: 0, lostOutcomes })
  }

  /** Zero is a count too: it tells of an outage that no call ran into. */
  countRefused(refusedCalls: number, cause: string): void {
    this.totals.refusedCalls += refusedCalls
    this.#widen({ sinceMs: this.#now(), cause, refusedCalls, lostOutcomes: 0 })
  }

  /** The lines to write next. Without outcomes it is the gap alone. */
  take(withOutcomes: boolean): Taken {
    const gap = this.#gap
    const outcomes = withOutcomes ? this.#outcomes : []
    this.#gap = undefined
    if (withOutcomes) {
      this.#outcomes = []
      this.#characters = 0
    }
    return { gap, outcomes, text: (gap === undefined ? '' : this.#line(gap)) + outcomes.join('') }
  }

  /** What was taken did not reach storage. What has arrived since stands behind it, or is lost. */
  putBack(taken: Taken): void {
    const arrived = this.#outcomes
    this.#outcomes = []
    this.#characters = 0
    const later = this.#gap
    this.#gap = taken.gap
    if (later !== undefined) this.#widen(later)
    for (const line of taken.outcomes) this.add(line)
    for (const line of arrived) this.add(line)
  }

  #widen(more: Gap): void {
    if (this.#gap === undefined) {
      this.#gap = more
      return
    }
    this.#gap.refusedCalls += more.refusedCalls
    this.#gap.lostOutcomes += more.lostOutcomes
  }

  #line(gap: Gap): string {
    const entry: GapEntry = {
      kind: 'gap',
      time: new Date(this.#now()).toISOString(),
      since: new Date(gap.sinceMs).toISOString(),
      cause: gap.cause,
      refusedCalls: gap.refusedCalls,
      lostOutcomes: gap.lostOutcomes,
    }
    return encodeEntry(entry)
  }
}
