/**
 * API keys in `<data>/tollgate.db` (SQLite, WAL, synced on every change). A key is a name and the SHA-256 of a
 * token: the token is shown once and kept nowhere. Rows are never deleted, so a name in the audit log means one
 * key for ever. A crash in any call leaves the change wholly made or not made; a token whose row was not
 * committed was never shown.
 */
import { randomBytes, randomInt } from 'node:crypto'
import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import { formatApiKey, hashApiKey, type KeyLookup, type KeyRecord, secretBytes } from '../authn/api-key.ts'
import type { EntityRef } from '../model/caller.ts'
import { err, ok, type Result } from '../model/result.ts'
import { type Database, openDatabase } from './database.ts'

export interface NewKey {
  /** 1 to 64 of `A–Z a–z 0–9 . _ -`; one is made up when left out. */
  readonly name?: string
  readonly principal: EntityRef
  readonly agent?: string
  /** Id of the task that it is for. */
  readonly task?: string
  readonly expiresAtMs?: number
  readonly nowMs: number
}

export interface ListedKey extends KeyRecord {
  readonly createdAtMs: number
}

/** Every error is a sentence for whoever ran the command. Throws when the database cannot be read or written. */
export interface KeyStore extends KeyLookup {
  create(key: NewKey): Result<{ readonly name: string; readonly token: string }, string>
  /** Oldest first, revoked and expired ones included. */
  list(): readonly ListedKey[]
  /** The keys of a task are good until then, those that are not revoked. */
  prolong(task: string, expiresAtMs: number): void
  /**
   * Holds in every process within a second. Revoking twice changes nothing. A key that is for a task ends the task with
   * it: whoever had the key may have made keys for parts of the task.
   */
  revoke(name: string, nowMs: number): Result<ListedKey, string>
  close(): void
}

/** Opens the keys of a data directory, creating both where they are missing. The error is a sentence. */
export function openKeyStore(dataDir: string): Result<KeyStore, string> {
  const opened = openDatabase(dataDir)
  return opened.ok ? ok(new SqliteKeyStore(opened.value)) : opened
}

class SqliteKeyStore implements KeyStore {
  readonly #database: Database
  readonly #insert: StatementSync
  readonly #byHash: StatementSync
  readonly #byName: StatementSync
  readonly #all: StatementSync
  readonly #revoke: StatementSync
  readonly #endTask: StatementSync
  readonly #prolong: StatementSync

  constructor(database: Database) {
    this.#database = database
    this.#insert = database.prepare(
      `INSERT INTO keys (name, token_hash, principal_type, principal_id, agent, task, created_at_ms, expires_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#byHash = database.prepare('SELECT * FROM keys WHERE token_hash = ?')
    this.#byName = database.prepare('SELECT * FROM keys WHERE name = ?')
    this.#all = database.prepare('SELECT * FROM keys ORDER BY created_at_ms, rowid')
    this.#prolong = database.prepare(
      'UPDATE keys SET expires_at_ms = ? WHERE task = ? AND revoked_at_ms IS NULL',
    )
    this.#revoke = database.prepare(
      'UPDATE keys SET revoked_at_ms = ? WHERE name = ? AND revoked_at_ms IS NULL',
    )
    this.#endTask = database.prepare(
      `UPDATE tasks SET ended_at_ms = ?, ended_why = 'its key was revoked'
       WHERE id = (SELECT task FROM keys WHERE name = ?) AND ended_at_ms IS NULL`,
    )
  }

  create(key: NewKey): Result<{ readonly name: string; readonly token: string }, string> {
    const fault = faultOf(key)
    if (fault !== undefined) return err(fault)
    const name = key.name ?? this.#freeName()
    const existing = this.#named(name)
    if (existing !== undefined) return err(takenBy(existing))
    const token = formatApiKey(randomBytes(secretBytes))
    this.#insert.run(
      name,
      hashApiKey(token),
      key.principal.type,
      key.principal.id,
      key.agent ?? null,
      key.task ?? null,
      key.nowMs,
      key.expiresAtMs ?? null,
    )
    this.#database.noteChange()
    return ok({ name, token })
  }

  list(): readonly ListedKey[] {
    return this.#all.all().map(toKey)
  }

  prolong(task: string, expiresAtMs: number): void {
    this.#prolong.run(expiresAtMs, task)
    this.#database.noteChange()
  }

  revoke(name: string, nowMs: number): Result<ListedKey, string> {
    this.#endTask.run(nowMs, name)
    this.#revoke.run(nowMs, name)
    this.#database.noteChange()
    const key = this.#named(name)
    return key === undefined ? err(`There is no key named ${JSON.stringify(name)}.`) : ok(key)
  }

  find(tokenHash: string): KeyRecord | undefined {
    const row = this.#byHash.get(tokenHash)
    if (row === undefined) return undefined
    const { createdAtMs: _, ...record } = toKey(row)
    return record
  }

  changed(): boolean {
    return this.#database.changed()
  }

  close(): void {
    this.#database.close()
  }

  #named(name: string): ListedKey | undefined {
    const row = this.#byName.get(name)
    return row === undefined ? undefined : toKey(row)
  }

  #freeName(): string {
    for (;;) {
      const name = `key-${randomInt(36 ** 5)
        .toString(36)
        .padStart(5, '0')}`
      if (this.#named(name) === undefined) return name
    }
  }
}

/** What is wrong with a new key, as a sentence. */
function faultOf({ name, principal, agent, expiresAtMs, nowMs }: NewKey): string | undefined {
  if (name !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    return 'The name of a key is 1 to 64 letters, digits, ".", "_" or "-", and begins with a letter or digit.'
  }
  if (!/^[A-Za-z_]\w*(::[A-Za-z_]\w*)*$/.test(principal.type)) {
    return 'The principal of a key is an entity such as User::"alice".'
  }
  if (!isPlain(principal.id, 256))
    return 'The id of a principal is 1 to 256 characters, none of them invisible.'
  if (agent !== undefined && !isPlain(agent, 128)) {
    return 'The name of an agent is 1 to 128 characters, none of them invisible.'
  }
  if (expiresAtMs !== undefined && !(Number.isSafeInteger(expiresAtMs) && expiresAtMs > nowMs)) {
    return 'A key must expire in the future.'
  }
  return undefined
}

function isPlain(text: string, maxLength: number): boolean {
  return text.length > 0 && text.length <= maxLength && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text)
}

function takenBy({ name, revokedAtMs }: ListedKey): string {
  if (revokedAtMs === undefined) return `There is a key named ${name} already: choose another name.`
  return `A revoked key was named ${name}, and the name stays with it in the audit log: choose another.`
}

function toKey(row: Record<string, SQLOutputValue>): ListedKey {
  // The table is STRICT, so the types are as declared there.
  const { name, principal_type, principal_id, agent, task, created_at_ms, expires_at_ms, revoked_at_ms } =
    row as unknown as KeyRow
  return {
    name,
    principal: { type: principal_type, id: principal_id },
    ...(agent === null ? {} : { agent }),
    ...(task === null ? {} : { task }),
    ...(expires_at_ms === null ? {} : { expiresAtMs: expires_at_ms }),
    ...(revoked_at_ms === null ? {} : { revokedAtMs: revoked_at_ms }),
    createdAtMs: created_at_ms,
  }
}

interface KeyRow {
  readonly name: string
  readonly principal_type: string
  readonly principal_id: string
  readonly agent: string | null
  readonly task: string | null
  readonly created_at_ms: number
  readonly expires_at_ms: number | null
  readonly revoked_at_ms: number | null
}
