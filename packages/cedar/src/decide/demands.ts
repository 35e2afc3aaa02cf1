// What a policy demands of a request, as expressions that must all be true: its scope, or parts of it, and its conditions.

import type { Condition, Constraint, Expression, Policy, Scope, ScopeEntity } from '../policy/syntax.ts'

export type ScopePart = keyof Scope

export const SCOPE_PARTS = ['principal', 'action', 'resource'] as const

/** Scopes have no places of their own in the tree: they stand where the text begins. */
const AT = 0

/** What the scope demands of these parts; nothing of a part that may be anything. */
export function scopeDemands({ scope }: Policy, parts: readonly ScopePart[]): readonly Expression[] {
  return parts.flatMap((part) => constraintDemand(part, scope[part]) ?? [])
}

/** What a condition demands: an `unless` that its expression is false. */
export function conditionDemand({ kind, expression }: Condition): Expression {
  return kind === 'when' ? expression : { kind: 'not', at: expression.at, operand: expression }
}

/** What a scope demands of one part; undefined when that may be anything. */
export function constraintDemand(part: ScopePart, constraint: Constraint): Expression | undefined {
  const subject: Expression = { kind: 'variable', at: AT, name: part }
  const compared = (operator: '==' | 'in', right: Expression): Expression => ({
    kind: 'binary',
    at: AT,
    operator,
    left: subject,
    right,
  })
  switch (constraint.op) {
    case 'any':
      return undefined
    case '==':
      return compared('==', named(constraint.entity))
    case 'in': {
      const elements = constraint.entities.map(named)
      const [only] = elements
      return compared(
        'in',
        only !== undefined && elements.length === 1 ? only : { kind: 'set', at: AT, elements },
      )
    }
    case 'is': {
      const is = { kind: 'is', at: AT, subject, type: constraint.type } as const
      return constraint.in === undefined ? is : { ...is, in: named(constraint.in) }
    }
  }
}

/** A policy that is compiled has no open slots. */
function named(target: ScopeEntity): Expression {
  if ('slot' in target) throw new Error(`the slot ?${target.slot} is open`)
  return { kind: 'entity', at: AT, entity: target }
}
