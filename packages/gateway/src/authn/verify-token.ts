/**
 * A token is good when the issuer that it claims to be from signed it with a key and an algorithm that are pinned by the
 * configuration, it is an access token, it is in its time, and it is what the issuer's settings require (RFC 9068, 4;
 * RFC 8725, 3). Keys and addresses in its header are never looked at. Whom it is for is judged for each route, by whoever
 * uses this.
 */
import { errors, type JWTVerifyGetKey, type JWTVerifyResult, jwtVerify, type ResolvedKey } from 'jose'
import type { Caller } from '../model/caller.ts'
import type { TokenIssuer } from '../model/issuer.ts'
import { err, ok, type Result } from '../model/result.ts'
import { bindingFault, bindingOf } from './binding.ts'
import { missing } from './claims.ts'
import { type SignedToken, signedToken } from './dpop.ts'
import type { UnverifiedToken } from './jwt.ts'
import { callerOf, LEEWAY_SECONDS } from './token-caller.ts'

export interface VerifiedToken {
  readonly caller: Caller
  readonly audiences: readonly string[]
  /** For a token that is bound by DPoP. */
  readonly signed: SignedToken | undefined
}

/** Why not: a sentence for whoever showed the token, and one for the log. */
export interface Rejection {
  readonly kind: 'rejected'
  readonly message: string
  readonly detail: string
}

/** No key of the set has made the signature. The issuer may have a newer set. */
export interface UnknownKey {
  readonly kind: 'unknown-key'
}

export interface Verification {
  readonly issuer: TokenIssuer
  readonly keys: JWTVerifyGetKey
  readonly nowMs: number
  /** Names tokens that have no `jti`. */
  readonly fallbackId: string
}

/** Verifies a token of this issuer. */
export async function verifyToken(
  token: string,
  { header, claims }: UnverifiedToken,
  { issuer, keys, nowMs, fallbackId }: Verification,
): Promise<Result<VerifiedToken, Rejection | UnknownKey>> {
  if (!isTypeOf(header['typ'], issuer))
    return reject('This is not an access token.', 'another typ than configured')
  let verified: JWTVerifyResult & ResolvedKey
  try {
    verified = await jwtVerify(token, keys, {
      ...(issuer.issuer.startsWith('spiffe://') ? {} : { issuer: issuer.issuer }),
      algorithms: [...issuer.algorithms],
      requiredClaims: ['exp', 'aud'],
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(nowMs),
    })
  } catch (problem) {
    return err(explain(problem))
  }
  const idToken = ID_TOKEN_CLAIMS.find((claim) => claims[claim] !== undefined)
  if (idToken !== undefined) return reject('This is not an access token.', `an ID token: it has ${idToken}`)
  const binding = bindingOf(claims)
  if (!binding.ok) return reject(UNFIT, binding.error)
  const unbound = bindingFault(binding.value, issuer.bound, { header, claims })
  if (unbound !== undefined) return reject(UNFIT, unbound)
  const lacking = missing(claims, issuer.requires)
  if (lacking !== undefined) return reject(UNFIT, `the claim ${lacking} is not as required`)
  const audiences = [claims['aud']].flat()
  if (!audiences.every((each) => typeof each === 'string'))
    return reject(UNFIT, 'the claim aud is not a text')
  const caller = callerOf(claims, issuer, { fallbackId, binding: binding.value })
  if (!caller.ok) return reject(UNFIT, caller.error)
  const signed =
    binding.value?.bound === 'dpop' ? await signedToken(verified, String(audiences[0])) : undefined
  return ok({ caller: caller.value, audiences, signed })
}

const UNFIT = 'This token is not of the kind that this gateway accepts.'

/** Only ID tokens have them (OpenID Connect Core, 2 and 3.3.2.11). */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash']

/** RFC 9068, 2.1 and 4; a media type, so in any case and with or without `application/` (RFC 7515, 4.1.9). */
function isTypeOf(typ: unknown, { type }: TokenIssuer): boolean {
  if (typ === undefined) return type === 'JWT'
  if (typeof typ !== 'string') return false
  const name = typ.toLowerCase().replace(/^application\//, '')
  return name === 'at+jwt' || (type === 'JWT' && (name === 'jwt' || name === 'jose'))
}

function explain(problem: unknown): Rejection | UnknownKey {
  if (problem instanceof errors.JWKSNoMatchingKey) return { kind: 'unknown-key' }
  // What is not an error of JOSE is one of the issuer's key, such as an RSA key that is too short.
  const message = problem instanceof errors.JWTExpired ? 'This token has expired.' : FORGED
  return { kind: 'rejected', message, detail: problem instanceof Error ? problem.message : String(problem) }
}

const FORGED = 'This token is not valid.'

function reject(message: string, detail: string): Result<never, Rejection> {
  return err({ kind: 'rejected', message, detail })
}
