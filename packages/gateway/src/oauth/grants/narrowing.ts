/**
 * Token exchange, as a computation (RFC 8693): what a client that was handed a token may have of it. Never more than the
 * token gives: the same principal, the same route, no other scopes, no later end; and those who handed it on stay named.
 */
import type { JWTPayload } from 'jose'
import { delegationOf, FIRST_CLIENT_CLAIM, MAX_DELEGATION_DEPTH } from '../../authn/delegation.ts'
import { LOCAL_ISSUER } from '../../model/issuer.ts'
import { err, ok, type Result } from '../../model/result.ts'

export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'

/** Tokens of an exchange last no longer than others. */
export const MAX_LIFETIME_SECONDS = 600

/** What the client asks for, by the names of RFC 8693, 2.1. */
export interface NarrowingRequest {
  readonly requested_token_type?: unknown
  readonly resource?: unknown
  readonly audience?: unknown
  readonly scope?: unknown
}

export interface Narrowed {
  readonly subject: string
  readonly audience: string
  /** Separated by spaces. */
  readonly scope: string
  /** `exp`, seconds. */
  readonly expiresAt: number
  /** Besides those that every token has: who acts, who did before, and what is known of the principal. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** RFC 8693, 2.2.2: a token that is no good is a request that is no good. */
export interface NarrowingFault {
  readonly error: 'invalid_request' | 'invalid_scope' | 'invalid_target'
  readonly message: string
}

/** The claims that each token has anew, or that are written here; the others tell of the principal, and stay. */
const OWN_CLAIMS: ReadonlySet<string> = new Set(
  ['iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti'].concat([
    'scope',
    'client_id',
    'client_auth',
    'act',
    'authorization_details',
    FIRST_CLIENT_CLAIM,
  ]),
)

/** What the client `actor` may have of a token of ours with these claims, which was found good. */
export function narrow(
  subject: JWTPayload,
  asked: NarrowingRequest,
  actor: string,
  nowSeconds: number,
): Result<Narrowed, NarrowingFault> {
  const { sub, aud, exp = 0, client_id: holder, principal_type: kind, iss = '' } = subject
  if (typeof sub !== 'string' || typeof aud !== 'string' || typeof holder !== 'string')
    return fault('invalid_request', 'the token cannot be exchanged')
  if (![undefined, ACCESS_TOKEN_TYPE].includes(asked.requested_token_type as string | undefined))
    return fault('invalid_request', `requested_token_type must be ${ACCESS_TOKEN_TYPE}`)
  // Its proof is of a key that the actor does not have, and without one the token would be good for whoever finds it.
  if (subject['cnf'] !== undefined)
    return fault('invalid_request', 'a token that is bound to a key is not exchanged')
  if (holder === actor) return fault('invalid_request', 'the token is the own one of this client')
  for (const target of [asked.resource, asked.audience]) {
    if (target !== undefined && target !== aud)
      return fault('invalid_target', `the token is for ${aud} alone`)
  }
  const scope = scopeOf(subject['scope'], asked.scope)
  if (scope === undefined) return fault('invalid_scope', 'the token does not have all of these scopes')
  const before = delegationOf(subject, { name: LOCAL_ISSUER, issuer: iss })
  if (!before.ok || (before.value?.depth ?? 0) >= MAX_DELEGATION_DEPTH)
    return fault('invalid_request', `work is handed on at most ${MAX_DELEGATION_DEPTH} times`)
  const expiresAt = Math.min(exp, nowSeconds + MAX_LIFETIME_SECONDS)
  if (expiresAt <= nowSeconds) return fault('invalid_request', 'the token has expired')

  const known = Object.entries(subject).filter(([name]) => !OWN_CLAIMS.has(name))
  const isItself = before.value === undefined && kind !== undefined
  const first = before.value === undefined ? (isItself ? undefined : holder) : subject[FIRST_CLIENT_CLAIM]
  const act = subject['act'] === undefined ? { sub: actor } : { sub: actor, act: subject['act'] }
  const claims = {
    ...Object.fromEntries(known),
    act,
    ...(first === undefined ? {} : { [FIRST_CLIENT_CLAIM]: first }),
  }
  return ok({ subject: sub, audience: aud, scope, expiresAt, claims })
}

/** All there are where none are asked for; undefined when others are asked for. */
function scopeOf(given: unknown, asked: unknown): string | undefined {
  const has = wordsOf(given)
  const wanted = asked === undefined ? has : wordsOf(asked)
  return wanted.length > 0 && wanted.every((each) => has.includes(each)) ? wanted.join(' ') : undefined
}

function wordsOf(scope: unknown): readonly string[] {
  return typeof scope === 'string' ? [...new Set(scope.split(' ').filter((word) => word !== ''))] : []
}

function fault(error: NarrowingFault['error'], message: string): Result<never, NarrowingFault> {
  return err({ error, message })
}
