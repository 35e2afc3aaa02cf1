// What a linter has to say: one sentence about one place.

import type { Policy } from '../policy/syntax.ts'

export type RuleName =
  | 'always-fails'
  | 'different-types'
  | 'duplicate-id'
  | 'like-without-wildcard'
  | 'missing-id'
  | 'never-applies'
  | 'shadowed'
  | 'similar-id'
  | 'unguarded-attribute'
  | 'unscoped'

export interface Finding {
  readonly rule: RuleName
  /** An error will make requests fail, or is refused when the policies are compiled. */
  readonly severity: 'error' | 'warning'
  /** The id of the policy. */
  readonly policy: string
  /** A sentence without its full stop: what is wrong, and what follows from it. */
  readonly message: string
  readonly file: string
  /** From 1, as the column. */
  readonly line: number
  readonly column: number
  /** How to mend it: what to write, or the name that was probably meant. */
  readonly suggestion?: string
}

/** A finding about a policy, at an offset of its source or else where it begins. */
export function findingAt(
  policy: Policy,
  what: Pick<Finding, 'rule' | 'severity' | 'message'> & { readonly suggestion?: string | undefined },
  at?: number,
): Finding {
  const { suggestion, ...rest } = what
  const position = at === undefined ? policy.position : policy.source.locate(at)
  return { ...rest, policy: policy.id, ...position, ...(suggestion !== undefined && { suggestion }) }
}
