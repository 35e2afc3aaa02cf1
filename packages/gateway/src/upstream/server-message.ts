/** What a server sent, parsed once for looking and kept as text for sending on. */
import type { JsonObject } from '../model/message.ts'
import { parseJson } from '../model/parse-json.ts'
import type { ServerMessage } from '../model/upstream.ts'

/** Undefined when the text is not one JSON-RPC message. */
export function parseServerMessage(text: string): ServerMessage | undefined {
  let body: unknown
  try {
    body = parseJson(text)
  } catch {
    return undefined
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined
  const message = body as JsonObject
  const known = typeof message['method'] === 'string' || 'result' in message || 'error' in message
  return message['jsonrpc'] === '2.0' && known ? { text, body: message } : undefined
}
