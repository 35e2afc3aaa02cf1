/**
 * From an HTTP exchange to one message: bounded, strict, and classified by era.
 * The body decides; a header that disagrees with it is a refusal, never a second opinion.
 */
import type { Exchange } from '../model/exchange.ts'
import { isObject, type JsonObject, type Message } from '../model/message.ts'
import { invalid, type Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import { type Envelope, readEnvelope } from './envelope.ts'
import { checkMirrored } from './mirrored.ts'
import { type JsonLimits, parseStrictJson } from './strict-json.ts'
import {
  ASSUMED_VERSION,
  HEADER_MISMATCH,
  INVALID_PARAMS,
  LEGACY_VERSIONS,
  META_CAPABILITIES,
  META_VERSION,
  MODERN_VERSIONS,
  SUPPORTED_VERSIONS,
  UNSUPPORTED_VERSION,
} from './versions.ts'

export interface MessageLimits extends JsonLimits {
  readonly maxBodyBytes: number
}

/** A refusal, with the id of the request it answers when that much could be read. */
export interface MessageRefusal {
  readonly refusal: Refusal
  readonly message?: Message
}

/** Reads the message of a POST, GET or DELETE. */
export function readMessage(
  exchange: Exchange,
  limits: MessageLimits,
): Promise<Result<Message, MessageRefusal>> {
  if (exchange.method === 'POST') return readPost(exchange, limits)
  return Promise.resolve(readWithoutBody(exchange))
}

async function readPost(exchange: Exchange, limits: MessageLimits): Promise<Result<Message, MessageRefusal>> {
  const media = checkMedia(exchange)
  if (media !== undefined) return refuse(media)
  const bytes = await exchange.readBody(limits.maxBodyBytes)
  if (!bytes.ok) return refuse(bytes.error)
  const parsed = parseStrictJson(bytes.value, limits)
  if (!parsed.ok) return refuse(parsed.error)
  const read = readEnvelope(parsed.value)
  if (!read.ok) return refuse(read.error)
  return classify(exchange, read.value.envelope, read.value.body)
}

function readWithoutBody(exchange: Exchange): Result<Message, MessageRefusal> {
  if (exchange.method === 'GET' || exchange.method === 'DELETE') return readSessionRequest(exchange)
  return refuse(invalid('Use POST.', { status: 405, headers: { allow: 'GET, POST, DELETE' } }))
}

/** Legacy sessions only: GET opens a stream, DELETE ends the session. */
function readSessionRequest(exchange: Exchange): Result<Message, MessageRefusal> {
  const version = exchange.header('mcp-protocol-version') ?? ASSUMED_VERSION
  if (MODERN_VERSIONS.includes(version)) {
    return refuse(invalid(`${version} uses POST only.`, { status: 405, headers: { allow: 'POST' } }))
  }
  if (!LEGACY_VERSIONS.includes(version)) return refuse(unsupported(version, LEGACY_VERSIONS))
  const known = {
    era: 'legacy',
    protocolVersion: version,
    params: undefined,
    ...session(exchange),
    paramHeaders: [],
  } as const
  if (exchange.method === 'DELETE') return ok({ kind: 'end', method: 'session/end', ...known })
  if (!accepts(exchange, 'text/event-stream')) {
    return refuse(invalid('GET opens an event stream: accept text/event-stream.', { status: 406 }))
  }
  const lastEventId = exchange.header('last-event-id')
  return ok({
    kind: 'stream',
    method: 'session/stream',
    ...known,
    ...(lastEventId === undefined ? {} : { lastEventId }),
  })
}

function classify(exchange: Exchange, envelope: Envelope, body: JsonObject): Result<Message, MessageRefusal> {
  const params = envelope.kind === 'response' ? undefined : envelope.params
  const meta = isObject(params?.['_meta']) ? params['_meta'] : undefined
  const header = exchange.header('mcp-protocol-version')
  const declared = meta?.[META_VERSION]
  const modern = declared !== undefined || (header !== undefined && MODERN_VERSIONS.includes(header))
  const message = modern
    ? {
        ...envelope,
        ...common(exchange, 'modern', typeof declared === 'string' ? declared : (header ?? '')),
        body,
      }
    : { ...envelope, ...common(exchange, 'legacy', header ?? ASSUMED_VERSION), ...session(exchange), body }
  const complete = (
    envelope.kind === 'response' ? { ...message, method: 'response', params: undefined } : message
  ) as Message
  const refusal = modern ? checkModern(exchange, complete, meta, header) : checkLegacy(exchange, complete)
  return refusal === undefined ? ok(complete) : err({ refusal, message: complete })
}

/** Per-request metadata (2026-07-28: basic/index, General fields; basic/transports/streamable-http, Server Validation). */
function checkModern(
  exchange: Exchange,
  message: Message,
  meta: JsonObject | undefined,
  header: string | undefined,
): Refusal | undefined {
  const declared = meta?.[META_VERSION]
  if (message.kind === 'response') return invalid('Responses are not sent by clients in this revision.')
  if (header === undefined) {
    return invalid('Header mismatch: The MCP-Protocol-Version header is missing.', { code: HEADER_MISMATCH })
  }
  if (message.kind === 'request' && typeof declared !== 'string') {
    return invalid(`params._meta["${META_VERSION}"] is required.`, { code: INVALID_PARAMS })
  }
  if (typeof declared === 'string' && declared !== header) {
    return invalid('Header mismatch: MCP-Protocol-Version differs from the body.', { code: HEADER_MISMATCH })
  }
  if (!MODERN_VERSIONS.includes(header)) return unsupported(header, MODERN_VERSIONS)
  if (message.kind === 'request' && !isObject(meta?.[META_CAPABILITIES])) {
    return invalid(`params._meta["${META_CAPABILITIES}"] is required.`, { code: INVALID_PARAMS })
  }
  return checkMirrored(exchange, message, message.kind === 'request')
}

function checkLegacy(exchange: Exchange, message: Message): Refusal | undefined {
  if (!LEGACY_VERSIONS.includes(message.protocolVersion))
    return unsupported(message.protocolVersion, SUPPORTED_VERSIONS)
  return message.kind === 'response' ? undefined : checkMirrored(exchange, message, false)
}

function common(exchange: Exchange, era: 'legacy' | 'modern', protocolVersion: string) {
  return { era, protocolVersion, paramHeaders: paramHeaders(exchange.rawHeaders) }
}

function session(exchange: Exchange): { sessionId?: string } {
  const sessionId = exchange.header('mcp-session-id')
  return sessionId === undefined ? {} : { sessionId }
}

const NO_HEADERS: readonly string[] = []
const PARAM_HEADER = 'mcp-param-'

/** Hardly any header is one, so most are told by their first letter. */
function isParamHeader(name: string): boolean {
  return (name.charCodeAt(0) | 0x20) === 0x6d && name.toLowerCase().startsWith(PARAM_HEADER)
}

function paramHeaders(rawHeaders: readonly string[]): readonly string[] {
  let found: string[] | undefined
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name !== undefined && isParamHeader(name))
      (found ??= []).push(name.toLowerCase(), rawHeaders[at + 1] ?? '')
  }
  return found ?? NO_HEADERS
}

/** What clients send (2026-07-28: basic/transports/streamable-http); it lists both types, so it needs no reading. */
const ACCEPT_USUAL = 'application/json, text/event-stream'

function checkMedia(exchange: Exchange): Refusal | undefined {
  const type = exchange.header('content-type')
  if (type === undefined || !/^application\/json(?: *; *charset="?utf-8"?)? *$/i.test(type)) {
    return invalid('The content type must be application/json.', { status: 415 })
  }
  const encoding = exchange.header('content-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return invalid('Encoded bodies are not accepted.', { status: 415 })
  }
  if (!accepts(exchange, 'application/json') || !accepts(exchange, 'text/event-stream')) {
    return invalid('Accept must list application/json and text/event-stream.', { status: 406 })
  }
  return undefined
}

function accepts(exchange: Exchange, type: string): boolean {
  const accept = exchange.header('accept')
  if (accept === undefined || accept === ACCEPT_USUAL) return true
  const family = `${type.slice(0, type.indexOf('/'))}/*`
  return accept.split(',').some((part) => {
    const range = (part.split(';', 1)[0] ?? '').trim().toLowerCase()
    return range === type || range === '*/*' || range === family
  })
}

function unsupported(requested: string, supported: readonly string[]): Refusal {
  return invalid('Unsupported protocol version.', {
    code: UNSUPPORTED_VERSION,
    data: { supported, requested: requested.slice(0, 64) },
  })
}

function refuse(refusal: Refusal): Result<Message, MessageRefusal> {
  return err({ refusal })
}
