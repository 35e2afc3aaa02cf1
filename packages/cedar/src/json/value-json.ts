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
import { isTypeName } from '../text/names.ts'
import { set, settle } from '../values/values.ts'
import type { RecordValue, Value } from '../values/values.ts'

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
  const call = fieldsOf(node, 'an extension value', ['__extn']).__extn
  const { fn, arg, args } = fieldsOf(call, 'an extension value', ['fn'], ['arg', 'args'])
  const name = textOf(fn, '"fn"')
  if (!EXTENSIONS.has(name)) failAt(fn, `there is no extension function ${JSON.stringify(name)}`)
  if ((arg === undefined) === (args === undefined)) failAt(call, 'an extension value needs "arg" or "args"')
  return { kind: 'call', name, arguments: arg === undefined ? itemsOf(args ?? call, '"args"') : [arg] }
}

export type Escape =
  | { readonly kind: 'entity'; readonly entity: Entity }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly JsonNode[] }

/** A record, such as a context or the attributes of an entity. The record itself cannot be an escape. */
export function recordFromNode(node: JsonNode, what: string, depth = 0): RecordValue {
  if (escapeOf(node) !== undefined) failAt(node, `${what} must be a record`)
  const record = Object.create(null) as { [name: string]: Value }
  for (const [name, member] of membersOf(node, what)) record[name] = valueFromNode(member, depth + 1)
  return record
}

/** A value with its escapes read and its extension functions called. */
function valueFromNode(node: JsonNode, depth = 0): Value {
  if (depth > MAX_VALUE_DEPTH) failAt(node, 'nested too deeply')
  switch (node.kind) {
    case 'boolean':
    case 'string':
      return node.value
    case 'integer':
      return toLong(node.value) ?? node.value
    case 'array':
      return set(node.items.map((item) => valueFromNode(item, depth + 1)))
    case 'object': {
      const escape = escapeOf(node)
      if (escape === undefined) return recordFromNode(node, 'a record', depth)
      return escape.kind === 'entity' ? escape.entity : called(node, escape, depth)
    }
    case 'null':
    case 'number':
      return failAt(node, NOT_A_VALUE[node.kind])
  }
}

export const NOT_A_VALUE = {
  null: 'Cedar has no null',
  number: 'a number must be an integer of 64 bits; a decimal is {"__extn": {"fn": "decimal", "arg": "1.5"}}',
} as const

function called(
  node: JsonNode,
  { name, arguments: given }: Extract<Escape, { kind: 'call' }>,
  depth: number,
) {
  const extension = EXTENSIONS.get(name)
  if (extension?.arity !== given.length)
    return failAt(node, `${name}() does not take ${given.length} arguments`)
  try {
    const [a = true, b = true] = given.map((argument) => settle(valueFromNode(argument, depth + 1)))
    return extension.apply(a, b)
  } catch (fault) {
    return fault instanceof Fault ? failAt(node, fault.message) : rethrow(fault)
  }
}

function rethrow(error: unknown): never {
  throw error
}
