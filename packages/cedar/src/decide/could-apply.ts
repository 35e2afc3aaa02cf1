// Which permits could apply when only some parts of a request are known.

import type { PolicySet } from '../compile/compile.ts'
import type { Entity } from '../values/entity.ts'
import { matchesConstraint } from '../compile/scope.ts'
import type { Constraint, Policy } from '../policy/syntax.ts'

/** The parts of a request that are known. */
export interface ScopeQuery {
  readonly principal: Entity
  readonly action?: Entity
  readonly resource?: Entity
  /**
   * Stands for an unknown resource whose only parent is this entity, of any type. It matches `in` this entity or one
   * around it, and no `==`. Not together with `resource`.
   */
  readonly resourceWithin?: Entity
}

/** The permits whose scope matches the known parts, in source order. Conditions are not looked at. */
export function couldApply(set: PolicySet, query: ScopeQuery): readonly Policy[] {
  const { principal, action } = query
  const matching = set
    .candidatesFor(principal)
    .filter(
      ({ permits, scope }) =>
        permits &&
        (action === undefined || matchesConstraint(scope.action, action)) &&
        matchesResource(scope.resource, query),
    )
  return matching.map(({ policy }) => policy)
}

function matchesResource(constraint: Constraint, { resource, resourceWithin }: ScopeQuery): boolean {
  if (resource !== undefined) return matchesConstraint(constraint, resource)
  if (resourceWithin === undefined) return true
  switch (constraint.op) {
    case '==':
      return false
    case 'is': {
      const container = constraint.in
      if (container === undefined) return true
      return matchesConstraint({ op: 'in', entities: [container] }, resourceWithin)
    }
    default:
      return matchesConstraint(constraint, resourceWithin)
  }
}
