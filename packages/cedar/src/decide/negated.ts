// The opposite of a condition, as people would write it.

import type { BinaryOperator, Expression } from '../policy/syntax.ts'

const OPPOSITES: Readonly<Partial<Record<BinaryOperator, BinaryOperator>>> = {
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
}

/**
 * What is true where the operand is false, and fails where it fails. `demanded` says that it is to stand where only a
 * boolean may.
 */
export function negated(operand: Expression, demanded: boolean, at = operand.at): Expression {
  if (operand.kind === 'not' && demanded) return operand.operand
  const opposite = operand.kind === 'binary' ? OPPOSITES[operand.operator] : undefined
  if (operand.kind === 'binary' && opposite !== undefined) return { ...operand, operator: opposite }
  return { kind: 'not', at, operand }
}
