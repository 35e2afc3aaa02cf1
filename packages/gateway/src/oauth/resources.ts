/**
 * Resource indicators (RFC 8707): what a token can be for is the URL of one route. Which servers there are is nobody's
 * business before they have signed in, so any well-formed name passes here, and the consent page tells a server that is
 * not there from one that is out of reach as little as the routes themselves do.
 */
import { MAX_SERVER_NAME_LENGTH, SERVER_NAME } from '../config/schema.ts'

/** The scope that every token has: calling the route, as far as policy allows. What exactly is decided for each call. */
export const SCOPE = 'mcp'

/** The server that a resource indicator names; undefined when it cannot be one of ours. */
export function serverOf(resource: unknown, issuer: string): string | undefined {
  const prefix = `${issuer}/mcp/`
  if (typeof resource !== 'string' || !resource.startsWith(prefix)) return undefined
  const name = resource.slice(prefix.length)
  return name.length <= MAX_SERVER_NAME_LENGTH && SERVER_NAME.test(name) ? name : undefined
}

/** What may be given of the scopes that are asked for, where `known` mean something. */
export function scopesGiven(asked: unknown, known: readonly string[]): readonly string[] {
  return [SCOPE, ...wordsOf(asked).filter((word) => word !== SCOPE && known.includes(word))]
}

function wordsOf(scope: unknown): readonly string[] {
  return typeof scope === 'string' ? [...new Set(scope.split(' '))] : []
}

/** What of a grant is written when a person says yes. */
interface GrantParts {
  addResourceScope(resource: string, scope: string): void
  rejectResourceScope(resource: string, scope: string): void
  addOIDCScope(scope: string): void
  rejectOIDCScope(scope: string): void
}

/**
 * Lets a grant hold calling the route, what else is given there, and coming back for it. What was asked for besides is
 * rejected, so that nobody is asked about it again. Nobody learns who the person is: no ID tokens.
 */
export function fillGrant(
  grant: GrantParts,
  { resource, given, asked }: { resource: string; given: readonly string[]; asked: unknown },
): void {
  const kept = [...given, 'offline_access']
  const rejected = wordsOf(asked).filter((word) => word !== 'openid' && !kept.includes(word))
  grant.addResourceScope(resource, given.join(' '))
  grant.addOIDCScope(kept.join(' '))
  grant.rejectOIDCScope(['openid', ...rejected].join(' '))
  if (rejected.length > 0) grant.rejectResourceScope(resource, rejected.join(' '))
}
