/**
 * What a server's message may carry to the caller. Lists lose what the caller could not use, states and cursors
 * leave sealed, task handles are bound, shared caches are told that the answer was for one caller, and what the
 * server asks of the client is judged like a call. Everything else keeps its bytes.
 */
import { editJson, type JsonEdit } from '../model/json-text.ts'
import { isObject, type JsonObject, type Message } from '../model/message.ts'
import type { Refusal } from '../model/refusal.ts'
import type { ServerMessage } from '../model/upstream.ts'
import { MESSAGE, misspelling, type Spelling, spelling } from './spelling.ts'

export type Listed = 'tool' | 'prompt' | 'resource' | 'template'

/** What guarding needs to know and do; the pipeline supplies it for each call. */
export interface Guard {
  /** The message being answered. */
  readonly message: Message
  /** The tool's input schema with what the caller's task allows of it; undefined: as it is. */
  readonly narrowed?: ((tool: string, inputSchema: unknown) => JsonObject | undefined) | undefined
  /** Takes note of what a call has brought. */
  readonly learn?: ((result: JsonObject) => void) | undefined
  /** Counts bytes that are about to go to the caller; why they may not, where they may not. */
  readonly withhold?: ((bytes: number) => Refusal | undefined) | undefined
  /** Whether the caller could use the thing with this name (or URI, or URI template). */
  visible(kind: Listed, name: string): boolean
  /** Judges and records what the server asks of the client. */
  permitsServerRequest(method: string, params: unknown): Promise<boolean>
  sealState(value: string): Promise<string>
  sealCursor(value: string): Promise<string>
  bindTask(taskId: string): void
  ownsTask(taskId: string): boolean
}

export type Guarded =
  | { readonly pass: ServerMessage }
  /** Not to be delivered; `refuse` is the id of a server's request that wants an error for an answer. */
  | { readonly drop: string; readonly refuse?: unknown }
  /** The result asks the client for something that policy does not permit. */
  | { readonly deny: string }

/** Guards one message: response, notification, or a server's request. */
export async function guardMessage(message: ServerMessage, guard: Guard): Promise<Guarded> {
  const { body } = message
  const misspelt = misspelling(body, MESSAGE)
  if (typeof body['method'] === 'string') {
    if (misspelt === undefined) return guardFromServer(message, body['method'], guard)
    return { drop: notAMember(misspelt), ...('id' in body ? { refuse: body['id'] } : {}) }
  }
  const result = body['result']
  const wrong = misspelt ?? (isObject(result) ? misspelling(result, RESULT) : undefined)
  if (wrong !== undefined) return { deny: notAMember(wrong) }
  return isObject(result) ? guardResult(message, result, guard) : { pass: message }
}

const DECIDING = spelling('resultType', 'inputRequests', 'requestState', 'task', 'taskId')
/** The members that decide what a result asks for; those of a plain tool result are known not to. */
const RESULT: Spelling = {
  ...DECIDING,
  exact: new Set([...DECIDING.exact, 'content', 'structuredContent', 'isError', '_meta']),
}
const INPUT_REQUEST = spelling('method', 'params')

function notAMember({ name, meant }: { name: string; meant: string }): string {
  return `${JSON.stringify(name.slice(0, 64))}, which is not "${meant}"`
}

/** Whether a response needs no guarding beyond a look: what keeps an ordinary tool call synchronous. */
export function isPlainResult(body: JsonObject, method: string): boolean {
  if (method !== 'tools/call') return false
  if (misspelling(body, MESSAGE) !== undefined) return false
  const { result } = body
  if (!isObject(result)) return true
  const type = result['resultType']
  const asksNothing = (type === undefined || type === 'complete') && result['task'] === undefined
  return asksNothing && misspelling(result, RESULT) === undefined
}

async function guardFromServer(message: ServerMessage, method: string, guard: Guard): Promise<Guarded> {
  if (!('id' in message.body)) return { pass: message }
  if (guard.message.era === 'modern') return { drop: 'a server may not send requests in this revision' }
  if (method === 'ping') return { pass: message }
  const permitted = await guard.permitsServerRequest(method, message.body['params'])
  return permitted ? { pass: message } : { drop: `${method} is not permitted`, refuse: message.body['id'] }
}

async function guardResult(message: ServerMessage, result: JsonObject, guard: Guard): Promise<Guarded> {
  const edits: JsonEdit[] = []
  if (result['cacheScope'] === 'public') edits.push({ path: ['result', 'cacheScope'], value: '"private"' })
  const { method } = guard.message
  const list = LISTS[method]
  if (list !== undefined) {
    edits.push(...itemEdits(result, list, guard))
    const cursor = result['nextCursor']
    if (typeof cursor === 'string') {
      edits.push({ path: ['result', 'nextCursor'], value: JSON.stringify(await guard.sealCursor(cursor)) })
    }
  }
  if (result['resultType'] === 'input_required') {
    const denied = await deniedInput(result, guard)
    if (denied !== undefined) return { deny: denied }
    const state = result['requestState']
    if (typeof state === 'string') {
      edits.push({ path: ['result', 'requestState'], value: JSON.stringify(await guard.sealState(state)) })
    }
  }
  bindTask(result, guard)
  if (edits.length === 0) return { pass: message }
  return { pass: { text: editJson(message.text, edits), body: message.body } }
}

interface List {
  readonly member: string
  /** The member of an item that names it. */
  readonly name: string
  readonly kind: Listed | 'task'
}

const LISTS: { readonly [method: string]: List | undefined } = {
  'tools/list': { member: 'tools', name: 'name', kind: 'tool' },
  'prompts/list': { member: 'prompts', name: 'name', kind: 'prompt' },
  'resources/list': { member: 'resources', name: 'uri', kind: 'resource' },
  'resources/templates/list': { member: 'resourceTemplates', name: 'uriTemplate', kind: 'template' },
  'tasks/list': { member: 'tasks', name: 'taskId', kind: 'task' },
}

/** What the caller could not use is left out, and what it can is shown as far as it can. */
function itemEdits(result: JsonObject, list: List, guard: Guard): JsonEdit[] {
  const items = result[list.member]
  if (!Array.isArray(items)) return []
  return items.flatMap((item: unknown, index): JsonEdit[] => {
    const path = ['result', list.member, index]
    const name = isObject(item) ? item[list.name] : undefined
    const shown =
      typeof name === 'string' &&
      (list.kind === 'task' ? guard.ownsTask(name) : guard.visible(list.kind, name))
    if (!shown) return [{ path, value: undefined }]
    return list.kind === 'tool' && isObject(item) ? narrowedTool(path, name, item, guard) : []
  })
}

function narrowedTool(path: JsonEdit['path'], name: string, item: JsonObject, guard: Guard): JsonEdit[] {
  const { inputSchema } = item
  const schema = inputSchema === undefined ? undefined : guard.narrowed?.(name, inputSchema)
  return schema === undefined ? [] : [{ path: [...path, 'inputSchema'], value: JSON.stringify(schema) }]
}

/** The first input request that policy does not permit (2026-07-28: basic/patterns/mrtr). */
async function deniedInput(result: JsonObject, guard: Guard): Promise<string | undefined> {
  const requests = result['inputRequests']
  if (requests === undefined) return undefined
  if (!isObject(requests)) return 'inputRequests'
  for (const request of Object.values(requests)) {
    if (!isObject(request) || misspelling(request, INPUT_REQUEST) !== undefined) return 'inputRequests'
    const { method, params } = request
    if (typeof method !== 'string') return 'inputRequests'
    if (!(await guard.permitsServerRequest(method, params))) return method
  }
  return undefined
}

function bindTask(result: JsonObject, guard: Guard): void {
  const task = result['resultType'] === 'task' ? result : result['task']
  if (isObject(task) && typeof task['taskId'] === 'string') guard.bindTask(task['taskId'])
}
