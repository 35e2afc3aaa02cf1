/**
 * The definition of a tool as its server gives it. Servers are not trusted: of a definition only what has the right shape
 * is taken, and a schema is measured before anything walks it.
 */
import { isObject, type JsonObject } from '../model/message.ts'
import { err, ok, type Result } from '../model/result.ts'

export interface ToolDefinition {
  /** The server's own name for it. */
  readonly name: string
  readonly description?: string
  /** JSON Schema; absent when the server gave none that can be used. */
  readonly inputSchema?: JsonObject
  readonly outputSchema?: JsonObject
  readonly annotations?: JsonObject
}

export interface DefinitionLimits {
  readonly maxNameCharacters: number
  readonly maxSchemaDepth: number
  /** Members and elements of one schema, at all depths. */
  readonly maxSchemaMembers: number
}

/** A definition, and what of it could not be taken: phrases such as `inputSchema is no object`. */
export interface ParsedDefinition {
  readonly definition: ToolDefinition
  readonly faults: readonly string[]
}

/** Parses one element of `tools`. The error completes "a tool …". */
export function parseDefinition(value: unknown, limits: DefinitionLimits): Result<ParsedDefinition, string> {
  if (!isObject(value)) return err('that is no object')
  const { name, description } = value
  if (typeof name !== 'string' || name === '') return err('without a name')
  if (name.length > limits.maxNameCharacters)
    return err(`whose name is longer than ${limits.maxNameCharacters} characters`)
  if (!name.isWellFormed()) return err('whose name is not Unicode')

  const faults: string[] = []
  const objects: { [member: string]: JsonObject } = {}
  for (const member of ['inputSchema', 'outputSchema', 'annotations']) {
    const given = value[member]
    if (given === undefined && member !== 'inputSchema') continue
    const fault = isObject(given)
      ? excess(given, limits)
      : given === undefined
        ? 'is missing'
        : 'is no object'
    if (fault !== undefined) faults.push(`${member} ${fault}`)
    else if (isObject(given)) objects[member] = given
  }
  const described = typeof description === 'string' ? { description } : {}
  return ok({ definition: { name, ...described, ...objects }, faults })
}

/** What is too much of a value; undefined when it is within the limits. */
function excess(
  root: JsonObject,
  { maxSchemaDepth, maxSchemaMembers }: DefinitionLimits,
): string | undefined {
  let members = 0
  let level: unknown[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxSchemaDepth) return `is nested deeper than ${maxSchemaDepth} levels`
    const next: unknown[] = []
    for (const value of level) {
      if (typeof value === 'object' && value !== null)
        for (const inner of Object.values(value)) next.push(inner)
      if (members + next.length > maxSchemaMembers) return `has more than ${maxSchemaMembers} members`
    }
    members += next.length
    level = next
  }
  return undefined
}
