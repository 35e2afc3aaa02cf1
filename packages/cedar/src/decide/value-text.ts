// Values for people to read: as Cedar literals, shortened, however large or deep they are.

import { entityToText, expressionToText, nameOf } from '../print/expression.ts'
import { quote } from '../text/escapes.ts'
import { Entity } from '../values/entity.ts'
import { Fault } from '../values/fault.ts'
import { CedarSet, isRecord, settle } from '../values/values.ts'
import type { RecordValue, Settled, Value } from '../values/values.ts'
import { literalOf } from './literal.ts'

/** Characters of a string that are shown. */
const LONGEST_STRING = 100
/** Characters that the members of a set or a record may take before the rest is only counted; inside another, a quarter. */
const LONGEST_MEMBERS = 200
/** Sets and records within sets and records, beyond which only their brackets are shown. */
const DEEPEST = 2

/**
 * A value as a Cedar literal of some hundred characters at most. What is left out is told by `…`, with the number of
 * characters or members there are in all; a value that Cedar cannot hold is `(opaque)`, with what it is.
 */
export function valueToText(value: Value, depth = 0): string {
  if (Array.isArray(value)) return setText(value as readonly Value[], depth)
  const settled = settledOrNot(value)
  if (settled === undefined) return opaqueText(value)
  if (typeof settled === 'string') return shortened(settled)
  if (typeof settled !== 'object') return String(settled)
  if (settled instanceof Entity) return entityText(settled)
  if (settled instanceof CedarSet) return setText(settled.given, depth)
  if (isRecord(settled)) return recordText(settled, depth)
  const literal = literalOf(settled, EXTENSION_VALUES)
  return literal === undefined ? '(opaque)' : expressionToText(literal)
}

/** A value of which only the names of its members matter: those of a record; everything else as it is. */
export function membersToText(value: Value): string {
  return isRecord(value) ? recordText(value, 0, () => '…') : valueToText(value)
}

const EXTENSION_VALUES = { at: 0, mostValues: 1, longestText: LONGEST_STRING, isNameEnough: () => false }

/** A text as it is, or its beginning and `…` where it is longer than this. */
export function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${beginning(text, longest)}…`
}

function beginning(text: string, length: number): string {
  // Not between the halves of a surrogate pair.
  return text.slice(0, /[\uD800-\uDBFF]/.test(text.charAt(length - 1)) ? length - 1 : length)
}

function shortened(text: string): string {
  if (text.length <= LONGEST_STRING) return quote(text)
  return `${quote(beginning(text, LONGEST_STRING))}… (${text.length} characters)`
}

function entityText(entity: Entity): string {
  const { type, id } = entity
  return id.length <= LONGEST_STRING ? entityToText(entity) : `${type}::${shortened(id)}`
}

function setText(members: readonly Value[], depth: number): string {
  if (members.length === 0) return '[]'
  if (depth >= DEEPEST) return '[…]'
  return `[${listText(members.length, depth, (index) => valueToText(members[index] ?? null, depth + 1))}]`
}

function recordText(record: RecordValue, depth: number, toText = valueToText): string {
  const names = Object.keys(record).filter((name) => record[name] !== undefined)
  if (names.length === 0) return '{}'
  if (depth >= DEEPEST) return '{…}'
  const list = listText(names.length, depth, (index) => {
    const name = names[index] ?? ''
    return `${name.length > LONGEST_STRING ? shortened(name) : nameOf(name)}: ${toText(record[name] ?? null, depth + 1)}`
  })
  return `{ ${list} }`
}

function listText(count: number, depth: number, textAt: (index: number) => string): string {
  const texts: string[] = []
  let left = LONGEST_MEMBERS / 4 ** depth
  for (let index = 0; index < count && left > 0; index++) {
    const text = textAt(index)
    texts.push(text)
    left -= text.length
  }
  return texts.join(', ') + (texts.length < count ? `, … (${count} in all)` : '')
}

function settledOrNot(value: Value): Settled | undefined {
  try {
    return settle(value)
  } catch (fault) {
    if (fault instanceof Fault) return undefined
    throw fault
  }
}

function opaqueText(value: Value): string {
  if (value === null || typeof value === 'number') return `(opaque: ${value})`
  return typeof value === 'bigint' ? '(opaque: an integer beyond 64 bits)' : '(opaque)'
}
