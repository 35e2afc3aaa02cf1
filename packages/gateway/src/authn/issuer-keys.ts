/**
 * The keys of one issuer, fetched when they are first needed and kept. A key that is known keeps working while the issuer
 * is down, slow or talking nonsense, for a day; a key that is not known has them fetched anew, once in a while. One fetch
 * at a time, however many wait for it, and nobody waits for one that was not needed.
 */
import { createLocalJWKSet, type JWK, type JWTVerifyGetKey } from 'jose'
import type { TokenIssuer } from '../model/issuer.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { Members } from './jwt.ts'

/** A JSON document, fetched within bounds of size and time; the error is for the log. Never rejects. */
export type FetchJson = (url: string) => Promise<Result<unknown, string>>

/** A set as it was fetched: another object once the issuer has changed it. */
export interface KeySet {
  readonly getKey: JWTVerifyGetKey
  readonly text: string
  /** The keys of each name, as text. */
  readonly byId: ReadonlyMap<string, string>
}

/** Whether the keys of this name are the same in both. */
export function haveSameKey(one: KeySet, other: KeySet, kid: unknown): boolean {
  const keys = typeof kid === 'string' ? one.byId.get(kid) : undefined
  return keys !== undefined && keys === other.byId.get(String(kid))
}

export interface IssuerKeysOptions {
  readonly issuer: Pick<TokenIssuer, 'issuer' | 'jwks'>
  readonly fetchJson: FetchJson
  /** Wall clock, milliseconds. */
  now(): number
}

/** How it stands with the keys of an issuer, for operators. */
export interface KeysHealth {
  /** `idle`: nobody has shown a token yet. `failed`: the last attempt to fetch them; known ones may work on. */
  readonly state: 'idle' | 'ready' | 'failed'
  /** How many keys are known and trusted. */
  readonly keys: number
  /** When these were fetched. */
  readonly fetchedAtMs?: number
  /** Why the last attempt failed. */
  readonly failure?: string
}

/** A key that the issuer withdraws is good for no longer than this, while the issuer can be reached. */
const REFRESH_MS = 5 * 60_000
/** Unknown keys make the gateway ask, at most this often; so does an issuer that does not answer. */
const COOL_DOWN_MS = 30_000
/** A set that could not be fetched anew for so long is not trusted any more. */
const MAX_AGE_MS = 24 * 3_600_000
const MAX_KEYS = 100

export class IssuerKeys {
  readonly #options: IssuerKeysOptions
  #set: KeySet | undefined
  #fetchedAtMs = -Infinity
  #triedAtMs = -Infinity
  #failure = 'the keys have not been fetched yet'
  #fetching: Promise<void> | undefined

  constructor(options: IssuerKeysOptions) {
    this.#options = options
  }

  /** The keys as they are known now; undefined when there are none, or none that are still trusted. */
  get known(): KeySet | undefined {
    return this.#isOlder(this.#fetchedAtMs, MAX_AGE_MS) ? undefined : this.#set
  }

  health(): KeysHealth {
    const { known } = this
    const keys = known === undefined ? 0 : (JSON.parse(known.text) as unknown[]).length
    const fetched = Number.isFinite(this.#fetchedAtMs) ? { fetchedAtMs: this.#fetchedAtMs } : {}
    if (!Number.isFinite(this.#triedAtMs)) return { state: 'idle', keys }
    const isFresh = this.#fetchedAtMs === this.#triedAtMs || this.#fetching !== undefined
    return isFresh
      ? { state: 'ready', keys, ...fetched }
      : { state: 'failed', keys, ...fetched, failure: this.#failure }
  }

  /** The keys, fetched where none are known. The error is why not. */
  async get(): Promise<Result<KeySet, string>> {
    if (this.known === undefined) await this.#fetchUnlessCooling()
    return this.known === undefined ? err(this.#failure) : ok(this.known)
  }

  /** What there is after a set did not have a key. The same set: the issuer has none that is newer. */
  async newerThan(set: KeySet): Promise<Result<KeySet, string>> {
    if (this.known !== set) return this.get()
    await this.#fetchUnlessCooling()
    if (this.#fetchedAtMs < this.#triedAtMs) return err(this.#failure)
    return this.get()
  }

  /** To be called on a timer: keys in use are fetched anew before they are old. Nobody waits for it. */
  refreshIfDue(): void {
    if (this.#set !== undefined && this.#isOlder(this.#fetchedAtMs, REFRESH_MS))
      void this.#fetchUnlessCooling()
  }

  async #fetchUnlessCooling(): Promise<void> {
    if (this.#fetching === undefined) {
      if (!this.#isOlder(this.#triedAtMs, COOL_DOWN_MS)) return
      this.#triedAtMs = this.#options.now()
      this.#fetching = this.#fetch()
        .catch((problem: unknown) => {
          this.#failure = String(problem)
        })
        .finally(() => {
          this.#fetching = undefined
        })
    }
    await this.#fetching
  }

  async #fetch(): Promise<void> {
    const startedAtMs = this.#triedAtMs
    const fetched = await this.#fetchSet()
    if (!fetched.ok) {
      this.#failure = fetched.error
      return
    }
    this.#fetchedAtMs = startedAtMs
    const keys = fetched.value
    const text = JSON.stringify(keys)
    if (text === this.#set?.text) return
    const byId = Map.groupBy(keys, ({ kid = '' }) => kid)
    this.#set = {
      getKey: createLocalJWKSet({ keys: [...keys] }),
      text,
      byId: new Map([...byId].map(([kid, same]) => [kid, JSON.stringify(same)])),
    }
  }

  async #fetchSet(): Promise<Result<readonly JWK[], string>> {
    const { issuer, fetchJson } = this.#options
    const address = issuer.jwks === undefined ? await discover(issuer.issuer, fetchJson) : ok(issuer.jwks)
    if (!address.ok) return address
    const fetched = await fetchJson(address.value)
    return fetched.ok ? keysIn(fetched.value, address.value) : fetched
  }

  /** A clock that was set back makes everything old. */
  #isOlder(thenMs: number, ageMs: number): boolean {
    const nowMs = this.#options.now()
    return nowMs - thenMs >= ageMs || nowMs < thenMs
  }
}

/** The address of an issuer's keys by its metadata (OpenID Connect Discovery, 4; RFC 8414, 3). */
async function discover(issuer: string, fetchJson: FetchJson): Promise<Result<string, string>> {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const places = [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
  // Both at once: an issuer that does not answer is waited for only once.
  const found = await Promise.all(
    places.map(async (place) => {
      const fetched = await fetchJson(place)
      return fetched.ok ? jwksUriIn(fetched.value, issuer, place) : fetched
    }),
  )
  const problems = found.flatMap((each) => (each.ok ? [] : [each.error]))
  return found.find(({ ok: isFound }) => isFound) ?? err(problems.join('; '))
}

function jwksUriIn(metadata: unknown, issuer: string, place: string): Result<string, string> {
  const { issuer: itself, jwks_uri: address } = membersOf(metadata)
  // A document about another issuer is how tokens of one are passed off as those of another (RFC 8414, 3.3).
  if (itself !== issuer) return err(`${place} is the metadata of another issuer`)
  if (typeof address !== 'string') return err(`${place} does not say where the keys are`)
  const url = URL.parse(address)
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && issuer.startsWith('http:'))
  return isSafe ? ok(address) : err(`${place} names an address for the keys that is not https`)
}

/** The keys of a set that can verify; what else is in it is of no use here. */
function keysIn(document: unknown, place: string): Result<readonly JWK[], string> {
  const { keys } = membersOf(document)
  if (!Array.isArray(keys)) return err(`${place} is not a set of keys`)
  if (keys.length > MAX_KEYS) return err(`${place} has more than ${MAX_KEYS} keys`)
  const usable = keys.map(membersOf).filter(({ kty, use }) => PUBLIC.has(kty) && VERIFIES.has(use))
  if (usable.length === 0) return err(`${place} has no keys that verify signatures`)
  return ok(usable.map((key) => toPublic(key)))
}

const PUBLIC: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP'])
/** `jwt-svid` is how SPIFFE says it (SPIFFE Trust Domain and Bundle, 4.2.2). */
const VERIFIES: ReadonlySet<unknown> = new Set([undefined, 'sig', 'jwt-svid'])

/** Only what a public key is made of: certificates and addresses in it are not looked at either. */
function toPublic({ kty, kid, alg, crv, x, y, n, e }: Members): JWK {
  const members = Object.entries({ kty, kid, alg, crv, x, y, n, e }).filter(
    ([, value]) => typeof value === 'string',
  )
  return { ...Object.fromEntries(members), use: 'sig' }
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {}
}
