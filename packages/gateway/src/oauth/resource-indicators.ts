/** Resource indicators (RFC 8707) as MCP has them: what is asked for is one route, and it is named. */
import { decodeJwt } from 'jose'
import { type Configuration, errors } from 'oidc-provider'
import type { Routes } from './ports.ts'
import { SCOPE, serverOf } from './resources.ts'

type ResourceIndicators = NonNullable<NonNullable<Configuration['features']>['resourceIndicators']>

/** Which they are, and what tokens for them are good for and how long. */
export function resourceIndicators(
  issuer: string,
  routes: Pick<Routes, 'scopes' | 'scopesAt'>,
  lifetimeSeconds: number,
): ResourceIndicators {
  return {
    enabled: true,
    /** A token may leave it to its grant. */
    defaultResource(ctx, _client, oneOf) {
      const { route, params } = ctx.oidc
      const hasGrant = route === 'token' && params?.['grant_type'] !== 'client_credentials'
      if (!hasGrant) throw new errors.InvalidTarget()
      return (
        oneOf ??
        impliedBy(params?.['subject_token'], 'aud') ??
        impliedBy(params?.['assertion'], 'resource') ??
        []
      )
    },
    useGrantedResource: () => true,
    getResourceServerInfo(ctx, resource) {
      const isOneOfMany = Array.isArray(ctx.oidc.params?.['resource'])
      const server = serverOf(resource, issuer)
      if (isOneOfMany || server === undefined) throw new errors.InvalidTarget()
      const { params } = ctx.oidc
      const isItself = params?.['grant_type'] === 'client_credentials'
      // Whoever asks for access asks for calling the route (RFC 6749, 3.3). A refresh that names no scope keeps all.
      if (
        params !== undefined &&
        (isItself || params['grant_type'] === undefined) &&
        !hasScope(params['scope'])
      ) {
        params['scope'] = [params['scope'], SCOPE].filter(Boolean).join(' ')
      }
      // The same for every name before somebody has signed in; what is given is settled then.
      const known = isItself ? routes.scopesAt(server) : routes.scopes()
      return {
        audience: resource,
        scope: [...new Set([SCOPE, ...known])].join(' '),
        accessTokenFormat: 'jwt',
        accessTokenTTL: lifetimeSeconds,
        jwt: { sign: { alg: 'ES256' } },
      }
    },
  }
}

/** What a token that a request holds is for; it is verified where it is used. */
function impliedBy(token: unknown, claim: 'aud' | 'resource'): string | undefined {
  try {
    const implied: unknown = typeof token === 'string' ? decodeJwt(token)[claim] : undefined
    return typeof implied === 'string' ? implied : undefined
  } catch {
    return undefined
  }
}

function hasScope(scope: unknown): boolean {
  return typeof scope === 'string' && scope.split(' ').includes(SCOPE)
}
