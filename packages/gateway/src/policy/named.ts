/** The actions that policies name. */
import { childrenOf, type Expression, type Policy, type ScopeEntity } from '@tollgate/cedar'

/** Ids of the actions that stand in scopes or conditions. */
export function actionsNamedIn(policies: readonly Policy[]): ReadonlySet<string> {
  const ids = new Set<string>()
  const add = (named: ScopeEntity) => {
    if ('type' in named && named.type === 'Action') ids.add(named.id)
  }
  const visit = (expression: Expression): void => {
    if (expression.kind === 'entity') add(expression.entity)
    for (const child of childrenOf(expression)) visit(child)
  }
  for (const { scope, conditions } of policies) {
    if (scope.action.op === '==') add(scope.action.entity)
    if (scope.action.op === 'in') scope.action.entities.forEach(add)
    for (const { expression } of conditions) visit(expression)
  }
  return ids
}
