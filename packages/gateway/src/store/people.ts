/**
 * People who sign in at the gateway itself, in `<data>/tollgate.db`. A row is never deleted, so a name in the audit log
 * means one person for ever. A link to set a password is kept as its SHA-256, and is good once.
 */
import { randomBytes } from 'node:crypto'
import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import { err, ok, type Result } from '../model/result.ts'
import type { People } from '../oauth/ports.ts'
import { hashId } from './artifacts.ts'
import type { Database } from './database.ts'

export interface ListedUser {
  readonly name: string
  readonly state: 'invited' | 'active' | 'removed'
  readonly createdAtMs: number
  /** Until when a link that was made for them can be used. */
  readonly linkExpiresAtMs?: number
  readonly removedAtMs?: number
}

/** Errors are sentences for whoever ran the command. */
export class SqlitePeople implements People {
  readonly #database: Database
  readonly #byName: StatementSync
  readonly #byLink: StatementSync

  constructor(database: Database) {
    this.#database = database
    this.#byName = database.prepare('SELECT * FROM users WHERE name = ?')
    this.#byLink = database.prepare(
      'SELECT name FROM users WHERE link_hash = ? AND link_expires_at_ms > ? AND removed_at_ms IS NULL',
    )
  }

  /**
   * Makes a person known and returns the secret of the link by which a password is set. For one who is known, only
   * `again` makes another link; the password there is stays good until the link is used.
   */
  invite(
    name: string,
    { nowMs, expiresAtMs, again }: { nowMs: number; expiresAtMs: number; again: boolean },
  ): Result<string, string> {
    if (!/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/.test(name)) {
      return err('The name of a person is 1 to 64 letters, digits, ".", "_", "-", "+" or "@".')
    }
    const known = this.#byName.get(name)
    if (known !== undefined && known['removed_at_ms'] !== null) {
      return err(
        `A person named ${name} was removed, and the name stays theirs in the audit log: choose another.`,
      )
    }
    if (known !== undefined && known['password'] !== null && !again) {
      return err(`There is a person named ${name} already: for a link to set a new password, add --reset.`)
    }
    const link = randomBytes(32).toString('base64url')
    this.#database
      .prepare(
        `INSERT INTO users (name, link_hash, link_expires_at_ms, created_at_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET link_hash = excluded.link_hash,
           link_expires_at_ms = excluded.link_expires_at_ms`,
      )
      .run(name, hashId(link), expiresAtMs, nowMs)
    this.#database.noteChange()
    return ok(link)
  }

  /** Oldest first, removed ones too. */
  list(nowMs: number): readonly ListedUser[] {
    return this.#database
      .prepare('SELECT * FROM users ORDER BY created_at_ms, rowid')
      .all()
      .map((row) => toUser(row, nowMs))
  }

  /** Ends their sessions in every browser, and whatever was issued in their name. They can sign in again. */
  signOut(name: string): Result<void, string> {
    if (this.#byName.get(name) === undefined) return err(`There is no person named ${JSON.stringify(name)}.`)
    this.#database.transaction(() =>
      this.#database.prepare('DELETE FROM oauth_artifacts WHERE account = ?').run(name),
    )
    return ok(undefined)
  }

  /** They cannot sign in again, and whatever was issued in their name ends. Removing twice changes nothing. */
  remove(name: string, nowMs: number): Result<void, string> {
    if (this.#byName.get(name) === undefined) return err(`There is no person named ${JSON.stringify(name)}.`)
    this.#database.transaction(() => {
      this.#database
        .prepare(
          `UPDATE users SET removed_at_ms = ?, password = NULL, link_hash = NULL, link_expires_at_ms = NULL
           WHERE name = ? AND removed_at_ms IS NULL`,
        )
        .run(nowMs, name)
      this.#database.prepare('DELETE FROM oauth_artifacts WHERE account = ?').run(name)
      this.#database.prepare('DELETE FROM consents WHERE account = ?').run(name)
    })
    return ok(undefined)
  }

  passwordOf(name: string): string | undefined {
    const row = this.#byName.get(name)
    return typeof row?.['password'] === 'string' && row['removed_at_ms'] === null
      ? row['password']
      : undefined
  }

  isActive(name: string): boolean {
    return this.passwordOf(name) !== undefined
  }

  findByLink(link: string, nowMs: number): string | undefined {
    const name = this.#byLink.get(hashId(link), nowMs)?.['name']
    return typeof name === 'string' ? name : undefined
  }

  useLink(link: string, password: string, nowMs: number): string | undefined {
    return this.#database.transaction(() => {
      const name = this.findByLink(link, nowMs)
      if (name === undefined) return undefined
      this.#database
        .prepare('UPDATE users SET password = ?, link_hash = NULL, link_expires_at_ms = NULL WHERE name = ?')
        .run(password, name)
      // Whoever had the old password may hold what it was good for.
      this.#database.prepare('DELETE FROM oauth_artifacts WHERE account = ?').run(name)
      return name
    })
  }
}

function toUser(row: Record<string, SQLOutputValue>, nowMs: number): ListedUser {
  const { name, password, link_expires_at_ms, created_at_ms, removed_at_ms } = row as unknown as UserRow
  const state = removed_at_ms !== null ? 'removed' : password === null ? 'invited' : 'active'
  const isOpen = link_expires_at_ms !== null && link_expires_at_ms > nowMs
  return {
    name,
    state,
    createdAtMs: created_at_ms,
    ...(isOpen ? { linkExpiresAtMs: link_expires_at_ms } : {}),
    ...(removed_at_ms === null ? {} : { removedAtMs: removed_at_ms }),
  }
}

interface UserRow {
  readonly name: string
  readonly password: string | null
  readonly link_expires_at_ms: number | null
  readonly created_at_ms: number
  readonly removed_at_ms: number | null
}
