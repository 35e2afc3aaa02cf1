/**
 * Asks an HTTP server for its tools, in the gateway's own name. As with stdio-inquiry.ts there is no Permit because there
 * is no call: the handshake and `tools/list` are all it can send (docs/decisions/0007).
 */
import type { JsonObject, Message } from '../model/message.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { ServerMessage } from '../model/upstream.ts'
import { CLIENT, classify, discoverParams, LEGACY, MODERN } from './era.ts'
import { LEGACY_REVISIONS } from './handshake.ts'
import type { HttpUpstreamOptions } from './http.ts'
import { refusedByStatus, responseIn } from './http-answer.ts'
import { callHttp, type HttpAnswer } from './http-call.ts'
import { upstreamHeaders } from './http-headers.ts'
import { errorOf, member } from './json-rpc.ts'

export interface HttpInquiryOptions extends Omit<HttpUpstreamOptions, 'transport'> {
  /** Ends the question under way. */
  readonly signal: AbortSignal
}

/** The era that was settled, and the session where there is one. */
interface Connected extends Pick<Message, 'era' | 'protocolVersion'> {
  readonly sessionId?: string | undefined
}

interface Answered {
  readonly message: ServerMessage
  readonly sessionId: string | undefined
}

const PROBE: Connected = { era: 'modern', protocolVersion: MODERN }
const HANDSHAKE: Connected = { era: 'legacy', protocolVersion: LEGACY }

export class HttpInquiry {
  readonly #options: HttpInquiryOptions
  #connected: Promise<Result<Connected, Refusal>> | undefined
  #nextId = 1

  constructor(options: HttpInquiryOptions) {
    this.#options = options
  }

  /** The page of tools behind a cursor, or the first one. */
  async tools(cursor: string | undefined): Promise<Result<ServerMessage, Refusal>> {
    const connected = await (this.#connected ??= this.#connect())
    if (!connected.ok) return connected
    const params = connected.value.era === 'modern' ? discoverParams(MODERN) : {}
    const asked = cursor === undefined ? params : { ...params, cursor }
    const answer = await this.#ask('tools/list', asked, connected.value)
    return answer.ok ? ok(answer.value.message) : answer
  }

  /** Ends the session and closes the connections. */
  async close(): Promise<void> {
    const connected = await this.#connected
    if (connected?.ok === true && connected.value.sessionId !== undefined) {
      const { sessionId, ...named } = connected.value
      await this.#send(
        { kind: 'end', method: 'session/end', params: undefined, paramHeaders: [], ...named },
        sessionId,
      )
    }
    await this.#options.dispatcher.destroy()
  }

  async #connect(): Promise<Result<Connected, Refusal>> {
    const probed = await this.#send(
      this.#request('server/discover', discoverParams(MODERN), PROBE),
      undefined,
    )
    if (!probed.ok) return probed
    const { status, body } = probed.value
    const refused = refusedByStatus(status)
    if (refused !== undefined) return err(refused)
    if (status >= 500) return err(unavailable('The server failed.', `HTTP ${status}`))
    const response = await this.#responseIn(probed.value)
    if (response === undefined && body.kind === 'events')
      return err(unavailable('The server ended its answer early.'))
    return response !== undefined && classify(response.body).era === 'modern' ? ok(PROBE) : this.#initialize()
  }

  async #initialize(): Promise<Result<Connected, Refusal>> {
    const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: CLIENT }
    const answer = await this.#ask('initialize', params, HANDSHAKE)
    if (!answer.ok) return answer
    const { message, sessionId } = answer.value
    const error = errorOf(message.body)
    if (error !== undefined)
      return err(
        unavailable('The server refused to initialize.', `${String(error.code)} ${String(error.message)}`),
      )
    const protocolVersion = member(message.body, 'result')?.['protocolVersion']
    if (typeof protocolVersion !== 'string' || !LEGACY_REVISIONS.includes(protocolVersion))
      return err(unavailable('The server speaks no revision of MCP that is known here.'))
    const connected: Connected = { era: 'legacy', protocolVersion, sessionId }
    const method = 'notifications/initialized'
    const body = { jsonrpc: '2.0', method }
    const told = await this.#send(
      {
        kind: 'notification',
        method,
        params: undefined,
        paramHeaders: [],
        body,
        era: 'legacy',
        protocolVersion,
      },
      sessionId,
    )
    return told.ok ? ok(connected) : told
  }

  async #ask(method: string, params: JsonObject, connected: Connected): Promise<Result<Answered, Refusal>> {
    const request = this.#request(method, params, connected)
    const answer = await this.#send(request, connected.sessionId)
    if (!answer.ok) return answer
    const refused = refusedByStatus(answer.value.status)
    if (refused !== undefined) return err(refused)
    const message = await this.#responseIn(answer.value)
    if (message === undefined)
      return err(unavailable('The server’s answer is not a JSON-RPC message.', `HTTP ${answer.value.status}`))
    if (message.body['id'] !== request.id && !('error' in message.body))
      return err(unavailable('The server answered a request that was not asked.'))
    return ok({ message, sessionId: answer.value.sessionId })
  }

  #request(method: string, params: JsonObject, { era, protocolVersion }: Connected) {
    const id = this.#nextId++
    const body = { jsonrpc: '2.0', id, method, params }
    return { kind: 'request', era, protocolVersion, paramHeaders: [], id, method, params, body } as const
  }

  async #send(message: Message, sessionId: string | undefined): Promise<Result<HttpAnswer, Refusal>> {
    const { url, dispatcher, requestTimeoutMs, maxResultBytes, signal } = this.#options
    const credential = this.#options.credential()
    if (!credential.ok) return credential
    const request = {
      method: message.kind === 'end' ? ('DELETE' as const) : ('POST' as const),
      path: url.pathname + url.search,
      headers: upstreamHeaders(message, sessionId, credential.value),
      body: 'body' in message ? JSON.stringify(message.body) : null,
      headersTimeoutMs: requestTimeoutMs,
      bodyTimeoutMs: requestTimeoutMs,
      maxResultBytes,
    }
    return callHttp(dispatcher, request, signal)
  }

  async #responseIn(answer: HttpAnswer): Promise<ServerMessage | undefined> {
    try {
      return await responseIn(answer)
    } catch {
      return undefined // the stream broke
    }
  }
}
