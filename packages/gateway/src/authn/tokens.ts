/**
 * Callers by the token that an issuer gave them. A token that was verified is remembered by its SHA-256 until it expires,
 * so that a call costs one hash; nothing is remembered about tokens that are not good. A key that the issuer withdraws
 * takes the tokens along that were verified with it. Whom a token is for is
 * judged on every call, by the route.
 */
import { hash } from 'node:crypto'
import type { Authentication, Caller } from '../model/caller.ts'
import type { TokenIssuer } from '../model/issuer.ts'
import type { SignedToken } from './dpop.ts'
import { type FetchJson, haveSameKey, IssuerKeys, type KeySet, type KeysHealth } from './issuer-keys.ts'
import { type ParseJson, readToken, type UnverifiedToken } from './jwt.ts'
import { verifyToken } from './verify-token.ts'

export type TokenAnswer =
  | { readonly kind: 'known'; readonly caller: Caller; readonly signed?: SignedToken | undefined }
  | { readonly kind: 'refused'; readonly message: string; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly cause: string }

export interface TokensOptions {
  readonly fetchJson: FetchJson
  readonly parseJson: ParseJson
  /** Wall clock, milliseconds. */
  now(): number
  /** Names of tokens that have ceased to be good before their time: end what was opened with them. */
  onEnded?(credentials: readonly string[]): void
  /** Whether what a token stands for was taken back. Asked when it is first seen, and when `withdraw` is called. */
  isWithdrawn?(authentication: Authentication): boolean
  /** Beyond this many good tokens the first one is forgotten, and `onEnded` will not tell of it. */
  readonly maxRemembered?: number
}

interface Source {
  readonly issuer: TokenIssuer
  readonly keys: IssuerKeys
}

interface Remembered {
  readonly source: Source
  /** The one it was verified with, or a later one that has the same key. */
  keySet: KeySet
  readonly kid: unknown
  readonly known: TokenAnswer & { readonly kind: 'known' }
  readonly audiences: readonly string[]
  /** Whether it is for every route. */
  readonly isForAll: boolean
}

export class Tokens {
  readonly #options: TokensOptions
  readonly #maxRemembered: number
  /** By `iss`. */
  #sources: ReadonlyMap<string, Source> = new Map()
  /** By hash; the first remembered comes first. */
  readonly #remembered = new Map<string, Remembered>()
  /** Why nobody can be told that their token was taken back. */
  #unavailable: string | undefined

  constructor(options: TokensOptions) {
    this.#options = options
    this.#maxRemembered = options.maxRemembered ?? 20_000
  }

  /**
   * Takes these issuers from now on, and forgets every token. Keys of an issuer that stays are kept. Returns the names of
   * the issuers that are gone or not what they were: what was begun with their tokens has to end.
   */
  replace(issuers: readonly TokenIssuer[]): readonly string[] {
    const before = this.#sources
    const kept = (issuer: TokenIssuer) => {
      const known = before.get(issuer.issuer)
      return known !== undefined && known.issuer.jwks === issuer.jwks ? known.keys : undefined
    }
    const { fetchJson, now } = this.#options
    const made = issuers.map((issuer): [string, Source] => {
      return [issuer.issuer, { issuer, keys: kept(issuer) ?? new IssuerKeys({ issuer, fetchJson, now }) }]
    })
    this.#sources = new Map(made)
    this.#remembered.clear()
    const stays = (issuer: TokenIssuer) =>
      issuers.some((other) => JSON.stringify(fields(other)) === JSON.stringify(fields(issuer)))
    return [...before.values()].flatMap(({ issuer }) => (stays(issuer) ? [] : [issuer.name]))
  }

  /** Who shows this token, for a route of this URL. A promise only where the token was not seen before. */
  find(token: string, resource: string): TokenAnswer | Promise<TokenAnswer> {
    if (this.#unavailable !== undefined) return { kind: 'unavailable', cause: this.#unavailable }
    const tokenHash = hash('sha256', token, 'base64url')
    const remembered = this.#remembered.get(tokenHash)
    return remembered !== undefined && this.#isStillGood(remembered, this.#options.now())
      ? answerFor(remembered, resource)
      : this.#verify(token, tokenHash, resource)
  }

  /** To be called on a timer: forgets tokens that are over, and keeps the keys of issuers fresh. */
  check(): void {
    const nowMs = this.#options.now()
    const ended: string[] = []
    for (const [tokenHash, remembered] of this.#remembered) {
      if (this.#isStillGood(remembered, nowMs)) continue
      this.#remembered.delete(tokenHash)
      const { credential = '', goodUntilMs = 0 } = remembered.known.caller.authentication
      if (nowMs < goodUntilMs) ended.push(credential)
    }
    if (ended.length > 0) this.#options.onEnded?.(ended)
    for (const { keys } of this.#sources.values()) keys.refreshIfDue()
  }

  /** How it stands with the keys of each issuer, by its name. */
  health(): ReadonlyMap<string, KeysHealth> {
    return new Map([...this.#sources.values()].map(({ issuer, keys }) => [issuer.name, keys.health()]))
  }

  /** While it cannot be read what was taken back, and why, no token is good, remembered or not. */
  suspend(cause: string | undefined): void {
    this.#unavailable = cause
  }

  /** Something that tokens stand for may have been taken back. */
  withdraw(): void {
    const ended: string[] = []
    for (const [tokenHash, { known }] of this.#remembered) {
      const { authentication } = known.caller
      if (this.#options.isWithdrawn?.(authentication) !== true) continue
      this.#remembered.delete(tokenHash)
      ended.push(authentication.credential ?? '')
    }
    if (ended.length > 0) this.#options.onEnded?.(ended)
  }

  #isStillGood(remembered: Remembered, nowMs: number): boolean {
    const { known, source, keySet, kid } = remembered
    const { goodUntilMs = 0 } = known.caller.authentication
    if (nowMs >= goodUntilMs) return false
    const current = source.keys.known
    if (current === keySet) return true
    if (current === undefined || !haveSameKey(current, keySet, kid)) return false
    remembered.keySet = current
    return true
  }

  async #verify(token: string, tokenHash: string, resource: string): Promise<TokenAnswer> {
    const unverified = readToken(token, this.#options.parseJson)
    if (unverified === undefined)
      return refused('This token cannot be read.', 'not a JWT in compact form, or too long')
    const source = this.#sourceOf(unverified)
    if (source === undefined)
      return refused('This token is not from an issuer that is known here.', 'no such issuer')
    const keySet = await source.keys.get()
    if (!keySet.ok) return unavailable(source, keySet.error)
    const tried = { unverified, token, source }
    const remembered = await this.#verifyWith(keySet.value, tried)
    if (!('known' in remembered)) return remembered
    // The configuration may have changed meanwhile.
    if (this.#sources.get(source.issuer.issuer) !== source) return this.#verify(token, tokenHash, resource)
    this.#remember(tokenHash, remembered)
    return answerFor(remembered, resource)
  }

  async #verifyWith(keySet: KeySet, tried: Tried): Promise<Remembered | TokenAnswer> {
    const { source, token, unverified } = tried
    const { issuer } = source
    const nowMs = this.#options.now()
    // Of what was signed alone: whoever has a token can write its signature in other ways, and it must not get another
    // name by that, or it would be good again after it was revoked.
    const signedPart = token.slice(0, token.lastIndexOf('.'))
    const fallbackId = `sha256:${hash('sha256', signedPart, 'base64url').slice(0, 22)}`
    const verification = { issuer, keys: keySet.getKey, nowMs, fallbackId }
    const verified = await verifyToken(token, unverified, verification)
    if (verified.ok) {
      const { caller, audiences, signed } = verified.value
      if (this.#options.isWithdrawn?.(caller.authentication) === true)
        return refused(
          'This token was revoked.',
          `token ${caller.authentication.credential}: its grant is over`,
        )
      const isForAll = issuer.audiences.some((audience) => audiences.includes(audience))
      return {
        source,
        keySet,
        kid: unverified.header['kid'],
        known: { kind: 'known', caller, signed },
        audiences,
        isForAll,
      }
    }
    if (verified.error.kind === 'rejected')
      return refused(verified.error.message, `${issuer.name}: ${verified.error.detail}`)
    const newer = await source.keys.newerThan(keySet)
    if (!newer.ok) return unavailable(source, newer.error)
    if (newer.value !== keySet) return this.#verifyWith(newer.value, tried)
    return refused(
      'This token is not valid.',
      `${issuer.name}: signed with a key that the issuer does not have`,
    )
  }

  #sourceOf({ claims }: UnverifiedToken): Source | undefined {
    const { iss, sub } = claims
    if (typeof iss === 'string') return iss.startsWith('spiffe://') ? undefined : this.#sources.get(iss)
    if (iss !== undefined || typeof sub !== 'string') return undefined
    const [domain] = /^spiffe:\/\/[^/]+(?=\/)/.exec(sub) ?? []
    return domain === undefined ? undefined : this.#sources.get(domain)
  }

  #remember(tokenHash: string, remembered: Remembered): void {
    if (this.#remembered.size >= this.#maxRemembered) {
      const [first] = this.#remembered.keys()
      if (first !== undefined) this.#remembered.delete(first)
    }
    this.#remembered.set(tokenHash, remembered)
  }
}

interface Tried {
  readonly token: string
  readonly unverified: UnverifiedToken
  readonly source: Source
}

function answerFor({ known, isForAll, audiences }: Remembered, resource: string): TokenAnswer {
  if (isForAll || audiences.includes(resource)) return known
  const { credential } = known.caller.authentication
  return refused(`This token is not for ${resource}.`, `token ${credential}: another audience`)
}

function refused(message: string, detail: string): TokenAnswer {
  return { kind: 'refused', message, detail }
}

function unavailable({ issuer }: Source, cause: string): TokenAnswer {
  return { kind: 'unavailable', cause: `issuer ${issuer.name}: ${cause}` }
}

/** Maps are written as lists. */
function fields(issuer: TokenIssuer) {
  return Object.entries(issuer).map(([key, value]: [string, unknown]) => [
    key,
    value instanceof Map ? [...value] : value,
  ])
}
