// A schema from MCP tool definitions: one action for each tool, with the type of its arguments in `context.input`. The
// base schema says who and what the tools' actions apply to, by the annotations of cedar-for-agents.

import type { Result } from '../policy/result.ts'
import type { ActionDeclaration, Namespace, SchemaFragment } from '../schema/syntax.ts'
import { inputTypeOf } from './input-type.ts'
import type { InputNote, InputType, NumberType } from './input-type.ts'
import { readJsonSchema } from './read-json-schema.ts'
import { anything } from './shape.ts'
import { readStub, withoutStub } from './stub.ts'
import type { Stub } from './stub.ts'

/** A tool as an MCP server lists it, as parsed JSON; what else a definition holds is not looked at. */
export interface ToolDefinition {
  /** Becomes the id of the action. */
  readonly name: string
  /** JSON Schema of the arguments; undefined when it is not known. */
  readonly inputSchema?: unknown
}

export interface ToolSchemaOptions {
  /** What a JSON Schema `number` is; `long` when not given. */
  readonly numbers?: NumberType
}

export interface ToolNote extends InputNote {
  readonly tool: string
}

export interface ToolSchema {
  /** The base without the annotations that were meant for this, and with the actions. */
  readonly fragment: SchemaFragment
  /** In the order of the tools. */
  readonly notes: readonly ToolNote[]
}

/**
 * Adds an action for each tool to a base schema. In the one namespace that has them,
 *
 * - entity types with `@mcp_principal` and `@mcp_resource` are those that the actions apply to (each at least one),
 * - actions with `@mcp_action` are the groups that the actions are in,
 * - a type with `@mcp_context("name")` is that of the context's member of this name, next to `input`.
 *
 * Fails when the base lacks one of the first two. Tools never make it fail: what cannot be typed becomes a note. Two
 * tools of one name have one action with an input that is not known, and a tool that has the name of an action of
 * the base has none.
 */
export function schemaFromTools(
  base: SchemaFragment,
  tools: readonly ToolDefinition[],
  { numbers = 'long' }: ToolSchemaOptions = {},
): Result<ToolSchema> {
  const stub = readStub(base)
  if (!stub.ok) return stub
  const { namespace } = stub.value
  const actions = new Map(namespace.actions)
  const notes: ToolNote[] = []
  for (const [name, input] of inputsOf(tools, numbers, namespace.at)) {
    const unusable = unusableName(name, namespace)
    if (unusable !== undefined) {
      notes.push({ tool: name, path: [], kind: 'unchecked', message: unusable })
      continue
    }
    actions.set(name, actionOf(stub.value, input))
    for (const note of input.notes) notes.push({ tool: name, ...note })
  }
  const namespaces = base.namespaces.map((each) =>
    each === namespace ? withoutStub({ ...namespace, actions }) : each,
  )
  return { ok: true, value: { fragment: { ...base, namespaces }, notes } }
}

function unusableName(name: string, { actions }: Namespace): string | undefined {
  if (actions.has(name)) return 'has the name of an action that is there already'
  return name.isWellFormed() ? undefined : 'has a name that is not Unicode: half a surrogate pair'
}

/** The type of each tool's input by the tool's name. */
function inputsOf(
  tools: readonly ToolDefinition[],
  numbers: NumberType,
  at: number,
): ReadonlyMap<string, InputType> {
  const inputs = new Map<string, InputType>()
  for (const { name, inputSchema } of tools) {
    const isUnknown = inputSchema === undefined || inputs.has(name)
    const why = inputs.has(name) ? 'is that of several tools of this name' : 'is not known'
    inputs.set(name, inputTypeOf(isUnknown ? anything(why) : readJsonSchema(inputSchema), numbers, at))
  }
  return inputs
}

function actionOf(
  { principals, resources, groups, context, namespace }: Stub,
  input: InputType,
): ActionDeclaration {
  const { at } = namespace
  const member = { type: input.type, required: true, annotations: new Map(), at }
  return {
    annotations: new Map(),
    parents: groups,
    appliesTo: {
      principals,
      resources,
      context: { kind: 'record', members: new Map([...context, ['input', member]]), at },
    },
    at,
  }
}
