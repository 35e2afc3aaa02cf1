// Whether a scope matches. Scopes cannot fail, so leaving out the policies whose scope does not match is exact.

import type { Entity } from '../values/entity.ts'
import type { Constraint, Scope, ScopeEntity } from '../policy/syntax.ts'

export function matchesScope(scope: Scope, principal: Entity, action: Entity, resource: Entity): boolean {
  return (
    matchesConstraint(scope.principal, principal) &&
    matchesConstraint(scope.action, action) &&
    matchesConstraint(scope.resource, resource)
  )
}

export function matchesConstraint(constraint: Constraint, entity: Entity): boolean {
  switch (constraint.op) {
    case 'any':
      return true
    case '==':
      return uidOfTarget(constraint.entity) === entity.uid
    case 'in':
      return constraint.entities.some((target) => isWithin(entity, target))
    case 'is':
      return (
        entity.type === constraint.type && (constraint.in === undefined || isWithin(entity, constraint.in))
      )
  }
}

/** The uid a scope names; undefined for an open slot, which matches nothing. */
export function uidOfTarget(target: ScopeEntity): string | undefined {
  return 'slot' in target ? undefined : target.uid
}

function isWithin(entity: Entity, target: ScopeEntity): boolean {
  const uid = uidOfTarget(target)
  return uid !== undefined && (entity.uid === uid || entity.ancestors.has(uid))
}
