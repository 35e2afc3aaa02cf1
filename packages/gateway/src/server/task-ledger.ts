/**
 * The ledger of tasks over restarts. It is saved every few seconds and at the end, with the place in the audit log up to
 * which it counts; at the start what the log holds beyond that place is counted again, before anything is let through.
 * Where that part of the log is gone, what tasks have used up is not known, and tasks that could go on are ended.
 */
import type { CounterRule } from '../model/history.ts'
import type { Refusal } from '../model/refusal.ts'
import type { TaskRecord } from '../model/task.ts'
import type { LogPosition } from '../store/audit-file.ts'
import type { LogLine } from '../store/audit-reader.ts'
import type { LedgerStore, SavedLedger } from '../store/ledger.ts'
import type { TaskStore } from '../store/tasks.ts'
import { Ledger } from '../tasks/ledger.ts'
import { Replay } from '../tasks/replay.ts'

const SAVE_MS = 5000
const FORGET_MS = 60_000
/** A process that was seen at one time may have lived until the next save. */
const GRACE_MS = 2 * SAVE_MS

/** The audit log, as far as the ledger needs it. */
export interface LedgerLog {
  /** Where the next line will stand; undefined while the log is not open. */
  position(): LogPosition | undefined
  /** The lines after a place; undefined where that place is gone. Rejects where it cannot be read. */
  since(position: LogPosition): Promise<AsyncIterable<LogLine> | undefined>
}

export interface TaskLedgerOptions {
  readonly store: Pick<LedgerStore, 'load' | 'recall' | 'save' | 'lease'>
  /** Undefined where there is no log that could be read again: then nothing is kept either. */
  readonly log: LedgerLog | undefined
  readonly tasks: Pick<TaskStore, 'find' | 'list' | 'end'>
  readonly counters: readonly CounterRule[]
  now(): number
  note(text: string): void
  /** Ends the calls of a task that are under way. */
  endCalls(task: string, refusal: Refusal): void
}

export class TaskLedger {
  readonly #options: TaskLedgerOptions
  readonly ledger: Ledger
  #isRestoring = false
  #savedAtMs = Number.NEGATIVE_INFINITY
  #forgotAtMs = Number.NEGATIVE_INFINITY
  #position: LogPosition | undefined
  #saveFault: string | undefined
  #overtime: NodeJS.Timeout | undefined

  constructor(options: TaskLedgerOptions) {
    this.#options = options
    const { store, log, counters, now } = options
    this.ledger = new Ledger({
      now,
      counters,
      ...(log === undefined
        ? {}
        : { lease: (task, bytes) => this.#lease(task, bytes), recall: (task) => store.recall(task) }),
    })
    if (log !== undefined) this.ledger.fault = 'what was counted before has not been read yet'
  }

  /** Reads what was counted before. Until that has been done nothing that must be counted is let through. Never rejects. */
  async restore(): Promise<void> {
    const { log } = this.#options
    if (log === undefined || this.ledger.fault === undefined || this.#isRestoring) return
    if (log.position() === undefined) return
    this.#isRestoring = true
    this.ledger.reset()
    try {
      const saved = this.#options.store.load()
      if (saved !== undefined) await this.#recount(saved, log)
      // Not before it is durable that the log counts from here on.
      this.#save(false)
      this.ledger.fault = undefined
    } catch (problem) {
      const cause = problem instanceof Error ? problem.message : String(problem)
      if (this.ledger.fault !== cause) this.#options.note(`tasks cannot be used: ${cause}`)
      this.ledger.fault = cause
    } finally {
      this.#isRestoring = false
    }
  }

  /** To be called twice a second. */
  check(isOver: (task: string) => boolean): void {
    if (this.ledger.fault !== undefined) {
      void this.restore()
      return
    }
    this.#endOvertime()
    const nowMs = this.#options.now()
    const position = this.#options.log?.position()
    if (position !== undefined) {
      // In a log that was moved away or cut nobody may find the place again: it is left soon.
      const before = this.#position
      const isElsewhere = before?.file !== position.file || position.bytes < before.bytes
      const isTime = nowMs - this.#savedAtMs >= SAVE_MS && this.ledger.isChanged
      if (isElsewhere || isTime) this.#trySave(false)
    }
    if (nowMs - this.#forgotAtMs < FORGET_MS) return
    this.#forgotAtMs = nowMs
    this.ledger.history.forget(nowMs)
    this.ledger.forgetWhere(isOver)
  }

  /** Saves for the last time, once nothing will be written to the log any more. */
  close(): void {
    clearTimeout(this.#overtime)
    if (this.ledger.fault === undefined && this.#options.log !== undefined) this.#trySave(true)
  }

  async #recount(saved: SavedLedger, log: LedgerLog): Promise<void> {
    this.ledger.history.restore(saved.counts)
    const lines = await log.since(saved.position)
    const replay = new Replay(this.ledger, { ...saved, chainOf: (task) => this.#chainOf(task) })
    let isWhole = lines !== undefined || saved.isClean
    for await (const { entry } of lines ?? []) {
      if (entry === undefined) isWhole = false
      else if (entry.kind !== 'gap') replay.apply(entry)
    }
    replay.finish(GRACE_MS)
    if (!isWhole) this.#endTasks()
  }

  /** Better no task than one that forgot what it has used up and read. */
  #endTasks(): void {
    const { tasks, now, note } = this.#options
    const nowMs = now()
    const running = tasks.list(Number.MAX_SAFE_INTEGER).filter(({ ended, expiresAtMs }) => {
      return ended === undefined && expiresAtMs > nowMs
    })
    const why = 'what it had used up is not known, since a part of the audit log was lost'
    for (const { id } of running) tasks.end(id, why, nowMs)
    const ended = running.length === 0 ? 'no task was running' : `${running.length} tasks were ended`
    note(`a part of the audit log was lost that nothing else counted; ${ended}`)
  }

  /** The task and those above it. */
  #chainOf(task: string): readonly TaskRecord[] {
    const chain: TaskRecord[] = []
    for (let next: string | undefined = task; next !== undefined; next = chain.at(-1)?.parent) {
      const record = this.#options.tasks.find(next)
      if (record === undefined || chain.includes(record)) break
      chain.push(record)
    }
    return chain
  }

  #lease(task: string, bytes: number): boolean {
    try {
      this.#options.store.lease(task, bytes)
      return true
    } catch (problem) {
      this.#options.note(`what task ${task} has used up cannot be kept: ${String(problem)}`)
      return false
    }
  }

  #trySave(isClean: boolean): void {
    this.#savedAtMs = this.#options.now()
    try {
      this.#save(isClean)
      this.#saveFault = undefined
    } catch (problem) {
      const cause = problem instanceof Error ? problem.message : String(problem)
      // Nothing is lost by that: it is in the log. But it is said once.
      if (this.#saveFault === undefined) this.#options.note(`what tasks have used up was not saved: ${cause}`)
      this.#saveFault = cause
    }
  }

  /** Throws where it may not have been saved. */
  #save(isClean: boolean): void {
    const position = this.#options.log?.position()
    if (position === undefined) throw new Error('the audit log is not open')
    const savedAtMs = this.#options.now()
    const state = this.ledger.takeState(savedAtMs)
    try {
      this.#options.store.save({ position, isClean, savedAtMs, state })
    } catch (problem) {
      this.ledger.putBack(state)
      throw problem
    }
    this.#position = position
  }

  /** Ends calls whose time is up, and looks again when the next one's will be. */
  #endOvertime(): void {
    clearTimeout(this.#overtime)
    const nowMs = this.#options.now()
    const { over, soonMs } = this.ledger.overtime(nowMs)
    for (const [task, refusal] of over) this.#options.endCalls(task, refusal)
    if (over.size > 0 || soonMs === Number.POSITIVE_INFINITY) return
    this.#overtime = setTimeout(() => this.#endOvertime(), Math.min(soonMs - nowMs, SAVE_MS)).unref()
  }
}
