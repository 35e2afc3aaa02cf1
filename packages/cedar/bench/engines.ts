/** The engines that are measured, each made ready with policies and then asked about calls. */
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import type * as cedarWasm from '@cedar-policy/cedar-wasm'
import { compile, datetimeFromMs, decide, entity, parseIp, parsePolicies, plain } from '@tollgate/cedar'
import type { Entity, IpAddress, Request } from '@tollgate/cedar'
import type { Agent, Call, NamedPolicy, Tool } from './workload.ts'

// Inlining calls into WebAssembly can abort the process when the official engine runs hot.
setFlagsFromString('--no-turbo-inline-js-wasm-calls')

export interface Answer {
  readonly decision: string
  /** Ids, in alphabetical order. */
  readonly determining: readonly string[]
  readonly errors: readonly string[]
}

export interface Engine {
  readonly name: string
  /** Parses and compiles; what it gives answers calls. */
  readonly prepare: (policies: readonly NamedPolicy[]) => (call: Call) => unknown
  /** What an answer says, for comparing engines. */
  readonly read: (answer: unknown) => Answer
}

export const tollgate: Engine = {
  name: 'tollgate',
  prepare(policies) {
    const parsed = parsePolicies(policies.map(({ id, text }) => `@id("${id}") ${text}`).join('\n'))
    const compiled = parsed.ok ? compile(parsed.value) : parsed
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors))
    const { value } = compiled
    const entities = new Entities()
    return (call) => decide(value, requestOf(call, entities))
  },
  read(answer) {
    const { decision, determining, errors } = answer as ReturnType<typeof decide>
    const failed = errors.map(({ policy }) => policy)
    return { decision, determining: determining.toSorted(), errors: failed.sort() }
  },
}

/** Entities made once, when they are first seen, as a gateway keeps those of its callers and tools. */
class Entities {
  readonly #agents = new Map<Agent, Entity>()
  readonly #tools = new Map<Tool, readonly [tool: Entity, action: Entity]>()
  readonly #addresses = new Map<string, IpAddress | undefined>()
  readonly #anyCall = entity('Action', 'tools/call')

  agent(agent: Agent): Entity {
    const known = this.#agents.get(agent)
    if (known !== undefined) return known
    const parents = agent.groups.map((group) => entity('Group', group))
    const made = entity('Agent', agent.id, { parents, attrs: { risk: agent.risk } })
    this.#agents.set(agent, made)
    return made
  }

  address(text: string): IpAddress | undefined {
    if (!this.#addresses.has(text)) this.#addresses.set(text, parseIp(text))
    return this.#addresses.get(text)
  }

  tool(tool: Tool): readonly [tool: Entity, action: Entity] {
    const known = this.#tools.get(tool)
    if (known !== undefined) return known
    const { name, server, trust } = tool
    const made = [
      entity('Tool', `${server}/${name}`, { parents: [entity('Server', server)], attrs: { trust } }),
      entity('Action', `${server}__${name}`, { parents: [this.#anyCall] }),
    ] as const
    this.#tools.set(tool, made)
    return made
  }
}

/** The context is built for each call, but for what the connection tells. */
function requestOf(call: Call, entities: Entities): Request {
  const { task } = call
  const [resource, action] = entities.tool(call.tool)
  return {
    principal: entities.agent(call.agent),
    action,
    resource,
    context: {
      input: plain(call.input),
      source: { ip: entities.address(call.sourceIp) ?? null, transport: 'http' },
      environment: { name: 'prod', now: datetimeFromMs(call.nowMs) },
      delegation: { depth: call.depth },
      task: { id: task.id, expiresAt: datetimeFromMs(task.expiresAtMs), tools: plain(task.tools) },
    },
  }
}

/** The official engine, its policies parsed beforehand. It takes entities and context as JSON with every call. */
export const official: Engine = {
  name: 'cedar-wasm',
  prepare(policies) {
    const wasm = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof cedarWasm
    const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]))
    const parsed = wasm.preparsePolicySet('bench', { staticPolicies })
    if (parsed.type === 'failure') throw new Error(JSON.stringify(parsed.errors))
    return (call) => wasm.statefulIsAuthorized(officialCall(call))
  },
  read(answer) {
    const given = answer as cedarWasm.AuthorizationAnswer
    if (given.type === 'failure') throw new Error(JSON.stringify(given.errors))
    const { decision, diagnostics } = given.response
    const failed = diagnostics.errors.map(({ policyId }) => policyId)
    return { decision, determining: diagnostics.reason.toSorted(), errors: failed.sort() }
  },
}

function officialCall({ agent, tool, task, ...call }: Call): cedarWasm.StatefulAuthorizationCall {
  const name = (type: string, id: string) => ({ type, id })
  const extension = (fn: string, arg: string) => ({ __extn: { fn, arg } })
  const datetime = (ms: number) => extension('datetime', new Date(ms).toISOString())
  const principal = name('Agent', agent.id)
  const action = name('Action', `${tool.server}__${tool.name}`)
  const resource = name('Tool', `${tool.server}/${tool.name}`)
  const groups = agent.groups.map((group) => name('Group', group))
  return {
    principal,
    action,
    resource,
    preparsedPolicySetId: 'bench',
    context: {
      input: call.input as cedarWasm.Context,
      source: { ip: extension('ip', call.sourceIp), transport: 'http' },
      environment: { name: 'prod', now: datetime(call.nowMs) },
      delegation: { depth: call.depth },
      task: { id: task.id, expiresAt: datetime(task.expiresAtMs), tools: [...task.tools] },
    },
    entities: [
      { uid: principal, attrs: { risk: agent.risk }, parents: groups },
      { uid: action, attrs: {}, parents: [name('Action', 'tools/call')] },
      { uid: resource, attrs: { trust: tool.trust }, parents: [name('Server', tool.server)] },
    ],
  }
}
