/** Answers that the gateway gives in a client's place, to requests of a server that were not let through. */
import type { Message, ResponseMessage } from '../model/message.ts'
import { METHOD_NOT_FOUND } from './versions.ts'

/** An error response to the server's request `id`, on the session that `message` belongs to. */
export function errorAnswer(message: Message, id: unknown, why: string): ResponseMessage {
  const known = typeof id === 'string' || typeof id === 'number' ? id : 0
  return {
    kind: 'response',
    era: 'legacy',
    method: 'response',
    id: known,
    params: undefined,
    protocolVersion: message.protocolVersion,
    ...(message.sessionId === undefined ? {} : { sessionId: message.sessionId }),
    paramHeaders: [],
    body: { jsonrpc: '2.0', id: known, error: { code: METHOD_NOT_FOUND, message: why } },
  }
}
