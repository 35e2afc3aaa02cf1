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
  /** Whether a grant still stands: by the hash that its tokens carry. */
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
  const granted = database.prepare(
    `SELECT 1 FROM oauth_artifacts WHERE kind = 'Grant' AND id_hash = ? AND expires_at_ms > ?`,
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
