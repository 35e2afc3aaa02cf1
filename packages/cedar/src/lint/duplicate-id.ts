// Ids that stand for more than one policy, or nearly do.

import { findingAt } from './finding.ts'
import type { Finding } from './finding.ts'
import type { Subject } from './subject.ts'

/**
 * `duplicate-id`: two policies have the same id, so a decision could not say which of them it means; they cannot be
 * compiled. `similar-id`: two ids differ only by case or by spaces around them, and whoever reads them in a log will take
 * one for the other. Rename one.
 */
export function* duplicateIds(subjects: readonly Subject[]): Generator<Finding> {
  const exact = new Map<string, Subject>()
  const folded = new Map<string, Subject>()
  for (const subject of subjects) {
    const { policy } = subject
    const same = exact.get(policy.id)
    const key = policy.id.trim().toLowerCase()
    const similar = folded.get(key)
    if (same !== undefined) {
      const message = `the policy at ${placeOf(same)} has the id ${JSON.stringify(policy.id)} too`
      yield findingAt(policy, { rule: 'duplicate-id', severity: 'error', message })
    } else if (similar !== undefined) {
      const message = `the id ${JSON.stringify(policy.id)} is hard to tell from ${JSON.stringify(similar.policy.id)} at ${placeOf(similar)}`
      yield findingAt(policy, { rule: 'similar-id', severity: 'warning', message })
    }
    if (same === undefined) exact.set(policy.id, subject)
    if (similar === undefined) folded.set(key, subject)
  }
}

export function placeOf({ policy }: Subject): string {
  const { file, line, column } = policy.position
  return `${file}:${line}:${column}`
}
