/** What a gateway keeps besides its log, opened together and closed together. */
import type { ProofLog } from '../authn/used-proofs.ts'
import type { Config } from '../config/config.ts'
import { err, ok, type Result } from '../model/result.ts'
import { type KeyStore, openKeyStore } from '../store/keys.ts'
import { openProofLog } from '../store/proofs.ts'
import { openRevokedTokens, type RevokedTokens } from '../store/revoked-tokens.ts'
import { type LedgerStore, openLedgerStore } from '../store/ledger.ts'
import { openApprovalStore, type SqliteApprovalStore } from '../store/approvals.ts'
import { openTaskStore, type TaskStore } from '../store/tasks.ts'
import { type AuthorizationState, openAuthorizationState } from './authorization.ts'

export interface Stores {
  readonly keys: KeyStore
  readonly revoked: RevokedTokens
  readonly tasks: TaskStore
  readonly ledger: LedgerStore
  readonly approvals: SqliteApprovalStore
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
  const open: { close(): void }[] = []
  const closeAll = () => open.splice(0).forEach((each) => each.close())
  let fault: string | undefined
  const need = <T extends { close(): void }>(result: Result<T, string>): T | undefined => {
    if (!result.ok) fault ??= result.error
    else open.push(result.value)
    return result.ok ? result.value : undefined
  }
  const keys = need(openKeyStore(dataDir))
  const revoked = need(openRevokedTokens(dataDir))
  const tasks = need(openTaskStore(dataDir))
  const ledger = need(openLedgerStore(dataDir))
  const approvals = need(openApprovalStore(dataDir))
  if (!keys || !revoked || !tasks || !ledger || !approvals) {
    closeAll()
    return err(fault ?? 'The data folder cannot be used.')
  }
  let proofs: ReturnType<typeof openProofLog> | undefined
  let authorization: AuthorizationState | undefined
  const stores: Stores = {
    keys,
    revoked,
    tasks,
    ledger,
    approvals,
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
      closeAll()
      authorization?.store.close()
    },
  }
  const signing = authorizationServer === undefined ? ok(undefined) : await stores.openAuthorization()
  if (signing.ok) return ok(stores)
  stores.close()
  return signing
}
