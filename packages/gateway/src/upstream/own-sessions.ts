/**
 * Legacy callers, each with a process of its own: `initialize` starts it and ending the session ends it. Between the
 * two everything passes as it is, requests of the server to its client included.
 */
import type { JsonRpcId, NotificationMessage, RequestMessage, ResponseMessage } from '../model/message.ts'
import { invalid, type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { Reply, ServerMessage, UpstreamSession } from '../model/upstream.ts'
import type { Connections } from './connections.ts'
import type { QueueLimits } from './event-queue.ts'
import { errorMessage, errorOf, idOf, member, METHOD_NOT_FOUND, resultMessage } from './json-rpc.ts'
import type { Peer } from './peer.ts'
import { SessionCalls } from './session-calls.ts'
import { SessionStream } from './session-stream.ts'

/** About the server's state, not about a request that happens to be in flight. */
const STATE_CHANGE = /\/(list_changed|updated)$|^notifications\/tasks\/status$/

export interface OwnLimits extends QueueLimits {
  readonly maxSessions: number
  readonly startupTimeoutMs: number
}

/** One caller's session and the process behind it. */
export class OwnSession implements UpstreamSession {
  readonly stream: SessionStream
  readonly calls = new SessionCalls()
  readonly #peer: Peer
  readonly #limits: OwnLimits
  readonly #end: (session: OwnSession) => void
  /** Requests of the server that the client has not answered. */
  readonly #asked = new Set<JsonRpcId>()
  #established = false
  #open = true

  constructor(peer: Peer, limits: OwnLimits, end: (session: OwnSession) => void) {
    this.#peer = peer
    this.#limits = limits
    this.#end = end
    this.stream = new SessionStream(limits, (message) => this.#undeliverable(message))
    peer.listener = {
      unsolicited: (message) => this.#deliver(message),
      asked: (message, id) => this.#ask(message, id),
      closed: () => this.close(),
    }
  }

  /** Sends the client's `initialize`; the session is open when the server has agreed. */
  async initialize(message: RequestMessage, signal: AbortSignal): Promise<Result<Reply, Refusal>> {
    const timeoutMs = this.#limits.startupTimeoutMs
    const reply = await this.#peer.call(message, { signal, timeoutMs }).reply
    this.#established =
      reply.ok && reply.value.kind === 'single' && errorOf(reply.value.message.body) === undefined
    // From here on it is the caller's: what the caller does to it must not keep others from starting theirs.
    this.#peer.excused = this.#established
    if (!this.#established) this.close()
    else if (reply.ok && reply.value.kind === 'single') return ok({ ...reply.value, session: this })
    return reply
  }

  request(message: RequestMessage, signal: AbortSignal): Promise<Result<Reply, Refusal>> {
    const waitsForClient = () => this.#asked.size > 0
    return this.calls.start(this.#peer, message, { signal, waitsForClient }).reply
  }

  notify(message: NotificationMessage): Result<Reply, Refusal> {
    if (message.method === 'notifications/cancelled') this.calls.cancel(this.#peer, message.params)
    else if (!this.#peer.send(message.body)) return err(notReading())
    return accepted()
  }

  /** Passes on the client's answer to a request of the server; one that was not asked for goes nowhere. */
  respond(message: ResponseMessage): Result<Reply, Refusal> {
    if (!this.#asked.delete(message.id)) return err(invalid('The server has not asked for this response.'))
    return this.#peer.send(message.body) ? accepted() : err(notReading())
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.calls.close()
    this.stream.close()
    this.#end(this)
  }

  get peer(): Peer {
    return this.#peer
  }

  #ask(message: ServerMessage, id: JsonRpcId): void {
    // Whether the process is connected is the gateway's to say when the client is not there to say it.
    if (message.body['method'] === 'ping' && !this.stream.open) {
      this.#peer.send(resultMessage(id, {}).body)
      return
    }
    this.#asked.add(id)
    this.#deliver(message)
  }

  #deliver(message: ServerMessage): void {
    const method = String(message.body['method'])
    if (method === 'notifications/cancelled') this.#asked.delete(cancelledId(message))
    const toStream = this.stream.open && STATE_CHANGE.test(method)
    if (!toStream && this.#established && this.calls.deliverToLatest(message)) return
    this.stream.send(message)
  }

  #undeliverable(message: ServerMessage): void {
    const id = idOf(message.body)
    if (id === undefined || !this.#asked.delete(id)) return
    this.#peer.send(errorMessage(id, METHOD_NOT_FOUND, 'The client does not read requests').body)
  }
}

export class OwnSessions {
  readonly #connections: Connections
  readonly #limits: OwnLimits
  readonly #end: (peer: Peer) => void
  readonly #sessions = new Set<OwnSession>()
  #starting = 0

  constructor(connections: Connections, limits: OwnLimits, end: (peer: Peer) => void) {
    this.#connections = connections
    this.#limits = limits
    this.#end = end
  }

  get ready(): boolean {
    return this.#sessions.size > 0
  }

  /** Whether the session is one of this server's, and has not ended. */
  owns(session: UpstreamSession): session is OwnSession {
    return session instanceof OwnSession && this.#sessions.has(session)
  }

  /** Starts a process for the session that this `initialize` begins. */
  async open(message: RequestMessage, signal: AbortSignal): Promise<Result<Reply, Refusal>> {
    const { maxSessions } = this.#limits
    if (this.#sessions.size + this.#starting >= maxSessions) {
      const detail = `limit: ${maxSessions} processes`
      return err({ reason: 'limited', message: 'The server has as many sessions as it may have.', detail })
    }
    this.#starting++
    const peer = await this.#connections.untouched(message.params?.['protocolVersion'])
    this.#starting--
    if (!peer.ok) return peer
    const session = new OwnSession(peer.value, this.#limits, (ended) => {
      this.#sessions.delete(ended)
      this.#end(ended.peer)
    })
    this.#sessions.add(session)
    const reply = await session.initialize(message, signal)
    if (this.#sessions.has(session)) this.#connections.provedLegacy()
    return reply
  }

  close(): void {
    for (const session of this.#sessions) session.close()
  }
}

function accepted(): Result<Reply, Refusal> {
  return ok({ kind: 'empty', status: 202 })
}

function notReading(): Refusal {
  return unavailable('The server does not read what is sent to it.')
}

function cancelledId(message: ServerMessage): JsonRpcId {
  return member(message.body, 'params')?.['requestId'] as JsonRpcId
}
