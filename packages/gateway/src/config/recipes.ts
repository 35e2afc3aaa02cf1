/**
 * What is known of the tokens of products: how they say whom they are about, and how their access tokens are told from
 * other tokens where `typ` does not tell. Where a product signs for everybody, `oneOf` has the claims of which the
 * configuration must require one.
 */

export const RECIPES = [
  'entra',
  'okta',
  'keycloak',
  'google',
  'github-actions',
  'kubernetes',
  'spiffe',
] as const

export interface Recipe {
  readonly issuer?: string
  readonly algorithms?: readonly string[]
  readonly type: 'at+jwt' | 'JWT'
  readonly kind?: 'user' | 'service' | 'agent'
  readonly agents?: Readonly<Record<string, readonly string[]>>
  readonly services?: Readonly<Record<string, readonly string[]>>
  readonly subject?: string
  readonly subjectPrefix?: string
  readonly groups?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly clients?: readonly string[]
  readonly clientProof?: string
  readonly requires?: Readonly<Record<string, readonly string[]>>
  /** One of these has to be in `requires` of the configuration. */
  readonly oneOf?: readonly string[]
  /** False: it signs for machines, and no client can ask it for a token. */
  readonly authorizes?: false
}

const ANY: readonly string[] = []

export const recipes: Readonly<Record<(typeof RECIPES)[number], Recipe>> = {
  // Access tokens of version 2.0. ID tokens have no azp; `sub` differs for each application, `oid` does not.
  entra: {
    type: 'JWT',
    algorithms: ['RS256'],
    subject: 'oid',
    groups: 'groups',
    clients: ['azp'],
    clientProof: 'azpacr', // 0: it did not; 1: a secret; 2: a certificate
    services: { idtyp: ['app'] },
    requires: { ver: ['2.0'], azp: ANY, oid: ANY },
  },
  // Of a custom authorization server. Access tokens have no typ, and cid, which ID tokens have not.
  okta: { type: 'JWT', algorithms: ['RS256'], groups: 'groups', clients: ['cid'], requires: { cid: ANY } },
  // ID and refresh tokens say `ID` and `Refresh` in the claim typ. Only service accounts have client_id.
  keycloak: {
    type: 'JWT',
    groups: 'groups',
    clients: ['azp'],
    services: { client_id: ANY },
    requires: { typ: ['Bearer'] },
  },
  // Tokens of service accounts, asked for with this gateway's URL as audience. People get no access tokens that can be read.
  google: {
    issuer: 'https://accounts.google.com',
    type: 'JWT',
    algorithms: ['RS256'],
    kind: 'service',
    tags: { email: 'email' },
    clients: [],
    requires: { email_verified: ['true'] },
    oneOf: ['email', 'sub', 'hd'],
    authorizes: false,
  },
  'github-actions': {
    issuer: 'https://token.actions.githubusercontent.com',
    type: 'JWT',
    algorithms: ['RS256'],
    kind: 'service',
    tags: {
      repository: 'repository',
      owner: 'repository_owner',
      ref: 'ref',
      environment: 'environment',
      workflow: 'workflow_ref',
      event: 'event_name',
      actor: 'actor',
    },
    clients: [],
    requires: { repository: ANY },
    oneOf: ['repository_owner', 'repository_owner_id', 'repository', 'repository_id', 'enterprise_id'],
    authorizes: false,
  },
  // Projected tokens. The older ones, kept in secrets, have no expiry and are refused for it.
  kubernetes: {
    type: 'JWT',
    kind: 'service',
    subjectPrefix: 'system:serviceaccount:',
    tags: {
      namespace: '/kubernetes.io/namespace',
      serviceAccount: '/kubernetes.io/serviceaccount/name',
      pod: '/kubernetes.io/pod/name',
    },
    clients: [],
    requires: { '/kubernetes.io/serviceaccount/uid': ANY },
    authorizes: false,
  },
  // JWT-SVIDs: `typ` is left out, or JWT, or JOSE.
  spiffe: {
    type: 'JWT',
    algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'],
    kind: 'service',
    clients: [],
    authorizes: false,
  },
}
