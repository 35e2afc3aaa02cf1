/** An access token of a grant that the library does not have, made as the library makes its own. */
import type { TokenEndpointGrantContext } from 'oidc-provider'
import type { TaskRecord } from '../../model/task.ts'
import { detailsOf } from '../tasks/details.ts'
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
  /** The task that it is for. */
  readonly task: TaskRecord | undefined
}

/** The members that every answer has (RFC 6749, 5.1; RFC 9396, 7). */
interface Issued {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly expires_in: number
  readonly scope: string
  readonly authorization_details?: readonly object[]
}

/** Issues it to the client that asks. */
export async function issueToken(
  ctx: TokenEndpointGrantContext<Record<string, unknown>>,
  { accountId, grantId, gty, audience, scope, expiresAt, expiresIn, claims, task }: TokenToIssue,
): Promise<Issued> {
  const { client, provider } = ctx.oidc
  const lifetime = { exp: expiresAt, expiresIn }
  const rar = task === undefined ? undefined : [detailsOf(task)]
  const token = new provider.AccessToken({ client, accountId, grantId, gty, scope, rar, ...lifetime })
  const jwt = { sign: { alg: 'ES256' } } as const
  token.resourceServer = new provider.ResourceServer(audience, {
    audience,
    scope,
    accessTokenFormat: 'jwt',
    jwt,
  })
  addClaims(token, claims)
  ctx.oidc.entity('AccessToken', token)
  const told = { token_type: 'Bearer', expires_in: expiresIn, scope } as const
  return {
    access_token: await token.save(),
    ...told,
    ...(rar === undefined ? {} : { authorization_details: rar }),
  }
}
