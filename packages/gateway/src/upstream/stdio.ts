/**
 * The upstream for servers in the stdio framing of MCP, over a child process or a Unix socket. It sorts messages by
 * era and sharing; how each kind is carried is told in modern-side.ts, shared-legacy.ts and own-sessions.ts.
 */
import type { Message } from '../model/message.ts'
import { type Permit, requirePermit } from '../model/permit.ts'
import { invalid, type Refusal, unknown } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { Reply, Upstream, UpstreamSession, UpstreamStatus } from '../model/upstream.ts'
import type { CallLimits } from './call.ts'
import type { Channel, Timers } from './channel.ts'
import { Connections } from './connections.ts'
import { limitLog } from './log-lines.ts'
import { ModernSide } from './modern-side.ts'
import { type OwnSession, OwnSessions } from './own-sessions.ts'
import { openStream, SharedLegacy, type SharedSession } from './shared-legacy.ts'
import { Starter } from './starter.ts'

export interface StdioUpstreamOptions {
  readonly name: string
  readonly transport: 'stdio' | 'unix'
  /** Starts the server or connects to it; rejects when that is not possible. */
  open(): Promise<Channel>
  /** Whether legacy callers share one process, or each session has its own. */
  readonly sharing: 'shared' | 'per-session'
  /** `eager` starts the server at once and again whenever it dies; `lazy` when it is called. */
  readonly startup: 'lazy' | 'eager'
  readonly limits: StdioLimits
  readonly timers: Timers
  readonly log: (text: string) => void
}

export interface StdioLimits extends CallLimits {
  readonly startupTimeoutMs: number
  /** Processes for sessions of their own. */
  readonly maxSessions: number
}

/** Limits for a server of which nothing is known. */
export const DEFAULT_STDIO_LIMITS: StdioLimits = {
  maxMessageBytes: 64 * 1024 * 1024,
  requestTimeoutMs: 5 * 60_000,
  startupTimeoutMs: 30_000,
  maxQueuedEvents: 1000,
  maxSessions: 100,
}

/** Makes the upstream of one server. */
export function createStdioUpstream(options: StdioUpstreamOptions): Upstream {
  return new StdioUpstream(options)
}

class StdioUpstream implements Upstream {
  readonly #options: StdioUpstreamOptions
  readonly #starter: Starter
  readonly #connections: Connections
  readonly #modern: ModernSide
  readonly #shared: SharedLegacy
  readonly #own: OwnSessions
  #warming = false
  #cancelWarm: () => void = () => undefined

  constructor(options: StdioUpstreamOptions) {
    const log = limitLog(options.timers, (text) => options.log(`${options.name}: ${text}`))
    const { limits, timers } = options
    this.#options = options
    this.#starter = new Starter({ name: options.name, open: () => options.open(), limits, timers, log })
    this.#connections = new Connections(this.#starter, timers, limits.startupTimeoutMs)
    this.#modern = new ModernSide(this.#connections)
    this.#shared = new SharedLegacy(this.#connections, limits)
    this.#own = new OwnSessions(this.#connections, limits, (peer) => void this.#starter.end(peer))
    this.#starter.onDeath = (peer) => {
      this.#connections.died(peer)
      this.#warmLater()
    }
    this.#warmLater()
  }

  async forward(permit: Permit, signal: AbortSignal): Promise<Result<Reply, Refusal>> {
    requirePermit(permit)
    const { message, session } = permit
    if (message.era === 'modern') return this.#forwardModern(message, signal)
    if (session === undefined) return this.#forwardWithoutSession(message, signal)
    if (this.#shared.owns(session)) return this.#forwardShared(message, session, signal)
    if (this.#own.owns(session)) return this.#forwardOwn(message, session, signal)
    return err(unknown('session', 'The session has ended: start a new one with initialize.'))
  }

  status(): UpstreamStatus {
    const { transport } = this.#options
    const problem = this.#starter.lastProblem
    const ready = [this.#modern, this.#shared, this.#own, this.#connections].some((part) => part.ready)
    const down = problem === undefined ? 'idle' : 'failed'
    const state = ready ? 'ready' : this.#connections.starting ? 'starting' : down
    const detail = state === 'failed' && problem !== undefined ? { detail: problem } : {}
    return { transport, state, eras: this.#connections.eras, ...detail }
  }

  async close(): Promise<void> {
    this.#cancelWarm()
    const closed = this.#starter.close()
    this.#shared.close()
    this.#own.close()
    await closed
  }

  async #forwardModern(message: Message, signal: AbortSignal): Promise<Result<Reply, Refusal>> {
    if (message.kind === 'request' || message.kind === 'notification') {
      return this.#modern.forward(message, signal)
    }
    return err(invalid('This revision of MCP has no sessions.', { status: 405, headers: { allow: 'POST' } }))
  }

  async #forwardWithoutSession(message: Message, signal: AbortSignal): Promise<Result<Reply, Refusal>> {
    switch (message.kind) {
      case 'request':
        if (this.#options.sharing === 'shared') return this.#shared.request(message, undefined, signal)
        if (message.method === 'initialize') return this.#own.open(message, signal)
        return err(unknown('session', 'This server needs a session: start one with initialize.'))
      case 'notification':
        if (this.#options.sharing === 'shared') return this.#shared.notify(message, undefined)
        return ok({ kind: 'empty', status: 202 })
      case 'response':
        return err(invalid('The server has not asked for this response.'))
      case 'stream':
      case 'end':
        return openStream(undefined, signal)
    }
  }

  async #forwardShared(
    message: Message,
    session: SharedSession,
    signal: AbortSignal,
  ): Promise<Result<Reply, Refusal>> {
    switch (message.kind) {
      case 'request':
        return this.#shared.request(message, session, signal)
      case 'notification':
        return this.#shared.notify(message, session)
      case 'response':
        return err(invalid('The server has not asked for this response.'))
      case 'stream':
        return openStream(session, signal)
      case 'end':
        return end(session)
    }
  }

  async #forwardOwn(
    message: Message,
    session: OwnSession,
    signal: AbortSignal,
  ): Promise<Result<Reply, Refusal>> {
    switch (message.kind) {
      case 'request':
        return session.request(message, signal)
      case 'notification':
        return session.notify(message)
      case 'response':
        return session.respond(message)
      case 'stream':
        return openStream(session, signal)
      case 'end':
        return end(session)
    }
  }

  /**
   * An eager server is started as soon as it may be, and again whenever nothing of it is left;
   * a lazy one too while someone waits for updates from it.
   */
  #warmLater(): void {
    const wanted = this.#options.startup === 'eager' || this.#shared.awaited
    if (!wanted || this.#starter.closed || this.#warming) return
    this.#warming = true
    this.#cancelWarm = this.#options.timers.after(this.#starter.pauseMs, () => void this.#warm())
  }

  async #warm(): Promise<void> {
    const warm = await this.#started()
    this.#warming = false
    if (!warm) this.#warmLater()
  }

  async #started(): Promise<boolean> {
    if (this.#shared.awaited) return (await this.#shared.connect()).ok
    if (this.#modern.ready || this.#shared.ready) return true
    const era = await this.#connections.warm()
    if (!era.ok) return false
    if (era.value === 'modern' || this.#options.sharing === 'per-session') return true
    return (await this.#shared.connect()).ok
  }
}

function end(session: UpstreamSession): Result<Reply, Refusal> {
  session.close()
  return ok({ kind: 'empty', status: 200 })
}
