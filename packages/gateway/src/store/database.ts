/**
 * `<data>/tollgate.db`: one SQLite file for what must survive a restart, besides the audit log. WAL, so that
 * readers never wait for a writer in another process; every commit is synced before it is acknowledged.
 * The schema has a number; opening brings an older file up to date in one transaction, and leaves one that a
 * newer version made alone. A crash at any point leaves the last committed state.
 */
import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { err, ok, type Result } from '../model/result.ts'

/** Each brings the schema from the number of its index to the next. Never edit one that was released. */
const migrations: readonly string[] = [
  `CREATE TABLE keys (
     name TEXT NOT NULL PRIMARY KEY,
     token_hash TEXT NOT NULL UNIQUE,
     principal_type TEXT NOT NULL,
     principal_id TEXT NOT NULL,
     agent TEXT,
     created_at_ms INTEGER NOT NULL,
     expires_at_ms INTEGER,
     revoked_at_ms INTEGER
   ) STRICT`,
  // What the authorization server keeps. A hash is the SHA-256 of what only its holder knows.
  `CREATE TABLE oauth_artifacts (
     kind TEXT NOT NULL,
     id_hash TEXT NOT NULL,
     payload TEXT NOT NULL,
     grant_hash TEXT,
     uid_hash TEXT,
     user_code_hash TEXT,
     client_id TEXT,
     account TEXT,
     consumed_at_ms INTEGER,
     expires_at_ms INTEGER,
     PRIMARY KEY (kind, id_hash)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX oauth_artifacts_grant ON oauth_artifacts (grant_hash) WHERE grant_hash IS NOT NULL;
   CREATE INDEX oauth_artifacts_uid ON oauth_artifacts (uid_hash) WHERE uid_hash IS NOT NULL;
   CREATE INDEX oauth_artifacts_user_code ON oauth_artifacts (user_code_hash) WHERE user_code_hash IS NOT NULL;
   CREATE INDEX oauth_artifacts_client ON oauth_artifacts (client_id) WHERE client_id IS NOT NULL;
   CREATE INDEX oauth_artifacts_account ON oauth_artifacts (account) WHERE account IS NOT NULL;
   CREATE INDEX oauth_artifacts_expiry ON oauth_artifacts (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
   CREATE TABLE users (
     name TEXT NOT NULL PRIMARY KEY,
     password TEXT,
     link_hash TEXT UNIQUE,
     link_expires_at_ms INTEGER,
     created_at_ms INTEGER NOT NULL,
     removed_at_ms INTEGER
   ) STRICT;
   CREATE TABLE clients (
     client_id TEXT NOT NULL PRIMARY KEY,
     kind TEXT NOT NULL,
     name TEXT,
     redirects TEXT NOT NULL,
     created_at_ms INTEGER NOT NULL,
     revoked_at_ms INTEGER
   ) STRICT;
   CREATE TABLE consents (
     account TEXT NOT NULL,
     client_id TEXT NOT NULL,
     resource TEXT NOT NULL,
     scope TEXT NOT NULL,
     granted_at_ms INTEGER NOT NULL,
     PRIMARY KEY (account, client_id, resource)
   ) STRICT, WITHOUT ROWID`,
  // Other ways to sign in. `issuer` is the provider that tells of a person, `told` what it said last.
  `ALTER TABLE users ADD COLUMN handle TEXT;
   ALTER TABLE users ADD COLUMN link_keeps INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE users ADD COLUMN issuer TEXT;
   ALTER TABLE users ADD COLUMN told TEXT;
   CREATE TABLE passkeys (
     id TEXT NOT NULL PRIMARY KEY,
     account TEXT NOT NULL REFERENCES users (name),
     public_key BLOB NOT NULL,
     counter INTEGER NOT NULL,
     transports TEXT NOT NULL,
     created_at_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX passkeys_account ON passkeys (account)`,
  // Names of tokens, as in the audit log.
  `CREATE TABLE revoked_tokens (
     credential TEXT NOT NULL PRIMARY KEY,
     revoked_at_ms INTEGER NOT NULL
   ) STRICT`,
  // Tasks, and the keys that are for one alone.
  `CREATE TABLE tasks (
     id TEXT NOT NULL PRIMARY KEY,
     parent TEXT REFERENCES tasks (id),
     principal_type TEXT NOT NULL,
     principal_id TEXT NOT NULL,
     agent TEXT,
     grant_json TEXT NOT NULL,
     prompt TEXT,
     issued_by_type TEXT,
     issued_by_id TEXT,
     started_at_ms INTEGER NOT NULL,
     expires_at_ms INTEGER NOT NULL,
     ended_at_ms INTEGER,
     ended_why TEXT
   ) STRICT;
   CREATE TABLE task_endorsements (
     task TEXT NOT NULL REFERENCES tasks (id),
     value TEXT NOT NULL,
     by TEXT NOT NULL,
     at_ms INTEGER NOT NULL,
     PRIMARY KEY (task, value)
   ) STRICT, WITHOUT ROWID;
   ALTER TABLE keys ADD COLUMN task TEXT REFERENCES tasks (id)`,
  // What tasks have used up, and up to where in the audit log that is counted.
  `CREATE TABLE ledger (
     only_one INTEGER NOT NULL PRIMARY KEY CHECK (only_one = 1),
     log_file TEXT NOT NULL,
     log_bytes INTEGER NOT NULL,
     log_tail TEXT NOT NULL,
     is_clean INTEGER NOT NULL,
     saved_at_ms INTEGER NOT NULL,
     under_way TEXT NOT NULL
   ) STRICT;
   CREATE TABLE task_spent (
     task TEXT NOT NULL PRIMARY KEY,
     state TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE task_leases (
     task TEXT NOT NULL PRIMARY KEY,
     bytes INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE history_counts (
     counter TEXT NOT NULL,
     holder TEXT NOT NULL,
     slots TEXT NOT NULL,
     PRIMARY KEY (counter, holder)
   ) STRICT, WITHOUT ROWID`,
  // What people were asked, and answered. A question is JSON, as it was shown.
  `CREATE TABLE approvals (
     id TEXT NOT NULL PRIMARY KEY,
     binding TEXT NOT NULL,
     principal_type TEXT NOT NULL,
     principal_id TEXT NOT NULL,
     agent TEXT,
     question TEXT NOT NULL,
     state TEXT NOT NULL,
     good_until_ms INTEGER NOT NULL,
     decided_by_type TEXT,
     decided_by_id TEXT,
     decided_at_ms INTEGER
   ) STRICT;
   CREATE INDEX approvals_binding ON approvals (binding, state)`,
]

/** How long a write waits for one in another process. */
const busyTimeoutMs = 2000

/** Opens the database of a data directory, creating both where they are missing. The error is a sentence. */
export function openDatabase(dataDir: string): Result<Database, string> {
  const file = path.join(dataDir, 'tollgate.db')
  let connection: DatabaseSync | undefined
  try {
    fs.mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    makePrivate(file)
    connection = new DatabaseSync(file, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true })
    connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    migrate(connection)
    return ok(new Database(file, connection))
  } catch (error) {
    connection?.close()
    return err(`${file} cannot be opened: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A connection to `tollgate.db` that knows when somebody else has changed it. */
export class Database {
  readonly #file: string
  readonly #connection: DatabaseSync
  readonly #identity: string
  readonly #dataVersion: StatementSync
  #seenVersion: unknown
  #ownChange = false

  constructor(file: string, connection: DatabaseSync) {
    this.#file = file
    this.#connection = connection
    this.#identity = identityOf(file)
    this.#dataVersion = connection.prepare('PRAGMA data_version')
    this.#seenVersion = this.#version()
  }

  prepare(sql: string): StatementSync {
    return this.#connection.prepare(sql)
  }

  /** To be called after a change through this connection, which SQLite does not count. */
  noteChange(): void {
    this.#ownChange = true
  }

  /**
   * Whether anything was committed since the last call, here or in another process. A few microseconds.
   * Throws when the file was removed or replaced: what this connection still reads is then nobody's truth.
   */
  changed(): boolean {
    if (identityOf(this.#file) !== this.#identity) {
      throw new Error(`${this.#file} was replaced while it was open; restart to use the new file`)
    }
    const version = this.#version()
    const changed = this.#ownChange || version !== this.#seenVersion
    this.#seenVersion = version
    this.#ownChange = false
    return changed
  }

  /** Makes all of `work` or none of it. */
  transaction<T>(work: () => T): T {
    this.#connection.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#connection.exec('COMMIT')
      this.#ownChange = true
      return result
    } catch (error) {
      this.#connection.exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    this.#connection.close()
  }

  #version(): unknown {
    return this.#dataVersion.get()?.['data_version']
  }
}

/** The WAL and its index take their mode from the database file, so it must be private before it is opened. */
function makePrivate(file: string): void {
  fs.closeSync(fs.openSync(file, 'a', 0o600))
  if ((fs.statSync(file).mode & 0o077) !== 0) fs.chmodSync(file, 0o600)
}

function identityOf(file: string): string {
  const { dev, ino } = fs.statSync(file, { bigint: true })
  return `${dev}:${ino}`
}

function migrate(connection: DatabaseSync): void {
  connection.exec('BEGIN IMMEDIATE')
  try {
    connection.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT')
    const row = connection.prepare('SELECT version FROM schema_version').get()
    const version = Number(row?.['version'] ?? 0)
    if (version > migrations.length) {
      throw new Error(
        `it was made by a newer version of Tollgate (schema ${version}, known: ${migrations.length})`,
      )
    }
    if (row === undefined) connection.exec('INSERT INTO schema_version (version) VALUES (0)')
    for (const migration of migrations.slice(version)) connection.exec(migration)
    connection.prepare('UPDATE schema_version SET version = ?').run(migrations.length)
    connection.exec('COMMIT')
  } catch (error) {
    connection.exec('ROLLBACK')
    throw error
  }
}
