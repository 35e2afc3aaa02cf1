/** Everything that the authorization server keeps in `<data>/tollgate.db`, over one connection. */
import { ok, type Result } from '../model/result.ts'
import type { OauthStore } from '../oauth/ports.ts'
import { SqliteArtifacts } from './artifacts.ts'
import { SqliteClients, SqliteConsents } from './clients.ts'
import { type Database, openDatabase } from './database.ts'
import { SqlitePeople } from './people.ts'

export interface OpenOauthStore extends OauthStore {
  readonly people: SqlitePeople
  readonly clients: SqliteClients
  /** Whether the grant, or the client, that a token stands on is still there: by the hash that its tokens carry. */
  isGranted(grantHash: string, nowMs: number): boolean
  /** Whether anything may have changed since this was last asked, by this process or another. */
  changed(): boolean
  close(): void
}

/** Opens it, creating the folder and the file where they are missing. The error is a sentence. */
export function openOauthStore(dataDir: string): Result<OpenOauthStore, string> {
  const opened = openDatabase(dataDir)
  return opened.ok ? ok(createOauthStore(opened.value)) : opened
}

function createOauthStore(database: Database): OpenOauthStore {
  // A client that asks for itself has no grant: its tokens end with the client.
  const granted = database.prepare(
    `SELECT 1 FROM oauth_artifacts
     WHERE id_hash = ? AND (kind = 'Client' OR (kind = 'Grant' AND expires_at_ms > ?))`,
  )
  return {
    artifacts: new SqliteArtifacts(database),
    people: new SqlitePeople(database),
    consents: new SqliteConsents(database),
    clients: new SqliteClients(database),
    isGranted: (grantHash, nowMs) => granted.get(grantHash, nowMs) !== undefined,
    changed: () => database.changed(),
    close: () => database.close(),
  }
}
