/** An access token of a grant that the library does not have, made as the library makes its own. */
import type { TokenEndpointGrantContext } from 'oidc-provider'
import { addClaims } from './token-claims.ts'

export interface TokenToIssue {
  readonly accountId: string
  /** What the token stands on, and ends with. */
  readonly grantId: string
  /** Name of the grant, for the library's own records. */
  readonly gty: string
  /** URL of the route. */
  readonly audience: string
  /** Separated by spaces. */
  readonly scope: string
  /** `exp`, seconds. */
  readonly expiresAt: number
  /** How long that is from now, seconds. */
  readonly expiresIn: number
  /** Besides those that every token has. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** Issues it to the client that asks; resolves to the members that every answer has (RFC 6749, 5.1). */
export async function issueToken(
  ctx: TokenEndpointGrantContext<Record<string, unknown>>,
  { accountId, grantId, gty, audience, scope, expiresAt, expiresIn, claims }: TokenToIssue,
): Promise<{ access_token: string; token_type: 'Bearer'; expires_in: number; scope: string }> {
  const { client, provider } = ctx.oidc
  const lifetime = { exp: expiresAt, expiresIn }
  const token = new provider.AccessToken({ client, accountId, grantId, gty, scope, ...lifetime })
  const jwt = { sign: { alg: 'ES256' } } as const
  token.resourceServer = new provider.ResourceServer(audience, {
    audience,
    scope,
    accessTokenFormat: 'jwt',
    jwt,
  })
  addClaims(token, claims)
  ctx.oidc.entity('AccessToken', token)
  return { access_token: await token.save(), token_type: 'Bearer', expires_in: expiresIn, scope }
}
