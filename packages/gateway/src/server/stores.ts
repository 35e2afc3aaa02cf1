/** What a gateway keeps besides its log, opened together and closed together. */
import type { Config } from '../config/config.ts'
import { ok, type Result } from '../model/result.ts'
import { type KeyStore, openKeyStore } from '../store/keys.ts'
import { openRevokedTokens, type RevokedTokens } from '../store/revoked-tokens.ts'
import { type AuthorizationState, openAuthorizationState } from './authorization.ts'

export interface Stores {
  readonly keys: KeyStore
  readonly revoked: RevokedTokens
  /** Where the gateway signs tokens itself. */
  readonly authorization: AuthorizationState | undefined
  close(): void
}

/** Opens all of them or none. The error is a sentence. */
export async function openStores({ dataDir, authorizationServer }: Config): Promise<Result<Stores, string>> {
  const keys = openKeyStore(dataDir)
  if (!keys.ok) return keys
  const revoked = openRevokedTokens(dataDir)
  if (!revoked.ok) {
    keys.value.close()
    return revoked
  }
  const authorization =
    authorizationServer === undefined ? ok(undefined) : await openAuthorizationState(dataDir)
  const close = () => {
    keys.value.close()
    revoked.value.close()
    if (authorization.ok) authorization.value?.store.close()
  }
  if (!authorization.ok) {
    close()
    return authorization
  }
  return ok({ keys: keys.value, revoked: revoked.value, authorization: authorization.value, close })
}
