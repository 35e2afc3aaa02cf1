/**
 * Headers that repeat parts of the body (2026-07-28: basic/transports/streamable-http, Request Metadata).
 * They are never used to decide anything; they only have to agree, so that nothing in front of this gateway
 * or behind it can have routed or judged a different call.
 */
import { isUtf8 } from 'node:buffer'
import type { Exchange } from '../model/exchange.ts'
import type { JsonObject } from '../model/message.ts'
import { invalid, type Refusal } from '../model/refusal.ts'
import { HEADER_MISMATCH } from './versions.ts'

/** The header value that stands for `name`, for methods whose requests must carry `Mcp-Name`. */
function mirroredName(method: string, params: JsonObject | undefined): unknown {
  if (method === 'tools/call' || method === 'prompts/get') return params?.['name']
  if (method === 'resources/read') return params?.['uri']
  if (method.startsWith('tasks/') && method !== 'tasks/list') return params?.['taskId']
  return undefined
}

/** What is wrong with the mirrored headers, if anything. Where they are not required they still must not differ. */
export function checkMirrored(
  exchange: Exchange,
  call: { method: string; params: JsonObject | undefined },
  required: boolean,
): Refusal | undefined {
  const method = exchange.header('mcp-method')
  if (method === undefined && required) return mismatch('The Mcp-Method header is missing.')
  if (method !== undefined && method !== call.method)
    return mismatch('The Mcp-Method header differs from the body.')
  const name = exchange.header('mcp-name')
  const expected = mirroredName(call.method, call.params)
  if (name === undefined) {
    return required && expected !== undefined ? mismatch('The Mcp-Name header is missing.') : undefined
  }
  const decoded = decodeHeaderValue(name)
  if (decoded === undefined) return mismatch('The Mcp-Name header is not validly encoded.')
  if (decoded !== expected) return mismatch('The Mcp-Name header differs from the body.')
  return undefined
}

function mismatch(message: string): Refusal {
  return invalid(`Header mismatch: ${message}`, { code: HEADER_MISMATCH })
}

const SENTINEL = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/
const PLAIN = /^[\x20-\x7e\t]*$/

/** Decodes `=?base64?…?=`; other values are literal. Undefined when it is not the one valid encoding of its content. */
export function decodeHeaderValue(value: string): string | undefined {
  if (!value.startsWith('=?base64?') || !value.endsWith('?=')) return PLAIN.test(value) ? value : undefined
  const payload = SENTINEL.exec(value)?.[1]
  if (payload === undefined) return undefined
  const bytes = Buffer.from(payload, 'base64')
  return bytes.toString('base64') === payload && isUtf8(bytes) ? bytes.toString('utf8') : undefined
}
