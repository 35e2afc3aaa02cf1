// Patterns that match one text.

import { childrenOf } from '../compile/walk.ts'
import type { Condition, Expression } from '../policy/syntax.ts'
import { lineOf } from '../print/expression.ts'
import { findingAt } from './finding.ts'
import type { Finding } from './finding.ts'
import type { Subject } from './subject.ts'

/**
 * `like-without-wildcard`: a pattern without a `*` matches one text only. Whoever wrote it expected more, such as a part
 * of the text, or could say it with `==`.
 */
export function* likeWithoutWildcard(subjects: readonly Subject[]): Generator<Finding> {
  for (const { policy } of subjects) {
    for (const { at, subject, pattern } of policy.conditions.flatMap(plainPatternsOf)) {
      const [value = ''] = pattern
      const right: Expression = { kind: 'string', at, value }
      const equality: Expression = { kind: 'binary', at, operator: '==', left: subject, right }
      const message = `this pattern has no wildcard: it matches ${JSON.stringify(value)} only`
      const suggestion = `${lineOf(equality)}, or a pattern with *`
      const what = { rule: 'like-without-wildcard', severity: 'warning', message, suggestion } as const
      yield findingAt(policy, what, at)
    }
  }
}

type Like = Extract<Expression, { kind: 'like' }>

function plainPatternsOf({ expression }: Condition): readonly Like[] {
  const found: Like[] = []
  const visit = (each: Expression): void => {
    if (each.kind === 'like' && each.pattern.length === 1) found.push(each)
    for (const child of childrenOf(each)) visit(child)
  }
  visit(expression)
  return found
}
