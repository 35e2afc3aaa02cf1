/**
 * Legacy sessions. An id is never a credential: it is looked up together with the caller and the server it was
 * made for, and for anyone else it does not exist. The server's own session id stays on this side.
 */
import type { Caller } from '../model/caller.ts'
import type { Message } from '../model/message.ts'
import { type Refusal, unknown } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { UpstreamSession } from '../model/upstream.ts'

export interface Session {
  readonly id: string
  readonly server: string
  readonly caller: Caller
  readonly upstream: UpstreamSession
  readonly startedAtMs: number
  /** Whether the client said that it opens URLs for its user. */
  readonly opensUrls: boolean
  lastUsedAtMs: number
  /** Aborts everything that is open under the session when it ends. */
  readonly ended: AbortController
}

export interface SessionOptions {
  /** Sessions of one caller; opening one more ends the one that was idle longest. */
  readonly maxSessionsPerCaller: number
  readonly idleSeconds: number
  now(): number
  /** 128 bits or more of randomness, visible ASCII. */
  randomId(): string
}

export class Sessions {
  readonly #options: SessionOptions
  readonly #byId = new Map<string, Session>()
  readonly #byCaller = new Map<string, Set<Session>>()

  constructor(options: SessionOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#byId.size
  }

  open(server: string, caller: Caller, upstream: UpstreamSession, clientOpensUrls = false): Session {
    const now = this.#options.now()
    const mine = this.#byCaller.get(caller.bindingKey) ?? new Set()
    if (mine.size >= this.#options.maxSessionsPerCaller) {
      const idlest = [...mine].reduce((a, b) => (b.lastUsedAtMs < a.lastUsedAtMs ? b : a))
      this.end(idlest)
    }
    const id = this.#options.randomId()
    const session = {
      id,
      server,
      caller,
      upstream,
      startedAtMs: now,
      opensUrls: clientOpensUrls,
      lastUsedAtMs: now,
      ended: new AbortController(),
    }
    this.#byId.set(id, session)
    this.#byCaller.set(caller.bindingKey, mine.add(session))
    return session
  }

  /** The session `id`, if it is this caller's and this server's; otherwise it is unknown. */
  find(id: string, server: string, caller: Caller): Result<Session, Refusal> {
    const session = this.#byId.get(id)
    if (
      session === undefined ||
      session.server !== server ||
      session.caller.bindingKey !== caller.bindingKey
    ) {
      const detail =
        session === undefined ? 'no such session' : 'the session belongs to another caller or server'
      return err(unknown('session', 'Session not found: start a new one with initialize.', detail))
    }
    session.lastUsedAtMs = this.#options.now()
    return ok(session)
  }

  end(session: Session): void {
    if (!this.#byId.delete(session.id)) return
    const mine = this.#byCaller.get(session.caller.bindingKey)
    mine?.delete(session)
    if (mine?.size === 0) this.#byCaller.delete(session.caller.bindingKey)
    session.ended.abort()
    session.upstream.close()
  }

  /** Ends every session that `matches`: revoked keys, removed servers, shutdown. */
  endWhere(matches: (session: Session) => boolean): void {
    for (const session of [...this.#byId.values()]) if (matches(session)) this.end(session)
  }

  /** Ends what nobody has used for `idleSeconds`; call it from time to time. */
  endIdle(): void {
    const before = this.#options.now() - this.#options.idleSeconds * 1000
    this.endWhere((session) => session.lastUsedAtMs < before)
  }
}

/** The session that a legacy message claims; undefined for messages that belong to none. */
export function bindSession(
  message: Message,
  server: string,
  caller: Caller,
  sessions: Sessions,
): Result<Session | undefined, Refusal> {
  // Modern requests have no sessions, and initialize opens one: an id on those means nothing.
  if (message.sessionId === undefined || message.method === 'initialize') return NO_SESSION
  return sessions.find(message.sessionId, server, caller)
}

const NO_SESSION = ok(undefined)
