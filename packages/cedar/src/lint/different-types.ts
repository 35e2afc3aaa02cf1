// Comparisons that no two values can pass.

import { findingAt } from './finding.ts'
import type { Finding } from './finding.ts'
import type { Subject } from './subject.ts'
import { describe } from './type.ts'

/**
 * `different-types`: `==`, `!=` or a search in a set compares values that are never of the same type, as far as literals
 * and the schema tell. That is no error in Cedar: they are just never equal. `principal == "alice"` is the usual case.
 * With a schema, only what can hold nowhere is reported.
 */
export function* differentTypes(subjects: readonly Subject[]): Generator<Finding> {
  for (const { policy, analysis } of subjects) {
    for (const { expression, left, right } of analysis.mismatches) {
      const message = `${describe(left)} is never equal to ${describe(right)}`
      const isName = left.kind === 'entity' && right.kind === 'string'
      const suggestion = isName ? `an entity, such as ${left.type ?? 'User'}::"…"` : undefined
      const what = { rule: 'different-types', severity: 'warning', message, suggestion } as const
      yield findingAt(policy, what, expression.at)
    }
  }
}
