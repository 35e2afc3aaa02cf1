/** JSON-RPC envelopes that the gateway itself writes: answers it gives for a server, and what it asks of one. */
import { isObject, type JsonObject, type JsonRpcId } from '../model/message.ts'
import type { ServerMessage } from '../model/upstream.ts'

export const METHOD_NOT_FOUND = -32601
export const UNSUPPORTED_VERSION = -32022

/** A result as a server would have sent it. */
export function resultMessage(id: JsonRpcId, result: JsonObject): ServerMessage {
  return written({ jsonrpc: '2.0', id, result })
}

/** An error as a server would have sent it. */
export function errorMessage(id: JsonRpcId, code: number, message: string): ServerMessage {
  return written({ jsonrpc: '2.0', id, error: { code, message } })
}

/** The id of a request or response; undefined when it is none that JSON-RPC and MCP allow. */
export function idOf(body: JsonObject): JsonRpcId | undefined {
  const id = body['id']
  return typeof id === 'string' || typeof id === 'number' ? id : undefined
}

/** The code and message of an error response; undefined for anything else. */
export function errorOf(body: JsonObject): { code: unknown; message: unknown; data: unknown } | undefined {
  const error = member(body, 'error')
  return error && { code: error['code'], message: error['message'], data: error['data'] }
}

/** `value[name]` where both are objects. */
export function member(value: unknown, name: string): JsonObject | undefined {
  const inner = isObject(value) ? value[name] : undefined
  return isObject(inner) ? inner : undefined
}

function written(body: JsonObject): ServerMessage {
  return { text: JSON.stringify(body), body }
}
