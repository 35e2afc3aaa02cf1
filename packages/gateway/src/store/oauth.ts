/** Everything that the authorization server keeps in `<data>/tollgate.db`, over one connection. */
import { ok, type Result } from '../model/result.ts'
import type { OauthStore } from '../oauth/ports.ts'
import { hashId, SqliteArtifacts } from './artifacts.ts'
import { SqliteClients, SqliteConsents } from './clients.ts'
import { type Database, openDatabase } from './database.ts'
import { SqlitePeople } from './people.ts'

export interface OpenOauthStore extends OauthStore {
  readonly people: SqlitePeople
  readonly clients: SqliteClients
  /** Ends what stands on the word of any issuer but these, by their `iss`. */
  endEnterprise(exceptOf: readonly string[]): void
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
  // An exchange stands on another, and the first of them on a grant, or on a client that has asked for itself.
  const granted = database.prepare(
    `WITH RECURSIVE standing (hash) AS (
       SELECT :hash
       UNION SELECT grant_hash FROM oauth_artifacts JOIN standing ON id_hash = standing.hash
         WHERE kind = 'Exchange' AND expires_at_ms > :now
           AND NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE credential = payload ->> 'of')
     )
     SELECT 1 FROM standing CROSS JOIN oauth_artifacts ON id_hash = standing.hash
       WHERE kind IN ('Client', 'Grant') AND (expires_at_ms IS NULL OR expires_at_ms > :now)`,
  )
  const endEnterprise = database.prepare(
    `DELETE FROM oauth_artifacts WHERE kind = 'Grant' AND payload ->> 'enterprise' IS NOT NULL
       AND payload ->> 'enterprise' NOT IN (SELECT value FROM json_each(?))`,
  )
  const handOn = database.prepare(
    `INSERT INTO oauth_artifacts (kind, id_hash, payload, grant_hash, client_id, account, expires_at_ms)
     VALUES ('Exchange', ?, ?, ?, ?, ?, ?)`,
  )
  return {
    artifacts: new SqliteArtifacts(database),
    people: new SqlitePeople(database),
    consents: new SqliteConsents(database),
    clients: new SqliteClients(database),
    isGranted: (hash, now) => granted.get({ hash, now }) !== undefined,
    handOn({ id, of, from, clientId, account = null }, expiresAtMs) {
      handOn.run(hashId(id), JSON.stringify({ of }), from, clientId, account, expiresAtMs)
    },
    endEnterprise(exceptOf) {
      endEnterprise.run(JSON.stringify(exceptOf))
      database.noteChange()
    },
    changed: () => database.changed(),
    close: () => database.close(),
  }
}
