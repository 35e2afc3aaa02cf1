/** A call that nobody made, from a command line, judged by the code that judges calls. */
import { isIP } from 'node:net'
import { suggest } from '@tollgate/cedar'
import type { Config } from '../config/config.ts'
import { parseEntity } from '../config/entity.ts'
import { outOfReach } from '../mcp/routes.ts'
import { parseStrictJson } from '../mcp/strict-json.ts'
import { MODERN_VERSIONS } from '../mcp/versions.ts'
import { type Caller, createCaller, type EntityRef } from '../model/caller.ts'
import type { Query } from '../model/decision.ts'
import { nothingYet } from '../model/history.ts'
import { isObject, type JsonObject, type RequestMessage } from '../model/message.ts'
import { OWN_SERVER } from '../model/names.ts'
import { err, ok, type Result } from '../model/result.ts'
import { decide } from '../policy/decide.ts'
import { explainTarget } from '../policy/explain.ts'
import type { Policies } from '../policy/policies.ts'
import { toQuery } from '../policy/query.ts'
import { isReachable } from '../policy/reach.ts'
import type { Judged } from './show-explanation.ts'

/** Who calls, and from where. */
export interface CallerOptions {
  readonly principal: string
  readonly agent?: string
  readonly group: readonly string[]
  readonly tag: readonly string[]
  readonly sourceIp: string
}

/** What is asked for, where it is no tool. */
export interface ThingOptions {
  readonly server?: string
  readonly resource?: string
  readonly prompt?: string
}

/** What was given without a flag: a tool and its arguments, or the arguments of a prompt. */
export type Given = readonly (string | undefined)[]

/** As a call is judged: whether its server is there for the caller comes first. */
export function judge(policies: Policies, query: Query, nowMs: number): Judged {
  const explanation = explainTarget({ policies, query, nowMs }, query.target)
  if (isReachable(policies, query.caller, query.server))
    return { query, explanation, decision: decide(policies, query, nowMs) }
  const refusal = outOfReach(query.server)
  return { query, explanation, decision: { effect: 'deny', policies: [], detail: undefined, refusal } }
}

/** The query of a request that asks for what the command line names; the error is a sentence. */
export function readCall(
  given: Given,
  options: CallerOptions & ThingOptions,
  config: Config,
): Result<Query, string> {
  const caller = callerOf(options)
  if (!caller.ok) return caller
  const asked = requestFor(given, options, config)
  if (!asked.ok) return asked
  const { server, message } = asked.value
  const query = toQuery(caller.value, server, message, {
    requestId: 'explained',
    source: { transport: 'tcp', ip: options.sourceIp },
    sessionStartedAtMs: undefined,
    handleTool: undefined,
    history: nothingYet(config.history.map(({ name }) => name)),
  })
  return query.ok ? query : err(query.error.message)
}

function callerOf({ principal, agent, group, tag, sourceIp }: CallerOptions): Result<Caller, string> {
  if (isIP(sourceIp) === 0) return err(`--source-ip must be an address, such as 10.0.0.7: ${sourceIp}`)
  const who = parseEntity(principal)
  if (!who.ok) return err(`--principal ${who.error}`)
  const through = agent === undefined ? undefined : parseEntity(agent)
  if (through?.ok === false) return err(`--agent ${through.error}`)
  const groups: EntityRef[] = []
  for (const text of group) {
    const parsed = parseEntity(text)
    if (!parsed.ok) return err(`--group ${parsed.error}`)
    groups.push(parsed.value)
  }
  const tags: [string, string][] = []
  for (const text of tag) {
    const equals = text.indexOf('=')
    if (equals < 1) return err(`--tag must be name=value, such as department=research: ${text}`)
    tags.push([text.slice(0, equals), text.slice(equals + 1)])
  }
  // Groups and tags are known of callers with a token only.
  const known = groups.length + tags.length === 0 ? undefined : { groups, tags: Object.fromEntries(tags) }
  const method = known === undefined ? 'api-key' : 'token'
  return ok(createCaller(who.value, { agent: through?.value, known }, { method }))
}

interface MadeUp {
  readonly server: string
  readonly message: RequestMessage
}

function requestFor(given: Given, options: ThingOptions, config: Config): Result<MadeUp, string> {
  const { resource, prompt } = options
  if (resource === undefined && prompt === undefined) return toolCall(given, options, config)
  const { server } = options
  const [args, ...more] = given.filter((each) => each !== undefined)
  if (server === undefined) return err('--server must say whose resource or prompt it is')
  const fault = serverFault(server, config)
  if (fault !== undefined) return err(fault)
  if (resource !== undefined) {
    const isAlone = prompt === undefined && args === undefined
    if (!isAlone) return err('--resource stands alone: reading takes no tool, no prompt and no arguments')
    return ok({ server, message: request('resources/read', { uri: resource }) })
  }
  if (more.length > 0) return err('--prompt stands in the place of a tool: only its arguments may follow')
  const read = readArguments(args, config)
  return read.ok
    ? ok({ server, message: request('prompts/get', { name: prompt, arguments: read.value }) })
    : read
}

function toolCall(
  [tool, args]: Given,
  { server: named }: ThingOptions,
  config: Config,
): Result<MadeUp, string> {
  if (tool === undefined)
    return err('name what is called: a tool, --server with --resource, or --server with --prompt')
  const [, server = '', name] = /^(.*?)__(.+)$/s.exec(tool) ?? []
  if (name === undefined)
    return err(`${tool} is no full name of a tool; it is <server>__<tool>, such as files__read_text_file`)
  if (named !== undefined && named !== server) return err(`${tool} is no tool of ${named}`)
  const fault = serverFault(server, config)
  if (fault !== undefined) return err(fault)
  const read = readArguments(args, config)
  return read.ok ? ok({ server, message: request('tools/call', { name, arguments: read.value }) }) : read
}

function serverFault(server: string, { servers }: Config): string | undefined {
  if (servers.has(server) || server === OWN_SERVER) return undefined
  const close = suggest(server, [...servers.keys()])
  return `there is no server ${server}${close === undefined ? '' : `; did you mean ${close}?`}`
}

/** As strictly as those of a call are read. */
function readArguments(text: string | undefined, { limits }: Config): Result<unknown, string> {
  if (text === undefined) return ok({})
  const args = parseStrictJson(Buffer.from(text), limits)
  if (!args.ok) return err(`the arguments: ${args.error.message.replace('The body', 'this text')} ${text}`)
  return isObject(args.value)
    ? args
    : err(`the arguments must be a JSON object, such as '{"path":"docs/a.txt"}': ${text}`)
}

function request(method: string, params: JsonObject): RequestMessage {
  const protocolVersion = MODERN_VERSIONS[0] ?? ''
  const body = { jsonrpc: '2.0', id: 0, method, params }
  return { kind: 'request', era: 'modern', protocolVersion, paramHeaders: [], id: 0, method, params, body }
}
