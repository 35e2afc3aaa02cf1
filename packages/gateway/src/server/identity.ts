/**
 * Who callers are, by the configuration in force: keys of our own and tokens of issuers outside, and what strangers are
 * told. A reload replaces the settings at once, and tells what has to end because of them.
 */
import { authenticate, type AuthenticateDeps } from '../authn/authenticate.ts'
import type { KeyLookup } from '../authn/api-key.ts'
import { Certificates } from '../authn/certificates.ts'
import type { ParseJson } from '../authn/jwt.ts'
import type { KeysHealth } from '../authn/issuer-keys.ts'
import { RememberedKeys } from '../authn/remembered-keys.ts'
import { Tokens } from '../authn/tokens.ts'
import { type ProofLog, UsedProofs } from '../authn/used-proofs.ts'
import type { Config } from '../config/config.ts'
import type { HostRules } from '../mcp/transport.ts'
import { parseStrictJson } from '../mcp/strict-json.ts'
import type { Authentication } from '../model/caller.ts'
import type { TokenIssuer } from '../model/issuer.ts'
import type { Refusal } from '../model/refusal.ts'
import { ok } from '../model/result.ts'
import { scopesOfServers } from '../model/scopes.ts'
import type { Exchange } from '../model/exchange.ts'
import { answerMetadata, challengeFor, type ResourceServer } from '../oauth/protected-resource.ts'
import { fetchKeys, identityJson } from './fetch-json.ts'

const parseJson: ParseJson = (bytes) => parseStrictJson(bytes, identityJson)

function showMaps(_: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value
}

/** How it stands with one issuer, for `tollgate status`. */
export interface IssuerStatus extends Omit<KeysHealth, 'fetchedAtMs'> {
  readonly name: string
  /** RFC 3339: when the keys that are known were fetched. */
  readonly fetchedAt?: string
}

export interface IdentityOptions {
  readonly keys: KeyLookup
  readonly revoked: RevokedLookup
  readonly log: (text: string) => void
  /** The clock that tokens and the keys of issuers go by, milliseconds. */
  now(): number
  /** Ends what was begun by callers who proved who they are in such a way. */
  readonly end: (isOver: (authentication: Authentication) => boolean) => void
  /** Opens where used proofs are kept. */
  readonly openProofLog: () => ProofLog
  /** The issuer in this gateway, while there is one. */
  readonly own: () => OwnIssuer | undefined
}

/** Tokens that were revoked one by one. */
export interface RevokedLookup {
  has(credential: string): boolean
  /** Whether there may be more than when this was last asked. */
  changed(): boolean
}

/** What need not be asked of an issuer that is part of this gateway. */
export interface OwnIssuer {
  readonly tokenIssuer: TokenIssuer
  /** Its public keys, by the address they would be fetched from. */
  keysAt(url: string): object | undefined
  /** Whether what a token stands for was taken back. */
  isWithdrawn(authentication: Authentication): boolean
}

/** The address by which callers know a gateway that listens at `endpoint`. */
export function addressOf({ publicUrl }: Config, endpoint: string): string {
  return publicUrl ?? (endpoint.startsWith('unix:') ? 'http://localhost' : new URL(endpoint).origin)
}

export class Identity {
  readonly #log: (text: string) => void
  readonly #end: IdentityOptions['end']
  readonly #keys: RememberedKeys
  readonly #tokens: Tokens
  readonly #own: IdentityOptions['own']
  readonly #revoked: RevokedLookup
  /** More was revoked than what is open was held against. */
  #pending = false
  /** What operators were told of last. */
  #fault: string | undefined
  #deps: AuthenticateDeps
  readonly #used: UsedProofs
  #rules: Config['certificates'] = []
  #resources: ResourceServer = { publicUrl: '', issuers: [], asksForCertificates: false, scopes: [] }

  constructor({ keys, revoked, log, now, end, own, openProofLog }: IdentityOptions) {
    const onOver = (names: readonly string[]) => end(({ credential = '' }) => names.includes(credential))
    this.#log = log
    this.#end = end
    this.#keys = new RememberedKeys({ lookup: keys, now: Date.now, onRevoked: onOver })
    this.#tokens = new Tokens({
      fetchJson: async (url) => {
        const keySet = own()?.keysAt(url)
        return keySet === undefined ? fetchKeys(url) : ok(keySet)
      },
      isWithdrawn: (authentication) =>
        revoked.has(authentication.credential ?? '') || own()?.isWithdrawn(authentication) === true,
      parseJson,
      now,
      onEnded: onOver,
    })
    this.#used = new UsedProofs({ open: openProofLog, now: Date.now })
    this.#own = own
    this.#revoked = revoked
    this.#deps = { keys: this.#keys }
  }

  /** Goes by this configuration from now on. `endpoint` is where the gateway listens. */
  replace(config: Config, endpoint: string): void {
    const { anonymous, certificates: rules, tls } = config
    const address = addressOf(config, endpoint)
    const own = this.#own()
    const issuers = own === undefined ? config.issuers : [...config.issuers, own.tokenIssuer]
    const gone = this.#tokens.replace(issuers)
    const tokens =
      issuers.length === 0
        ? undefined
        : { known: this.#tokens, publicUrl: address, used: this.#used, parseJson }
    const asksForCertificates = tls?.clients !== undefined
    const certificates = asksForCertificates ? { known: new Certificates(rules), now: Date.now } : undefined
    this.#deps = { keys: this.#keys, tokens, certificates, anonymous }
    const scopes = scopesOfServers(config.servers.values())
    this.#resources = { publicUrl: address, issuers, asksForCertificates, scopes }
    const haveChanged = JSON.stringify(this.#rules, showMaps) !== JSON.stringify(rules, showMaps)
    this.#rules = rules
    this.#end(
      ({ issuer, method }) =>
        (issuer !== undefined && gone.includes(issuer)) || (haveChanged && method === 'certificate'),
    )
  }

  authenticate(exchange: Exchange): ReturnType<typeof authenticate> {
    return authenticate(exchange, this.#deps)
  }

  challenge(exchange: Exchange, refusal: Refusal): string {
    return challengeFor(exchange, refusal, this.#resources)
  }

  /** Answers a request for metadata, which needs no credential; false for every other request. */
  answerMetadata(exchange: Exchange, hosts: HostRules): boolean {
    return answerMetadata(exchange, hosts, this.#resources)
  }

  /** What was granted may have been taken back: tokens that stood for it are over. */
  withdraw(): void {
    this.#tokens.withdraw()
  }

  /** How it stands with the issuers outside. */
  status(): readonly IssuerStatus[] {
    const own = this.#own()?.tokenIssuer.name
    return [...this.#tokens.health()].flatMap(([name, { fetchedAtMs, ...health }]) => {
      if (name === own) return []
      const fetchedAt = fetchedAtMs === undefined ? {} : { fetchedAt: new Date(fetchedAtMs).toISOString() }
      return [{ name, ...health, ...fetchedAt }]
    })
  }

  /** To be called twice a second. */
  check(): void {
    this.#tokens.check()
    this.#keys.check()
    const fault = this.#holdAgainstRevoked()
    this.#tokens.suspend(fault)
    if (fault !== undefined && fault !== this.#fault)
      this.#log(`keys and revoked tokens cannot be looked up, so nobody is let in with one: ${fault}`)
    if (fault === undefined && this.#fault !== undefined)
      this.#log('keys and revoked tokens can be looked up again')
    this.#fault = fault
  }

  /** Ends what was revoked since the last time; why that cannot be known, when it cannot. */
  #holdAgainstRevoked(): string | undefined {
    try {
      if (this.#revoked.changed()) this.#pending = true
      if (!this.#pending) return undefined
      this.#tokens.withdraw()
      this.#end(({ method, credential }) => method === 'token' && this.#revoked.has(credential ?? ''))
      this.#pending = false
      return undefined
    } catch (problem) {
      return problem instanceof Error ? problem.message : String(problem)
    }
  }
}
