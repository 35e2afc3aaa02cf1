/** One message from a caller, after strict parsing. The body is the truth; headers only had to agree with it. */

export type JsonObject = { readonly [member: string]: unknown }
/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export type JsonRpcId = string | number

/** Legacy: an `initialize` handshake (up to 2025-11-25). Modern: `_meta` in every request (2026-07-28). */
export type Era = 'legacy' | 'modern'

interface Common {
  readonly era: Era
  /** The revision the message declares; for legacy messages without a header, `2025-03-26` as the specification says. */
  readonly protocolVersion: string
  /** `Mcp-Session-Id`, legacy only; a claim until the session table confirms whose it is. */
  readonly sessionId?: string
  /** `Mcp-Param-*` header lines, forwarded as they came (the specification forbids dropping unknown ones). */
  readonly paramHeaders: readonly string[]
}

export interface RequestMessage extends Common {
  readonly kind: 'request'
  readonly id: JsonRpcId
  readonly method: string
  readonly params: JsonObject | undefined
  /** The whole envelope, as parsed. What policy sees is in here, and it is what the upstream is sent. */
  readonly body: JsonObject
}

export interface NotificationMessage extends Common {
  readonly kind: 'notification'
  readonly method: string
  readonly params: JsonObject | undefined
  readonly body: JsonObject
}

/** A legacy client's answer to a request of the server (sampling, elicitation, roots, ping). */
export interface ResponseMessage extends Common {
  readonly kind: 'response'
  readonly id: JsonRpcId
  readonly method: 'response'
  readonly params: undefined
  readonly body: JsonObject
}

/** Legacy GET: opens the stream for what the server sends unasked, or resumes a broken one. */
export interface StreamMessage extends Common {
  readonly kind: 'stream'
  readonly method: 'session/stream'
  readonly params: undefined
  readonly lastEventId?: string
}

/** Legacy DELETE: ends the session. */
export interface EndMessage extends Common {
  readonly kind: 'end'
  readonly method: 'session/end'
  readonly params: undefined
}

export type Message = RequestMessage | NotificationMessage | ResponseMessage | StreamMessage | EndMessage
