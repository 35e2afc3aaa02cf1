/**
 * The composition root: what calls share is made here, once, and handed down. Everything in the rows below gets time,
 * randomness, processes and files as arguments.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Trail } from '../audit/trail.ts'
import type { Config, ServerConfig } from '../config/config.ts'
import { Handles } from '../mcp/handles.ts'
import { Seals } from '../mcp/sealed.ts'
import { Sessions } from '../mcp/sessions.ts'
import { checkTransport } from '../mcp/transport.ts'
import type { Authentication, Caller } from '../model/caller.ts'
import type { Refusal } from '../model/refusal.ts'
import { OWN_SERVER } from '../model/names.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { Exchange } from '../model/exchange.ts'
import type { Upstream } from '../model/upstream.ts'
import { type Gateway, handleCall, refuseUnreadable } from '../pipeline.ts'
import { AuditFile } from '../store/audit-file.ts'
import type { AdminRoutes } from './admin-request.ts'
import { Authorization, type AuthorizationState } from './authorization.ts'
import { addressOf, Identity, type IssuerStatus } from './identity.ts'
import { Lifetimes } from './lifetimes.ts'
import { Listener, listenProblem } from './listener.ts'
import { ProcessGuard } from './process-guard.ts'
import { createSpawn } from './processes.ts'
import type { Internet } from './public-fetch.ts'
import { createRequestIds } from './request-ids.ts'
import { type Built, buildSnapshot, hostsOf } from './snapshot.ts'
import { checkStart, readTls, restartNeeded } from './start-checks.ts'
import { openStores, type Stores } from './stores.ts'
import { TaskService } from './task-service.ts'
import { systemTimers, within } from './timers.ts'
import { createUpstream } from './upstreams.ts'

const STATE_TTL_SECONDS = 3600
const SESSION_IDLE_SECONDS = 24 * 3600
const HOUSEKEEPING_MS = 500

export interface GatewayStatus {
  readonly pid: number
  readonly startedAt: string
  readonly config: string
  readonly listen: string
  readonly policies: number
  readonly sessions: number
  readonly audit: ReturnType<Trail['state']>
  readonly servers: readonly ({ readonly name: string } & ReturnType<Upstream['status']>)[]
  /** Issuers of tokens, outside. */
  readonly issuers: readonly IssuerStatus[]
}

/** For code that starts a gateway itself, such as the benchmark: what no configuration can ask for. */
export interface Replacements {
  /** Instead of the audit log in the data directory. */
  readonly trail?: Pick<Trail, 'record' | 'recordEvent' | 'outcome' | 'flush' | 'state'>
  /** Where documents of clients are fetched from. */
  readonly internet?: Partial<Internet>
  /** The clock that tokens and the keys of issuers go by. */
  readonly now?: () => number
}

interface Parts extends Replacements {
  readonly guard: ProcessGuard
  readonly stores: Stores
  readonly log: (text: string) => void
}

/** A gateway that is running. */
export class RunningGateway {
  readonly #log: (text: string) => void
  readonly #startedAt = new Date()
  readonly #guard: ProcessGuard
  readonly #stores: Stores
  readonly #audit: AuditFile
  readonly #lifetimes = new Lifetimes()
  readonly #identity: Identity
  readonly #tasks: TaskService
  readonly #internet: Replacements['internet']
  readonly #trail: NonNullable<Replacements['trail']>
  readonly #gateway: Gateway
  readonly #listener: Listener
  readonly #housekeeping: NodeJS.Timeout
  /** Once it was on. It stays open when it is turned off, for requests that are under way. */
  #authorization: Authorization | undefined
  #built: Built
  #port: number | undefined

  private constructor(built: Built, parts: Parts) {
    const { guard, stores, log, trail, internet } = parts
    const { config } = built
    this.#built = built
    this.#guard = guard
    this.#stores = stores
    this.#log = log
    this.#internet = internet
    if (stores.authorization !== undefined)
      this.#authorization = this.#createAuthorization(stores.authorization)
    this.#identity = new Identity({
      keys: stores.keys,
      revoked: stores.revoked,
      log,
      now: parts.now ?? Date.now,
      end: (isOver) => this.#endWhere(isOver),
      openProofLog: stores.openProofLog,
      own: () => this.#signing,
    })
    this.#audit = new AuditFile({
      dataDir: config.dataDir,
      onNotice: (notice) => log(`audit log: ${JSON.stringify(notice)}`),
    })
    this.#trail =
      trail ??
      new Trail({
        store: this.#audit,
        now: Date.now,
        onFailure: (cause) => log(`the audit log cannot be written, so calls are refused: ${cause}`),
        onRecovery: () => log('the audit log can be written again'),
      })
    this.#tasks = new TaskService({
      stores,
      trail: this.#trail,
      audit: trail === undefined ? this.#audit : undefined,
      built: () => this.#built,
      endpoint: () => this.endpoint,
      hasPages: () => this.#signing !== undefined,
      endWhere: (isOver) => this.#endWhere(isOver),
      endCalls: (task, refusal) => this.#lifetimes.endWhere((caller) => caller.task === task, refusal),
      log,
    })
    this.#gateway = this.#createGateway(config)
    this.#listener = this.#createListener(config)
    this.#housekeeping = setInterval(() => this.#keepHouse(), HOUSEKEEPING_MS)
  }

  /** Starts a gateway. Errors are sentences or `file:line:column: …`, and then nothing is left running. */
  static async start(
    config: Config,
    log: (text: string) => void,
    replacements: Replacements = {},
  ): Promise<Result<RunningGateway, readonly string[]>> {
    const refused = checkStart(config)
    if (refused !== undefined) return err([refused])
    const stores = await openStores(config)
    if (!stores.ok) return err([stores.error])
    const guard = new ProcessGuard(log)
    const built = await buildSnapshot(config, undefined, (server) => makeUpstream(server, config, guard, log))
    if (!built.ok) {
      stores.value.close()
      return built
    }
    const running = new RunningGateway(built.value, {
      ...replacements,
      guard,
      stores: stores.value,
      log,
    })
    const problem = await running.#open()
    if (problem === undefined) return ok(running)
    await running.stop()
    return err([problem])
  }

  /** Where callers reach it: `http://127.0.0.1:7070`, or the path of the socket. */
  get endpoint(): string {
    const { listen, tls } = this.#built.config
    if (listen.kind === 'unix') return `unix:${listen.path}`
    const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
    return `${tls === undefined ? 'http' : 'https'}://${host}:${this.#port ?? listen.port}`
  }

  get config(): Config {
    return this.#built.config
  }

  /** What the admin API is asked about tasks and approvals. */
  get adminRoutes(): readonly AdminRoutes[] {
    return this.#tasks.routes
  }

  status(): GatewayStatus {
    const { config, upstreams, snapshot } = this.#built
    return {
      pid: process.pid,
      startedAt: this.#startedAt.toISOString(),
      config: config.file,
      listen: this.endpoint,
      policies: snapshot.policies.all.policies.length,
      sessions: this.#gateway.sessions.size,
      audit: this.#trail.state(),
      servers: [...upstreams].map(([name, upstream]) => ({ name, ...upstream.status() })),
      issuers: this.#identity.status(),
    }
  }

  /** Swaps in a new configuration and its policies at once; a wrong one changes nothing and says why. */
  async reload(config: Config): Promise<Result<void, readonly string[]>> {
    const restart = restartNeeded(this.#built.config, config)
    if (restart !== undefined) return err([restart])
    if (config.authorizationServer !== undefined && this.#authorization === undefined) {
      const state = await this.#stores.openAuthorization()
      if (!state.ok) return err([state.error])
      this.#authorization = this.#createAuthorization(state.value)
    }
    const before = this.#built
    const made: Upstream[] = []
    const built = await buildSnapshot(config, before, (server) => {
      const upstream = makeUpstream(server, config, this.#guard, this.#log)
      made.push(upstream)
      return upstream
    })
    if (!built.ok) return built
    if (config.tls !== undefined) {
      const tls = readTls(config.tls)
      if (!tls.ok) {
        await Promise.all(made.map((upstream) => upstream.close()))
        return err([tls.error])
      }
      // Before anything else ends: whoever has to come back meets the new authorities.
      if (this.#listener.setTls(tls.value)) this.#endWhere(isByCertificate)
    }
    this.#use(built.value)
    void this.#retire(before)
    return ok(undefined)
  }

  /** Takes no new calls, lets those under way end for as long as the configuration says, and leaves nothing behind. */
  async stop(drainSeconds = this.#built.config.limits.drainSeconds): Promise<void> {
    clearInterval(this.#housekeeping)
    this.#lifetimes.stop()
    const closed = this.#listener.close()
    await within(drainSeconds, Promise.all([this.#listener.settled(), closed]))
    this.#listener.destroy()
    this.#gateway.sessions.endWhere(() => true)
    await Promise.all([...this.#built.upstreams.values()].map((upstream) => upstream.close()))
    await this.#guard.close()
    await this.#trail.flush()
    this.#tasks.close()
    await this.#audit.close().catch((problem: unknown) => this.#log(`audit log: ${String(problem)}`))
    this.#stores.close()
  }

  /** The authorization server, while it is on. */
  get #signing(): Authorization | undefined {
    return this.#built.config.authorizationServer === undefined ? undefined : this.#authorization
  }

  #createAuthorization(state: AuthorizationState): Authorization {
    return new Authorization(state, {
      built: () => this.#built,
      log: this.#log,
      internet: this.#internet,
      revoked: this.#stores.revoked,
      record: (entry) => this.#trail.recordEvent(entry),
      desk: () => this.#tasks.desk,
      approvals: () => this.#tasks.approvals,
      onChange: () => {
        this.#identity.withdraw()
        this.#endWhere((authentication) => this.#authorization?.isWithdrawn(authentication) === true)
      },
    })
  }

  #createGateway(config: Config): Gateway {
    const randomId = () => randomBytes(24).toString('base64url')
    return {
      snapshot: () => this.#built.snapshot,
      authenticate: (exchange) => {
        const asked = this.#identity.authenticate(exchange)
        const began = (caller: Result<Caller, Refusal>) => {
          if (caller.ok) this.#lifetimes.began(exchange, caller.value.authentication)
          return caller
        }
        return asked instanceof Promise ? asked.then(began) : began(asked)
      },
      challenge: (exchange, refusal) => this.#identity.challenge(exchange, refusal),
      trail: this.#trail,
      tasks: this.#tasks.tasks,
      ledger: this.#tasks.ledger,
      approvals: this.#tasks.approvals,
      paths: this.#tasks.paths,
      sessions: new Sessions({
        maxSessionsPerCaller: config.limits.maxSessions,
        idleSeconds: SESSION_IDLE_SECONDS,
        now: Date.now,
        randomId,
      }),
      handles: new Handles(),
      seals: new Seals({ key: randomBytes(32), ttlSeconds: STATE_TTL_SECONDS, now: Date.now, randomId }),
      lifetime: (permitted) => this.#lifetimes.of(permitted),
      now: Date.now,
      note: this.#log,
      noteRefusal: (refused, refusal) => this.#tasks.refusals.noteCall(refused, refusal),
    }
  }

  #createListener(config: Config): Listener {
    const { limits } = config
    const tls = config.tls === undefined ? undefined : readTls(config.tls)
    return new Listener({
      listen: config.listen,
      tls: tls?.ok === true ? tls.value : undefined,
      trustedProxies: config.trustedProxies,
      maxHeaderBytes: limits.maxHeaderBytes,
      headersTimeoutMs: limits.headersTimeoutSeconds * 1000,
      bodyTimeoutMs: limits.bodyTimeoutSeconds * 1000,
      newRequestId: createRequestIds(),
      now: () => performance.timeOrigin + performance.now(),
      serve: (exchange, request, response) => this.#serve(exchange, request, response),
      handle: (exchange) => this.#handle(exchange),
      refuse: (exchange, refusal) => refuseUnreadable(exchange, refusal, this.#gateway),
    })
  }

  /** What browsers and clients ask of the authorization server, under the same rules of Host and Origin as calls. */
  #serve(exchange: Exchange, request: IncomingMessage, response: ServerResponse): Promise<void> | undefined {
    const authorization = this.#signing
    if (authorization === undefined || !authorization.owns(exchange)) return undefined
    const transport = checkTransport(exchange, this.#built.snapshot.hosts)
    if (!transport.ok) return refuseUnreadable(exchange, transport.error, this.#gateway)
    return authorization.handle(exchange, request, response)
  }

  async #handle(exchange: Exchange): Promise<void> {
    if (this.#identity.answerMetadata(exchange, this.#built.snapshot.hosts)) return
    await handleCall(exchange, this.#gateway)
    this.#lifetimes.ended(exchange)
  }

  /** Undefined when everything is open, else why not. */
  async #open(): Promise<string | undefined> {
    try {
      await this.#audit.open()
    } catch (problem) {
      // A log that cannot be written now may be later; one that another gateway writes will not.
      const message = problem instanceof Error ? problem.message : String(problem)
      if (/another|held|locked/i.test(message)) return message
      this.#log(`the audit log cannot be written, so calls are refused: ${message}`)
    }
    await this.#tasks.restore()
    try {
      this.#port = await this.#listener.open()
      this.#use(this.#built)
    } catch (problem) {
      return listenProblem(problem as NodeJS.ErrnoException, this.endpoint)
    }
    return undefined
  }

  /** With port 0 the system chooses, and only then the Host and the address that name this listener are known. */
  #use(built: Built): void {
    const { listen } = built.config
    const port = listen.kind === 'tcp' && listen.port === 0 ? this.#port : undefined
    const hosts = port === undefined ? undefined : hostsOf(built.config, { ...listen, port } as typeof listen)
    const own = { server: OWN_SERVER, upstream: this.#tasks.own }
    const routes = new Map([...built.snapshot.routes, [OWN_SERVER, own] as const])
    const { snapshot } = built
    this.#built = { ...built, snapshot: { ...snapshot, routes, hosts: hosts ?? snapshot.hosts } }
    const { authorizationServer } = built.config
    if (authorizationServer !== undefined)
      this.#authorization?.signFor(addressOf(built.config, this.endpoint), authorizationServer)
    this.#identity.replace(built.config, this.endpoint)
    this.#tasks.configure(built.config)
  }

  /** Ends the sessions and streams of callers who proved who they are in such a way. */
  #endWhere(isOver: (authentication: Authentication) => boolean): void {
    this.#gateway.sessions.endWhere(({ caller }) => isOver(caller.authentication))
    this.#lifetimes.endWhere(isOver)
  }

  #keepHouse(): void {
    this.#gateway.sessions.endIdle()
    const nowMs = Date.now()
    // A session goes on with the next token of its caller; what is open under this one does not.
    this.#lifetimes.expire(nowMs)
    this.#tasks.check()
    this.#identity.check()
    this.#authorization?.check()
  }

  /** Closes the upstreams that a reload dropped, once the calls that may still use them have ended. */
  async #retire(before: Built): Promise<void> {
    const { upstreams, config } = this.#built
    const dropped = [...before.upstreams].filter(([name, upstream]) => upstreams.get(name) !== upstream)
    if (dropped.length === 0) return
    this.#gateway.sessions.endWhere(({ server }) => dropped.some(([name]) => name === server))
    await within(config.limits.drainSeconds, this.#listener.settled())
    await Promise.all(dropped.map(([, upstream]) => upstream.close()))
  }
}

function isByCertificate({ method, bound }: Authentication): boolean {
  return method === 'certificate' || bound === 'mtls'
}

function makeUpstream(
  server: ServerConfig,
  config: Config,
  guard: ProcessGuard,
  log: (text: string) => void,
): Upstream {
  return createUpstream(server, {
    limits: config.limits,
    spawn: createSpawn(guard),
    timers: systemTimers,
    log,
  })
}
