/** What a gateway keeps besides its log, opened together and closed together. */
import type { ProofLog } from '../authn/used-proofs.ts'
import type { Config } from '../config/config.ts'
import { ok, type Result } from '../model/result.ts'
import { type KeyStore, openKeyStore } from '../store/keys.ts'
import { openProofLog } from '../store/proofs.ts'
import { openRevokedTokens, type RevokedTokens } from '../store/revoked-tokens.ts'
import { type AuthorizationState, openAuthorizationState } from './authorization.ts'

export interface Stores {
  readonly keys: KeyStore
  readonly revoked: RevokedTokens
  /** Where the gateway signs tokens itself, or did before a reload. */
  readonly authorization: AuthorizationState | undefined
  /** Opens it, where it is not open yet. The error is a sentence. */
  openAuthorization(): Promise<Result<AuthorizationState, string>>
  /** Used proofs of DPoP; opened when the first one comes. */
  readonly openProofLog: () => ProofLog
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
  let proofs: ReturnType<typeof openProofLog> | undefined
  let authorization: AuthorizationState | undefined
  const stores: Stores = {
    keys: keys.value,
    revoked: revoked.value,
    get authorization() {
      return authorization
    },
    async openAuthorization() {
      if (authorization !== undefined) return ok(authorization)
      const opened = await openAuthorizationState(dataDir)
      if (opened.ok) authorization = opened.value
      return opened
    },
    openProofLog: () => (proofs ??= openProofLog(dataDir)),
    close() {
      proofs?.close()
      keys.value.close()
      revoked.value.close()
      authorization?.store.close()
    },
  }
  const opened = authorizationServer === undefined ? ok(undefined) : await stores.openAuthorization()
  if (opened.ok) return ok(stores)
  stores.close()
  return opened
}
