/**
 * Tollgate as an OAuth 2.1 resource server: where a client without a token is told to get one (RFC 9728). Every route is
 * a resource of its own, and what is told of it is the same for every name that a server could have: whether there is
 * such a server is none of a stranger's business.
 */
import { challenge, DPOP_CHALLENGE } from '../authn/authenticate.ts'
import { PROOF_ALGORITHMS } from '../authn/dpop.ts'
import { MAX_SERVER_NAME_LENGTH, SERVER_NAME } from '../config/schema.ts'
import { checkTransport, type HostRules } from '../mcp/transport.ts'
import type { Exchange } from '../model/exchange.ts'
import { LOCAL_ISSUER, type TokenIssuer } from '../model/issuer.ts'
import type { Refusal } from '../model/refusal.ts'
import { TASK_TYPE } from '../model/task.ts'

export interface ResourceServer {
  /** Scheme and host by which callers know the gateway. */
  readonly publicUrl: string
  readonly issuers: readonly TokenIssuer[]
  /** Whether a token may be bound to the certificate of a caller. */
  readonly asksForCertificates: boolean
  /** What tokens must be good for on some server, whichever it is. */
  readonly scopes: readonly string[]
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/**
 * Answers a GET for metadata. False for every other request, and where no issuer gives tokens to clients. Nothing is
 * decided and nothing reached by it, so it is not on record.
 */
export function answerMetadata(exchange: Exchange, hosts: HostRules, resources: ResourceServer): boolean {
  const { method, target, reply } = exchange
  if (method !== 'GET' || !target.startsWith(WELL_KNOWN)) return false
  const metadata = metadataOf(target.slice(WELL_KNOWN.length), resources)
  if (metadata === undefined || !checkTransport(exchange, hosts).ok) return false
  reply.send(
    200,
    { 'content-type': 'application/json', 'cache-control': 'no-cache' },
    JSON.stringify(metadata),
  )
  return true
}

function metadataOf(path: string, resources: ResourceServer): object | undefined {
  const { publicUrl, issuers, asksForCertificates } = resources
  const places = issuers.filter(({ authorizes }) => authorizes)
  if (!isRoute(path) || places.length === 0) return undefined
  const scopes = scopesOf(places, resources)
  return {
    resource: publicUrl + path,
    authorization_servers: places.map(({ issuer }) => issuer),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    ...(places.every(({ bound }) => bound === 'dpop') ? { dpop_bound_access_tokens_required: true } : {}),
    ...(asksForCertificates ? { tls_client_certificate_bound_access_tokens: true } : {}),
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    // Tasks are started by this gateway alone.
    ...(places.some(({ name }) => name === LOCAL_ISSUER)
      ? { authorization_details_types_supported: [TASK_TYPE] }
      : {}),
  }
}

/** `WWW-Authenticate` of a 401, or of a 403 that names scopes (RFC 6750, 3; RFC 9728, 5.1). */
export function challengeFor(
  exchange: Pick<Exchange, 'rawHeaders' | 'target'>,
  refusal: Refusal,
  resources: ResourceServer,
): string {
  const { publicUrl, issuers } = resources
  const { target } = exchange
  if (refusal.remedy?.kind === 'scope') return scopeChallenge(exchange, refusal.remedy.scopes, publicUrl)
  const first = challenge(exchange, refusal)
  const places = issuers.filter(({ authorizes }) => authorizes)
  if (places.length === 0 || !isRoute(target)) return first
  const scopes = scopesOf(places, resources)
  const scope = scopes.length === 0 ? '' : `, scope="${scopes.join(' ')}"`
  const wantsProof = !first.startsWith('DPoP') && places.some(({ bound }) => bound === 'dpop')
  const second = wantsProof ? `, ${DPOP_CHALLENGE}` : ''
  return `${first}, resource_metadata="${publicUrl}${WELL_KNOWN}${target}"${scope}${second}`
}

/** To a token that is not good for something (RFC 6750, 3.1), in the scheme in which it was shown (RFC 9449, 7.1). */
function scopeChallenge(
  { rawHeaders, target }: Pick<Exchange, 'rawHeaders' | 'target'>,
  scopes: readonly string[],
  publicUrl: string,
): string {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization')
  const isProved = /^\s*dpop\s/i.test(rawHeaders[at + 1] ?? '')
  const parts = [
    isProved ? DPOP_CHALLENGE : 'Bearer realm="tollgate"',
    'error="insufficient_scope"',
    `scope="${scopes.join(' ')}"`,
    `resource_metadata="${publicUrl}${WELL_KNOWN}${target}"`,
    'error_description="This token is not good for that; one with these scopes may be."',
  ]
  return parts.join(', ')
}

/** A path that could be a route, whether it is one or not. */
function isRoute(path: string): boolean {
  if (path === '/mcp') return true
  const name = path.startsWith('/mcp/') ? path.slice('/mcp/'.length) : ''
  return name.length <= MAX_SERVER_NAME_LENGTH && SERVER_NAME.test(name)
}

/**
 * Those of all servers, on every route: what one of them asks for would tell that it is there. Who may come in asks for
 * less when told so by a 403.
 */
function scopesOf(issuers: readonly TokenIssuer[], { scopes: required }: ResourceServer): readonly string[] {
  return [...new Set([...issuers.flatMap(({ scopes }) => scopes), ...required])]
}
