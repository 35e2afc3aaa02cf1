// The operators of Cedar on settled values. Each checks the types of what it is given and throws a Fault otherwise.
// Both ways of evaluating, generated code and the three-valued interpreter, are built on these.

import { Datetime, Duration } from '../values/datetime.ts'
import { Entity } from '../values/entity.ts'
import { canonical, CedarSet, isRecord, ownMember, settle } from '../values/values.ts'
import type { Evaluation } from '../decide/evaluation.ts'
import { Fault } from '../values/fault.ts'
import { addLongs, isLong, multiplyLongs, negateLong, subtractLongs } from '../values/long.ts'
import type { Long } from '../values/long.ts'
import type { BinaryOperator, Pattern } from '../policy/syntax.ts'
import { Term } from '../values/term.ts'
import type { RecordValue, Settled } from '../values/values.ts'

export function asBoolean(value: Settled): boolean {
  return typeof value === 'boolean' ? value : wrongType('a boolean', value)
}

export function asString(value: Settled): string {
  return typeof value === 'string' ? value : wrongType('a string', value)
}

export function asSet(value: Settled): CedarSet {
  return value instanceof CedarSet ? value : wrongType('a set', value)
}

export function asLong(value: Settled): Long {
  return isLong(value) ? value : wrongType('a Long', value)
}

export function asEntity(value: Settled): Entity {
  return value instanceof Entity ? value : wrongType('an entity', value)
}

function wrongType(wanted: string, value: Settled): never {
  throw new Fault(`type error: expected ${wanted}, found ${typeName(value)}`)
}

function typeName(value: Settled): string {
  if (isLong(value)) return 'a Long'
  if (typeof value !== 'object') return `a ${typeof value}`
  if (value instanceof CedarSet) return 'a set'
  return value instanceof Term ? `a value of type ${value.constructor.name}` : 'a record'
}

/** What has attributes. */
export function asHolder(value: Settled): Entity | RecordValue {
  return value instanceof Entity || isRecord(value) ? value : wrongType('a record or an entity', value)
}

/** The record whose members are the attributes; undefined for an entity nobody knows. */
export function attributesOf(value: Settled, evaluation: Evaluation): RecordValue | undefined {
  const holder = asHolder(value)
  return holder instanceof Entity ? evaluation.find(holder)?.attrs : holder
}

export function getAttribute(value: Settled, name: string, evaluation: Evaluation): Settled {
  const attributes = attributesOf(value, evaluation)
  if (attributes === undefined) return noEntity(value)
  const found = ownMember(attributes, name)
  return found === undefined ? noAttribute(name) : settle(found, evaluation)
}

export function hasAttribute(value: Settled, name: string, evaluation: Evaluation): boolean {
  const attributes = attributesOf(value, evaluation)
  return attributes !== undefined && ownMember(attributes, name) !== undefined
}

export function hasPath(value: Settled, path: readonly string[], evaluation: Evaluation): boolean {
  let object = value
  for (const [index, name] of path.entries()) {
    if (!hasAttribute(object, name, evaluation)) return false
    if (index < path.length - 1) object = getAttribute(object, name, evaluation)
  }
  return true
}

export function noAttribute(name: string): never {
  throw new Fault(`there is no attribute ${JSON.stringify(name)}`)
}

export function noEntity(value: Settled): never {
  throw new Fault(`the entity ${value instanceof Entity ? value.uid : ''} does not exist`)
}

function getTag(value: Settled, name: Settled, evaluation: Evaluation): Settled {
  const entity = asEntity(value)
  const tag = asString(name)
  const found = ownMember((evaluation.find(entity) ?? noEntity(entity)).tags, tag)
  if (found === undefined) throw new Fault(`there is no tag ${JSON.stringify(tag)}`)
  return settle(found, evaluation)
}

function hasTag(value: Settled, name: Settled, evaluation: Evaluation): boolean {
  const entity = asEntity(value)
  const tag = asString(name)
  const tags = evaluation.find(entity)?.tags
  return tags !== undefined && ownMember(tags, tag) !== undefined
}

/** Reflexive, also for entities nobody knows. */
export function isIn(value: Settled, container: Settled, evaluation: Evaluation): boolean {
  const entity = asEntity(value)
  const containers = asEntities(container)
  if (containers.some(({ uid }) => uid === entity.uid)) return true
  const ancestors = evaluation.find(entity)?.ancestors
  return ancestors !== undefined && containers.some(({ uid }) => ancestors.has(uid))
}

/** What may stand to the right of `in`: an entity, or a set in which an element that is none is an error wherever it is. */
export function asEntities(value: Settled): readonly Entity[] {
  if (!(value instanceof CedarSet)) return [asEntity(value)]
  const members = value.members()
  members.forEach(asEntity)
  return members as readonly Entity[]
}

export function isType(value: Settled, type: string): boolean {
  return asEntity(value).type === type
}

/** Values of different types are unequal, never an error; an opaque value anywhere inside is one. */
function equal(a: Settled, b: Settled): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  if (a instanceof Entity && b instanceof Entity) return a.uid === b.uid
  return canonical(a) === canonical(b)
}

/** What can be ordered, against its own kind. */
export function asOrdered(value: Settled): Settled {
  const ordered = isLong(value) || value instanceof Datetime || value instanceof Duration
  return ordered ? value : wrongType('a Long, a datetime or a duration', value)
}

function compare(a: Settled, b: Settled, holds: (a: Long, b: Long) => boolean): boolean {
  if (isLong(a) && isLong(b)) return holds(a, b)
  if (a instanceof Datetime && b instanceof Datetime) return holds(a.epochMs, b.epochMs)
  if (a instanceof Duration && b instanceof Duration) return holds(a.ms, b.ms)
  throw new Fault(`type error: ${typeName(a)} and ${typeName(b)} cannot be ordered`)
}

const less = (a: Long, b: Long): boolean => a < b
const lessOrEqual = (a: Long, b: Long): boolean => a <= b

export function negate(value: Settled): Long {
  return negateLong(asLong(value))
}

/** Whether the parts of the pattern stand in the text in order, the first at its start and the last at its end. */
export function like(text: string, pattern: Pattern): boolean {
  const first = pattern[0] ?? ''
  if (pattern.length === 1) return text === first
  const last = pattern[pattern.length - 1] ?? ''
  const end = text.length - last.length
  let from = first.length
  if (from > end || !text.startsWith(first) || !text.endsWith(last)) return false
  for (const part of pattern.slice(1, -1)) {
    const at = text.indexOf(part, from)
    if (at < 0 || at + part.length > end) return false
    from = at + part.length
  }
  return true
}

export const BINARY: {
  readonly [operator in BinaryOperator]: (a: Settled, b: Settled, evaluation: Evaluation) => Settled
} = {
  '==': equal,
  '!=': (a, b) => !equal(a, b),
  '<': (a, b) => compare(a, b, less),
  '<=': (a, b) => compare(a, b, lessOrEqual),
  '>': (a, b) => compare(b, a, less),
  '>=': (a, b) => compare(b, a, lessOrEqual),
  in: isIn,
  '+': (a, b) => addLongs(asLong(a), asLong(b)),
  '-': (a, b) => subtractLongs(asLong(a), asLong(b)),
  '*': (a, b) => multiplyLongs(asLong(a), asLong(b)),
  contains: (a, b) => asSet(a).contains(b),
  containsAll: (a, b) => asSet(a).containsAll(asSet(b)),
  containsAny: (a, b) => asSet(a).containsAny(asSet(b)),
  getTag,
  hasTag,
}

/** Operators whose result is a boolean whatever they are given. */
export const RETURNS_BOOLEAN: ReadonlySet<BinaryOperator> = new Set<BinaryOperator>([
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  'contains',
  'containsAll',
  'containsAny',
  'hasTag',
])
