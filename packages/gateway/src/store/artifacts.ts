/**
 * What the authorization server keeps between requests, in `<data>/tollgate.db`. Ids are credentials or lead to them
 * (codes, refresh tokens, session cookies), so only their SHA-256 is kept: who reads the file cannot use what is in it.
 */
import { hash } from 'node:crypto'
import type { StatementSync } from 'node:sqlite'
import { type ArtifactPayload, type Artifacts, isReference } from '../oauth/ports.ts'
import type { Database } from './database.ts'

/** What an id is stored and looked up by. */
export function hashId(id: string): string {
  return hash('sha256', id, 'base64url')
}

/** The same for an id that may be a reference. */
function keyOf(id: string): string {
  return isReference(id) ? id.slice(1) : hashId(id)
}

export class SqliteArtifacts implements Artifacts {
  readonly #database: Database
  readonly #put: StatementSync
  readonly #by: Readonly<Record<'id' | 'uid' | 'user_code', StatementSync>>
  readonly #consume: StatementSync
  readonly #destroy: StatementSync
  readonly #destroyOfGrant: StatementSync
  readonly #sweep: StatementSync

  constructor(database: Database) {
    this.#database = database
    this.#put = database.prepare(
      `INSERT INTO oauth_artifacts
         (kind, id_hash, payload, grant_hash, uid_hash, user_code_hash, client_id, account, expires_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (kind, id_hash) DO UPDATE SET payload = excluded.payload, grant_hash = excluded.grant_hash,
         uid_hash = excluded.uid_hash, user_code_hash = excluded.user_code_hash, client_id = excluded.client_id,
         account = excluded.account, expires_at_ms = excluded.expires_at_ms`,
    )
    const by = (column: string) =>
      database.prepare(
        `SELECT id_hash, payload, consumed_at_ms FROM oauth_artifacts WHERE kind = ? AND ${column}_hash = ?`,
      )
    this.#by = { id: by('id'), uid: by('uid'), user_code: by('user_code') }
    this.#consume = database.prepare(
      `UPDATE oauth_artifacts SET consumed_at_ms = ? WHERE kind = ? AND id_hash = ? AND consumed_at_ms IS NULL`,
    )
    this.#destroy = database.prepare('DELETE FROM oauth_artifacts WHERE kind = ? AND id_hash = ?')
    this.#destroyOfGrant = database.prepare('DELETE FROM oauth_artifacts WHERE kind = ? AND grant_hash = ?')
    this.#sweep = database.prepare('DELETE FROM oauth_artifacts WHERE expires_at_ms < ?')
  }

  put(kind: string, id: string, payload: ArtifactPayload, expiresAtMs: number | undefined): void {
    const kept = withoutIds(payload)
    const text = (name: string) => (typeof payload[name] === 'string' ? payload[name] : undefined)
    const hashed = (name: string) => {
      const value = text(name)
      return value === undefined ? null : hashId(value)
    }
    this.#put.run(
      kind,
      keyOf(id),
      JSON.stringify(kept),
      hashed('grantId'),
      hashed('uid'),
      hashed('userCode'),
      text('clientId') ?? null,
      text('accountId') ?? null,
      expiresAtMs ?? null,
    )
    this.#database.noteChange()
  }

  find(kind: string, id: string): ArtifactPayload | undefined {
    const payload = this.#read('id', kind, id)
    return payload === undefined ? undefined : { ...payload, jti: id }
  }

  findByUid(kind: string, uid: string): ArtifactPayload | undefined {
    return this.#read('uid', kind, uid)
  }

  findByUserCode(kind: string, userCode: string): ArtifactPayload | undefined {
    return this.#read('user_code', kind, userCode)
  }

  consume(kind: string, id: string, nowMs: number): boolean {
    const { changes } = this.#consume.run(nowMs, kind, hashId(id))
    this.#database.noteChange()
    return changes === 1
  }

  destroy(kind: string, id: string): void {
    this.#destroy.run(kind, hashId(id))
    this.#database.noteChange()
  }

  destroyOfGrant(kind: string, grantId: string): void {
    this.#destroyOfGrant.run(kind, hashId(grantId))
    this.#database.noteChange()
  }

  sweep(nowMs: number): void {
    this.#sweep.run(nowMs)
  }

  #read(by: 'id' | 'uid' | 'user_code', kind: string, value: string): ArtifactPayload | undefined {
    const row = this.#by[by].get(kind, by === 'id' ? keyOf(value) : hashId(value))
    if (row === undefined) return undefined
    const payload = JSON.parse(String(row['payload'])) as ArtifactPayload
    if (by === 'user_code') payload['jti'] = `#${String(row['id_hash'])}`
    const consumedAtMs = row['consumed_at_ms']
    return consumedAtMs === null ? payload : { ...payload, consumed: Math.floor(Number(consumedAtMs) / 1000) }
  }
}

/** Whoever finds a payload by its id knows the id. An interaction names the cookie of its session, which nobody reads. */
function withoutIds(payload: ArtifactPayload): ArtifactPayload {
  const kept = { ...payload }
  delete kept['jti']
  const session = kept['session']
  if (typeof session === 'object' && session !== null) {
    const rest: ArtifactPayload = { ...session }
    delete rest['cookie']
    kept['session'] = rest
  }
  return kept
}
