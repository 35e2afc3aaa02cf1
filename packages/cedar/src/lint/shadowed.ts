// Permits that change nothing.

import { covers, ScopeIndex } from './coverage.ts'
import type { AncestorsOf } from './coverage.ts'
import { placeOf } from './duplicate-id.ts'
import type { Environments } from './environments.ts'
import { findingAt } from './finding.ts'
import type { Finding } from './finding.ts'
import type { Subject } from './subject.ts'
import { isUnscoped } from './unscoped.ts'

/**
 * `shadowed`: a permit changes no decision, because whenever it is satisfied another policy is too: a permit that allows
 * the same and more, or a forbid. The other's scope covers this one's, and the other demands nothing besides, or nothing
 * that this one does not demand. Remove the permit, or correct what makes it wider or narrower than it was meant. What
 * unscoped policies shadow, which is everything, is not listed.
 */
export function* shadowed(
  subjects: readonly Subject[],
  environments: Environments | undefined,
): Generator<Finding> {
  const index = new CoverIndex(subjects, environments)
  for (const subject of subjects) {
    const { policy } = subject
    if (policy.effect !== 'permit' || isUnscoped(subject)) continue
    const other = index.covering(subject)
    if (other === undefined) continue
    const name = `${JSON.stringify(other.policy.id)} at ${placeOf(other)}`
    const message =
      other.policy.effect === 'permit'
        ? `this permit changes nothing: ${name} allows all that it allows`
        : `this permit changes nothing: ${name} forbids all that it allows`
    yield findingAt(policy, { rule: 'shadowed', severity: 'warning', message })
  }
}

/** Of policies kept under one key so many are looked at. */
const MOST_COMPARED = 16

class CoverIndex {
  readonly #scopes = new ScopeIndex<Subject>()
  /** The numbers of what policies demand besides their scopes. */
  readonly #demands = new Map<string, number>()
  readonly #ancestorsOf: AncestorsOf

  constructor(subjects: readonly Subject[], environments: Environments | undefined) {
    this.#ancestorsOf = (uid) => environments?.schema.actions.get(uid)?.entity.ancestors ?? []
    for (const subject of subjects) {
      if (isUnscoped(subject)) continue
      const text = textOf(subject.demands)
      const number = this.#demands.get(text) ?? this.#demands.size
      this.#demands.set(text, number)
      this.#scopes.keep(subject.policy.scope, number, subject, MOST_COMPARED)
    }
  }

  /** Another policy that is satisfied whenever this one is: of two that are alike, the later has the earlier. */
  covering(subject: Subject): Subject | undefined {
    const { demands, policy } = subject
    const texts = new Set(['', ...demands, textOf(demands)])
    const numbers = [...texts].flatMap((text) => this.#demands.get(text) ?? [])
    return this.#scopes
      .above(policy.scope, numbers, this.#ancestorsOf)
      .find((other) => this.#isAbove(other, subject))
  }

  #isAbove(other: Subject, subject: Subject): boolean {
    const [wide, narrow] = [other.policy, subject.policy]
    if (other === subject || !covers(wide.scope, narrow.scope, this.#ancestorsOf)) return false
    const isAlike =
      wide.effect === narrow.effect &&
      textOf(other.demands) === textOf(subject.demands) &&
      covers(narrow.scope, wide.scope, this.#ancestorsOf)
    return !isAlike || other.order < subject.order
  }
}

function textOf(demands: readonly string[]): string {
  return demands.join('\n')
}
