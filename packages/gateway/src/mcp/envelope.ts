/**
 * The JSON-RPC envelope of a parsed body. Names that JSON-RPC or MCP give a meaning must be spelled exactly:
 * a parser that ignores case would read `METHOD` or `Arguments`, and policy would not have seen them.
 */
import { isObject, type JsonObject, type JsonRpcId } from '../model/message.ts'
import { invalid, type Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import { MESSAGE, misspelling, type Spelling, spelling } from './spelling.ts'
import { META_CAPABILITIES, META_CLIENT_INFO, META_LOG_LEVEL, META_VERSION } from './versions.ts'

export type Envelope =
  | {
      readonly kind: 'request'
      readonly id: JsonRpcId
      readonly method: string
      readonly params: JsonObject | undefined
    }
  | { readonly kind: 'notification'; readonly method: string; readonly params: JsonObject | undefined }
  | { readonly kind: 'response'; readonly id: JsonRpcId }

const PARAMS = spelling(
  ...['name', 'arguments', 'uri', '_meta', 'cursor', 'ref', 'argument', 'context', 'level', 'task', 'taskId'],
  ...['requestId', 'progressToken', 'notifications', 'inputResponses', 'requestState', 'protocolVersion'],
  ...['capabilities', 'clientInfo'],
)
/** Objects in `params` whose members are looked at, here or by policy. */
const WITHIN_PARAMS: readonly (readonly [name: string, spelling: Spelling])[] = [
  ['_meta', spelling(META_VERSION, META_CAPABILITIES, META_CLIENT_INFO, META_LOG_LEVEL, 'progressToken')],
  ['ref', spelling('type', 'name', 'uri')],
  ['argument', spelling('name', 'value')],
  ['context', spelling('arguments')],
  ['notifications', spelling('resourceSubscriptions', 'taskIds')],
]
const MAX_METHOD_LENGTH = 128

/** Checks the envelope of a body that parsed. */
export function readEnvelope(body: unknown): Result<{ envelope: Envelope; body: JsonObject }, Refusal> {
  if (Array.isArray(body)) {
    return err(invalid('A batch is not accepted: send each message in a POST of its own.'))
  }
  if (!isObject(body)) return err(invalid('The body must be one JSON-RPC message, an object.'))
  const misspelt = misspeltName(body, MESSAGE)
  if (misspelt !== undefined) return err(misspelt)
  if (body['jsonrpc'] !== '2.0') return err(invalid('The member "jsonrpc" must be "2.0".'))
  const envelope = body['method'] === undefined ? readResponse(body) : readCall(body)
  return envelope.ok ? ok({ envelope: envelope.value, body }) : envelope
}

function readCall(body: JsonObject): Result<Envelope, Refusal> {
  const { id, method, params } = body
  if (typeof method !== 'string' || method === '' || method.length > MAX_METHOD_LENGTH) {
    return err(invalid('The member "method" must be a non-empty string.'))
  }
  if ('result' in body || 'error' in body)
    return err(invalid('A message cannot be a request and a response at once.'))
  if (params !== undefined && !isObject(params)) return err(invalid('The member "params" must be an object.'))
  const misspelt = params === undefined ? undefined : misspeltParam(params)
  if (misspelt !== undefined) return err(misspelt)
  if (params !== undefined && params['_meta'] !== undefined && !isObject(params['_meta'])) {
    return err(invalid('The member "params._meta" must be an object.', { code: -32602 }))
  }
  if (!('id' in body)) return ok({ kind: 'notification', method, params })
  if (!isId(id)) return err(invalid('The member "id" must be a string or an integer.'))
  return ok({ kind: 'request', id, method, params })
}

function readResponse(body: JsonObject): Result<Envelope, Refusal> {
  if ('result' in body === 'error' in body) {
    return err(invalid('A message must have a "method", or exactly one of "result" and "error".'))
  }
  if (!isId(body['id'])) return err(invalid('The member "id" of a response must be a string or an integer.'))
  return ok({ kind: 'response', id: body['id'] })
}

function misspeltParam(params: JsonObject): Refusal | undefined {
  const misspelt = misspeltName(params, PARAMS)
  if (misspelt !== undefined) return misspelt
  for (const [name, names] of WITHIN_PARAMS) {
    const inner = params[name]
    const within = isObject(inner) ? misspeltName(inner, names) : undefined
    if (within !== undefined) return within
  }
  return undefined
}

function misspeltName(object: JsonObject, names: Spelling): Refusal | undefined {
  const found = misspelling(object, names)
  if (found === undefined) return undefined
  return invalid(`The member ${JSON.stringify(found.name.slice(0, 64))} must be spelled "${found.meant}".`)
}

function isId(value: unknown): value is JsonRpcId {
  return typeof value === 'string' ? value.length <= 1024 : Number.isSafeInteger(value)
}
