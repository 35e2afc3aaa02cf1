/**
 * The authorization server in this gateway: what it is given of the store, the clock and the policies, and what its tokens
 * are to the resource server beside it. The issuer `local` is known to it by the same settings as any other; only its keys
 * need not be fetched.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import { eventEntry } from '../audit/entries.ts'
import type { Trail } from '../audit/trail.ts'
import { IdJags } from '../authn/id-jag.ts'
import type { Offer } from '../catalog/list-tools.ts'
import type { AuthorizationServerConfig } from '../config/config.ts'
import { parseStrictJson } from '../mcp/strict-json.ts'
import { isLoopback } from '../model/addresses.ts'
import { type Authentication, createCaller, showEntity, type Standing } from '../model/caller.ts'
import type { Exchange } from '../model/exchange.ts'
import { LOCAL_ISSUER, type TokenIssuer } from '../model/issuer.ts'
import type { Query } from '../model/decision.ts'
import { err, ok, type Result } from '../model/result.ts'
import { scopesKnownTo, scopesOfServers } from '../model/scopes.ts'
import { AuthorizationServer, type UpstreamSettings } from '../oauth/authorization-server.ts'
import type { Happening, Offered, Revoked, Routes, ToldPerson } from '../oauth/ports.ts'
import { publicKeySet } from '../oauth/public-keys.ts'
import { ownIssuer } from '../oauth/own-issuer.ts'
import { standsOn } from '../oauth/grants/own-tokens.ts'
import { OWN_SERVER } from '../model/names.ts'
import type { ApprovalAnswers } from '../oauth/approvals.ts'
import { PATHS } from '../oauth/paths.ts'
import { isReachable } from '../policy/reach.ts'
import { isVisible } from '../policy/visible.ts'
import { openOauthStore, type OpenOauthStore } from '../store/oauth.ts'
import { loadSigningKeys, type Secrets } from '../store/signing-keys.ts'
import type { OwnIssuer } from './identity.ts'
import { fetchJson, identityJson } from './fetch-json.ts'
import { OWN_TOOLS } from './own/definitions.ts'
import { askServers } from './offers.ts'
import { createProviderFetch } from './provider-fetch.ts'
import { createPublicFetch, type Internet } from './public-fetch.ts'
import { readSecret } from './secrets.ts'
import type { Built } from './snapshot.ts'
import type { TaskDesk } from './task-desk.ts'
import { createTokenTasks } from './token-tasks.ts'

const HOUR_MS = 3_600_000
const TIDY_MS = 5 * 60_000
const ASK_SECONDS = 3
const OFFER_KEPT_MS = 5 * 60_000
const UNUSED_CLIENT_MS = 24 * HOUR_MS

/** What outlives the process. */
export interface AuthorizationState {
  readonly store: OpenOauthStore
  readonly secrets: Secrets
}

/** Opens it. The error is a sentence. */
export async function openAuthorizationState(dataDir: string): Promise<Result<AuthorizationState, string>> {
  const store = openOauthStore(dataDir)
  if (!store.ok) return store
  try {
    return ok({ store: store.value, secrets: await loadSigningKeys(dataDir, Date.now()) })
  } catch (problem) {
    store.value.close()
    return err(problem instanceof Error ? problem.message : String(problem))
  }
}

export interface AuthorizationOptions {
  readonly built: () => Built
  readonly log: (text: string) => void
  /** Instead of the one outside. */
  readonly internet: Partial<Internet> | undefined
  readonly revoked: Revoked
  readonly record: Trail['recordEvent']
  readonly desk: () => TaskDesk
  readonly approvals: () => ApprovalAnswers
  /** Something that tokens stand for may have been taken back. */
  readonly onChange: () => void
}

export class Authorization implements OwnIssuer {
  readonly #options: AuthorizationOptions
  readonly #store: OpenOauthStore
  readonly #offers = new Map<
    string,
    { askedAtMs: number; offer: Promise<Result<Offer, string> | undefined> }
  >()
  readonly #fetch: ReturnType<typeof createPublicFetch>
  readonly #fetchProvider = createProviderFetch()
  readonly #idJags = new IdJags({
    fetchJson,
    parseJson: (bytes) => parseStrictJson(bytes, identityJson),
    now: Date.now,
  })
  readonly #exchanges = new WeakMap<IncomingMessage, Exchange>()
  #secrets: Secrets
  #server: AuthorizationServer | undefined
  #issuer = ''
  #scopes: readonly string[] = []
  #settings: AuthorizationServerConfig = { clientMetadataDocuments: false, enterprise: [] }
  #tidiedAtMs = 0
  /** Something was taken back that what is open was not held against yet. */
  #pending = false
  /** What operators were told of last. */
  #fault: string | undefined

  constructor({ store, secrets }: AuthorizationState, options: AuthorizationOptions) {
    this.#store = store
    this.#secrets = secrets
    this.#options = options
    this.#fetch = createPublicFetch(options.internet)
  }

  /** Signs for this address from now on, the one by which callers know the gateway, and by these settings. */
  signFor(issuer: string, settings: AuthorizationServerConfig): void {
    const scopes = scopesOfServers(this.#options.built().config.servers.values())
    const isSame = isDeepStrictEqual([settings, scopes], [this.#settings, this.#scopes])
    if (issuer === this.#issuer && isSame) return
    this.#issuer = issuer
    this.#scopes = scopes
    this.#settings = settings
    this.#idJags.replace(settings.enterprise)
    this.#store.endEnterprise(settings.enterprise.map((each) => each.issuer))
    this.#createServer()
  }

  #createServer(): void {
    const issuer = this.#issuer
    const settings = this.#settings
    const { log } = this.#options
    this.#server = new AuthorizationServer({
      issuer,
      store: this.#store,
      keys: this.#secrets.keys,
      cookieKey: this.#secrets.cookieKey,
      routes: this.#routes(),
      scopes: this.#scopes,
      registration: settings.registration ?? isLoopback(new URL(issuer).hostname.replace(/^\[|\]$/g, '')),
      metadataDocuments: settings.clientMetadataDocuments,
      signIn: this.#upstream(),
      idJags: settings.enterprise.length === 0 ? undefined : this.#idJags,
      fetch: this.#fetch,
      addressOf: (request) => this.#exchanges.get(request)?.peer.address ?? '',
      now: Date.now,
      randomBytes,
      revoked: this.#options.revoked,
      tasks: createTokenTasks(this.#options.desk, (request) => this.#exchanges.get(request)),
      record: (request, happening) => this.#record(request, happening),
      approvals: this.#options.approvals,
      standingOf: (person) => standingOf(this.#store.people.toldOf(person)),
      note: log,
    })
  }

  #upstream(): UpstreamSettings | undefined {
    const { signIn } = this.#settings
    if (signIn === undefined) return undefined
    const { clientSecret } = signIn
    const secret = () => (clientSecret === undefined ? undefined : readSecret(clientSecret))
    return { settings: signIn, secret, fetch: this.#fetchProvider }
  }

  async #record(
    request: IncomingMessage,
    { account, isVouchedFor = false, ...happening }: Happening,
  ): Promise<boolean> {
    const exchange = this.#exchanges.get(request)
    const person = { type: 'User', id: isVouchedFor ? (account ?? '') : `${LOCAL_ISSUER}/${account}` }
    const recorded = await this.#options.record(
      eventEntry(
        exchange,
        { ...happening, principal: account === null ? null : showEntity(person) },
        Date.now(),
      ),
    )
    return recorded.ok
  }

  get tokenIssuer(): TokenIssuer {
    const { signIn, enterprise } = this.#settings
    const tags = new Set([signIn?.tellsOf, ...enterprise].flatMap((told) => [...(told?.tags.keys() ?? [])]))
    return { ...ownIssuer(this.#issuer, tags), bound: this.#settings.bound }
  }

  keysAt(url: string): object | undefined {
    return url === this.#issuer + PATHS.jwks ? publicKeySet(this.#secrets.keys) : undefined
  }

  isWithdrawn({ issuer, credential = '' }: Authentication): boolean {
    if (issuer !== LOCAL_ISSUER) return false
    const jti = credential.slice(`${LOCAL_ISSUER}/`.length)
    return !this.#store.isGranted(standsOn(jti), Date.now())
  }

  /** Whether a request is for the authorization server. */
  owns({ target }: Exchange): boolean {
    return AuthorizationServer.owns(target)
  }

  /** Answers such a request, whose head was found good. */
  async handle(exchange: Exchange, request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#exchanges.set(request, exchange)
    try {
      await this.#server?.handle(request, response)
    } catch (problem) {
      this.#options.log(`authorization server: ${problem instanceof Error ? problem.stack : String(problem)}`)
      if (response.headersSent) response.destroy()
      else response.writeHead(500).end()
    }
  }

  /** To be called twice a second: what was taken back ends. What cannot be read or written now is tried again. */
  check(): void {
    this.#idJags.check()
    let fault: string | undefined
    try {
      this.#keepStore(Date.now())
    } catch (problem) {
      fault = problem instanceof Error ? problem.message : String(problem)
    }
    if (fault !== undefined && fault !== this.#fault) this.#options.log(`authorization server: ${fault}`)
    this.#fault = fault
  }

  #keepStore(nowMs: number): void {
    if (this.#store.changed()) this.#pending = true
    if (this.#pending) {
      this.#options.onChange()
      this.#pending = false
    }
    // A clock that was set back must not put it off.
    if (nowMs >= this.#tidiedAtMs && nowMs - this.#tidiedAtMs < TIDY_MS) return
    this.#tidiedAtMs = nowMs
    this.#store.artifacts.sweep(nowMs)
    this.#store.clients.forgetUnused(nowMs - UNUSED_CLIENT_MS)
    void this.#rotate(nowMs)
  }

  async #rotate(nowMs: number): Promise<void> {
    const { config } = this.#options.built()
    try {
      const secrets = await loadSigningKeys(config.dataDir, nowMs)
      const isNew = secrets.keys[0]?.kid !== this.#secrets.keys[0]?.kid
      this.#secrets = secrets
      if (isNew) this.#createServer()
    } catch (problem) {
      this.#options.log(`signing keys: ${problem instanceof Error ? problem.message : String(problem)}`)
    }
  }

  #routes(): Routes {
    const knownAt = (server: string) => {
      const scopes = this.#options.built().config.servers.get(server)?.scopes
      return scopes === undefined ? [] : scopesKnownTo(scopes)
    }
    return {
      scopesAt: knownAt,
      scopes: () => [...this.#options.built().config.servers.keys()].flatMap(knownAt),
      has: (server) => this.#options.built().snapshot.routes.has(server),
      offeredTo: async (person, server, how): Promise<Offered | undefined> => {
        const { config, snapshot } = this.#options.built()
        const { policies } = snapshot
        const proof = { method: 'token', issuer: LOCAL_ISSUER, ...how } as const
        const standing = standingOf(this.#store.people.toldOf(person))
        const caller = createCaller({ type: 'User', id: `${LOCAL_ISSUER}/${person}` }, standing, proof)
        if (!snapshot.routes.has(server) || !isReachable(policies, caller, server)) return undefined
        const query: Query = { ...ABOUT_TOOLS, caller, server }
        const inquiry = { policies, query, nowMs: Date.now() }
        const canSee = (name: string) => isVisible(inquiry, 'tool', name)
        const required = config.servers.get(server)?.scopes
        const scopes = required === undefined ? [] : scopesKnownTo(required, canSee)
        if (server === OWN_SERVER)
          return { server, tools: OWN_TOOLS.map(({ name }) => name).filter(canSee), scopes }
        const offer = await this.#offerOf(server)
        if (offer?.ok !== true) return { server, tools: undefined, scopes }
        return { server, tools: offer.value.tools.map(({ name }) => name).filter(canSee), scopes }
      },
    }
  }

  /** What a server offers, asked in the gateway's own name and remembered for a while, however many people look. */
  #offerOf(server: string): Promise<Result<Offer, string> | undefined> {
    const { config } = this.#options.built()
    const nowMs = Date.now()
    const known = this.#offers.get(server)
    if (known !== undefined && nowMs - known.askedAtMs < OFFER_KEPT_MS) return known.offer
    const only = new Map([...config.servers].filter(([name]) => name === server))
    const signal = new AbortController().signal
    const offer = askServers({ ...config, servers: only }, { limitSeconds: ASK_SECONDS, signal }).then(
      ({ servers }) => {
        const answer = servers.get(server)
        if (answer?.ok !== true) this.#offers.delete(server)
        return answer
      },
    )
    this.#offers.set(server, { askedAtMs: nowMs, offer })
    return offer
  }
}

/** What a token will say of them. */
function standingOf(told: ToldPerson | undefined): Standing {
  if (told === undefined) return {}
  const groups = told.groups.map((group) => ({ type: 'Group', id: `${LOCAL_ISSUER}/${group}` }))
  return { known: { groups, tags: told.tags } }
}

/** A question about tools that nobody has sent. */
const ABOUT_TOOLS = {
  requestId: '',
  method: 'tools/list',
  manner: 'connect',
  target: { action: 'tools/list', resource: { type: 'Server', id: '' } },
  alsoTargets: [],
  subject: undefined,
  input: undefined,
  source: { transport: 'tcp', ip: undefined },
  protocolVersion: '',
  sessionStartedAtMs: undefined,
} as const
