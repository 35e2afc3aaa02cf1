/**
 * What tasks have used up, in `<data>/tollgate.db`: a snapshot with the place in the audit log up to which it counts, in
 * one transaction, and leases of bytes, each durable before any of its bytes is delivered.
 */
import type { StatementSync } from 'node:sqlite'
import { ok, type Result } from '../model/result.ts'
import type { AccountState, StoredAccount } from '../tasks/budget.ts'
import type { CountState } from '../tasks/history.ts'
import type { LedgerState, UnderWayState } from '../tasks/ledger-state.ts'
import type { LogPosition } from './audit-file.ts'
import { type Database, openDatabase } from './database.ts'

/** What was saved last, but for the accounts, which are recalled when they are needed. */
export interface SavedLedger {
  /** Everything in the log before it is counted. */
  readonly position: LogPosition
  /** Nothing was written to the log after it. */
  readonly isClean: boolean
  readonly savedAtMs: number
  readonly underWay: readonly UnderWayState[]
  readonly counts: readonly CountState[]
}

/** To be saved, together. */
export interface LedgerSave extends Pick<SavedLedger, 'position' | 'isClean' | 'savedAtMs'> {
  readonly state: LedgerState
}

/** Opens the ledger of a data directory. The error is a sentence. */
export function openLedgerStore(dataDir: string): Result<LedgerStore, string> {
  const opened = openDatabase(dataDir)
  return opened.ok ? ok(new LedgerStore(opened.value)) : opened
}

/** Throws when the database cannot be read or written. */
export class LedgerStore {
  readonly #database: Database
  readonly #load: StatementSync
  readonly #counts: StatementSync
  readonly #recall: StatementSync
  readonly #leased: StatementSync
  readonly #save: StatementSync
  readonly #saveAccount: StatementSync
  readonly #saveCount: StatementSync
  readonly #dropCount: StatementSync
  readonly #lease: StatementSync
  readonly #endLease: StatementSync

  constructor(database: Database) {
    this.#database = database
    this.#load = database.prepare('SELECT * FROM ledger')
    this.#counts = database.prepare('SELECT counter, holder, slots FROM history_counts')
    this.#recall = database.prepare('SELECT state FROM task_spent WHERE task = ?')
    this.#leased = database.prepare('SELECT bytes FROM task_leases WHERE task = ?')
    this.#save = database.prepare(
      `INSERT INTO ledger (only_one, log_file, log_bytes, log_tail, is_clean, saved_at_ms, under_way)
       VALUES (1, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (only_one) DO UPDATE SET log_file = excluded.log_file, log_bytes = excluded.log_bytes,
         log_tail = excluded.log_tail, is_clean = excluded.is_clean, saved_at_ms = excluded.saved_at_ms,
         under_way = excluded.under_way`,
    )
    this.#saveAccount = database.prepare(
      'INSERT INTO task_spent (task, state) VALUES (?, ?) ON CONFLICT (task) DO UPDATE SET state = excluded.state',
    )
    this.#saveCount = database.prepare(
      `INSERT INTO history_counts (counter, holder, slots) VALUES (?, ?, ?)
       ON CONFLICT (counter, holder) DO UPDATE SET slots = excluded.slots`,
    )
    this.#dropCount = database.prepare('DELETE FROM history_counts WHERE counter = ? AND holder = ?')
    this.#lease = database.prepare(
      'INSERT INTO task_leases (task, bytes) VALUES (?, ?) ON CONFLICT (task) DO UPDATE SET bytes = excluded.bytes',
    )
    this.#endLease = database.prepare('DELETE FROM task_leases WHERE task = ?')
  }

  /** Undefined where nothing was ever saved. */
  load(): SavedLedger | undefined {
    const row = this.#load.get() as LedgerRow | undefined
    if (row === undefined) return undefined
    return {
      position: { file: row.log_file, bytes: row.log_bytes, tail: row.log_tail },
      isClean: row.is_clean === 1,
      savedAtMs: row.saved_at_ms,
      underWay: JSON.parse(row.under_way) as UnderWayState[],
      counts: this.#counts.all().map((count) => ({
        counter: String(count['counter']),
        holder: String(count['holder']),
        slots: JSON.parse(String(count['slots'])) as number[],
      })),
    }
  }

  /** What was saved of a task; undefined where nothing was. */
  recall(task: string): StoredAccount | undefined {
    const saved = this.#recall.get(task)?.['state']
    const leased = this.#leased.get(task)?.['bytes']
    if (saved === undefined && leased === undefined) return undefined
    return {
      state: saved === undefined ? undefined : (JSON.parse(String(saved)) as AccountState),
      leasedBytes: Number(leased ?? 0),
    }
  }

  /** All of it or nothing, durable when this returns. */
  save({ position, isClean, savedAtMs, state }: LedgerSave): void {
    this.#database.transaction(() => {
      for (const account of state.accounts) {
        this.#saveAccount.run(account.task, JSON.stringify(account))
        this.#endLease.run(account.task)
      }
      for (const { counter, holder, slots } of state.counts) {
        if (slots.length === 0) this.#dropCount.run(counter, holder)
        else this.#saveCount.run(counter, holder, JSON.stringify(slots))
      }
      const { file, bytes, tail } = position
      this.#save.run(file, bytes, tail, isClean ? 1 : 0, savedAtMs, JSON.stringify(state.underWay))
    })
  }

  /** Makes durable that a task may have spent so many bytes. */
  lease(task: string, bytes: number): void {
    this.#lease.run(task, bytes)
  }

  close(): void {
    this.#database.close()
  }
}

interface LedgerRow {
  readonly log_file: string
  readonly log_bytes: number
  readonly log_tail: string
  readonly is_clean: number
  readonly saved_at_ms: number
  readonly under_way: string
}
