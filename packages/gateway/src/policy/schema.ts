/**
 * The schema that policies are validated against: what they can always speak of, and an action for each tool with the
 * types of its arguments, from the definitions of the servers' tools. Those definitions name and type arguments only;
 * what policies see of a tool as `resource` comes from the configuration.
 */
import { type Policy, type SchemaFragment, schemaFromTools, type ToolDefinition } from '@tollgate/cedar'
import { baseSchema, withContexts } from './base-schema.ts'
import { withAssumed } from './assumed.ts'
import { actionsNamedIn } from './named.ts'
import { fullName } from './query.ts'
import { concerns, couldName } from './reach.ts'
import { notesOf, type SchemaNote, whyUnknown } from './schema-notes.ts'
import { inputUse, type Use } from './uses.ts'

export interface SchemaWorld {
  /** The tools of each configured server, by their own names; undefined where they are not known. */
  readonly servers: ReadonlyMap<string, readonly ToolDefinition[] | undefined>
  readonly policies: readonly Policy[]
  /** Names of the counters in `context.history`; none unless given. */
  readonly counters?: readonly string[]
}

export interface GatewaySchema {
  /** The whole of it. */
  readonly fragment: SchemaFragment
  /** Each policy in one of these. */
  readonly checks: readonly PolicyCheck[]
  /** In the order of the servers. */
  readonly notes: readonly SchemaNote[]
  /**
   * Why the context of an action may have a member that the schema lacks, such as `['input', 'path']`; undefined when
   * the schema has all there are. Goes on after the action's id: "has an input that is not known".
   */
  unknown(action: string, path: readonly string[]): string | undefined
}

/** Policies to be validated against the schema beside them: in it, no tool applies that their scopes leave out. */
export interface PolicyCheck {
  readonly fragment: SchemaFragment
  readonly policies: readonly Policy[]
}

/**
 * Builds the schema; whatever servers define, it is one. For a server whose tools are not known there are the actions
 * that policies name, and one that stands for all others. Where nothing is known of an input, it has what policies use.
 */
export function gatewaySchema({ servers, policies, counters = [] }: SchemaWorld): GatewaySchema {
  const actions = actionsNamedIn(policies)
  const tools = [...servers].flatMap(([server, known]) => toolsOf(server, known, actions))
  const made = schemaFromTools(baseSchema(actions, counters), tools)
  if (!made.ok) throw new Error(`the base schema is wrong: ${JSON.stringify(made.errors)}`)
  const { notes } = made.value
  const assumed = withAssumed(made.value.fragment, notes, usesByServer(policies))
  const fragment = withContexts(assumed, new Set(inputUse(policies).members.keys()))
  return {
    fragment,
    checks: checksOf(policies, fragment, [...servers.keys()]),
    notes: [...servers].flatMap(([server, known]) => notesOf(server, known, notes)),
    unknown: (action, path) => whyUnknown(action, path, notes),
  }
}

function toolsOf(
  server: string,
  known: readonly ToolDefinition[] | undefined,
  actions: ReadonlySet<string>,
): readonly ToolDefinition[] {
  if (known !== undefined) return known.map((tool) => ({ ...tool, name: fullName(server, tool.name) }))
  const prefix = fullName(server, '')
  const named = [...actions].filter((id) => id.startsWith(prefix))
  return [...new Set(named).add(`${prefix}*`)].map((name) => ({ name }))
}

/** How the policies about a tool's server use the input, found once for each server. */
function usesByServer(policies: readonly Policy[]): (tool: string) => Use {
  const uses = new Map<string, Use>()
  return (tool) => {
    // Names of servers have no `__` in them.
    const server = tool.slice(0, tool.indexOf('__'))
    const use = uses.get(server) ?? inputUse(policies.filter((policy) => concerns(policy, server)))
    uses.set(server, use)
    return use
  }
}

/**
 * A call of a tool is about that tool, and a tool is in its own server, which types cannot say: a policy on the resources
 * of one server, or on one tool, would else be judged by the arguments of all others, too.
 */
function checksOf(
  policies: readonly Policy[],
  fragment: SchemaFragment,
  servers: readonly string[],
): PolicyCheck[] {
  const groups = new Map<string, { limits: readonly string[] | undefined; policies: Policy[] }>()
  for (const policy of policies) {
    const limits = limitsOf(policy, servers)
    const key = limits === undefined ? 'all' : limits.join()
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { limits, policies: [policy] })
    else group.policies.push(policy)
  }
  return [...groups.values()].map(({ limits, policies: group }) => {
    return { fragment: limits === undefined ? fragment : limitedTo(limits, fragment), policies: group }
  })
}

/** The tool or the servers, as `server__`, that a policy is about; undefined when those are all. */
function limitsOf(policy: Policy, servers: readonly string[]): readonly string[] | undefined {
  const { action, resource } = policy.scope
  const named = resource.op === '==' ? resource.entity : undefined
  // Where the action is named too, that is enough.
  if (named !== undefined && 'uid' in named && named.type === 'Tool' && action.op !== '==') return [named.id]
  const about = servers.filter((server) => couldName(resource, server))
  return about.length === servers.length ? undefined : about.map((server) => fullName(server, ''))
}

/** The schema in which other tools exist, but apply to nothing. */
function limitedTo(limits: readonly string[], fragment: SchemaFragment): SchemaFragment {
  const isWithin = (id: string) =>
    limits.some((limit) => {
      if (limit.endsWith('__')) return id.startsWith(limit)
      // One that ends with a star stands for all tools of a server that are not known.
      return id === limit || (id.endsWith('__*') && limit.startsWith(id.slice(0, -1)))
    })
  const namespaces = fragment.namespaces.map((namespace) => {
    const actions = [...namespace.actions].map(([id, action]) => {
      // Only tools are in a group.
      const isOther = action.parents.length > 0 && !isWithin(id)
      const { appliesTo: _, ...named } = action
      return [id, isOther ? named : action] as const
    })
    return { ...namespace, actions: new Map(actions) }
  })
  return { ...fragment, namespaces }
}
