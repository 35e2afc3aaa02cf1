/**
 * Tokens that were revoked one by one, by their names in the audit log, in `<data>/tollgate.db`. A token is not kept, so
 * when it expires may not be known; its name is kept for longer than any token should be good.
 */
import type { StatementSync } from 'node:sqlite'
import { ok, type Result } from '../model/result.ts'
import { type Database, openDatabase } from './database.ts'

const KEPT_MS = 400 * 86_400_000

/** Opens it, creating the folder and the file where they are missing. The error is a sentence. */
export function openRevokedTokens(dataDir: string): Result<RevokedTokens, string> {
  const opened = openDatabase(dataDir)
  return opened.ok ? ok(new RevokedTokens(opened.value)) : opened
}

export class RevokedTokens {
  readonly #database: Database
  readonly #add: StatementSync
  readonly #find: StatementSync
  readonly #sweep: StatementSync

  constructor(database: Database) {
    this.#database = database
    this.#add = database.prepare(
      'INSERT INTO revoked_tokens (credential, revoked_at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
    this.#find = database.prepare('SELECT 1 FROM revoked_tokens WHERE credential = ?')
    this.#sweep = database.prepare('DELETE FROM revoked_tokens WHERE revoked_at_ms < ?')
  }

  /** `credential` as in the audit log: `<issuer>/<id>`. */
  add(credential: string, nowMs: number): void {
    this.#sweep.run(nowMs - KEPT_MS)
    this.#add.run(credential, nowMs)
    this.#database.noteChange()
  }

  has(credential: string): boolean {
    return this.#find.get(credential) !== undefined
  }

  /** Whether anything may have changed since this was last asked, by this process or another. */
  changed(): boolean {
    return this.#database.changed()
  }

  close(): void {
    this.#database.close()
  }
}
