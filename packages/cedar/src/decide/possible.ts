// What an operator may come to when an operand is not known, by what is known of it all the same.

import {
  RETURNS_BOOLEAN,
  asEntities,
  asEntity,
  asLong,
  asOrdered,
  asSet,
  asString,
} from '../compile/operations.ts'
import type { BinaryOperator } from '../policy/syntax.ts'
import { Entity, reference } from '../values/entity.ts'
import { expecting } from '../values/extensions.ts'
import type { Extension } from '../values/extensions.ts'
import { CedarSet, isRecord } from '../values/values.ts'
import type { Settled } from '../values/values.ts'
import {
  ANYTHING,
  CHECKED_TRUTH,
  FAILS,
  HOLDS,
  LACKS,
  Maybe,
  OTHER,
  TRUTH,
  Unknown,
  invert,
} from './outcomes.ts'
import type { Outcomes } from './outcomes.ts'

/** Throws a Fault on a value of a type that an operand may not have. */
export type Check = (value: Settled) => unknown

const ARITHMETIC = [asLong, asLong]
const ORDER = [asOrdered, asOrdered]

/** What the operators demand of their operands. */
export const CHECKS: Readonly<Record<BinaryOperator, readonly Check[]>> = {
  '==': [],
  '!=': [],
  '<': ORDER,
  '<=': ORDER,
  '>': ORDER,
  '>=': ORDER,
  in: [asEntity, asEntities],
  '+': ARITHMETIC,
  '-': ARITHMETIC,
  '*': ARITHMETIC,
  contains: [asSet],
  containsAll: [asSet, asSet],
  containsAny: [asSet, asSet],
  getTag: [asEntity, asString],
  hasTag: [asEntity, asString],
}

/** What an argument of an extension function must be. */
export function checkOf(parameter: Extension['parameters'][number]): Check {
  return parameter.kind === 'string' ? asString : expecting(parameter.name)
}

const SOMEONE = reference('Unknown', '')

/** A value of the type that is known of an operand; undefined when it may be of any. */
function sample(maybe: Maybe): Settled | undefined {
  if (maybe instanceof Unknown) return maybe.kind === 'entity' ? SOMEONE : {}
  return (maybe.outcomes & OTHER) === 0 ? true : undefined
}

/** Throws a Fault when an operand is known to be of a type that fails, whatever else is not known of it. */
export function demand(values: readonly (Settled | Maybe)[], checks: readonly Check[]): void {
  for (const [index, check] of checks.entries()) {
    const value = values[index]
    const known = value instanceof Maybe ? sample(value) : value
    if (known !== undefined) check(known)
  }
}

/** The possible outcomes of an operator at least one of whose operands is not known, all of types that may be right. */
export function possibleOf(
  operator: BinaryOperator,
  left: Settled | Maybe,
  right: Settled | Maybe,
): Outcomes {
  switch (operator) {
    case '==':
      return equality(left, right)
    case '!=':
      return invert(equality(left, right))
    case 'in':
      // An entity is within itself.
      if (left instanceof Unknown && left === right) return HOLDS
      if (isSound(left) && right instanceof CedarSet && right.isEmpty()) return LACKS
      return isSound(left) && isSound(right) ? TRUTH : CHECKED_TRUTH
    case 'hasTag':
      return isSound(left) && isSound(right) ? TRUTH : CHECKED_TRUTH
    default:
      return RETURNS_BOOLEAN.has(operator) ? CHECKED_TRUTH : ANYTHING
  }
}

/** Whether an operand has a value in any case. */
function isSound(value: Settled | Maybe): boolean {
  return value instanceof Unknown || !(value instanceof Maybe)
}

function equality(left: Settled | Maybe, right: Settled | Maybe): Outcomes {
  if (!isSound(left) || !isSound(right)) return CHECKED_TRUTH
  const [kind, other] = [kindOf(left), kindOf(right)]
  if (kind === 'entity' && left === right) return HOLDS
  if (kind === 'entity' && other === 'entity') return couldBeSame(left, right) ? TRUTH : LACKS
  if (kind === other) return CHECKED_TRUTH
  // Something opaque within a record or a set fails the comparison, except with what has no inside.
  const kinds = [kind, other]
  const mayFail = !kinds.includes('primitive') && (kinds.includes('record') || kinds.includes('set'))
  return mayFail ? LACKS | FAILS : LACKS
}

function kindOf(value: Settled | Maybe): 'entity' | 'record' | 'set' | 'primitive' | 'extension' {
  if (value instanceof Unknown) return value.kind
  if (typeof value !== 'object') return 'primitive'
  if (value instanceof Entity) return 'entity'
  if (value instanceof CedarSet) return 'set'
  return isRecord(value) ? 'record' : 'extension'
}

function couldBeSame(left: Settled | Maybe, right: Settled | Maybe): boolean {
  const types = [left, right].map((value) =>
    value instanceof Entity || value instanceof Unknown ? value.type : undefined,
  )
  if (left instanceof Unknown && types[1] !== undefined) return left.couldBe(types[1])
  return !(right instanceof Unknown) || types[0] === undefined || right.couldBe(types[0])
}
