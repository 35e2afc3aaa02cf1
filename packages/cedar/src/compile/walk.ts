// Going through a syntax tree without evaluating it.

import type { Condition, Expression } from '../policy/syntax.ts'

/** The expressions directly inside one, in the order of the text. */
export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'not':
    case 'negate':
    case 'isEmpty':
      return [expression.operand]
    case 'and':
    case 'or':
      return expression.operands
    case 'binary':
      return [expression.left, expression.right]
    case 'if':
      return [expression.condition, expression.then, expression.else]
    case 'attribute':
    case 'has':
      return [expression.object]
    case 'like':
      return [expression.subject]
    case 'is':
      return expression.in === undefined ? [expression.subject] : [expression.subject, expression.in]
    case 'set':
      return expression.elements
    case 'record':
      return expression.members.map(({ value }) => value)
    case 'call':
      return expression.arguments
    default:
      return []
  }
}

/** Whether an expression is a variable or attributes of one: short, and without branches. */
export function isPath(expression: Expression): boolean {
  let at = expression
  while (at.kind === 'attribute') at = at.object
  return at.kind === 'variable'
}

/** The members of the context that conditions can read; undefined when they use the context as a whole. */
export function contextMembers(conditions: readonly Condition[]): ReadonlySet<string> | undefined {
  const names = new Set<string>()
  const visit = (expression: Expression): boolean => {
    if (expression.kind === 'variable') return expression.name !== 'context'
    const name = memberRead(expression)
    if (name === undefined) return childrenOf(expression).every(visit)
    names.add(name)
    return true
  }
  return conditions.every(({ expression }) => visit(expression)) ? names : undefined
}

/** The name in `context.name` and `context has name`. */
function memberRead(expression: Expression): string | undefined {
  if (expression.kind !== 'attribute' && expression.kind !== 'has') return undefined
  const { object } = expression
  if (object.kind !== 'variable' || object.name !== 'context') return undefined
  return expression.kind === 'attribute' ? expression.name : expression.path[0]
}
