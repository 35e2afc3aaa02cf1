/**
 * What a message asks of the policies: who, which action, on what, with which arguments.
 * The table of methods is the whole mapping of MCP to Cedar; a method that is not in it is judged by its own name.
 */
import type { Caller } from '../model/caller.ts'
import type { Manner, Query, Source, Target, TaskStanding } from '../model/decision.ts'
import type { JsonObject, Message } from '../model/message.ts'
import { invalid, type Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'

/** Where a request came from, and how long its session has lasted. */
export interface Origin {
  readonly requestId: string
  readonly source: Source
  readonly sessionStartedAtMs: number | undefined
  /** The tool that a task handle came from, for `tasks/*`. */
  readonly handleTool: string | undefined
  readonly task?: TaskStanding | undefined
  readonly history?: Query['history']
}

interface Asked {
  readonly manner: Manner
  readonly target: Target
  readonly alsoTargets?: readonly Target[]
  readonly subject?: string
  readonly input?: unknown
}

/** `<server>__<name>`: the one name of a tool or prompt everywhere. */
export function fullName(server: string, name: string): string {
  return `${server}__${name}`
}

/** Builds the query; refuses a message that lacks what its method must name. */
export function toQuery(
  caller: Caller,
  server: string,
  message: Message,
  origin: Origin,
): Result<Query, Refusal> {
  const asked = ask(server, message, origin.handleTool)
  if (typeof asked === 'string') return err(invalid(asked, { code: -32602 }))
  return ok({
    requestId: origin.requestId,
    caller,
    server,
    method: message.method,
    manner: asked.manner,
    target: asked.target,
    alsoTargets: asked.alsoTargets ?? NONE,
    subject: asked.subject,
    input: asked.input,
    source: origin.source,
    protocolVersion: message.protocolVersion,
    sessionStartedAtMs: origin.sessionStartedAtMs,
    task: origin.task,
    history: origin.history,
  })
}

/** The query for a request that the server makes of the caller: sampling, elicitation, roots. */
export function serverRequestQuery(query: Query, method: string, params: unknown): Query {
  const target = { action: method, resource: serverRef(query.server) }
  return { ...query, method, manner: 'rule', target, alsoTargets: NONE, subject: undefined, input: params }
}

const NO_PARAMS: JsonObject = {}
const NONE: readonly Target[] = []

/** Methods that open, keep and inspect a connection. Lists are filtered item by item on their way back. */
const CONNECT = new Set(
  ['initialize', 'server/discover', 'ping', 'session/stream', 'session/end', 'response'].concat([
    'tools/list',
    'resources/list',
    'resources/templates/list',
    'prompts/list',
    'tasks/list',
  ]),
)

function ask(server: string, message: Message, handleTool: string | undefined): Asked | string {
  const { method, params = NO_PARAMS } = message
  if (CONNECT.has(method) || method.startsWith('notifications/')) return onServer(server, method, 'connect')
  switch (method) {
    case 'tools/call': {
      const { name } = params
      if (typeof name !== 'string') return 'tools/call needs params.name, a string.'
      const args = params['arguments']
      if (args !== undefined && (typeof args !== 'object' || args === null || Array.isArray(args))) {
        return 'tools/call takes params.arguments as an object.'
      }
      const tool = fullName(server, name)
      return { manner: 'rule', target: toolTarget(tool), subject: tool, input: args ?? {} }
    }
    case 'prompts/get': {
      const { name } = params
      if (typeof name !== 'string') return 'prompts/get needs params.name, a string.'
      const prompt = fullName(server, name)
      return {
        manner: 'rule',
        target: promptTarget(prompt),
        subject: prompt,
        input: params['arguments'] ?? {},
      }
    }
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return askResource(server, message, params)
    case 'completion/complete':
      return askCompletion(server, params)
    case 'subscriptions/listen':
      return askSubscriptions(server, params)
    case 'tasks/get':
    case 'tasks/result':
    case 'tasks/update':
    case 'tasks/cancel': {
      if (handleTool === undefined) return `${method} needs params.taskId, a string.`
      const tool = fullName(server, handleTool)
      return {
        manner: 'handle',
        target: { action: method, resource: { type: 'Tool', id: tool } },
        subject: tool,
      }
    }
    default:
      return { ...onServer(server, method, 'rule'), input: params }
  }
}

function askResource(server: string, { era, method }: Message, params: JsonObject): Asked | string {
  // Subscribing this way is gone from the modern revisions: the server says so, whatever the parameters.
  if (era === 'modern' && method !== 'resources/read')
    return { ...onServer(server, method, 'rule'), input: params }
  const { uri } = params
  if (typeof uri !== 'string') return `${method} needs params.uri, a string.`
  return { manner: 'rule', target: resourceTarget(uri, method), subject: uri }
}

function askCompletion(server: string, params: JsonObject): Asked | string {
  const ref = params['ref'] as JsonObject | undefined
  const action = 'completion/complete'
  if (ref?.['type'] === 'ref/prompt' && typeof ref['name'] === 'string') {
    const prompt = fullName(server, ref['name'])
    return {
      manner: 'rule',
      target: { action, resource: { type: 'Prompt', id: prompt } },
      subject: prompt,
      input: params['argument'],
    }
  }
  if (ref?.['type'] === 'ref/resource' && typeof ref['uri'] === 'string') {
    return {
      manner: 'rule',
      target: resourceTarget(ref['uri'], action),
      subject: ref['uri'],
      input: params['argument'],
    }
  }
  return 'completion/complete needs params.ref, a prompt or a resource.'
}

/** Change notifications need no rule; every resource watched is judged like a subscription to it. */
function askSubscriptions(server: string, params: JsonObject): Asked | string {
  const wanted = params['notifications'] as JsonObject | undefined
  const uris = wanted?.['resourceSubscriptions'] ?? []
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) {
    return 'subscriptions/listen takes resourceSubscriptions as a list of URIs.'
  }
  const alsoTargets = uris.map((uri: string) => resourceTarget(uri, 'resources/subscribe'))
  const asked = onServer(server, 'subscriptions/listen', 'connect')
  return uris.length === 0 ? asked : { ...asked, alsoTargets, subject: uris.join(' ') }
}

function onServer(server: string, action: string, manner: Manner): Asked {
  return { manner, target: { action, resource: serverRef(server) } }
}

function serverRef(server: string) {
  return { type: 'Server', id: server }
}

/** A call of one tool: its action has the tool's full name and is in `tools/call`. */
export function toolTarget(tool: string): Target {
  return { action: tool, resource: { type: 'Tool', id: tool } }
}

/** Getting one prompt, by its full name. */
export function promptTarget(prompt: string): Target {
  return { action: 'prompts/get', resource: { type: 'Prompt', id: prompt } }
}

/** Reading, watching or completing one resource. */
export function resourceTarget(uri: string, action = 'resources/read'): Target {
  return { action, resource: { type: 'Resource', id: uri } }
}
