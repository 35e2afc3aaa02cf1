// Entities and values as JSON. `{"__entity": {"type", "id"}}` is an entity and `{"__extn": {"fn", "arg"}}` a call of an
// extension function; where only an entity may stand, the escape may be left out. A malformed escape is an error, where
// the official engine would read a record: nobody means that.

import { reference } from '../values/entity.ts'
import type { Entity } from '../values/entity.ts'
import { EXTENSIONS } from '../values/extensions.ts'
import { Fault } from '../values/fault.ts'
import type { JsonNode } from './json.ts'
import { failAt, fieldsOf, itemsOf, membersOf, textOf } from './json-access.ts'
import { toLong } from '../values/long.ts'
import type { CedarType, RecordType } from '../schema/schema.ts'
import { isTypeName } from '../text/names.ts'
import { set, settle } from '../values/values.ts'
import type { RecordValue, Settled, Value } from '../values/values.ts'

/** Deeper values are refused before they could exhaust the stack. */
const MAX_VALUE_DEPTH = 200

/** An entity's name: `{"type", "id"}`, bare or within `__entity`. */
export function entityFromNode(node: JsonNode): Entity {
  const escaped = node.kind === 'object' && node.members.has('__entity')
  const inner = escaped ? fieldsOf(node, 'an entity', ['__entity']).__entity : node
  const { type, id } = fieldsOf(inner, 'an entity', ['type', 'id'])
  return reference(typeFromNode(type), textOf(id, 'the id of an entity'))
}

export function typeFromNode(node: JsonNode): string {
  const name = textOf(node, 'an entity type')
  return isTypeName(name) ? name : failAt(node, `${JSON.stringify(name)} is not an entity type`)
}

/** What an object value is: an escape, or undefined for a record. */
export function escapeOf(node: JsonNode): Escape | undefined {
  if (node.kind !== 'object') return undefined
  const { members } = node
  if (members.has('__expr')) failAt(node, '`__expr` is no longer supported')
  if (members.has('__entity')) return { kind: 'entity', entity: entityFromNode(node) }
  if (!members.has('__extn')) return undefined
  return { kind: 'call', ...callFromNode(fieldsOf(node, 'an extension value', ['__extn']).__extn) }
}

/** A call of an extension function: `{"fn", "arg"}` or `{"fn", "args"}`. */
function callFromNode(node: JsonNode): Call {
  const { fn, arg, args } = fieldsOf(node, 'an extension value', ['fn'], ['arg', 'args'])
  const name = textOf(fn, '"fn"')
  if ((arg === undefined) === (args === undefined)) failAt(node, 'an extension value needs "arg" or "args"')
  if (!EXTENSIONS.has(name)) failAt(fn, `there is no extension function ${JSON.stringify(name)}`)
  return { name, arguments: arg === undefined ? itemsOf(args ?? node, '"args"') : [arg] }
}

export type Escape = { readonly kind: 'entity'; readonly entity: Entity } | ({ readonly kind: 'call' } & Call)

interface Call {
  readonly name: string
  readonly arguments: readonly JsonNode[]
}

/**
 * A record, such as a context or the attributes of an entity. Where `type` says what a member is, it may be written
 * without its escape; whether it conforms is not checked. Without a type, the record itself cannot be an escape.
 */
export function recordFromNode(node: JsonNode, what: string, type?: RecordType): RecordValue {
  if (type === undefined && escapeOf(node) !== undefined) failAt(node, `${what} must be a record`)
  return recordOf(membersOf(node, what), 0, (name) => type?.members.get(name)?.type)
}

/** The tags of an entity; `type` is that of every tag. */
export function tagsFromNode(node: JsonNode, type?: CedarType): RecordValue {
  if (escapeOf(node) !== undefined) failAt(node, '"tags" must be a record')
  return recordOf(membersOf(node, '"tags"'), 0, () => type)
}

function recordOf(
  members: ReadonlyMap<string, JsonNode>,
  depth: number,
  typeOf: (name: string) => CedarType | undefined,
): RecordValue {
  const record = Object.create(null) as { [name: string]: Value }
  for (const [name, member] of members)
    record[name] = valueFromNode(member, { type: typeOf(name), depth: depth + 1 })
  return record
}

/** What is expected of the value being read, and how deep in others it stands. */
interface Expected {
  readonly type: CedarType | undefined
  readonly depth: number
}

/** A value with its escapes read and its extension functions called. */
function valueFromNode(node: JsonNode, expected: Expected): Value {
  const { type, depth } = expected
  if (depth > MAX_VALUE_DEPTH) failAt(node, 'nested too deeply')
  switch (node.kind) {
    case 'string': {
      const name = type?.kind === 'extension' ? CONSTRUCTORS[type.name] : undefined
      return name === undefined
        ? node.value
        : called(node, { name, arguments: [node] }, { type: undefined, depth })
    }
    case 'boolean':
      return node.value
    case 'integer':
      return toLong(node.value) ?? node.value
    case 'array': {
      const element = type?.kind === 'set' ? type.element : undefined
      return set(node.items.map((item) => valueFromNode(item, { type: element, depth: depth + 1 })))
    }
    case 'object':
      return objectFromNode(node, expected)
    case 'null':
    case 'number':
      return failAt(node, NOT_A_VALUE[node.kind])
  }
}

function objectFromNode(node: JsonNode & { readonly kind: 'object' }, expected: Expected): Value {
  const { members } = node
  const { type, depth } = expected
  if (type?.kind === 'entity' && members.has('type') && members.has('id')) return entityFromNode(node)
  if (type?.kind === 'extension' && members.has('fn')) {
    return called(node, callFromNode(node), expected)
  }
  const types = type?.kind === 'record' ? type.members : undefined
  const escape = types === undefined ? escapeOf(node) : undefined
  if (escape === undefined) return recordOf(members, depth, (name) => types?.get(name)?.type)
  if (escape.kind === 'entity') return escape.entity
  return called(node, escape, expected)
}

export const NOT_A_VALUE = {
  null: 'Cedar has no null',
  number: 'a number must be an integer of 64 bits; a decimal is {"__extn": {"fn": "decimal", "arg": "1.5"}}',
} as const

/** The function that makes a value of an extension type from a text. */
const CONSTRUCTORS = { ipaddr: 'ip', decimal: 'decimal', datetime: 'datetime', duration: 'duration' } as const

/** Where an extension value is expected, the arguments too may be written without their escapes. */
function called(
  node: JsonNode,
  { name, arguments: given }: Call,
  { type: result, depth }: Expected,
): Settled {
  const extension = EXTENSIONS.get(name)
  if (extension?.arity !== given.length)
    return failAt(node, `${name}() does not take ${given.length} arguments`)
  try {
    const [a = true, b = true] = given.map((argument, at) => {
      const type = result?.kind === 'extension' ? extension.parameters[at] : undefined
      return settle(valueFromNode(argument, { type, depth: depth + 1 }))
    })
    return extension.apply(a, b)
  } catch (fault) {
    return fault instanceof Fault ? failAt(node, fault.message) : rethrow(fault)
  }
}

function rethrow(error: unknown): never {
  throw error
}
