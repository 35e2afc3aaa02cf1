// Conditions that say several things at once.

import type { Expression } from '../policy/syntax.ts'

/** `is … in` and `has` with a path as the chain of conditions that each stands for; others as they are. */
export function spelledOut(expression: Expression): Expression {
  const { at, kind } = expression
  if (kind === 'is' && expression.in !== undefined) {
    const { subject, type, in: right } = expression
    const within: Expression = { kind: 'binary', at, operator: 'in', left: subject, right }
    return { kind: 'and', at, operands: [{ kind, at, subject, type }, within] }
  }
  if (kind !== 'has' || expression.path.length === 1) return expression
  let { object } = expression
  const operands = expression.path.map((name): Expression => {
    const test: Expression = { kind, at, object, path: [name] }
    object = { kind: 'attribute', at, object, name }
    return test
  })
  return { kind: 'and', at, operands }
}
