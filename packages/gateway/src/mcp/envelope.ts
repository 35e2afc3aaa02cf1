/**
 * The JSON-RPC envelope of a parsed body. Names that JSON-RPC or MCP give a meaning must be spelled exactly:
 * a parser that ignores case would read `METHOD` or `Arguments`, and policy would not have seen them.
 */
import type { JsonObject, JsonRpcId } from '../model/message.ts'
import { invalid, type Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import { foldCase } from './strict-json.ts'

export type Envelope =
  | {
      readonly kind: 'request'
      readonly id: JsonRpcId
      readonly method: string
      readonly params: JsonObject | undefined
    }
  | { readonly kind: 'notification'; readonly method: string; readonly params: JsonObject | undefined }
  | { readonly kind: 'response'; readonly id: JsonRpcId }

const ENVELOPE_NAMES = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])
const PARAM_NAMES = new Set(
  [
    'name',
    'arguments',
    'uri',
    '_meta',
    'cursor',
    'ref',
    'argument',
    'context',
    'level',
    'task',
    'taskId',
    'requestId',
  ].concat([
    'progressToken',
    'notifications',
    'inputResponses',
    'requestState',
    'protocolVersion',
    'capabilities',
    'clientInfo',
  ]),
)
const FOLDED = new Map([...ENVELOPE_NAMES, ...PARAM_NAMES].map((name) => [foldCase(name), name]))
const MAX_METHOD_LENGTH = 128

/** Checks the envelope of a body that parsed. */
export function readEnvelope(body: unknown): Result<{ envelope: Envelope; body: JsonObject }, Refusal> {
  if (Array.isArray(body)) {
    return err(invalid('A batch is not accepted: send each message in a POST of its own.'))
  }
  if (!isObject(body)) return err(invalid('The body must be one JSON-RPC message, an object.'))
  const misspelt = misspeltName(body, ENVELOPE_NAMES)
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
  const misspelt = params === undefined ? undefined : misspeltName(params, PARAM_NAMES)
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

function misspeltName(object: JsonObject, names: ReadonlySet<string>): Refusal | undefined {
  for (const name of Object.keys(object)) {
    if (names.has(name)) continue
    const meant = FOLDED.get(foldCase(name))
    if (meant !== undefined && names.has(meant)) {
      return invalid(`The member ${JSON.stringify(name.slice(0, 64))} must be spelled "${meant}".`)
    }
  }
  return undefined
}

/** A JSON object, not an array and not null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isId(value: unknown): value is JsonRpcId {
  return typeof value === 'string' ? value.length <= 1024 : Number.isSafeInteger(value)
}
