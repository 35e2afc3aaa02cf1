/**
 * The authorization server: `oidc-provider` as this gateway wants it. Grants, codes, PKCE, rotation and signatures are
 * the library's; what is here is what is on, what is off, and for how long things are good.
 */
import {
  type Configuration,
  errors,
  interactionPolicy,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider'
import { TASK_TYPE } from '../model/task.ts'
import { createAdapter } from './adapter.ts'
import { GRANT_PROFILES } from './grants/enterprise.ts'
import {
  assertionFault,
  clientFault,
  isLoopbackRedirect,
  settleDetails,
  settleGrants,
} from './client-rules.ts'
import { type Fetches, fetchesOf } from './fetches.ts'
import { deviceFlow } from './sign-in/device.ts'
import { RESPONSE_MODES } from './metadata.ts'
import { PATHS } from './paths.ts'
import type { OauthStore, Routes, ToldPerson, TokenTasks } from './ports.ts'
import { resourceIndicators } from './resource-indicators.ts'
import { fillGrant, SCOPE, scopesGiven, serverOf } from './resources.ts'
import { addedClaims } from './grants/token-claims.ts'
import { claimOf } from './tasks/details.ts'
import { richAuthorizationRequests } from './tasks/rich-authorization.ts'

export interface ProviderOptions extends Fetches {
  /** Where people and clients find the gateway: scheme, host and port. */
  readonly issuer: string
  readonly store: OauthStore
  /** Private JWKs, the signing one first. */
  readonly keys: readonly object[]
  /** Signs cookies. */
  readonly cookieKey: string
  /** 32 bytes, the same after a restart: nonces of DPoP proofs are made from it. */
  readonly nonceSecret: Buffer
  /** What clients may say that they will ask for; what a server knows besides is found out on the way. */
  readonly scopes: readonly string[]
  readonly routes: Pick<Routes, 'scopes' | 'scopesAt'>
  readonly tasks: TokenTasks
  readonly registration: boolean
  readonly metadataDocuments: boolean
  /** Whether a person may be here at all. */
  isWelcome(account: string): boolean
  now(): number
  /** Answers a browser that cannot be sent back to a client. */
  renderError(ctx: KoaContextWithOIDC, error: string, description: string | undefined): void
  /** Undefined: the word of no identity provider is taken. */
  readonly idJags: object | undefined
  /** What of a grant's id its tokens carry. */
  hashGrant(grantId: string): string
}

const MINUTE = 60
const DAY = 86_400

/** Seconds. */
const TTL = {
  AccessToken: 10 * MINUTE,
  AuthorizationCode: MINUTE,
  ClientCredentials: 5 * MINUTE,
  DeviceCode: 10 * MINUTE,
  IdToken: 10 * MINUTE,
  Interaction: 15 * MINUTE,
  Session: DAY,
  // Refresh tokens rotate but do not outlive the first one, and a grant outlives its refresh tokens.
  RefreshToken: 30 * DAY,
  Grant: 31 * DAY,
}

/** Creates the server; it answers requests by `callback()`. */
export function createProvider(options: ProviderOptions): Provider {
  const { issuer, store, now } = options
  const provider = new Provider(issuer, {
    ...defaultsReplaced(options),
    adapter: (kind: string) => createAdapter(kind, { ...store, issuer, now }),
    jwks: { keys: [...options.keys] },
    features: featuresOf(options),
    routes: PATHS,
    scopes: [...new Set([SCOPE, 'offline_access', ...options.scopes])],
    discovery: options.idJags === undefined ? {} : { authorization_grant_profiles_supported: GRANT_PROFILES },
    responseTypes: ['code'],
    pkce: { required: () => true },
    clientAuthMethods: ['none', 'private_key_jwt'],
    assertJwtClientAuthClaimsAndHeader(_ctx, claims) {
      const fault = assertionFault(claims, now() / 1000)
      if (fault !== undefined) throw new errors.InvalidClientAuth(fault)
    },
    enabledJWA: {
      clientAuthSigningAlgValues: ['ES256', 'PS256', 'RS256', 'EdDSA'],
      idTokenSigningAlgValues: ['ES256'],
      dPoPSigningAlgValues: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
    },
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'ES256',
      token_endpoint_auth_method: 'none',
      authorization_details_types: [TASK_TYPE],
    },
    allowOmittingSingleRegisteredRedirectUri: false,
    cookies: cookiesOf(options),
    ttl: ttlOf(),
    extraClientMetadata: {
      // Asked of every client, whatever it says of itself.
      properties: ['tollgate'],
      validator(_ctx, _key, _value, metadata) {
        const machine = store.clients.machineKindOf(metadata.client_id)
        const fault = clientFault(metadata) ?? settleGrants(metadata, machine, options.idJags !== undefined)
        if (fault !== undefined) throw new errors.InvalidClientMetadata(fault)
        // What a client thought of at first does not bind it: what a call needs is told when it is made.
        Reflect.deleteProperty(metadata, 'scope')
        settleDetails(metadata)
      },
    },
    interactions: { policy: promptPolicy(), url: (_ctx, { uid }) => `/oauth/interaction/${uid}` },
  })
  // What the request says of its scheme and host is written by our own listener, from the configuration.
  provider.proxy = true
  return provider
}

function featuresOf(options: ProviderOptions): NonNullable<Configuration['features']> {
  const { issuer, store } = options
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    introspection: { enabled: false },
    // A nonce is offered with each answer and asked for only when the clocks differ: a proof is good once either way.
    dPoP: { enabled: true, nonceSecret: options.nonceSecret, requireNonce: () => false },
    clientCredentials: { enabled: true },
    claimsParameter: { enabled: false },
    deviceFlow: deviceFlow(issuer),
    pushedAuthorizationRequests: { enabled: true },
    richAuthorizationRequests: richAuthorizationRequests({
      ...options,
      machineKindOf: (clientId) => store.clients.machineKindOf(clientId),
    }),
    revocation: {
      enabled: true,
      allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId,
    },
    registration: { enabled: options.registration, issueRegistrationAccessToken: false },
    clientIdMetadataDocument: {
      ack: 'draft-02',
      enabled: options.metadataDocuments,
      allowFetch: async (_ctx, clientId) => !store.clients.isRevoked(clientId),
      allowClient: async (_ctx, { clientId }) => !store.clients.isRevoked(clientId),
    },
    resourceIndicators: resourceIndicators(issuer, options.routes, TTL.AccessToken),
  }
}

/** What the library gives a default for that it says should not be used. */
function defaultsReplaced(options: ProviderOptions): Configuration {
  const { store, issuer } = options
  return {
    ...fetchesOf(options),
    // Origins were checked by the listener: what comes here is allowed.
    clientBasedCORS: () => true,
    async findAccount(_ctx, accountId) {
      if (!options.isWelcome(accountId)) return undefined
      return { accountId, claims: async () => ({ sub: accountId }) }
    },
    /** A grant for this request alone, where the person has said yes before. */
    async loadExistingGrant(ctx) {
      const { session, client, params, provider, result } = ctx.oidc
      const grantId = result?.consent?.grantId
      if (grantId !== undefined) return provider.Grant.find(grantId)
      const accountId = session?.accountId
      const resource = params?.['resource']
      if (accountId === undefined || client === undefined || typeof resource !== 'string') return undefined
      if (isAskedEachTime(ctx.oidc) || params?.['authorization_details'] !== undefined) return undefined
      const server = serverOf(resource, issuer)
      if (server === undefined) return undefined
      const given = scopesGiven(params?.['scope'], options.routes.scopesAt(server))
      const consent = { account: accountId, clientId: client.clientId, resource, scope: given.join(' ') }
      if (store.consents.givenAtMs(consent) === undefined) return undefined
      const grant = new provider.Grant({ accountId, clientId: client.clientId })
      fillGrant(grant, { resource, given, asked: params?.['scope'] })
      await grant.save()
      return grant
    },
    async issueRefreshToken(_ctx, client) {
      return client.grantTypeAllowed('refresh_token')
    },
    rotateRefreshToken: true,
    formats: {
      customizers: {
        jwt(_ctx, token, { payload }) {
          nameAfterGrant(token, payload, options)
          // What was granted is told to the client; a call needs to know which task it is.
          const [task] = token.rar ?? []
          if (task !== undefined) payload['authorization_details'] = [claimOf(String(task['id']))]
        },
      },
    },
    expiresWithSession: async () => false,
    /**
     * Says when and how the person signed in and what their provider told of them, or that there is none; and how the
     * client has proved itself.
     */
    async extraTokenClaims(ctx, token) {
      const { AuthorizationCode, DeviceCode, RefreshToken } = ctx.oidc.entities
      const source = AuthorizationCode ?? DeviceCode ?? RefreshToken
      const { client } = ctx.oidc
      const isItself = token.kind === 'ClientCredentials'
      return {
        client_auth: client?.clientAuthMethod,
        ...addedClaims(token),
        ...(isItself ? { principal_type: store.clients.machineKindOf(client?.clientId ?? '') } : {}),
        ...(source?.authTime === undefined ? {} : { auth_time: source.authTime }),
        ...(source?.acr === undefined ? {} : { acr: source.acr }),
        ...claimsOf(store.people.toldOf(source?.accountId ?? '')),
      }
    },
    renderError(ctx, out) {
      options.renderError(ctx, out.error, out.error_description)
    },
  }
}

/** A token is named after its grant, so that it can end with it, and the log tells which ones belong together. */
function nameAfterGrant(
  token: { grantId?: string | undefined; clientId?: string | undefined },
  payload: Record<string, unknown>,
  { hashGrant }: ProviderOptions,
): void {
  // That of a client for itself is named after the client: nobody has granted it.
  const standsOn = 'grantId' in token ? token.grantId : token.clientId
  if (standsOn !== undefined) payload['jti'] = `${hashGrant(standsOn)}.${String(payload['jti'])}`
}

/** RFC 9068, 2.2.3; `tags` is ours. */
function claimsOf(told: ToldPerson | undefined): { groups?: readonly string[]; tags?: object } {
  return told === undefined ? {} : { groups: told.groups, tags: told.tags }
}

/** Session cookies last no longer than sessions; those of an interaction are bound to its path, so tabs do not mix. */
function cookiesOf({ issuer, cookieKey }: ProviderOptions): NonNullable<Configuration['cookies']> {
  const secure = issuer.startsWith('https:')
  const common = { httpOnly: true, sameSite: 'lax', signed: true, secure, overwrite: true } as const
  return {
    keys: [cookieKey],
    names: cookieNames(issuer),
    long: { ...common, path: '/' },
    short: common,
  }
}

/**
 * Browsers hold `__Host-` and `__Secure-` to what they promise, but take them over TLS only: on http, which only
 * loopback has, the names do without.
 */
function cookieNames(issuer: string): { session: string; interaction: string; resume: string } {
  const [host, bound] = issuer.startsWith('https:') ? ['__Host-', '__Secure-'] : ['', '']
  return {
    session: `${host}tollgate-session`,
    interaction: `${bound}tollgate-interaction`,
    resume: `${bound}tollgate-resume`,
  }
}

function ttlOf(): NonNullable<Configuration['ttl']> {
  return {
    ...TTL,
    RefreshToken: (ctx) => ctx.oidc.entities.RotatedRefreshToken?.remainingTTL ?? TTL.RefreshToken,
  }
}

/**
 * Whether a person is asked each time. Any program on their own machine can pass for the client that is sent its answer
 * there (RFC 8252, 8.6), and anybody anywhere for one that shows a code.
 */
function isAskedEachTime({ params, entities }: KoaContextWithOIDC['oidc']): boolean {
  return entities.DeviceCode !== undefined || isLoopbackRedirect(String(params?.['redirect_uri']))
}

/** Signs people in, then asks whether the client may act for them. */
function promptPolicy(): interactionPolicy.DefaultPolicy {
  const { base, Check } = interactionPolicy
  const policy = base()
  policy.get('login')?.checks.add(
    new Check('response_mode', 'an answer that needs a script does not arrive', ({ oidc: { params } }) => {
      const mode = params?.['response_mode']
      if (typeof mode !== 'string' || RESPONSE_MODES.includes(mode)) return Check.NO_NEED_TO_PROMPT
      delete params?.['response_mode'] // the refusal has to arrive
      throw new errors.InvalidRequest('unsupported response_mode requested')
    }),
    0,
  )
  const consent = policy.get('consent')
  consent?.checks.remove('native_client_prompt')
  consent?.checks.add(
    new Check('anybody', 'what others can pass for needs a yes each time', (ctx) => {
      const isDue = isAskedEachTime(ctx.oidc) && ctx.oidc.result?.consent === undefined
      return isDue ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT
    }),
  )
  return policy
}
