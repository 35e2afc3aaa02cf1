/**
 * Identity assertion grants (ID-JAG): an identity provider's word that one of its people may use one of our routes through a
 * client. Verified by the settings of the issuer that its access tokens go by, so a person has one name however they come.
 */
import { errors, type JWTPayload, jwtVerify } from 'jose'
import type { EntityRef, Known } from '../model/caller.ts'
import type { TokenIssuer } from '../model/issuer.ts'
import { err, ok, type Result } from '../model/result.ts'
import { isName, missing } from './claims.ts'
import { type FetchJson, IssuerKeys, type KeySet } from './issuer-keys.ts'
import { type ParseJson, readToken } from './jwt.ts'
import { callerOf, LEEWAY_SECONDS } from './token-caller.ts'

/** `typ` of such an assertion. */
const ID_JAG_TYPE = 'oauth-id-jag+jwt'

/** They are for now: one that is good for longer, or older, is refused. */
const MAX_LIFETIME_SECONDS = 600

export interface IdJag {
  /** Name and `iss` of the issuer. */
  readonly by: Pick<TokenIssuer, 'name' | 'issuer'>
  readonly person: EntityRef
  readonly known: Known
  /** Whom it is for, of our clients. */
  readonly clientId: string
  readonly resource: unknown
  readonly scope: unknown
  readonly id: string
  /** `exp`, seconds. */
  readonly expiresAt: number
  /** `auth_time` and `acr`. */
  readonly signIn: { readonly auth_time?: number; readonly acr?: string }
}

export interface IdJagsOptions {
  readonly fetchJson: FetchJson
  readonly parseJson: ParseJson
  /** Wall clock, milliseconds. */
  now(): number
}

interface Source {
  readonly issuer: TokenIssuer
  readonly keys: IssuerKeys
}

export class IdJags {
  readonly #options: IdJagsOptions
  /** By `iss`. */
  #sources: ReadonlyMap<string, Source> = new Map()

  constructor(options: IdJagsOptions) {
    this.#options = options
  }

  /** Takes the word of these issuers from now on; the others’ is worth nothing. */
  replace(issuers: readonly TokenIssuer[]): void {
    const before = this.#sources
    const keysOf = (issuer: TokenIssuer) => {
      const known = before.get(issuer.issuer)
      return known?.issuer.jwks === issuer.jwks ? known?.keys : undefined
    }
    this.#sources = new Map(
      issuers.map((issuer) => {
        const keys = keysOf(issuer) ?? new IssuerKeys({ ...this.#options, issuer })
        return [issuer.issuer, { issuer, keys }]
      }),
    )
  }

  /** To be called on a timer. */
  check(): void {
    for (const { keys } of this.#sources.values()) keys.refreshIfDue()
  }

  /** Verifies one that is for `audience`, our own issuer. The error is for the client, and tells nothing of what is in it. */
  async verify(assertion: unknown, audience: string): Promise<Result<IdJag, string>> {
    const unverified = readToken(String(assertion), this.#options.parseJson)
    if (unverified === undefined) return err('it cannot be read')
    const source = this.#sources.get(String(unverified.claims['iss']))
    if (source === undefined) return err('it is not by an issuer whose word is taken here')
    const keySet = await source.keys.get()
    if (!keySet.ok) return err('the keys of its issuer cannot be fetched now')
    const claims = await this.#claimsOf(String(assertion), source, { keySet: keySet.value, audience })
    return claims.ok ? toIdJag(claims.value, source.issuer) : claims
  }

  async #claimsOf(
    assertion: string,
    source: Source,
    { keySet, audience }: { keySet: KeySet; audience: string },
  ): Promise<Result<JWTPayload, string>> {
    const { issuer, keys } = source
    try {
      const { payload } = await jwtVerify(assertion, keySet.getKey, {
        issuer: issuer.issuer,
        audience,
        typ: ID_JAG_TYPE,
        algorithms: [...issuer.algorithms],
        requiredClaims: ['sub', 'exp', 'iat', 'jti', 'client_id'],
        maxTokenAge: MAX_LIFETIME_SECONDS,
        clockTolerance: LEEWAY_SECONDS,
        currentDate: new Date(this.#options.now()),
      })
      return ok(payload)
    } catch (problem) {
      if (!(problem instanceof errors.JWKSNoMatchingKey)) return err('it is not good')
      const newer = await keys.newerThan(keySet)
      if (!newer.ok || newer.value === keySet)
        return err('its issuer does not have the key that it is signed with')
      return this.#claimsOf(assertion, source, { keySet: newer.value, audience })
    }
  }
}

function toIdJag(claims: JWTPayload, issuer: TokenIssuer): Result<IdJag, string> {
  const { aud, exp = 0, iat = 0, jti, client_id: clientId, auth_time, acr } = claims
  // One that is for another server, too, could be used here by that server.
  if (Array.isArray(aud) && aud.length !== 1) return err('it is for more than this server')
  if (exp - iat > MAX_LIFETIME_SECONDS) return err(`it is good for more than ${MAX_LIFETIME_SECONDS} seconds`)
  if (!isName(jti) || !isName(clientId)) return err('it does not name itself or its client')
  if (claims['cnf'] !== undefined || claims['act'] !== undefined)
    return err('it is bound to a key, or was handed on, which is not read here')
  if (issuer.enterprise === undefined || missing(claims, issuer.enterprise) !== undefined)
    return err('it does not have the claims that are required of it')
  // What tells services from people in access tokens, such as who the client is, says nothing of the kind here.
  const people = {
    ...issuer,
    kind: 'user' as const,
    agents: NONE,
    services: NONE,
    clients: [],
    clientProof: undefined,
  }
  const caller = callerOf(claims, people, { fallbackId: jti })
  if (!caller.ok) return err('it does not name anyone')
  const { principal: person, known = { groups: [], tags: {} } } = caller.value
  return ok({
    by: issuer,
    person,
    known,
    clientId,
    resource: claims['resource'],
    scope: claims['scope'],
    id: jti,
    expiresAt: exp,
    signIn: {
      ...(typeof auth_time === 'number' ? { auth_time } : {}),
      ...(isName(acr) ? { acr } : {}),
    },
  })
}

const NONE: TokenIssuer['services'] = new Map()
