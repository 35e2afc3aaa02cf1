/**
 * Names that several callers could choose alike (request ids, progress tokens, subscription ids) are replaced by a
 * number of ours on the way to a server and put back on the way to the caller. In what the server sent, only the
 * value itself changes; its other bytes stay as they were.
 */
import { editJson, type JsonEdit } from '../model/json-text.ts'
import { isObject, type JsonObject, type JsonRpcId, type RequestMessage } from '../model/message.ts'
import type { ServerMessage } from '../model/upstream.ts'
import { member } from './json-rpc.ts'

const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId'

/** The token under which the caller wants progress of this request, if it does. */
export function progressTokenOf(message: RequestMessage): JsonRpcId | undefined {
  const token = member(message.params, '_meta')?.['progressToken']
  return typeof token === 'string' || typeof token === 'number' ? token : undefined
}

/** The request as the server gets it: written anew from what was parsed, under our number. */
export function requestLine(message: RequestMessage, number: number): string {
  const { body, params } = message
  if (progressTokenOf(message) === undefined) return JSON.stringify({ ...body, id: number })
  const meta = { ...member(params, '_meta'), progressToken: number }
  return JSON.stringify({ ...body, id: number, params: { ...params, _meta: meta } })
}

/** The number in a notification's progress token, if it is one. */
export function progressNumber(body: JsonObject): unknown {
  return member(body, 'params')?.['progressToken']
}

/** The number in the subscription id that a message belongs to, if it has one. */
export function subscriptionNumber(body: JsonObject): unknown {
  return member(member(body, 'params'), '_meta')?.[SUBSCRIPTION_ID]
}

/** A response under the caller's id. */
export function restoreResponse(message: ServerMessage, number: number, id: JsonRpcId): ServerMessage {
  const inResult = ['result', '_meta', SUBSCRIPTION_ID]
  if (valueAt(message.body, inResult) === number) return restore(message, [['id'], inResult], id)
  setAt(message.body, ['id'], id)
  return { text: replaceId(message.text, id), body: message.body }
}

export function restoreProgress(message: ServerMessage, token: JsonRpcId): ServerMessage {
  return restore(message, [['params', 'progressToken']], token)
}

export function restoreSubscription(message: ServerMessage, id: JsonRpcId): ServerMessage {
  return restore(message, [['params', '_meta', SUBSCRIPTION_ID]], id)
}

export function restoreCancelled(message: ServerMessage, id: JsonRpcId): ServerMessage {
  return restore(message, [['params', 'requestId']], id)
}

/**
 * The text of a response with another id, the only change. Where the name occurs once in the text, and no escape could
 * spell it otherwise, that is the id, and the rest, which may be long, need not be walked.
 */
export function replaceId(text: string, id: JsonRpcId): string {
  const json = JSON.stringify(id)
  const at = text.indexOf(ID_NAME)
  ID_VALUE.lastIndex = at
  const found = text.includes(ID_NAME, at + 1) || text.includes('\\u') ? null : ID_VALUE.exec(text)
  if (found === null) return editJson(text, [{ path: ['id'], value: json }])
  return text.slice(0, at) + found[1] + json + text.slice(ID_VALUE.lastIndex)
}

const ID_NAME = '"id"'
const ID_VALUE = /("id"\s*:\s*)-?\d[\d.eE+-]*/y

function restore(
  message: ServerMessage,
  paths: readonly (readonly string[])[],
  value: JsonRpcId,
): ServerMessage {
  const json = JSON.stringify(value)
  const edits: JsonEdit[] = paths.map((path) => ({ path, value: json }))
  for (const path of paths) setAt(message.body, path, value)
  return { text: editJson(message.text, edits), body: message.body }
}

function valueAt(body: JsonObject, path: readonly string[]): unknown {
  let value: unknown = body
  for (const name of path) value = isObject(value) ? value[name] : undefined
  return value
}

/** The parsed form was made for this message alone, so it is changed in place. */
function setAt(body: JsonObject, path: readonly string[], value: JsonRpcId): void {
  const holder = valueAt(body, path.slice(0, -1))
  const name = path.at(-1)
  if (isObject(holder) && name !== undefined) (holder as Record<string, unknown>)[name] = value
}
