// For tests: how often each kind of answer was given. A generator must reach all of them often, or agreement says nothing.

import type { Answer } from './differential.ts'

export type Counts = Record<
  'allow' | 'forbidden' | 'deniedByDefault' | 'refused' | 'errors' | 'several' | 'byLink',
  number
>

export class Tally {
  readonly counts: Counts = {
    allow: 0,
    forbidden: 0,
    deniedByDefault: 0,
    refused: 0,
    /** Some policy failed. */
    errors: 0,
    /** Several policies determined the decision. */
    several: 0,
    /** Links are named `l0`, `l1` and so on. */
    byLink: 0,
  }
  total = 0

  add(answer: Answer): void {
    const { counts } = this
    this.total++
    if (!('decision' in answer)) {
      counts.refused++
      return
    }
    const { decision, determining, errors } = answer
    counts[decision === 'allow' ? 'allow' : determining.length > 0 ? 'forbidden' : 'deniedByDefault']++
    if (errors.length > 0) counts.errors++
    if (determining.length > 1) counts.several++
    if (determining.some((id) => /^l\d+$/.test(id))) counts.byLink++
  }
}
