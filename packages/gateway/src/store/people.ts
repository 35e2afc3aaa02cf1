/**
 * People who sign in at the gateway, in `<data>/tollgate.db`: with a password or passkeys of their own, or through a
 * provider. A row is never deleted, so a name in the audit log means one person for ever. A link to set a password or a
 * passkey is kept as its SHA-256, and is good once.
 */
import { randomBytes } from 'node:crypto'
import type { SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import { err, ok, type Result } from '../model/result.ts'
import type { NewPasskey, Passkey, People, ToldPerson } from '../oauth/ports.ts'
import { hashId } from './artifacts.ts'
import type { Database } from './database.ts'
import { Passkeys } from './passkeys.ts'

export interface ListedUser {
  readonly name: string
  readonly state: 'invited' | 'active' | 'removed'
  readonly hasPassword: boolean
  readonly passkeys: number
  /** Of the provider that knows them. */
  readonly issuer?: string
  /** What the provider says they are called. */
  readonly label?: string
  readonly createdAtMs: number
  /** Until when a link that was made for them can be used. */
  readonly linkExpiresAtMs?: number
  readonly removedAtMs?: number
}

export interface InviteOptions {
  readonly nowMs: number
  readonly expiresAtMs: number
  /** Also for one who can sign in already. */
  readonly again: boolean
  /** What they sign in with stays good beside what the link sets. */
  readonly keeps?: boolean
}

/** Errors are sentences for whoever ran the command. */
export class SqlitePeople implements People {
  readonly #database: Database
  readonly #passkeys: Passkeys
  readonly #byName: StatementSync
  readonly #byLink: StatementSync

  constructor(database: Database) {
    this.#database = database
    this.#passkeys = new Passkeys(database)
    this.#byName = database.prepare('SELECT * FROM users WHERE name = ?')
    this.#byLink = database.prepare(
      'SELECT name, link_keeps FROM users WHERE link_hash = ? AND link_expires_at_ms > ? AND removed_at_ms IS NULL',
    )
  }

  /**
   * Makes a person known and returns the secret of the link by which a password or a passkey is set. For one who is
   * known, only `again` makes another link; what they have stays good until the link is used, and with `keeps` beyond.
   */
  invite(name: string, { nowMs, expiresAtMs, again, keeps = false }: InviteOptions): Result<string, string> {
    if (!/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/.test(name)) {
      return err('The name of a person is 1 to 64 letters, digits, ".", "_", "-", "+" or "@".')
    }
    const known = this.#byName.get(name)
    if (known !== undefined && known['removed_at_ms'] !== null) {
      return err(
        `A person named ${name} was removed, and the name stays theirs in the audit log: choose another.`,
      )
    }
    if (this.isActive(name) && !again) {
      return err(
        `There is a person named ${name} already: add --reset for a link that replaces what they sign in with, or --another for one that adds to it.`,
      )
    }
    const link = randomBytes(32).toString('base64url')
    this.#database
      .prepare(
        `INSERT INTO users (name, link_hash, link_expires_at_ms, link_keeps, created_at_ms) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET link_hash = excluded.link_hash,
           link_expires_at_ms = excluded.link_expires_at_ms, link_keeps = excluded.link_keeps`,
      )
      .run(name, hashId(link), expiresAtMs, keeps ? 1 : 0, nowMs)
    this.#database.noteChange()
    return ok(link)
  }

  /** Lets a person of a provider, who was removed, sign in again. */
  readmit(name: string): Result<void, string> {
    const row = this.#byName.get(name)
    if (row === undefined)
      return err(`Nobody has signed in as ${JSON.stringify(name)} yet: people of a provider add themselves.`)
    if (row['removed_at_ms'] === null) return err(`${name} can sign in already, through the provider.`)
    this.#database.prepare('UPDATE users SET removed_at_ms = NULL WHERE name = ?').run(name)
    this.#database.noteChange()
    return ok(undefined)
  }

  /** Oldest first, removed ones too. */
  list(nowMs: number): readonly ListedUser[] {
    return this.#database
      .prepare(
        `SELECT users.*, (SELECT count(*) FROM passkeys WHERE account = name) AS passkeys FROM users
         ORDER BY created_at_ms, rowid`,
      )
      .all()
      .map((row) => toUser(row, nowMs))
  }

  /** Ends their sessions in every browser, and whatever was issued in their name. They can sign in again. */
  signOut(name: string): Result<void, string> {
    if (this.#byName.get(name) === undefined) return err(`There is no person named ${JSON.stringify(name)}.`)
    this.#database.transaction(() => this.#endIssued(name))
    return ok(undefined)
  }

  /** They cannot sign in again, and whatever was issued in their name ends. Removing twice changes nothing. */
  remove(name: string, nowMs: number): Result<void, string> {
    if (this.#byName.get(name) === undefined) return err(`There is no person named ${JSON.stringify(name)}.`)
    this.#database.transaction(() => {
      this.#database
        .prepare(
          `UPDATE users SET removed_at_ms = ?, password = NULL, link_hash = NULL, link_expires_at_ms = NULL,
             told = NULL
           WHERE name = ? AND removed_at_ms IS NULL`,
        )
        .run(nowMs, name)
      this.#passkeys.removeOf(name)
      this.#endIssued(name)
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
    const row = this.#byName.get(name)
    if (row === undefined || row['removed_at_ms'] !== null) return false
    return row['password'] !== null || row['told'] !== null || this.#passkeys.of(name).length > 0
  }

  hasLocal(): boolean {
    const query = 'SELECT 1 FROM users WHERE issuer IS NULL AND removed_at_ms IS NULL LIMIT 1'
    return this.#database.prepare(query).get() !== undefined
  }

  findByLink(link: string, nowMs: number): string | undefined {
    const name = this.#byLink.get(hashId(link), nowMs)?.['name']
    return typeof name === 'string' ? name : undefined
  }

  useLink(link: string, password: string, nowMs: number): string | undefined {
    return this.#useLink(link, nowMs, (name, keeps) => {
      if (!keeps) this.#passkeys.removeOf(name)
      this.#set(name, 'password', password)
      return true
    })
  }

  useLinkForPasskey(link: string, passkey: NewPasskey, nowMs: number): string | undefined {
    return this.#useLink(link, nowMs, (name, keeps) => {
      const known = this.#passkeys.find(passkey.id)
      if (known !== undefined && (keeps || known.account !== name)) return false
      if (!keeps) this.#passkeys.removeOf(name)
      if (!keeps) this.#set(name, 'password', null)
      this.#passkeys.add(name, passkey, nowMs)
      return true
    })
  }

  handleOf(name: string): string {
    const known = this.#byName.get(name)?.['handle']
    if (typeof known === 'string') return known
    const handle = randomBytes(32).toString('base64url')
    this.#set(name, 'handle', handle)
    return handle
  }

  passkey(id: string): Passkey | undefined {
    return this.#passkeys.find(id)
  }

  passkeysOf(name: string): readonly Passkey[] {
    return this.#passkeys.of(name)
  }

  usePasskey(id: string, counter: number): boolean {
    return this.#passkeys.use(id, counter)
  }

  noteTold({ account, issuer, label, groups, tags }: ToldPerson, nowMs: number): boolean {
    const { changes } = this.#database
      .prepare(
        `INSERT INTO users (name, issuer, told, created_at_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET told = excluded.told
           WHERE removed_at_ms IS NULL AND issuer = excluded.issuer`,
      )
      .run(account, issuer, JSON.stringify({ label, groups, tags }), nowMs)
    this.#database.noteChange()
    return changes === 1
  }

  toldOf(name: string): ToldPerson | undefined {
    const row = this.#byName.get(name)
    if (typeof row?.['issuer'] !== 'string' || typeof row['told'] !== 'string') return undefined
    const told = JSON.parse(row['told']) as Pick<ToldPerson, 'label' | 'groups' | 'tags'>
    return { account: name, issuer: row['issuer'], ...told }
  }

  /** Whoever had the old password or passkey may hold what it was good for, so that ends. */
  #useLink(link: string, nowMs: number, set: (name: string, keeps: boolean) => boolean): string | undefined {
    return this.#database.transaction(() => {
      const row = this.#byLink.get(hashId(link), nowMs)
      if (row === undefined) return undefined
      const name = String(row['name'])
      if (!set(name, row['link_keeps'] === 1)) return undefined
      this.#set(name, 'link_hash', null)
      this.#set(name, 'link_expires_at_ms', null)
      this.#endIssued(name)
      return name
    })
  }

  #set(
    name: string,
    column: 'handle' | 'password' | 'link_hash' | 'link_expires_at_ms',
    value: SQLInputValue,
  ): void {
    this.#database.prepare(`UPDATE users SET ${column} = ? WHERE name = ?`).run(value, name)
  }

  #endIssued(name: string): void {
    this.#database.prepare('DELETE FROM oauth_artifacts WHERE account = ?').run(name)
  }
}

function toUser(row: Record<string, SQLOutputValue>, nowMs: number): ListedUser {
  const { name, password, passkeys, issuer, told, ...times } = row as unknown as UserRow
  const { link_expires_at_ms, created_at_ms, removed_at_ms } = times
  const hasPassword = password !== null
  const canSignIn = hasPassword || passkeys > 0 || issuer !== null
  const state = removed_at_ms !== null ? 'removed' : canSignIn ? 'active' : 'invited'
  const isOpen = link_expires_at_ms !== null && link_expires_at_ms > nowMs
  const { label } = told === null ? {} : (JSON.parse(told) as { label?: string })
  return {
    name,
    state,
    hasPassword,
    passkeys,
    ...(issuer === null ? {} : { issuer }),
    ...(label === undefined ? {} : { label }),
    createdAtMs: created_at_ms,
    ...(isOpen ? { linkExpiresAtMs: link_expires_at_ms } : {}),
    ...(removed_at_ms === null ? {} : { removedAtMs: removed_at_ms }),
  }
}

interface UserRow {
  readonly name: string
  readonly password: string | null
  readonly passkeys: number
  readonly issuer: string | null
  readonly told: string | null
  readonly link_expires_at_ms: number | null
  readonly created_at_ms: number
  readonly removed_at_ms: number | null
}
