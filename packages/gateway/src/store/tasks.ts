/**
 * Tasks in `<data>/tollgate.db`. Rows are never deleted and a grant is never edited in place, so that an id in the audit
 * log means one task for ever. A crash in any call leaves the change wholly made or not made.
 */
import { randomBytes } from 'node:crypto'
import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import type { EntityRef } from '../model/caller.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { TaskGrant, TaskRecord } from '../model/task.ts'
import type { TaskLookup } from '../tasks/lookup.ts'
import { base32 } from './base32.ts'
import { type Database, openDatabase } from './database.ts'

/** A task to start. */
export interface NewTask {
  /** One that `newTaskId` made, where it has to be known before; left out, there is a new one. */
  readonly id?: string
  readonly parent?: string
  readonly principal: EntityRef
  readonly agent?: string
  readonly grant: TaskGrant
  readonly prompt?: string
  readonly issuedBy?: EntityRef
  readonly nowMs: number
}

/** Opens the tasks of a data directory, creating both where they are missing. The error is a sentence. */
export function openTaskStore(dataDir: string): Result<TaskStore, string> {
  const opened = openDatabase(dataDir)
  return opened.ok ? ok(new TaskStore(opened.value)) : opened
}

/** Throws when the database cannot be read or written. */
export class TaskStore implements TaskLookup {
  readonly #database: Database
  readonly #insert: StatementSync
  readonly #find: StatementSync
  readonly #list: StatementSync
  readonly #parts: StatementSync
  readonly #end: StatementSync
  readonly #widen: StatementSync
  readonly #endorse: StatementSync
  readonly #endorsed: StatementSync

  constructor(database: Database) {
    this.#database = database
    this.#insert = database.prepare(
      `INSERT INTO tasks (id, parent, principal_type, principal_id, agent, grant_json, prompt, issued_by_type,
         issued_by_id, started_at_ms, expires_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#find = database.prepare('SELECT * FROM tasks WHERE id = ?')
    this.#list = database.prepare('SELECT * FROM tasks ORDER BY started_at_ms DESC, rowid DESC LIMIT ?')
    this.#parts = database.prepare('SELECT id FROM tasks WHERE parent = ? ORDER BY rowid')
    this.#end = database.prepare(
      'UPDATE tasks SET ended_at_ms = ?, ended_why = ? WHERE id = ? AND ended_at_ms IS NULL',
    )
    this.#widen = database.prepare(
      'UPDATE tasks SET grant_json = ?, expires_at_ms = ? WHERE id = ? AND ended_at_ms IS NULL',
    )
    this.#endorse = database.prepare(
      'INSERT INTO task_endorsements (task, value, by, at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    )
    this.#endorsed = database.prepare('SELECT value FROM task_endorsements WHERE task = ?')
  }

  /** Starts a task; a part of another ends with it at the latest. The error is a sentence. */
  start(task: NewTask): Result<TaskRecord, string> {
    const { parent, principal, agent, grant, prompt, issuedBy, nowMs } = task
    const id = task.id ?? newTaskId()
    return this.#database.transaction(() => {
      const above = parent === undefined ? undefined : this.find(parent)
      if (parent !== undefined && above === undefined) return err(`There is no task ${parent}.`)
      const over = above?.ended !== undefined || (above !== undefined && above.expiresAtMs <= nowMs)
      if (over) return err(`The task ${parent} is over.`)
      const ownEnd = nowMs + grant.expires_in * 1000
      const expiresAtMs = above === undefined ? ownEnd : Math.min(ownEnd, above.expiresAtMs)
      this.#insert.run(
        id,
        parent ?? null,
        principal.type,
        principal.id,
        agent ?? null,
        JSON.stringify(grant),
        prompt ?? null,
        issuedBy?.type ?? null,
        issuedBy?.id ?? null,
        nowMs,
        expiresAtMs,
      )
      const started = this.find(id)
      return started === undefined ? err('The task could not be kept.') : ok(started)
    })
  }

  find(id: string): TaskRecord | undefined {
    const row = this.#find.get(id)
    return row === undefined ? undefined : toTask(row)
  }

  /** The newest first, those that are over too. */
  list(limit = 1000): readonly TaskRecord[] {
    return this.#list.all(limit).map(toTask)
  }

  /** Ids of those that were started within it. */
  partsOf(id: string): readonly string[] {
    return this.#parts.all(id).map((row) => String(row['id']))
  }

  /** Holds within a second, for its parts too. Ending twice changes nothing. */
  end(id: string, why: string, nowMs: number): Result<TaskRecord, string> {
    this.#end.run(nowMs, why, id)
    this.#database.noteChange()
    const task = this.find(id)
    return task === undefined ? err(`There is no task ${id}.`) : ok(task)
  }

  /** Puts another grant in the place of a task's own, which a person has approved. */
  replaceGrant(id: string, grant: TaskGrant, nowMs: number): Result<TaskRecord, string> {
    this.#widen.run(JSON.stringify(grant), nowMs + grant.expires_in * 1000, id)
    this.#database.noteChange()
    const task = this.find(id)
    return task === undefined || task.ended !== undefined ? err(`The task ${id} is over.`) : ok(task)
  }

  /** A value is accounted for in a task from now on. */
  endorse(id: string, value: string, by: EntityRef, nowMs: number): void {
    this.#endorse.run(id, value, `${by.type}::${JSON.stringify(by.id)}`, nowMs)
    this.#database.noteChange()
  }

  endorsedIn(id: string): readonly string[] {
    return this.#endorsed.all(id).map((row) => String(row['value']))
  }

  /** Whether anything may have changed since this was last asked, by this process or another. */
  changed(): boolean {
    return this.#database.changed()
  }

  close(): void {
    this.#database.close()
  }
}

/** An id that no task has had or will have. */
export function newTaskId(): string {
  return `t-${base32(randomBytes(10))}`
}

function toTask(row: Record<string, SQLOutputValue>): TaskRecord {
  // The table is STRICT, so the types are as declared there.
  const task = row as unknown as TaskRow
  return {
    id: task.id,
    ...(task.parent === null ? {} : { parent: task.parent }),
    principal: { type: task.principal_type, id: task.principal_id },
    ...(task.agent === null ? {} : { agent: task.agent }),
    grant: JSON.parse(task.grant_json) as TaskGrant,
    ...(task.prompt === null ? {} : { prompt: task.prompt }),
    ...(task.issued_by_type === null || task.issued_by_id === null
      ? {}
      : { issuedBy: { type: task.issued_by_type, id: task.issued_by_id } }),
    startedAtMs: task.started_at_ms,
    expiresAtMs: task.expires_at_ms,
    ...(task.ended_at_ms === null ? {} : { ended: { atMs: task.ended_at_ms, why: task.ended_why ?? '' } }),
  }
}

interface TaskRow {
  readonly id: string
  readonly parent: string | null
  readonly principal_type: string
  readonly principal_id: string
  readonly agent: string | null
  readonly grant_json: string
  readonly prompt: string | null
  readonly issued_by_type: string | null
  readonly issued_by_id: string | null
  readonly started_at_ms: number
  readonly expires_at_ms: number
  readonly ended_at_ms: number | null
  readonly ended_why: string | null
}
