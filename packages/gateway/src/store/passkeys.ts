/** Passkeys of people: public keys, in `<data>/tollgate.db`. They go with whoever they belong to. */
import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import type { NewPasskey, Passkey } from '../oauth/ports.ts'
import type { Database } from './database.ts'

export class Passkeys {
  readonly #database: Database
  readonly #byId: StatementSync
  readonly #byAccount: StatementSync

  constructor(database: Database) {
    this.#database = database
    this.#byId = database.prepare('SELECT * FROM passkeys WHERE id = ?')
    this.#byAccount = database.prepare('SELECT * FROM passkeys WHERE account = ? ORDER BY created_at_ms, id')
  }

  /** Its id is nobody's yet. */
  add(account: string, { id, publicKey, counter, transports }: NewPasskey, nowMs: number): void {
    this.#database
      .prepare(
        `INSERT INTO passkeys (id, account, public_key, counter, transports, created_at_ms)
         VALUES (?, ?, ?, ?, ?, ?)`,
      )
      .run(id, account, publicKey, counter, JSON.stringify(transports), nowMs)
  }

  find(id: string): Passkey | undefined {
    const row = this.#byId.get(id)
    return row === undefined ? undefined : toPasskey(row)
  }

  of(account: string): readonly Passkey[] {
    return this.#byAccount.all(account).map(toPasskey)
  }

  /** One statement, so that of two uses of one count only the first is good. Many authenticators always count 0. */
  use(id: string, counter: number): boolean {
    const { changes } = this.#database
      .prepare('UPDATE passkeys SET counter = ? WHERE id = ? AND (counter < ? OR (counter = 0 AND ? = 0))')
      .run(counter, id, counter, counter)
    this.#database.noteChange()
    return changes === 1
  }

  removeOf(account: string): void {
    this.#database.prepare('DELETE FROM passkeys WHERE account = ?').run(account)
  }
}

function toPasskey(row: Record<string, SQLOutputValue>): Passkey {
  return {
    id: String(row['id']),
    account: String(row['account']),
    publicKey: new Uint8Array(row['public_key'] as Uint8Array),
    counter: Number(row['counter']),
    transports: JSON.parse(String(row['transports'])) as string[],
  }
}
