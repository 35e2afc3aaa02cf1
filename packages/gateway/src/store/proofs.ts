/**
 * `<data>/proofs.db`: proofs of DPoP that were used in the last minutes, so that a restart gives none of them a second use.
 * A file of its own: it is written at every call with such a proof, and whoever watches the keys in the other one should
 * not be woken by that. It is written before the call goes on, but not synced: it outlives the process, and what a power
 * failure takes is older than the machine is quick to start.
 */
import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { ProofLog, UsedProof } from '../authn/used-proofs.ts'

/** Opens it, creating it where it is missing. Throws when it cannot be. */
export function openProofLog(dataDir: string): ProofLog & { close(): void } {
  const file = path.join(dataDir, 'proofs.db')
  fs.closeSync(fs.openSync(file, 'a', 0o600))
  return new SqliteProofLog(new DatabaseSync(file))
}

class SqliteProofLog implements ProofLog {
  readonly #connection: DatabaseSync
  readonly #insert: StatementSync
  readonly #all: StatementSync
  readonly #forget: StatementSync

  constructor(connection: DatabaseSync) {
    this.#connection = connection
    connection.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS proofs (
        minute INTEGER NOT NULL, principal TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (minute, principal, hash)
      ) STRICT, WITHOUT ROWID`)
    this.#insert = connection.prepare('INSERT INTO proofs (minute, principal, hash) VALUES (?, ?, ?)')
    this.#all = connection.prepare('SELECT minute, principal, hash FROM proofs')
    this.#forget = connection.prepare('DELETE FROM proofs WHERE minute < ?')
  }

  add({ minute, principal, hash }: UsedProof): void {
    this.#insert.run(minute, principal, hash)
  }

  *all(): Iterable<UsedProof> {
    for (const { minute, principal, hash } of this.#all.iterate())
      yield { minute: Number(minute), principal: String(principal), hash: String(hash) }
  }

  forgetBefore(minute: number): void {
    this.#forget.run(minute)
  }

  close(): void {
    this.#connection.close()
  }
}
