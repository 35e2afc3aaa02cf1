/** Between the models of `oidc-provider` and what keeps them. */
import { type Adapter, errors, Provider } from 'oidc-provider'
import { APPROVALS_CLIENT, approvalsClient, COMMAND_LINE } from './built-in-client.ts'
import { type Artifacts, type Clients, isReference } from './ports.ts'

/** Makes the adapter of one model. */
export function createAdapter(
  kind: string,
  {
    artifacts,
    clients,
    issuer,
    now,
  }: { artifacts: Artifacts; clients: Clients; issuer: string; now(): number },
): Adapter {
  return {
    async upsert(id, payload, expiresInSeconds = Infinity) {
      const nowMs = now()
      // The library looks whether a proof was seen, then notes it. Of two that come at once, only one finds it new here.
      if (kind === 'ReplayDetection' && artifacts.find(kind, id) !== undefined)
        throw new errors.InvalidGrant('the proof was used already')
      const expiresAtMs = Number.isFinite(expiresInSeconds) ? nowMs + expiresInSeconds * 1000 : undefined
      artifacts.put(kind, id, payload, expiresAtMs)
      if (kind === 'Client') {
        const { client_name: name, redirect_uris: redirects = [] } = payload
        clients.note({ clientId: id, kind: 'registered', name, redirects }, nowMs)
      }
    },
    async find(id) {
      if (kind === 'Client' && clients.isRevoked(id)) return undefined
      if (kind === 'Client' && id === COMMAND_LINE.client_id) return structuredClone(COMMAND_LINE)
      if (kind === 'Client' && id === APPROVALS_CLIENT) return approvalsClient(issuer)
      if (isReference(id) && !mayRefer(kind)) return undefined
      return artifacts.find(kind, id)
    },
    async findByUid(uid) {
      return artifacts.findByUid(kind, uid)
    },
    async findByUserCode(userCode) {
      return artifacts.findByUserCode(kind, userCode)
    },
    async consume(id) {
      // Of two that come at once, both saw it unused. One is a thief, so nobody keeps what came of it.
      if (artifacts.consume(kind, id, now())) return
      const grantId = artifacts.find(kind, id)?.['grantId']
      if (typeof grantId === 'string') endGrant(artifacts, grantId)
      throw new errors.InvalidGrant('it was used already')
    },
    async destroy(id) {
      artifacts.destroy(kind, id)
    },
    async revokeByGrantId(grantId) {
      artifacts.destroyOfGrant(kind, grantId)
    },
  }
}

/** A device code by reference: only for the pages where its person is. Whoever polls with it has to have the code. */
function mayRefer(kind: string): boolean {
  return kind === 'DeviceCode' && Provider.ctx?.oidc.route === 'device_resume'
}

function endGrant(artifacts: Artifacts, grantId: string): void {
  for (const kind of ['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode']) {
    artifacts.destroyOfGrant(kind, grantId)
  }
  artifacts.destroy('Grant', grantId)
}
