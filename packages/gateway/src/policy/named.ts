/** What policies name: actions, and members of the input. */
import { childrenOf, type Expression, type Policy, type ScopeEntity } from '@tollgate/cedar'

/** Ids of the actions that stand in scopes or conditions. */
export function actionsNamedIn(policies: readonly Policy[]): ReadonlySet<string> {
  const ids = new Set<string>()
  const add = (named: ScopeEntity) => {
    if ('type' in named && named.type === 'Action') ids.add(named.id)
  }
  for (const { scope, conditions } of policies) {
    if (scope.action.op === '==') add(scope.action.entity)
    if (scope.action.op === 'in') scope.action.entities.forEach(add)
    for (const { expression } of conditions) {
      visit(expression, (inner) => {
        if (inner.kind === 'entity') add(inner.entity)
      })
    }
  }
  return ids
}

/** Names of the members of `context.input` that are read or tested for. */
export function argumentsNamedIn(policies: readonly Policy[]): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { expression } of policies.flatMap(({ conditions }) => conditions)) {
    visit(expression, (inner) => {
      const name = argumentNamed(inner)
      if (name !== undefined) names.add(name)
    })
  }
  return names
}

function argumentNamed(expression: Expression): string | undefined {
  if (expression.kind === 'attribute')
    return isMember(expression.object, 'input') ? expression.name : undefined
  if (expression.kind !== 'has') return undefined
  const [first, second] = expression.path
  if (isMember(expression.object, 'input')) return first
  // `context has input.path`
  return isContext(expression.object) && first === 'input' ? second : undefined
}

function isMember(expression: Expression, name: string): boolean {
  return expression.kind === 'attribute' && expression.name === name && isContext(expression.object)
}

function isContext(expression: Expression): boolean {
  return expression.kind === 'variable' && expression.name === 'context'
}

function visit(expression: Expression, look: (inner: Expression) => void): void {
  look(expression)
  for (const child of childrenOf(expression)) visit(child, look)
}
