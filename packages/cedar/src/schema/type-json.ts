// The types in the JSON form of a schema.

import { annotationsFromNode } from '../json/est-read.ts'
import { failAt, fieldsOf, membersOf, textOf } from '../json/json-access.ts'
import type { JsonNode } from '../json/json.ts'
import { MAX_NESTING } from '../text/cursor.ts'
import { INTERNAL, isTypeName } from '../text/names.ts'
import type { MemberDeclaration, NameReference, TypeExpression } from './syntax.ts'

/** The JSON names of the primitive types, and the names they have elsewhere. */
const PRIMITIVES: ReadonlyMap<string, string> = new Map([
  ['Boolean', 'Bool'],
  ['Long', 'Long'],
  ['String', 'String'],
])

/** Which of the names that begin with `name` a type of a kind refers to. */
const NAMED: ReadonlyMap<string, 'entities' | 'entitiesOrCommon' | 'extensions'> = new Map([
  ['Entity', 'entities'],
  ['EntityOrCommon', 'entitiesOrCommon'],
  ['Extension', 'extensions'],
])

/** `beside` are the members that may stand there but are not part of the type. */
export function typeFromNode(node: JsonNode, depth = 0, beside: readonly string[] = []): TypeExpression {
  if (depth > MAX_NESTING) failAt(node, 'nested too deeply')
  const { at } = node
  const type = membersOf(node, 'a type').get('type')
  const kind = textOf(type ?? failAt(node, 'a type needs "type"'), '"type"')
  const what = `a type "${kind}"`
  if (kind === 'Set') {
    const { element } = fieldsOf(node, what, ['type', 'element'], beside)
    return { kind: 'set', element: typeFromNode(element, depth + 1), at }
  }
  if (kind === 'Record') return recordFromNode(node, depth, beside)
  const among = NAMED.get(kind)
  if (among !== undefined) {
    const { name } = fieldsOf(node, what, ['type', 'name'], beside)
    return { kind: 'name', among, ...referenceFromNode(name) }
  }
  fieldsOf(node, what, ['type'], beside)
  const primitive = PRIMITIVES.get(kind)
  if (primitive !== undefined) return { kind: 'name', name: primitive, among: 'primitives', at }
  return { kind: 'name', among: 'common', ...referenceFromNode(type ?? node) }
}

function recordFromNode(node: JsonNode, depth: number, beside: readonly string[]): TypeExpression {
  const optional = ['additionalAttributes', ...beside]
  const { attributes, ...others } = fieldsOf(node, 'a record', ['type', 'attributes'], optional)
  const open = others['additionalAttributes']
  if (open !== undefined && booleanOf(open, '"additionalAttributes"'))
    failAt(open, 'a record has the attributes it names and no others: "additionalAttributes" cannot be true')
  const members = new Map<string, MemberDeclaration>()
  for (const [name, member] of membersOf(attributes, '"attributes"'))
    members.set(name, memberFromNode(member, depth + 1))
  return { kind: 'record', members, at: node.at }
}

function memberFromNode(node: JsonNode, depth: number): MemberDeclaration {
  const type = typeFromNode(node, depth, ['required', 'annotations'])
  const members = membersOf(node, 'an attribute')
  const required = members.get('required')
  return {
    type,
    required: required === undefined || booleanOf(required, '"required"'),
    annotations: annotationsFromNode(members.get('annotations')),
    at: node.at,
  }
}

/** The name of a type, perhaps qualified. */
export function referenceFromNode(node: JsonNode): NameReference {
  const name = textOf(node, 'a name')
  return isTypeName(name, INTERNAL)
    ? { name, at: node.at }
    : failAt(node, `${JSON.stringify(name)} cannot name a type`)
}

function booleanOf(node: JsonNode, what: string): boolean {
  return node.kind === 'boolean' ? node.value : failAt(node, `${what} must be true or false`)
}
