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
export function gatewaySchema({ servers, policies }: SchemaWorld): GatewaySchema {
  const actions = actionsNamedIn(policies)
  const tools = [...servers].flatMap(([server, known]) => toolsOf(server, known, actions))
  const made = schemaFromTools(baseSchema(actions), tools)
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
 * A tool is always in its own server, which types cannot say: a policy on the resources of one server would else be
 * judged by the arguments of every other server's tools, too.
 */
function checksOf(
  policies: readonly Policy[],
  fragment: SchemaFragment,
  servers: readonly string[],
): PolicyCheck[] {
  const groups = new Map<string, { servers: readonly string[]; policies: Policy[] }>()
  for (const policy of policies) {
    const about = servers.filter((server) => couldName(policy.scope.resource, server))
    const key = about.join()
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { servers: about, policies: [policy] })
    else group.policies.push(policy)
  }
  return [...groups.values()].map(({ servers: about, policies: group }) => {
    return {
      fragment: about.length === servers.length ? fragment : limitedTo(about, fragment),
      policies: group,
    }
  })
}

/** The schema in which the tools of other servers exist, but apply to nothing. */
function limitedTo(servers: readonly string[], fragment: SchemaFragment): SchemaFragment {
  const prefixes = servers.map((server) => fullName(server, ''))
  const namespaces = fragment.namespaces.map((namespace) => {
    const actions = [...namespace.actions].map(([id, action]) => {
      // Only tools are in a group.
      const isOther = action.parents.length > 0 && !prefixes.some((prefix) => id.startsWith(prefix))
      const { appliesTo: _, ...named } = action
      return [id, isOther ? named : action] as const
    })
    return { ...namespace, actions: new Map(actions) }
  })
  return { ...fragment, namespaces }
}
