/**
 * The audit trail: a call is let through only once its decision is on stable storage. Entries that arrive while
 * one append is under way gather and share the next (group commit), so that one sync serves them all.
 *
 * A crash before an append resolves: its calls were never let through; some of their lines may be in the log,
 * which is a record without an effect, never the reverse. A crash after: they are in the log. An outcome may be
 * lost to a crash or a full disk; its decision is not.
 *
 * Nothing here throws, waits for ever or grows without bound: what cannot be recorded in time is refused, and a
 * gap entry says how much that was as soon as the log is writable again.
 */
import type { DecisionEntry, DurableEntry, EventEntry, OutcomeEntry } from '../model/entry.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import { Backlog } from './backlog.ts'
import { encodeEntry } from './encode.ts'
import { Gathering } from './gathering.ts'

/** Where lines go. */
export interface EntryStore {
  /**
   * Appends whole lines and resolves when they are on stable storage. Rejects when they are not, and then
   * nothing of them remains, as far as the storage can still be told so. One call at a time.
   */
  append(lines: string): Promise<void>
}

export interface TrailOptions {
  readonly store: EntryStore
  /** Wall clock in milliseconds, for the times in gap entries. */
  now(): number
  /** The log has become unwritable; called once for each such time, not for each refused call. */
  onFailure?(cause: string): void
  /** The log is writable again. */
  onRecovery?(): void
  /** Decisions that may wait for storage at one time; more are refused. */
  readonly maxWaitingRecords?: number
  /** Characters of outcomes kept until they can be written; more are counted as lost. */
  readonly maxOutcomeCharacters?: number
  /** How long a decision may wait for storage that does not answer. */
  readonly maxWaitMs?: number
}

export interface TrailState {
  readonly writable: boolean
  /** Why the log cannot be written, and since when, while it cannot. */
  readonly outage?: Outage
  readonly waitingRecords: number
  readonly queuedOutcomes: number
  /** Since the start of the process, like all that follow. */
  readonly refusedCalls: number
  readonly lostOutcomes: number
  readonly commits: number
  readonly committedRecords: number
}

export interface Outage {
  readonly cause: string
  readonly sinceMs: number
}

interface Waiting {
  readonly line: string
  /** Called without a refusal when the line is on stable storage. */
  readonly settle: (refused?: Result<never, Refusal>) => void
}

/** An outcome waits this long for a decision to share a commit with. */
const outcomeDelayMs = 50
/** How long a commit waits for company, when that pays. */
const gatheringMs = 1
/** While the log is unwritable it is tried this often, even when nobody calls. */
const retryMs = 1000

/** Records decisions before their effects, and outcomes after. */
export class Trail {
  readonly #options: TrailOptions
  readonly #maxWaitingRecords: number
  readonly #maxWaitMs: number
  readonly #backlog: Backlog
  readonly #gathering = new Gathering()
  /** For the next commit. */
  #waiting: Waiting[] = []
  /** In the commit under way, unless it stalled. */
  #committing: readonly Waiting[] = []
  /** The append under way did not answer in time; nothing is recorded until it does. */
  #stalled = false
  /** For flushes, which must not wait for an append that does not answer. */
  #stallSignal: PromiseWithResolvers<void> | undefined
  #outage: Outage | undefined
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #commits = 0
  #committedRecords = 0

  constructor(options: TrailOptions) {
    this.#options = options
    this.#maxWaitingRecords = options.maxWaitingRecords ?? 4096
    this.#maxWaitMs = options.maxWaitMs ?? 10_000
    this.#backlog = new Backlog(options.maxOutcomeCharacters ?? 4 * 1024 * 1024, () => options.now())
  }

  /** Resolves when the decision is on stable storage, or with the refusal that the caller must get instead. */
  record(entry: DecisionEntry): Promise<Result<DurableEntry, Refusal>> {
    return new Promise((resolve) => {
      this.#append(entry, (refused) => resolve(refused ?? ok({ requestId: entry.requestId, entry })))
    })
  }

  /** Likewise for an event: what it tells of may take effect once this resolves well. */
  recordEvent(entry: EventEntry): Promise<Result<void, Refusal>> {
    return new Promise((resolve) => this.#append(entry, (refused) => resolve(refused ?? ok(undefined))))
  }

  #append(entry: DecisionEntry | EventEntry, settle: Waiting['settle']): void {
    let line: string
    try {
      line = encodeEntry(entry)
    } catch (error) {
      return settle(this.#refuse(1, `the entry cannot be encoded: ${told(error)}`))
    }
    if (this.#stalled) return settle(this.#refuse(1, 'the storage does not answer'))
    const { length } = this.#waiting
    if (length >= this.#maxWaitingRecords)
      return settle(this.#refuse(1, `${length} decisions are waiting to be recorded`))
    this.#waiting.push({ line, settle })
    void this.#run()
  }

  /** Queues an outcome for the next commit. Never waited for; lost, and counted, when there is no room. */
  outcome(entry: OutcomeEntry): void {
    try {
      this.#backlog.add(encodeEntry(entry))
    } catch (error) {
      this.#backlog.countLost(1, `an outcome cannot be encoded: ${told(error)}`)
    }
    if (this.#running === undefined && this.#timer === undefined) this.#runLater()
  }

  /**
   * Resolves when all that was queued before is on stable storage, or cannot be brought there now. Never later
   * than a record would be refused.
   */
  async flush(): Promise<void> {
    const { promise: stalled } = (this.#stallSignal ??= Promise.withResolvers<void>())
    // Four: the run under way, what came in meanwhile, the gap that ends an outage, the outcomes that waited for it.
    for (let attempt = 0; attempt < 4 && !this.#stalled; attempt++) {
      if (this.#running === undefined && !this.#hasWork()) return
      await Promise.race([this.#run(), stalled])
    }
  }

  /** For health checks and status pages. */
  state(): TrailState {
    return {
      writable: this.#outage === undefined,
      ...(this.#outage === undefined ? {} : { outage: this.#outage }),
      waitingRecords: this.#waiting.length + this.#committing.length,
      queuedOutcomes: this.#backlog.queuedOutcomes,
      ...this.#backlog.totals,
      commits: this.#commits,
      committedRecords: this.#committedRecords,
    }
  }

  #hasWork(): boolean {
    return this.#waiting.length > 0 || !this.#backlog.isEmpty
  }

  #run(): Promise<void> {
    // What it was to bring about is under way: after the last flush nothing may touch a log that was closed.
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#running ??= this.#commitWaiting()
    return this.#running
  }

  #runLater(): void {
    const afterMs = this.#outage === undefined ? outcomeDelayMs : retryMs
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#run()
    }, afterMs).unref()
  }

  async #commitWaiting(): Promise<void> {
    do {
      const waits = this.#gathering.shouldWait(this.#waiting.length)
      if (waits) await new Promise((resolve) => setTimeout(resolve, gatheringMs))
      this.#gathering.learn(this.#waiting.length, waits)
      await this.#commit()
    } while (this.#waiting.length > 0)
    this.#running = undefined
    if (this.#hasWork()) this.#runLater()
  }

  /** One append. Never rejects. */
  async #commit(): Promise<void> {
    const batch = this.#waiting
    this.#waiting = []
    this.#committing = batch
    // Outcomes wait for the end of an outage: a backlog of them must not be what keeps decisions off a full disk.
    const taken = this.#backlog.take(this.#outage === undefined)
    let lines = taken.text
    for (const { line } of batch) lines += line
    const timer = setTimeout(() => this.#stall(), this.#maxWaitMs).unref()
    try {
      await this.#options.store.append(lines)
      this.#commits++
      this.#committedRecords += batch.length
      for (const { settle } of batch) settle()
      this.#recover()
    } catch (error) {
      this.#backlog.putBack(taken)
      this.#fail(told(error))
    }
    clearTimeout(timer)
    this.#committing = []
    this.#stalled = false
  }

  /** The storage took too long. Its answer no longer matters to those who waited: they are refused now. */
  #stall(): void {
    this.#stalled = true
    this.#stallSignal?.resolve()
    this.#stallSignal = undefined
    this.#fail(`the storage has not answered for ${this.#maxWaitMs} ms`)
    const late = this.#waiting
    this.#waiting = []
    this.#committing = []
    if (late.length > 0) {
      const refused = this.#refuse(late.length, 'the storage does not answer')
      for (const { settle } of late) settle(refused)
    }
  }

  #fail(cause: string): void {
    const refused = this.#refuse(this.#committing.length, cause)
    for (const { settle } of this.#committing) settle(refused)
    if (this.#outage !== undefined) return
    this.#outage = { cause, sinceMs: this.#options.now() }
    quietly(() => this.#options.onFailure?.(cause))
  }

  #recover(): void {
    if (this.#outage === undefined) return
    this.#outage = undefined
    quietly(() => this.#options.onRecovery?.())
  }

  #refuse(calls: number, cause: string): Result<never, Refusal> {
    this.#backlog.countRefused(calls, cause)
    return err(unavailable('The audit log cannot be written, so nothing is let through.', cause))
  }
}

function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** An observer's fault must not stop the trail. */
function quietly(notify: () => void): void {
  try {
    notify()
  } catch {
    // The observer was told; what it does with it is its own affair.
  }
}
