/** Access tokens of this server that come back to it: good while their signature, their time and what they stand on are. */
import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import { LOCAL_ISSUER } from '../../model/issuer.ts'
import { err, ok, type Result } from '../../model/result.ts'
import type { OauthStore, Revoked } from '../ports.ts'
import { publicKeySet } from '../public-keys.ts'

export interface OwnTokensOptions {
  readonly issuer: string
  readonly store: Pick<OauthStore, 'isGranted'>
  readonly revoked: Revoked
  /** Private JWKs. */
  readonly keys: readonly object[]
  now(): number
}

/** What tokens stand on, by their `jti`: the hash of a grant, a client or an exchange. */
export function standsOn(jti: string): string {
  return jti.slice(0, Math.max(jti.indexOf('.'), 0))
}

/** The name of a token in the audit log. */
export function nameOf(jti: string): string {
  return `${LOCAL_ISSUER}/${jti}`
}

/** Makes what verifies them; its error is for whoever showed the token. */
export function createOwnTokens({ issuer, store, revoked, keys, now }: OwnTokensOptions) {
  const keySet = createLocalJWKSet(publicKeySet(keys))
  return async (token: unknown): Promise<Result<JWTPayload, string>> => {
    const nowMs = now()
    try {
      const { payload } = await jwtVerify(String(token), keySet, {
        issuer,
        typ: 'at+jwt',
        algorithms: ['ES256'],
        requiredClaims: ['sub', 'aud', 'exp', 'jti', 'client_id'],
        currentDate: new Date(nowMs),
      })
      const jti = String(payload.jti)
      const isGood = store.isGranted(standsOn(jti), nowMs) && !revoked.has(nameOf(jti))
      return isGood ? ok(payload) : err('it was revoked')
    } catch (problem) {
      const hasExpired = problem instanceof errors.JWTExpired
      return err(hasExpired ? 'it has expired' : 'it is no access token of this server')
    }
  }
}
