/**
 * Legacy callers of one server on one shared process. The gateway is the server's only client: it initializes the
 * process once and gives every caller a session of its own in front of it. What cannot be said to be one caller's
 * (log messages, requests of the server) reaches nobody, because it could be another's.
 */
import { editJson, type JsonEdit } from '../model/json-text.ts'
import type { NotificationMessage, RequestMessage } from '../model/message.ts'
import { parseJson } from '../model/parse-json.ts'
import { invalid, type Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { Reply, ServerMessage, UpstreamSession } from '../model/upstream.ts'
import type { Connections, Initialized } from './connections.ts'
import type { QueueLimits } from './event-queue.ts'
import { LEGACY_REVISIONS } from './handshake.ts'
import { errorMessage, errorOf, member, METHOD_NOT_FOUND, resultMessage } from './json-rpc.ts'
import type { Peer } from './peer.ts'
import { SessionCalls } from './session-calls.ts'
import { SessionStream } from './session-stream.ts'
import { Subscriptions } from './subscriptions.ts'

/** What is about the connection between client and gateway, and ends here. */
const SWALLOWED = ['notifications/initialized', 'notifications/progress', 'notifications/roots/list_changed']

/** One caller's session in front of the shared process. */
export class SharedSession implements UpstreamSession {
  readonly calls = new SessionCalls()
  readonly stream: SessionStream
  readonly #ended: (session: SharedSession) => void
  #open = true

  constructor(limits: QueueLimits, ended: (session: SharedSession) => void) {
    this.stream = new SessionStream(limits, () => undefined)
    this.#ended = ended
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.calls.close()
    this.stream.close()
    this.#ended(this)
  }
}

export class SharedLegacy {
  readonly #connections: Connections
  readonly #limits: QueueLimits
  readonly #sessions = new Set<SharedSession>()
  readonly #subscriptions = new Subscriptions<SharedSession>()
  #server: Initialized | undefined
  #opening: Promise<Result<Initialized, Refusal>> | undefined

  constructor(connections: Connections, limits: QueueLimits) {
    this.#connections = connections
    this.#limits = limits
  }

  get ready(): boolean {
    return this.#server?.peer.open === true
  }

  /** Whether the session is one of this server's, and has not ended. */
  owns(session: UpstreamSession): session is SharedSession {
    return session instanceof SharedSession && this.#sessions.has(session)
  }

  /** Whether someone waits for updates, so that the server is wanted even while nobody calls. */
  get awaited(): boolean {
    return this.#subscriptions.uris().length > 0
  }

  /** Opens and initializes the connection if there is none. */
  async connect(requested?: unknown): Promise<Result<Initialized, Refusal>> {
    if (this.#server?.peer.open === true) return ok(this.#server)
    this.#opening ??= this.#connections.initialized(requested).then((found) => {
      this.#opening = undefined
      if (found.ok) this.#adopt(found.value)
      return found
    })
    return this.#opening
  }

  async request(
    message: RequestMessage,
    session: SharedSession | undefined,
    signal: AbortSignal,
  ): Promise<Result<Reply, Refusal>> {
    if (message.method === 'ping') return single(resultMessage(message.id, {}))
    if (message.method === 'logging/setLevel') {
      const why = 'Method not found: this server is shared, and its log messages belong to no single caller'
      return single(errorMessage(message.id, METHOD_NOT_FOUND, why))
    }
    const server = await this.connect(message.params?.['protocolVersion'])
    if (!server.ok) return server
    const { peer } = server.value
    if (message.method === 'initialize') return this.#greet(message, server.value.handshake)
    if (session === undefined) return peer.call(message, { signal }).reply
    if (message.method === 'resources/subscribe') return this.#subscribe(peer, message, { session, signal })
    if (message.method === 'resources/unsubscribe')
      return this.#unsubscribe(peer, message, { session, signal })
    return session.calls.start(peer, message, { signal }).reply
  }

  async notify(
    message: NotificationMessage,
    session: SharedSession | undefined,
  ): Promise<Result<Reply, Refusal>> {
    const accepted = ok({ kind: 'empty', status: 202 } as const)
    if (SWALLOWED.includes(message.method)) return accepted
    if (message.method === 'notifications/cancelled') {
      if (this.#server !== undefined) session?.calls.cancel(this.#server.peer, message.params)
      return accepted
    }
    const server = await this.connect()
    if (!server.ok) return server
    server.value.peer.send(message.body)
    return accepted
  }

  close(): void {
    for (const session of this.#sessions) session.close()
  }

  /** Answers `initialize` with what the server told the gateway. */
  #greet(message: RequestMessage, handshake: ServerMessage): Result<Reply, Refusal> {
    const session = new SharedSession(this.#limits, (ended) => this.#ended(ended))
    this.#sessions.add(session)
    const version = agreedVersion(message.params?.['protocolVersion'], handshake)
    const edits: JsonEdit[] = [
      { path: ['id'], value: JSON.stringify(message.id) },
      { path: ['result', 'protocolVersion'], value: JSON.stringify(version) },
      { path: ['result', 'capabilities', 'logging'], value: undefined },
    ]
    const text = editJson(handshake.text, edits)
    const body = parseJson(text) as ServerMessage['body']
    return ok({ kind: 'single', status: 200, message: { text, body }, session })
  }

  async #subscribe(peer: Peer, message: RequestMessage, from: From): Promise<Result<Reply, Refusal>> {
    const uri = message.params?.['uri']
    if (typeof uri !== 'string') return from.session.calls.start(peer, message, from).reply
    const already = this.#subscriptions.has(uri, from.session)
    // Counted before the server has agreed: meanwhile nobody else's leaving may end the subscription.
    this.#subscriptions.add(uri, from.session)
    const reply = await from.session.calls.start(peer, message, from).reply
    const agreed =
      reply.ok && reply.value.kind === 'single' && errorOf(reply.value.message.body) === undefined
    if (!agreed && !already) this.#leave(from.session, uri)
    return reply
  }

  #unsubscribe(peer: Peer, message: RequestMessage, from: From): Promise<Result<Reply, Refusal>> {
    const uri = message.params?.['uri']
    const last = typeof uri !== 'string' || this.#subscriptions.remove(uri, from.session)
    if (last) return from.session.calls.start(peer, message, from).reply
    return Promise.resolve(single(resultMessage(message.id, {})))
  }

  #leave(session: SharedSession, uri: string): void {
    if (this.#subscriptions.remove(uri, session)) this.#stopUpdates(uri)
  }

  #ended(session: SharedSession): void {
    this.#sessions.delete(session)
    for (const uri of this.#subscriptions.removeAll(session)) this.#stopUpdates(uri)
  }

  #stopUpdates(uri: string): void {
    const peer = this.#server?.peer
    if (peer?.open === true) void peer.ask('resources/unsubscribe', { uri }, ASK_TIMEOUT_MS)
  }

  /** Takes over a connection. Sessions outlive it: a new one is told what they had subscribed to. */
  #adopt(server: Initialized): void {
    const { peer } = server
    this.#server = server
    peer.listener = {
      unsolicited: (message) => this.#unsolicited(message),
      asked: (message, id) => {
        const ping = message.body['method'] === 'ping'
        const answer = ping ? resultMessage(id, {}) : errorMessage(id, METHOD_NOT_FOUND, 'Method not found')
        peer.send(answer.body)
      },
      closed: () => undefined,
    }
    for (const uri of this.#subscriptions.uris())
      void peer.ask('resources/subscribe', { uri }, ASK_TIMEOUT_MS)
  }

  #unsolicited(message: ServerMessage): void {
    const method = String(message.body['method'])
    const uri = member(message.body, 'params')?.['uri']
    const concerned =
      method === 'notifications/resources/updated' && typeof uri === 'string'
        ? this.#subscriptions.subscribers(uri)
        : method.endsWith('/list_changed')
          ? this.#sessions
          : []
    for (const session of concerned) session.stream.send(message)
  }
}

interface From {
  readonly session: SharedSession
  readonly signal: AbortSignal
}

/** How long the gateway's own small requests may take; nobody waits for them. */
const ASK_TIMEOUT_MS = 30_000

function single(message: ServerMessage): Result<Reply, Refusal> {
  return ok({ kind: 'single', status: 200, message })
}

/** The caller's revision when the server could speak it, else the server's. */
function agreedVersion(requested: unknown, handshake: ServerMessage): unknown {
  const negotiated = member(handshake.body, 'result')?.['protocolVersion']
  const wanted = LEGACY_REVISIONS.indexOf(String(requested))
  const possible = wanted >= 0 && wanted <= LEGACY_REVISIONS.indexOf(String(negotiated))
  return possible ? requested : negotiated
}

/** The stream of a session, or why there is none. */
export function openStream(
  session: { stream: SessionStream } | undefined,
  signal: AbortSignal,
): Result<Reply, Refusal> {
  if (session !== undefined) return session.stream.read(signal)
  const headers = { allow: 'POST' }
  return err(invalid('There is no stream without a session.', { status: 405, headers }))
}
