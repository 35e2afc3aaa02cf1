/**
 * What policies can speak of besides the tools: who, on what, which methods, in which context. It says what policies.ts,
 * query.ts and request.ts do, and docs/reference/policies.md tells; schema.test.ts holds them together.
 */

import {
  type ActionDeclaration,
  type MemberDeclaration,
  parseSchema,
  type SchemaFragment,
  type TypeExpression,
} from '@tollgate/cedar'

const WHO = 'principal: [User, Service, Agent]'

/** Where nothing is counted there is no history, and policies that look for one are not wrong. */
const NO_HISTORY = 'history?: {}'

/** In Cedar. Every action that applies to something has the members of `Call` in its context, next to its own. */
const BASE_SCHEMA = `
@mcp_principal
entity User, Service, Agent in [Group] tags String;
entity Group in [Group];

entity Server;
@mcp_resource
entity Tool in [Server] = {
  name: String,
  server: String,
  readOnly: Bool,
  destructive: Bool,
  idempotent: Bool,
  openWorld: Bool,
  reads: Set<String>,
  sends: Bool,
  writes: Bool,
};
entity Prompt in [Server] = { name: String, server: String };
entity Resource in [Server] = { uri: String, server: String };

type Call = {
  agent?: Agent,
  delegation: { depth: Long, chain: Set<Agent> },
  source: { ip?: ipaddr, transport: String, client?: String, authentication: Authentication },
  environment: { name: String, now: datetime },
  session: { protocolVersion: String, startedAt?: datetime },
  task?: Task,
  approval?: { approvers: Set<User>, at: datetime },
  ${NO_HISTORY},
};
type Authentication = {
  method: String,
  issuer?: String,
  at?: datetime,
  strength?: String,
  bound?: String,
  clientProof?: String,
  scopes?: Set<String>,
};
type Task = {
  id: String,
  purpose: String,
  template?: String,
  issuedBy?: User,
  expiresAt: datetime,
  labels: Set<String>,
  calls: Long,
};

// Each tool has an action of its own in this group.
@mcp_action
action "tools/call";

// Its input has the arguments that policies name.
action "prompts/get" appliesTo { ${WHO}, resource: Prompt };
action "completion/complete" appliesTo {
  ${WHO}, resource: [Prompt, Resource], context: { input: { name: String, value: String } }
};
action "resources/read", "resources/subscribe", "resources/unsubscribe" appliesTo { ${WHO}, resource: Resource };
action "tasks/get", "tasks/result", "tasks/update", "tasks/cancel" appliesTo { ${WHO}, resource: Tool };
// Approving what somebody else asked for; its input has the arguments of the call.
action "approvals/approve" appliesTo {
  ${WHO}, resource: [Tool, Prompt, Resource, Server],
  context: { input: {}, requester: { type: String, name: String, agent?: String } }
};
action "logging/setLevel" appliesTo { ${WHO}, resource: Server, context: { input: { level: String } } };

// What a server asks of the client.
action "sampling/createMessage", "elicitation/create" appliesTo {
  ${WHO}, resource: Server, context: { input: {} }
};
action "roots/list" appliesTo { ${WHO}, resource: Server, context: { input?: {} } };

// Connecting, listing, notifying: no permit is needed, and a forbid denies.
action
  "initialize", "server/discover", "ping", "session/stream", "session/end", "response", "subscriptions/listen",
  "tools/list", "resources/list", "resources/templates/list", "prompts/list", "tasks/list",
  "notifications/initialized", "notifications/cancelled", "notifications/progress",
  "notifications/roots/list_changed", "notifications/tasks/status"
appliesTo { ${WHO}, resource: Server };
`

/** Actions whose input has members that only its sender knows, and what to say of them. */
export const OPEN_INPUTS: ReadonlyMap<string, string> = new Map([
  ['approvals/approve', 'has the arguments of the call, which differ by tool'],
  ['sampling/createMessage', 'has parameters that differ by revision'],
  ['elicitation/create', 'has parameters that differ by revision'],
  ['roots/list', 'has parameters that differ by revision'],
])

/** Methods of extensions, which name their vendor: `com.example/do`. Nothing is known of them but their names. */
const EXTENSION_METHOD = /^[\w-]+(?:\.[\w-]+)+\/[\w./-]+$/

export function isExtensionMethod(action: string): boolean {
  return EXTENSION_METHOD.test(action)
}

/** The base schema, with actions for those given that are methods of extensions, and the counters that there are. */
export function baseSchema(actions: ReadonlySet<string>, counters: readonly string[]): SchemaFragment {
  const methods = [...actions].filter(isExtensionMethod).map((method) => `"${method}"`)
  const extensions = `action ${methods.join()} appliesTo { ${WHO}, resource: Server, context: { input: {} } };`
  const numbers = counters.map((name) => `${JSON.stringify(name)}: Long`)
  const history = counters.length === 0 ? NO_HISTORY : `history: { ${numbers.join()} }`
  const text = BASE_SCHEMA.replace(NO_HISTORY, history) + (methods.length > 0 ? extensions : '')
  const base = parseSchema(text, { file: 'base-schema.ts' })
  if (!base.ok) throw new Error(`the base schema is wrong: ${JSON.stringify(base.errors)}`)
  return base.value
}

/**
 * With the members of `Call` in every context, and without `Call`. `promptArguments` are taken for arguments of prompts,
 * which are strings; which prompt has which no server is asked.
 */
export function withContexts(fragment: SchemaFragment, promptArguments: ReadonlySet<string>): SchemaFragment {
  const namespaces = fragment.namespaces.map((namespace) => {
    const commonTypes = new Map(namespace.commonTypes)
    const shared = membersOf(commonTypes.get('Call')?.type)
    commonTypes.delete('Call')
    const actions = [...namespace.actions].map(([id, action]): [string, ActionDeclaration] => {
      const input = id === 'prompts/get' ? promptInput(promptArguments, action.at) : []
      return [id, withMembers(action, [...input, ...shared])]
    })
    return { ...namespace, actions: new Map(actions), commonTypes }
  })
  return { ...fragment, namespaces }
}

type Member = readonly [name: string, declaration: MemberDeclaration]

function withMembers(action: ActionDeclaration, members: readonly Member[]): ActionDeclaration {
  const { appliesTo, at } = action
  if (appliesTo === undefined) return action
  const context = {
    kind: 'record',
    members: new Map([...membersOf(appliesTo.context), ...members]),
    at,
  } as const
  return { ...action, appliesTo: { ...appliesTo, context } }
}

function membersOf(type: TypeExpression | undefined): ReadonlyMap<string, MemberDeclaration> {
  return type?.kind === 'record' ? type.members : new Map()
}

function promptInput(names: ReadonlySet<string>, at: number): readonly Member[] {
  const annotations = new Map<string, string>()
  const type = { kind: 'name', name: 'String', among: 'primitives', at } as const
  const members = new Map([...names].map((name) => [name, { type, required: false, annotations, at }]))
  return [['input', { type: { kind: 'record', members, at }, required: true, annotations, at }]]
}
