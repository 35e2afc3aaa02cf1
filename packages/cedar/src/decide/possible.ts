// What an operator may come to when an operand is not known, by what is known of it all the same.

import type { BinaryOperator } from '../policy/syntax.ts'
import { RETURNS_BOOLEAN } from '../compile/operations.ts'
import { Entity } from '../values/entity.ts'
import { CedarSet } from '../values/values.ts'
import type { Settled } from '../values/values.ts'
import { ANYTHING, CHECKED_TRUTH, LACKS, TRUTH, Unknown, invert } from './outcomes.ts'
import type { Maybe, Outcomes } from './outcomes.ts'

/** The possible outcomes of an operator at least one of whose operands is not known. */
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
      return isEntity(left) && holdsEntities(right) ? TRUTH : CHECKED_TRUTH
    case 'hasTag':
      return isEntity(left) && typeof right === 'string' ? TRUTH : CHECKED_TRUTH
    default:
      return RETURNS_BOOLEAN.has(operator) ? CHECKED_TRUTH : ANYTHING
  }
}

/** An operand that is not known may be one that fails; an unknown entity is not. */
function equality(left: Settled | Maybe, right: Settled | Maybe): Outcomes {
  if (!(left instanceof Unknown)) return right instanceof Unknown ? equality(right, left) : CHECKED_TRUTH
  if (right instanceof Unknown && left.kind !== right.kind) return LACKS
  if (left.kind === 'record') return isPrimitive(right) ? LACKS : CHECKED_TRUTH
  if (isPrimitive(right)) return LACKS
  if (!isEntity(right)) return CHECKED_TRUTH
  return left.type === undefined || right.type === undefined || left.type === right.type ? TRUTH : LACKS
}

function isPrimitive(value: Settled | Maybe): boolean {
  return typeof value !== 'object'
}

function isEntity(value: Settled | Maybe): value is Entity | Unknown {
  return value instanceof Entity || (value instanceof Unknown && value.kind === 'entity')
}

function holdsEntities(value: Settled | Maybe): boolean {
  return isEntity(value) || (value instanceof CedarSet && value.members().every(isEntity))
}
