/**
 * Headers of a request to an HTTP upstream, built from an allow-list: nothing of the caller's head is copied except
 * `Mcp-Param-*` and `Last-Event-ID`. The mirrored headers are written from the body that is sent.
 */
import type { JsonObject, Message } from '../model/message.ts'

/** A credential for the upstream: a header of the gateway's own, never the caller's. */
export interface UpstreamCredential {
  readonly header: string
  readonly value: string
}

const ACCEPT_BOTH = 'application/json, text/event-stream'

/** Flat list of names and values, as undici takes them. */
export function upstreamHeaders(
  message: Message,
  sessionId: string | undefined,
  credential: UpstreamCredential | undefined,
): string[] {
  const headers = ['user-agent', 'tollgate', 'accept-encoding', 'identity']
  if (credential !== undefined) headers.push(credential.header, credential.value)
  if (message.kind === 'stream' || message.kind === 'end') {
    headers.push('accept', message.kind === 'stream' ? 'text/event-stream' : '*/*')
    if (message.kind === 'stream' && message.lastEventId !== undefined) {
      headers.push('last-event-id', message.lastEventId)
    }
  } else {
    headers.push('accept', ACCEPT_BOTH, 'content-type', 'application/json')
  }
  // A legacy client learns the revision from the answer to initialize, so that request carries none.
  if (message.method !== 'initialize' || message.era === 'modern') {
    headers.push('mcp-protocol-version', message.protocolVersion)
  }
  if (sessionId !== undefined) headers.push('mcp-session-id', sessionId)
  if (message.era === 'modern') pushMirrored(headers, message.method, message.params)
  headers.push(...message.paramHeaders)
  return headers
}

function pushMirrored(headers: string[], method: string, params: JsonObject | undefined): void {
  headers.push('mcp-method', method)
  const named = method === 'tools/call' || method === 'prompts/get' ? params?.['name'] : params?.['uri']
  const name = method.startsWith('tasks/') ? params?.['taskId'] : named
  if (typeof name === 'string' && NAMED.test(method)) headers.push('mcp-name', encodeHeaderValue(name))
}

const NAMED = /^(tools\/call|prompts\/get|resources\/read|tasks\/.+)$/

/** Plain where that is safe, else `=?base64?…?=` (2026-07-28: basic/transports/streamable-http, Value Encoding). */
export function encodeHeaderValue(value: string): string {
  const safe = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)
  if (safe && !(value.startsWith('=?base64?') && value.endsWith('?='))) return value
  return `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`
}
