/**
 * Whether the request that shows a token was made by the holder of the key that it is bound to (RFC 9449, 7). The library
 * judges token and proof together; here it is told what the request was and where the gateway is known to be, and a proof
 * that it finds good is used up.
 */
import { hash } from 'node:crypto'
import { exportJWK, type JWTVerifyResult, type ResolvedKey } from 'jose'
import { type AuthorizationServer, customFetch, validateJwtAccessToken } from 'oauth4webapi'
import type { Caller } from '../model/caller.ts'
import { err, ok, type Result } from '../model/result.ts'
import { type ParseJson, readToken } from './jwt.ts'
import type { UsedProofs } from './used-proofs.ts'

/** What proofs may be signed with; tokens are judged by the algorithms of their issuer before. */
export const PROOF_ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'].concat(
  ['PS256', 'PS384', 'PS512'],
  ['RS256', 'RS384', 'RS512'],
)

/** Room for the largest keys in use. */
const MAX_PROOF_LENGTH = 8192

/** A token and the key that its issuer was found to have signed it with. */
export interface SignedToken {
  readonly server: AuthorizationServer
  readonly audience: string
  /** The key, as a set. */
  readonly keys: string
}

/** What is kept of a token that has been verified, for the proofs that come with it. */
export async function signedToken(
  { payload, protectedHeader, key }: JWTVerifyResult & ResolvedKey,
  audience: string,
): Promise<SignedToken> {
  const { kid } = protectedHeader
  const jwk = await exportJWK(key)
  return {
    // No key is fetched from there: they come out of `keys`.
    server: { issuer: String(payload.iss), jwks_uri: 'https://keys.invalid/' },
    audience,
    keys: JSON.stringify({ keys: [kid === undefined ? jwk : { ...jwk, kid }] }),
  }
}

/** A request that shows a token that is bound by DPoP. */
export interface ProvedRequest {
  readonly method: string
  /** Where the caller sent it, as the caller knows the gateway. */
  readonly url: string
  readonly token: string
  readonly proof: string
}

export interface ProofDeps {
  readonly used: UsedProofs
  readonly parseJson: ParseJson
}

export interface Unproved {
  /** `unavailable`: it cannot be kept that the proof was used. */
  readonly kind: 'refused' | 'unavailable'
  readonly message: string
  readonly detail: string
}

/** Judges the proof, and uses it. */
export async function provePossession(
  caller: Caller,
  { server, audience, keys }: SignedToken,
  request: ProvedRequest,
  { used, parseJson }: ProofDeps,
): Promise<Result<void, Unproved>> {
  const { method, url, token, proof } = request
  // Strict, so that this reading of it is that of the library.
  const read = proof.length > MAX_PROOF_LENGTH ? undefined : readToken(proof, parseJson)
  if (read === undefined) return refuse(NOT_GOOD, 'not a JWT in compact form, or too long')
  try {
    const headers = { authorization: `DPoP ${token}`, dpop: proof }
    await validateJwtAccessToken(server, new Request(url, { method, headers }), audience, {
      requireDPoP: true,
      signingAlgorithms: [...PROOF_ALGORITHMS],
      [customFetch]: async () =>
        new Response(keys, { status: 200, headers: { 'content-type': 'application/json' } }),
    })
  } catch (problem) {
    return refuse(NOT_GOOD, problem instanceof Error ? problem.message : String(problem))
  }
  const { jti, iat } = read.claims
  return use(used, { caller, jti: String(jti), iat: Number(iat) })
}

function use(
  used: UsedProofs,
  { caller, jti, iat }: { caller: Caller; jti: string; iat: number },
): Result<void, Unproved> {
  const { type, id } = caller.principal
  const proofHash = hash('sha256', `${caller.authentication.key} ${jti}`, 'base64url')
  try {
    switch (used.use(JSON.stringify([type, id]), proofHash, iat)) {
      case 'first':
        return ok(undefined)
      case 'used':
        return refuse('This DPoP proof was used before: each request needs a new one.', 'a replay')
      case 'too-many':
        return refuse('There were too many requests with DPoP proofs in this minute.', 'too many proofs')
    }
  } catch (problem) {
    const detail = problem instanceof Error ? problem.message : String(problem)
    return err({ kind: 'unavailable', message: 'DPoP proofs cannot be checked for replays now.', detail })
  }
}

const NOT_GOOD = 'The DPoP proof of this request is not good: it is for another request, token, key or time.'

function refuse(message: string, detail: string): Result<never, Unproved> {
  return err({ kind: 'refused', message, detail })
}
