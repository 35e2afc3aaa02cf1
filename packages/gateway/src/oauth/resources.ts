/**
 * Resource indicators (RFC 8707): what a token can be for is the URL of one route. Which servers there are is nobody's
 * business before they have signed in, so any well-formed name passes here, and the consent page tells a server that is
 * not there from one that is out of reach as little as the routes themselves do.
 */
import { MAX_SERVER_NAME_LENGTH, SERVER_NAME } from '../config/schema.ts'

/** The one scope: calling the route, as far as policy allows. What exactly is decided for each call. */
export const SCOPE = 'mcp'

/** The server that a resource indicator names; undefined when it cannot be one of ours. */
export function serverOf(resource: unknown, issuer: string): string | undefined {
  const prefix = `${issuer}/mcp/`
  if (typeof resource !== 'string' || !resource.startsWith(prefix)) return undefined
  const name = resource.slice(prefix.length)
  return name.length <= MAX_SERVER_NAME_LENGTH && SERVER_NAME.test(name) ? name : undefined
}

/** What of a grant is written when a person says yes. */
interface GrantParts {
  addResourceScope(resource: string, scope: string): void
  addOIDCScope(scope: string): void
  rejectOIDCScope(scope: string): void
}

/** Lets a grant hold calling the route and coming back for it. Nobody learns who the person is besides: no ID tokens. */
export function fillGrant(grant: GrantParts, resource: string): void {
  grant.addResourceScope(resource, SCOPE)
  grant.addOIDCScope(`${SCOPE} offline_access`)
  grant.rejectOIDCScope('openid')
}
