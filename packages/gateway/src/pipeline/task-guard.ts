/** What a task means for replies: tools outside it are not listed, those inside are shown as narrow as they are. */
import type { Guard, Listed } from '../mcp/guard.ts'
import { type JsonObject, isObject } from '../model/message.ts'
import { OWN_SERVER } from '../model/names.ts'
import type { Query } from '../model/decision.ts'
import type { Policies } from '../policy/policies.ts'
import { fullName } from '../policy/query.ts'
import { narrowInputSchema } from '../tasks/constraints/narrow.ts'
import { type FlowCall, type FlowState, isTrusted, noteResult } from '../tasks/flow.ts'
import type { Task } from '../tasks/task.ts'

interface TaskCall {
  readonly task: Task
  readonly policies: Policies
  readonly query: Query
}

/** Of a caller that may have no task. */
type AnyCall = Omit<TaskCall, 'task'> & { readonly task: Task | undefined }

/** Whether the task has some use of a thing; without a task everything has. */
export function isInTask(
  { task, policies, query: { server } }: Pick<TaskCall, 'policies' | 'query'> & { task: Task | undefined },
  kind: Listed,
  name: string,
): boolean {
  if (task === undefined) return true
  if (kind !== 'tool') return task.outside({ kind: 'reading', server, name }) === undefined
  const tool = fullName(server, name)
  return task.outside({ kind: 'tool', server, name: tool, facts: policies.toolFacts(tool) }) === undefined
}

type TaskGuard = Pick<Guard, 'narrowed' | 'learn'>

/** The parts of a guard that tasks have a say in: the same members always, since the pipeline is faster for that. */
export function taskGuard({ task, policies, query }: AnyCall): TaskGuard {
  if (task === undefined) return NO_TASK
  const call = { task, policies, query }
  const { server, target, manner } = query
  const isCall = manner === 'rule' && target.resource.type === 'Tool'
  const isLearning = isCall && isTrusted(policies.factsOf(target.resource, server))
  const learn = (result: JsonObject) => {
    const { state, call: called } = flowOf(task, query, policies)
    noteResult(state, called, result)
  }
  return {
    narrowed: server === OWN_SERVER ? undefined : (name, schema) => narrowed(call, name, schema),
    learn: isLearning ? learn : undefined,
  }
}

const NO_TASK: TaskGuard = { narrowed: undefined, learn: undefined }

/** A call, as the rules of flow see it. */
export function flowOf(task: Task, query: Query, policies: Policies): { state: FlowState; call: FlowCall } {
  const { target, alsoTargets, server, input } = query
  const { id, type } = target.resource
  const isPlain = type === 'Tool' && alsoTargets.length === 0
  return {
    state: { chain: task.chain, labels: query.task?.labels ?? NO_LABELS, values: task.values },
    call: {
      tool: id,
      facts: policies.factsOf(target.resource, server),
      input: isPlain ? input : withUris(query),
      arguments: type === 'Tool' ? undefined : READING,
    },
  }
}

/** The URIs of resources say something, too. */
function withUris({ target, alsoTargets, input }: Query): unknown {
  const uris = [target, ...alsoTargets].filter(({ resource }) => resource.type === 'Resource')
  return uris.length === 0 ? input : { uri: uris.map(({ resource }) => resource.id), with: input }
}

/** Names that we give, and that MCP gives to what is completed; a grant names no arguments of these. */
const READING = { uri: {}, with: {}, name: {}, value: {} }
const NO_LABELS: ReadonlySet<string> = new Set()

/** By every grant of the chain that has something to say of it. */
function narrowed(
  { task, policies, query }: TaskCall,
  name: string,
  schema: unknown,
): JsonObject | undefined {
  const tool = fullName(query.server, name)
  const isReadOnly = policies.toolFacts(tool).readOnly === true
  if (!isObject(schema)) return undefined
  let narrow: JsonObject | undefined
  for (const { grant } of task.chain) {
    const constraints = Object.hasOwn(grant.tools, tool) ? grant.tools[tool] : undefined
    const others = isReadOnly ? grant.other_arguments : 'refuse'
    if (constraints === undefined && others === 'allow') continue
    narrow = narrowInputSchema(narrow ?? schema, constraints ?? {}, others)
  }
  return narrow
}
