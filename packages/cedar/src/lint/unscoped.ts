// Policies about everything.

import { findingAt } from './finding.ts'
import type { Finding } from './finding.ts'
import type { Subject } from './subject.ts'

/**
 * `unscoped`: a policy names no principal, no action and no resource, and has no condition that could be false. Such a
 * permit allows everything to everyone that no policy forbids; such a forbid makes all permits void. Narrow the scope, or
 * add a condition.
 */
export function* unscoped(subjects: readonly Subject[]): Generator<Finding> {
  for (const subject of subjects) {
    if (!isUnscoped(subject)) continue
    const { policy } = subject
    const message =
      policy.effect === 'permit'
        ? 'this permits everything to everyone, unless a policy forbids it'
        : 'this forbids everything: no permit has any effect'
    const suggestion = 'name a principal, an action or a resource, or add a condition'
    yield findingAt(policy, { rule: 'unscoped', severity: 'warning', message, suggestion })
  }
}

export function isUnscoped({ policy, conjuncts }: Subject): boolean {
  const { principal, action, resource } = policy.scope
  const isOpen = [principal, action, resource].every(({ op }) => op === 'any')
  return isOpen && conjuncts.length === 0
}
