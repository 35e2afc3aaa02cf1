/**
 * Attributes that are not there, and optional ones that are read without looking first. The engine reports both for each
 * action and entity type by itself; people want to read it once, at the name, with what to write instead.
 */
import {
  type CedarType,
  type Policy,
  type Position,
  type RecordType,
  type Schema,
  suggest,
} from '@tollgate/cedar'
import type { Diagnostic } from './engine-process.ts'
import type { Finding } from './finding.ts'
import { actionsOf } from './scope.ts'
import type { Span } from './places.ts'
import { type Read, readAt } from './reads.ts'
import { list } from './words.ts'

/** What the schema and its makers know beyond what the engine was told. */
export interface Knowledge {
  readonly schema: Schema
  /**
   * Why an action may have an attribute that its schema lacks, such as `["input", "path"]` of the context; undefined
   * when the schema is all there is. Completes "the input of files__read …".
   */
  unknown(action: string, path: readonly string[]): string | undefined
  /** Whether the schema has a member for an action only because policies name it, so that it proves nothing. */
  assumed(action: string, path: readonly string[]): boolean
  /** Whether an attribute that is read there may be absent. The engine sees fewer ways to test for one than there are. */
  mayBeAbsent(place: Position): boolean
}

/** One access that the engine objects to, for one action or for entities of some types. */
export interface Access {
  readonly span: Span
  readonly isOptional: boolean
  /** As the engine writes it, from the context or the nearest entity down. */
  readonly path: string
  /** The action's uid. */
  readonly action: string | undefined
  readonly types: readonly string[]
}

const FORMS = [
  /^(?<kind>attribute|.*optional attribute) `(?<path>.+?)` in context for (?<action>.+?)(?: not found)?$/s,
  /^(?<kind>attribute|.*optional attribute) `(?<path>.+?)` on entity types? (?<types>.+?)(?: not found)?$/s,
  /^(?<kind>attribute|.*optional attribute) `(?<path>.+?)`(?: not found)?$/s,
]

/** Undefined when the engine speaks of something else. */
export function parseAccess({ message }: Diagnostic, span: Span): Access | undefined {
  const groups = FORMS.map((form) => form.exec(message)?.groups).find((found) => found !== undefined)
  if (groups?.['path'] === undefined) return undefined
  const { kind, path, action, types = '' } = groups
  const names = [...types.matchAll(/`(.+?)`/g)].map(([, name = '']) => name)
  return { span, isOptional: kind !== 'attribute', path, action, types: names }
}

/** Accesses to the same attribute in the same place, as one finding. */
export function explainAccesses(policy: Policy, group: readonly Access[], knowledge: Knowledge): Finding {
  const [first] = group
  if (first === undefined) throw new Error('a group of accesses is empty')
  const read = readAt(policy, first.span, first.path)
  const name = JSON.stringify(read.name).slice(1, -1)
  const { guard } = read
  const { unknown: unknowns, missing, optional } = sort(group, read, knowledge)
  const base = { policy: policy.id, ...read.place }
  const [unsure] = unknowns
  if (missing.length + optional.length === 0 && unsure !== undefined) {
    const message = `whether ${read.object} has \`${name}\` cannot be checked: ${unsure}`
    return { ...base, rule: 'unknown-attribute', severity: 'warning', message, suggestion: guardWith(guard) }
  }
  if (missing.length === 0) {
    const isOptional = `\`${name}\` of ${read.object} is optional${whereOf(optional)}`
    if (!knowledge.mayBeAbsent(read.place)) {
      const message = `${isOptional}, and Cedar’s validator does not see that it is there when this is read`
      const suggestion = `write \`if ${guard} then … else …\``
      return { ...base, rule: 'unseen-guard', severity: 'warning', message, suggestion }
    }
    const message = `${isOptional}: where it is absent this policy is an error, and refuses the call`
    return { ...base, rule: 'unguarded-attribute', severity: 'error', message, suggestion: guardWith(guard) }
  }
  const message = `${read.object} has no attribute \`${name}\`${whereOf(missing)}`
  const isElsewhere = optional.length > 0 || unsure !== undefined || isThereFor(policy, read, knowledge)
  const suggestion = isElsewhere
    ? `${guardWith(guard)}, or name in the scope what has it`
    : likely(read.name, namesBeside(missing, read, knowledge.schema))
  return { ...base, rule: 'attribute', severity: 'error', message, ...(suggestion && { suggestion }) }
}

function guardWith(guard: string): string {
  return `write \`${guard} && …\``
}

function sort(group: readonly Access[], read: Read, { schema, unknown }: Knowledge) {
  const unknowns: string[] = []
  const rest: Access[] = []
  for (const access of group) {
    const action = access.action === undefined ? undefined : schema.actions.get(access.action)
    const why = action && !access.isOptional ? unknown(action.entity.id, read.names) : undefined
    if (why === undefined) rest.push(access)
    else unknowns.push(`${action?.entity.id ?? ''} ${why}`)
  }
  return {
    unknown: unknowns,
    missing: rest.filter(({ isOptional }) => !isOptional),
    optional: rest.filter(({ isOptional }) => isOptional),
  }
}

function whereOf(accesses: readonly Access[]): string {
  const actions = [...new Set(accesses.flatMap(({ action }) => action ?? []))].toSorted()
  if (actions.length > 0) return ` for ${list(actions)}`
  const types = [...new Set(accesses.flatMap((access) => access.types))].toSorted()
  return types.length > 0 ? ` (${list(types)})` : ''
}

/** Whether the attribute is there for something else that the policy is about. */
function isThereFor(policy: Policy, { root, names, name }: Read, knowledge: Knowledge): boolean {
  return root !== undefined && membersFor(policy, [root, ...names.slice(0, -1)], knowledge).has(name)
}

/** What stands below a path that begins with a variable, for any action that the policy is about. */
export function membersFor(
  policy: Policy,
  [root, ...names]: readonly string[],
  { schema, assumed }: Knowledge,
): ReadonlySet<string> {
  const types = actionsOf(policy, schema).flatMap(
    ({ entity, context, principals, resources }): CedarType[] => {
      if (root === 'context') return assumed(entity.id, names) ? [] : [context]
      const entities = root === 'principal' ? principals : root === 'resource' ? resources : []
      return [...entities].map((type) => ({ kind: 'entity', type }))
    },
  )
  return new Set(types.flatMap((type) => [...(membersAt(type, names, schema)?.keys() ?? [])]))
}

/** Names that stand where the missing one was looked for. */
function namesBeside(
  missing: readonly Access[],
  { names, depth }: Read,
  schema: Schema,
): ReadonlySet<string> {
  const above = names.slice(-depth, -1)
  const holders: (CedarType | undefined)[] = missing.flatMap(({ action, types }) =>
    action === undefined
      ? types.map((type): CedarType => ({ kind: 'entity', type }))
      : [schema.actions.get(action)?.context],
  )
  return new Set(holders.flatMap((type) => [...(membersAt(type, above, schema)?.keys() ?? [])]))
}

/** The members below a type along some names; undefined when there is none. */
function membersAt(
  type: CedarType | undefined,
  names: readonly string[],
  schema: Schema,
): RecordType['members'] | undefined {
  if (type === undefined || (type.kind !== 'record' && type.kind !== 'entity')) return undefined
  const record = type.kind === 'record' ? type : schema.entityTypes.get(type.type)?.attributes
  const [first, ...rest] = names
  if (first === undefined || record === undefined) return record?.members
  return membersAt(record.members.get(first)?.type, rest, schema)
}

/** The name that was most likely meant, or all there are when they are few. */
function likely(name: string, names: ReadonlySet<string>): string | undefined {
  const close = suggest(name, names)
  if (close !== undefined) return `did you mean \`${close}\`?`
  if (names.size === 0) return 'it has none'
  return `there ${names.size === 1 ? 'is' : 'are'} ${list(
    [...names].toSorted().map((each) => `\`${each}\``),
    10,
  )}`
}
