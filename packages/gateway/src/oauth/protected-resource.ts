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
import type { TokenIssuer } from '../model/issuer.ts'
import type { Refusal } from '../model/refusal.ts'

export interface ResourceServer {
  /** Scheme and host by which callers know the gateway. */
  readonly publicUrl: string
  readonly issuers: readonly TokenIssuer[]
  /** Whether a token may be bound to the certificate of a caller. */
  readonly asksForCertificates: boolean
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

function metadataOf(
  path: string,
  { publicUrl, issuers, asksForCertificates }: ResourceServer,
): object | undefined {
  const places = issuers.filter(({ authorizes }) => authorizes)
  if (!isRoute(path) || places.length === 0) return undefined
  const scopes = scopesOf(places)
  return {
    resource: publicUrl + path,
    authorization_servers: places.map(({ issuer }) => issuer),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    ...(places.every(({ bound }) => bound === 'dpop') ? { dpop_bound_access_tokens_required: true } : {}),
    ...(asksForCertificates ? { tls_client_certificate_bound_access_tokens: true } : {}),
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
  }
}

/** `WWW-Authenticate` of a 401 (RFC 6750, 3; RFC 9728, 5.1). */
export function challengeFor(
  exchange: Pick<Exchange, 'rawHeaders' | 'target'>,
  refusal: Refusal,
  { publicUrl, issuers }: ResourceServer,
): string {
  const { target } = exchange
  const first = challenge(exchange, refusal)
  const places = issuers.filter(({ authorizes }) => authorizes)
  if (places.length === 0 || !isRoute(target)) return first
  const scopes = scopesOf(places)
  const scope = scopes.length === 0 ? '' : `, scope="${scopes.join(' ')}"`
  const wantsProof = !first.startsWith('DPoP') && places.some(({ bound }) => bound === 'dpop')
  const second = wantsProof ? `, ${DPOP_CHALLENGE}` : ''
  return `${first}, resource_metadata="${publicUrl}${WELL_KNOWN}${target}"${scope}${second}`
}

/** A path that could be a route, whether it is one or not. */
function isRoute(path: string): boolean {
  if (path === '/mcp') return true
  const name = path.startsWith('/mcp/') ? path.slice('/mcp/'.length) : ''
  return name.length <= MAX_SERVER_NAME_LENGTH && SERVER_NAME.test(name)
}

function scopesOf(issuers: readonly TokenIssuer[]): readonly string[] {
  return [...new Set(issuers.flatMap(({ scopes }) => scopes))]
}
