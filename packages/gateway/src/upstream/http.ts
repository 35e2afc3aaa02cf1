/**
 * Upstream over Streamable HTTP: TCP, TLS or a Unix socket. Each call is an HTTP request of its own, so replies
 * cannot cross; modern requests get an id of the gateway's own as well, because a server may share one transport
 * between its callers, and an answer with another id is refused rather than delivered.
 */
import type { Dispatcher } from 'undici'
import { editJson } from '../model/json-text.ts'
import type { JsonObject, JsonRpcId, Message } from '../model/message.ts'
import { type Permit, requirePermit } from '../model/permit.ts'
import { type Refusal, unavailable, unknown } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type {
  Reply,
  ServerEvent,
  ServerMessage,
  Upstream,
  UpstreamSession,
  UpstreamStatus,
} from '../model/upstream.ts'
import { classify, discoverParams, LEGACY, speaksLegacyOnly } from './era.ts'
import { refusedByStatus, responseIn } from './http-answer.ts'
import { callHttp, type HttpAnswer, type HttpRequest } from './http-call.ts'
import { type UpstreamCredential, upstreamHeaders } from './http-headers.ts'
import { replaceId } from './restore.ts'
import { parseServerMessage } from './server-message.ts'

export interface HttpUpstreamOptions {
  readonly url: URL
  /** Connects to the server; owned by this upstream, closed with it. */
  readonly dispatcher: Dispatcher
  readonly transport: string
  /** Read anew for every call, so that a rotated secret is used at once. */
  credential(): Result<UpstreamCredential | undefined, Refusal>
  readonly requestTimeoutMs: number
  readonly maxResultBytes: number
}

const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId'
const NEVER = new AbortController().signal

class HttpSession implements UpstreamSession {
  readonly id: string
  closed = false
  readonly #end: (session: HttpSession) => void

  constructor(id: string, end: (session: HttpSession) => void) {
    this.id = id
    this.#end = end
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.#end(this)
  }
}

export class HttpUpstream implements Upstream {
  readonly #options: HttpUpstreamOptions
  readonly #path: string
  #nextId = 1
  #era: 'modern' | 'legacy' | undefined
  #probing: Promise<void> | undefined
  #state: UpstreamStatus['state'] = 'idle'
  #detail: string | undefined

  constructor(options: HttpUpstreamOptions) {
    this.#options = options
    this.#path = options.url.pathname + options.url.search
    this.#path = options.url.pathname + options.url.search
  }

  async forward(permit: Permit, signal: AbortSignal): Promise<Result<Reply, Refusal>> {
    requirePermit(permit)
    const { message } = permit
    if (message.era === 'modern' && this.#era !== 'modern') {
      if (this.#era === undefined && message.method !== 'server/discover')
        await this.#probe(message.protocolVersion)
      if (this.#era === 'legacy') return err(speaksLegacyOnly(message.protocolVersion))
    }
    const session = permit.session instanceof HttpSession ? permit.session : undefined
    const upstreamId = message.kind === 'request' && message.era === 'modern' ? this.#nextId++ : undefined
    const answer = await this.#call(message, session?.id, upstreamId, signal)
    if (!signal.aborted) this.#note(answer)
    if (!answer.ok) return answer
    if (message.kind === 'end' && session !== undefined) session.closed = true
    return this.#reply(answer.value, message, session, upstreamId)
  }

  status(): UpstreamStatus {
    const eras = this.#era === undefined ? [] : [this.#era]
    const status = { transport: this.#options.transport, state: this.#state, eras }
    return this.#detail === undefined ? status : { ...status, detail: this.#detail }
  }

  async close(): Promise<void> {
    await this.#options.dispatcher.destroy()
  }

  #call(
    message: Message,
    sessionId: string | undefined,
    upstreamId: JsonRpcId | undefined,
    signal: AbortSignal,
  ): Promise<Result<HttpAnswer, Refusal>> {
    const { requestTimeoutMs, maxResultBytes, dispatcher } = this.#options
    const credential = this.#options.credential()
    if (!credential.ok) return Promise.resolve(credential)
    const open = message.kind === 'stream' || message.method === 'subscriptions/listen'
    const request: HttpRequest = {
      method: message.kind === 'stream' ? 'GET' : message.kind === 'end' ? 'DELETE' : 'POST',
      path: this.#path,
      headers: upstreamHeaders(message, sessionId, credential.value),
      body: 'body' in message ? writeBody(message.body, upstreamId) : null,
      headersTimeoutMs: requestTimeoutMs,
      bodyTimeoutMs: open ? 0 : requestTimeoutMs,
      maxResultBytes,
    }
    return callHttp(dispatcher, request, signal)
  }

  #reply(
    answer: HttpAnswer,
    message: Message,
    session: HttpSession | undefined,
    upstreamId: JsonRpcId | undefined,
  ): Result<Reply, Refusal> {
    const { status, body } = answer
    const refused = refusedByStatus(status)
    if (refused !== undefined) return err(refused)
    if (status === 404 && session !== undefined) {
      return err(
        unknown('session', 'Session not found: start a new one with initialize.', 'the server has ended it'),
      )
    }
    const opened =
      message.method === 'initialize' && message.era === 'legacy' ? this.#openSession(answer) : {}
    if (body.kind === 'events') {
      return ok({ kind: 'events', events: this.#events(body.events, message, upstreamId), ...opened })
    }
    if (message.kind !== 'request' && (status < 300 || status === 405)) return ok({ kind: 'empty', status })
    const parsed = body.json ? parseServerMessage(body.text) : undefined
    if (parsed === undefined) {
      if (message.method === 'server/discover' && status < 500) {
        this.#era = 'legacy'
        return err(speaksLegacyOnly(message.protocolVersion))
      }
      return err(
        unavailable(
          'The server’s answer is not a JSON-RPC message.',
          `HTTP ${status}, ${body.text.length} characters`,
        ),
      )
    }
    if (message.kind !== 'request') return ok({ kind: 'single', status, message: parsed })
    if (message.method === 'server/discover') this.#era = classify(parsed.body).era
    const restored = restore(parsed, message.id, upstreamId)
    if (restored === undefined) return err(unavailable('The server answered a request that was not asked.'))
    return ok({ kind: 'single', status, message: restored, ...opened })
  }

  async *#events(
    events: AsyncIterable<ServerEvent> & { settle(): void },
    message: Message,
    upstreamId: JsonRpcId | undefined,
  ): AsyncGenerator<ServerEvent> {
    for await (const event of events) {
      const raw = event.message
      if (raw === undefined || message.kind !== 'request') {
        yield event
        continue
      }
      const answers = typeof raw.body['method'] !== 'string'
      if (answers) events.settle()
      const restored = answers
        ? restore(raw, message.id, upstreamId)
        : restoreSubscription(raw, message.id, upstreamId)
      if (restored === undefined) throw new Error('the server answered a request that was not asked')
      if (answers && message.method === 'server/discover') this.#era = classify(raw.body).era
      yield { ...event, message: restored }
      if (answers) return
    }
  }

  #openSession(answer: HttpAnswer): { session?: UpstreamSession } {
    if (answer.sessionId === undefined || answer.status !== 200) return {}
    return { session: new HttpSession(answer.sessionId, (session) => void this.#deleteSession(session)) }
  }

  async #deleteSession(session: HttpSession): Promise<void> {
    const message = { kind: 'end', era: 'legacy', method: 'session/end', params: undefined } as const
    await this.#call({ ...message, protocolVersion: LEGACY, paramHeaders: [] }, session.id, undefined, NEVER)
  }

  /** Asks for the era once, however many calls wait for it; a server that cannot be asked stays undecided. */
  async #probe(protocolVersion: string): Promise<void> {
    this.#probing ??= this.#askEra(protocolVersion).finally(() => {
      this.#probing = undefined
    })
    await this.#probing
  }

  async #askEra(protocolVersion: string): Promise<void> {
    const params = discoverParams(protocolVersion)
    const named = {
      kind: 'request',
      era: 'modern',
      id: 'tollgate-discover',
      method: 'server/discover',
    } as const
    const answer = await this.#call(
      {
        ...named,
        protocolVersion,
        params,
        paramHeaders: [],
        body: { jsonrpc: '2.0', id: named.id, method: named.method, params },
      },
      undefined,
      undefined,
      NEVER,
    )
    if (!answer.ok) return
    const { status, body } = answer.value
    if (status === 401 || status === 403 || status >= 500) return // says nothing about the era
    const response = await responseIn(answer.value)
    if (response !== undefined) this.#era = classify(response.body).era
    else if (body.kind === 'text') this.#era = 'legacy'
  }

  #note(answer: Result<HttpAnswer, Refusal>): void {
    this.#state = answer.ok ? 'ready' : 'failed'
    this.#detail = answer.ok ? undefined : (answer.error.detail ?? answer.error.message)
    // A server that went away may come back as another version.
    if (!answer.ok) this.#era = undefined
  }
}

/** The body as it goes upstream: written anew from what was parsed, so both sides of the gateway saw the same. */
function writeBody(body: JsonObject, upstreamId: JsonRpcId | undefined): string {
  return JSON.stringify(upstreamId === undefined ? body : { ...body, id: upstreamId })
}

/** Gives a response the caller's id back. Undefined when it answers something else. */
function restore(
  message: ServerMessage,
  id: JsonRpcId,
  upstreamId: JsonRpcId | undefined,
): ServerMessage | undefined {
  const sent = upstreamId ?? id
  const got = message.body['id']
  if (got === sent) {
    return upstreamId === undefined ? message : edited(message, id)
  }
  // Servers that could not read the id answer with none.
  if ((got === null || got === undefined) && 'error' in message.body) {
    const body = { ...message.body, id }
    return { text: JSON.stringify(body), body }
  }
  return undefined
}

function edited({ text, body }: ServerMessage, id: JsonRpcId): ServerMessage {
  const result = body['result'] as { _meta?: JsonObject } | undefined
  if (result?._meta?.[SUBSCRIPTION_ID] === undefined) return { text: replaceId(text, id), body }
  const value = JSON.stringify(id)
  const edits = [
    { path: ['id'], value },
    { path: ['result', '_meta', SUBSCRIPTION_ID], value },
  ]
  return { text: editJson(text, edits), body }
}

/** Notifications of a subscription carry the id of the request that opened it (2026-07-28: patterns/subscriptions). */
function restoreSubscription(
  message: ServerMessage,
  id: JsonRpcId,
  upstreamId: JsonRpcId | undefined,
): ServerMessage {
  const params = message.body['params'] as { _meta?: JsonObject } | undefined
  if (upstreamId === undefined || params?._meta?.[SUBSCRIPTION_ID] === undefined) return message
  return {
    text: editJson(message.text, [{ path: ['params', '_meta', SUBSCRIPTION_ID], value: JSON.stringify(id) }]),
    body: message.body,
  }
}
