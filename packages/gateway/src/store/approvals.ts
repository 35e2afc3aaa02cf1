/**
 * Approvals in `<data>/tollgate.db`. Every change is one statement that asks for the state it begins from, and is synced
 * before it returns: of two that would use one approval, in one process or two, one does.
 */
import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import type { EntityRef } from '../model/caller.ts'
import { ok, type Result } from '../model/result.ts'
import type {
  ApprovalDecision,
  ApprovalQuestion,
  ApprovalRecord,
  ApprovalState,
  ApprovalStore,
} from '../tasks/approvals.ts'
import { type Database, openDatabase } from './database.ts'

/** What was asked is on record for this long after it was answered, used or forgotten. */
const KEPT_MS = 30 * 86_400_000

/** Opens the approvals of a data directory, creating both where they are missing. The error is a sentence. */
export function openApprovalStore(dataDir: string): Result<SqliteApprovalStore, string> {
  const opened = openDatabase(dataDir)
  return opened.ok ? ok(new SqliteApprovalStore(opened.value)) : opened
}

export class SqliteApprovalStore implements ApprovalStore {
  readonly #database: Database
  readonly #add: StatementSync
  readonly #sweep: StatementSync
  readonly #find: StatementSync
  readonly #findBound: StatementSync
  readonly #decide: StatementSync
  readonly #use: StatementSync
  readonly #count: StatementSync
  readonly #list: StatementSync

  constructor(database: Database) {
    this.#database = database
    this.#add = database.prepare(
      `INSERT INTO approvals (id, binding, principal_type, principal_id, agent, question, state, good_until_ms)
       VALUES (?, ?, ?, ?, ?, ?, 'pending', ?)`,
    )
    this.#sweep = database.prepare('DELETE FROM approvals WHERE good_until_ms < ?')
    this.#find = database.prepare('SELECT * FROM approvals WHERE id = ?')
    this.#findBound = database.prepare(
      `SELECT * FROM approvals WHERE binding = ? AND state = ? AND good_until_ms > ?
       ORDER BY good_until_ms DESC LIMIT 1`,
    )
    this.#decide = database.prepare(
      `UPDATE approvals SET state = ?, decided_by_type = ?, decided_by_id = ?, decided_at_ms = ?, good_until_ms = ?
       WHERE id = ? AND state = 'pending' AND good_until_ms > ?`,
    )
    this.#use = database.prepare(
      `UPDATE approvals SET state = 'used' WHERE id = ? AND state = 'approved' AND good_until_ms > ?`,
    )
    this.#count = database.prepare(
      `SELECT count(*) AS number FROM approvals
       WHERE principal_type = ? AND principal_id = ? AND agent IS ? AND state = 'pending' AND good_until_ms > ?`,
    )
    this.#list = database.prepare('SELECT * FROM approvals ORDER BY rowid DESC LIMIT ?')
  }

  add(question: ApprovalQuestion, goodUntilMs: number): void {
    const { id, binding, principal, agent, askedAtMs } = question
    this.#sweep.run(askedAtMs - KEPT_MS)
    this.#add.run(
      id,
      binding,
      principal.type,
      principal.id,
      agent ?? null,
      JSON.stringify(question),
      goodUntilMs,
    )
    this.#database.noteChange()
  }

  find(id: string): ApprovalRecord | undefined {
    const row = this.#find.get(id)
    return row === undefined ? undefined : toRecord(row)
  }

  findBound(binding: string, state: ApprovalState, nowMs: number): ApprovalRecord | undefined {
    const row = this.#findBound.get(binding, state, nowMs)
    return row === undefined ? undefined : toRecord(row)
  }

  decide(id: string, { state, by, atMs, goodUntilMs }: ApprovalDecision): boolean {
    const { changes } = this.#decide.run(state, by.type, by.id, atMs, goodUntilMs, id, atMs)
    this.#database.noteChange()
    return changes === 1
  }

  use(id: string, nowMs: number): boolean {
    const { changes } = this.#use.run(id, nowMs)
    this.#database.noteChange()
    return changes === 1
  }

  countPending(principal: EntityRef, agent: string | undefined, nowMs: number): number {
    return Number(this.#count.get(principal.type, principal.id, agent ?? null, nowMs)?.['number'] ?? 0)
  }

  list(limit: number): readonly ApprovalRecord[] {
    return this.#list.all(limit).map(toRecord)
  }

  close(): void {
    this.#database.close()
  }
}

function toRecord(row: Record<string, SQLOutputValue>): ApprovalRecord {
  // The table is STRICT, so the types are as declared there.
  const { question, state, good_until_ms, decided_by_type, decided_by_id, decided_at_ms } =
    row as unknown as ApprovalRow
  return {
    ...(JSON.parse(question) as ApprovalQuestion),
    state,
    goodUntilMs: good_until_ms,
    ...(decided_by_type === null || decided_by_id === null
      ? {}
      : { decidedBy: { type: decided_by_type, id: decided_by_id } }),
    ...(decided_at_ms === null ? {} : { decidedAtMs: decided_at_ms }),
  }
}

interface ApprovalRow {
  readonly question: string
  readonly state: ApprovalState
  readonly good_until_ms: number
  readonly decided_by_type: string | null
  readonly decided_by_id: string | null
  readonly decided_at_ms: number | null
}
