/**
 * Clients of the authorization server and what people let them do, in `<data>/tollgate.db`. A revoked client stays as a
 * row: its id means that client in the audit log, and it is not let in again.
 */
import type { StatementSync } from 'node:sqlite'
import { err, ok, type Result } from '../model/result.ts'
import type { ClientKind, Clients, Consent, Consents, MachineKind, NotedClient } from '../oauth/ports.ts'
import { LOCAL_ISSUER } from '../model/issuer.ts'
import { hashId } from './artifacts.ts'
import type { Database } from './database.ts'

export interface ListedClient extends NotedClient {
  readonly createdAtMs: number
  readonly revokedAtMs?: number
  /** People who let it act for them, and where. */
  readonly consents: readonly { readonly account: string; readonly resource: string }[]
}

/** A client that the operator makes known: it proves itself with a key, and there is no secret. */
export interface AddedClient {
  readonly name: string
  readonly kind: MachineKind
  /** Public keys. */
  readonly jwks: { readonly keys: readonly object[] }
  readonly redirects: readonly string[]
}

export class SqliteConsents implements Consents {
  readonly #remember: StatementSync
  readonly #find: StatementSync

  constructor(database: Database) {
    this.#remember = database.prepare(
      `INSERT INTO consents (account, client_id, resource, scope, granted_at_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET scope = excluded.scope, granted_at_ms = excluded.granted_at_ms`,
    )
    this.#find = database.prepare(
      'SELECT scope, granted_at_ms FROM consents WHERE account = ? AND client_id = ? AND resource = ?',
    )
  }

  remember({ account, clientId, resource, scope }: Consent, nowMs: number): void {
    this.#remember.run(account, clientId, resource, scope, nowMs)
  }

  givenAtMs({ account, clientId, resource, scope }: Consent): number | undefined {
    const row = this.#find.get(account, clientId, resource)
    if (row === undefined) return undefined
    const given = new Set(String(row['scope']).split(' '))
    return scope.split(' ').every((each) => given.has(each)) ? Number(row['granted_at_ms']) : undefined
  }
}

export class SqliteClients implements Clients {
  readonly #database: Database
  readonly #note: StatementSync
  readonly #revoked: StatementSync
  readonly #machine: StatementSync
  readonly #count: StatementSync

  constructor(database: Database) {
    this.#database = database
    this.#note = database.prepare(
      `INSERT INTO clients (client_id, kind, name, redirects, created_at_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    )
    this.#revoked = database.prepare(
      'SELECT 1 FROM clients WHERE client_id = ? AND revoked_at_ms IS NOT NULL',
    )
    this.#machine = database.prepare(
      `SELECT kind FROM clients WHERE client_id = ? AND kind IN ('agent', 'service') AND revoked_at_ms IS NULL`,
    )
    this.#count = database.prepare(
      `SELECT count(*) AS count FROM clients WHERE kind = 'registered' AND revoked_at_ms IS NULL`,
    )
  }

  note({ clientId, kind, name, redirects }: NotedClient, nowMs: number): void {
    this.#note.run(clientId, kind, name ?? null, JSON.stringify(redirects), nowMs)
  }

  isRevoked(clientId: string): boolean {
    return this.#revoked.get(clientId) !== undefined
  }

  machineKindOf(clientId: string): MachineKind | undefined {
    return this.#machine.get(clientId)?.['kind'] as MachineKind | undefined
  }

  /** Makes a client known in the operator's name. Its name is its id, and stays so for good. */
  add({ name, kind, jwks, redirects }: AddedClient, nowMs: number): Result<ListedClient, string> {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
      return err('The name of a client is 1 to 64 letters, digits, ".", "_" or "-".')
    const known = this.list().find(({ clientId }) => clientId === name)
    if (known !== undefined) {
      const state = known.revokedAtMs === undefined ? 'already' : 'that was revoked'
      return err(`There is a client named ${name} ${state}, and the name stays its in the audit log.`)
    }
    const metadata = {
      client_id: name,
      client_name: name,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
      redirect_uris: redirects,
      response_types: redirects.length === 0 ? [] : ['code'],
    }
    this.#database.transaction(() => {
      this.note({ clientId: name, kind, name, redirects }, nowMs)
      this.#database
        .prepare(`INSERT INTO oauth_artifacts (kind, id_hash, payload) VALUES ('Client', ?, ?)`)
        .run(hashId(name), JSON.stringify(metadata))
    })
    return ok({ clientId: name, kind, name, redirects, createdAtMs: nowMs, consents: [] })
  }

  countRegistered(): number {
    return Number(this.#count.get()?.['count'])
  }

  /** Oldest first, revoked ones too. */
  list(): readonly ListedClient[] {
    const consents = this.#database.prepare('SELECT account, resource FROM consents WHERE client_id = ?')
    const rows = this.#database.prepare('SELECT * FROM clients ORDER BY created_at_ms, rowid').all()
    return (rows as unknown as readonly ClientRow[]).map((row) => ({
      clientId: row.client_id,
      kind: row.kind,
      name: row.name ?? undefined,
      redirects: JSON.parse(row.redirects) as string[],
      createdAtMs: row.created_at_ms,
      ...(row.revoked_at_ms === null ? {} : { revokedAtMs: row.revoked_at_ms }),
      consents: consents.all(row.client_id) as unknown as { account: string; resource: string }[],
    }))
  }

  /** Ends the client, and whatever was issued to it or started for it. Revoking twice changes nothing. */
  revoke(clientId: string, nowMs: number): Result<ListedClient, string> {
    this.#database.transaction(() => {
      this.#database
        .prepare('UPDATE clients SET revoked_at_ms = ? WHERE client_id = ? AND revoked_at_ms IS NULL')
        .run(nowMs, clientId)
      this.#database.prepare('DELETE FROM oauth_artifacts WHERE client_id = ?').run(clientId)
      this.#database
        .prepare(`DELETE FROM oauth_artifacts WHERE kind = 'Client' AND id_hash = ?`)
        .run(hashId(clientId))
      this.#database.prepare('DELETE FROM consents WHERE client_id = ?').run(clientId)
      this.#database
        .prepare(
          `UPDATE tasks SET ended_at_ms = ?, ended_why = 'its client was revoked'
             WHERE (agent = :name OR (principal_type <> 'User' AND principal_id = :name)) AND ended_at_ms IS NULL`,
        )
        .run({ name: nameOf(clientId) }, nowMs)
    })
    const client = this.list().find((each) => each.clientId === clientId)
    return client === undefined ? err(`There is no client ${JSON.stringify(clientId)}.`) : ok(client)
  }

  /** Takes back what one person let a client do, its tasks too: it may ask again. */
  withdraw(clientId: string, account: string, nowMs: number): Result<void, string> {
    const changed = this.#database.transaction(() => {
      this.#database
        .prepare(
          `UPDATE tasks SET ended_at_ms = ?, ended_why = 'the consent was withdrawn'
             WHERE agent = ? AND principal_type = 'User' AND principal_id = ? AND ended_at_ms IS NULL`,
        )
        .run(nowMs, nameOf(clientId), nameOf(account))
      const ended = ['oauth_artifacts', 'consents'].map((table) =>
        this.#database
          .prepare(`DELETE FROM ${table} WHERE client_id = ? AND account = ?`)
          .run(clientId, account),
      )
      return ended.some(({ changes }) => Number(changes) > 0)
    })
    const [client, person] = [JSON.stringify(clientId), JSON.stringify(account)]
    return changed
      ? ok(undefined)
      : err(`${person} has not let a client ${client} in: see tollgate client list.`)
  }

  /** Forgets clients that registered themselves before `beforeMs` and that nobody let in, or not any more. */
  forgetUnused(beforeMs: number): void {
    this.#database.transaction(() => {
      const unused = this.#database
        .prepare(
          `SELECT client_id FROM clients WHERE kind = 'registered' AND revoked_at_ms IS NULL AND created_at_ms < ?
             AND NOT EXISTS (SELECT 1 FROM consents WHERE consents.client_id = clients.client_id)
             AND NOT EXISTS (SELECT 1 FROM oauth_artifacts
               WHERE oauth_artifacts.client_id = clients.client_id AND oauth_artifacts.kind = 'Grant')`,
        )
        .all(beforeMs)
      const forget = this.#database.prepare('DELETE FROM clients WHERE client_id = ?')
      const drop = this.#database.prepare(`DELETE FROM oauth_artifacts WHERE kind = 'Client' AND id_hash = ?`)
      for (const row of unused) {
        const clientId = String(row['client_id'])
        forget.run(clientId)
        drop.run(hashId(clientId))
      }
    })
  }
}

/** What policies and tasks call a client or person of our own. */
function nameOf(id: string): string {
  return `${LOCAL_ISSUER}/${id}`
}

interface ClientRow {
  readonly client_id: string
  readonly kind: ClientKind
  readonly name: string | null
  readonly redirects: string
  readonly created_at_ms: number
  readonly revoked_at_ms: number | null
}
