/**
 * Forbids that name a remedy which does not lift them. `@remedy` only says what would help; the condition has to look for
 * it. One that does not asks for an approval over and over, and none that is given is ever used.
 */
import { childrenOf, type Expression, type Policy } from '@tollgate/cedar'
import { isLiftable } from '../policy/policies.ts'
import type { Finding } from './finding.ts'

/** A warning for each. */
export function checkRemedies(policies: readonly Policy[]): readonly Finding[] {
  return policies.filter(isLiftable).flatMap((policy): readonly Finding[] => {
    const remedy = policy.annotations.get('remedy') ?? ''
    if (policy.conditions.some(({ expression }) => looksAt(expression, remedy))) return []
    return [
      {
        ...policy.position,
        rule: 'remedy',
        severity: 'warning',
        policy: policy.id,
        message: `@remedy("${remedy}") says what lifts this forbid, and its condition does not look for one`,
        suggestion: `write \`unless { context has ${remedy} }\``,
      },
    ]
  })
}

/** Whether it reads `context.<name>`, or tests for it. */
function looksAt(expression: Expression, name: string): boolean {
  const read =
    expression.kind === 'attribute'
      ? expression.name
      : expression.kind === 'has'
        ? expression.path[0]
        : undefined
  if (read === name && 'object' in expression && isContext(expression.object)) return true
  return childrenOf(expression).some((child) => looksAt(child, name))
}

function isContext(expression: Expression): boolean {
  return expression.kind === 'variable' && expression.name === 'context'
}
