// Policies that are named by their place.

import { findingAt } from './finding.ts'
import type { Finding } from './finding.ts'
import type { Subject } from './subject.ts'

/**
 * `missing-id`: a policy among several has no `@id`, so it is named by its place, and a policy added before it changes
 * its name in every log that follows. Give each policy an `@id`. One finding for each file.
 */
export function* missingIds(subjects: readonly Subject[]): Generator<Finding> {
  if (subjects.length < 2) return
  const byFile = new Map<string, Subject[]>()
  for (const subject of subjects) {
    const { id, annotations, position } = subject.policy
    if (annotations.has('id') || !/policy\d+$/.test(id)) continue
    const others = byFile.get(position.file)
    if (others === undefined) byFile.set(position.file, [subject])
    else others.push(subject)
  }
  for (const [{ policy }, ...rest] of byFile.values() as Iterable<[Subject, ...Subject[]]>) {
    const others =
      rest.length === 0 ? '' : `, nor ${rest.length === 1 ? 'has one' : `have ${rest.length}`} after it`
    yield findingAt(policy, {
      rule: 'missing-id',
      severity: 'warning',
      message: `this policy has no @id${others}: it is called ${policy.id} after its place, until that changes`,
      suggestion: '@id("a name that stays")',
    })
  }
}
