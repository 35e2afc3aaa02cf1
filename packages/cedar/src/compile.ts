import type { Result } from './result.ts'
import type { Policy } from './syntax.ts'

/** An immutable set of policies, ready to decide. */
export interface PolicySet {
  /** All policies, in the order given. */
  readonly policies: readonly Policy[]
  /** The policy with this id. */
  get(id: string): Policy | undefined
}

/** Makes a set of policies. Errors: two policies of one id, and templates that are not linked. */
export function compile(policies: readonly Policy[]): Result<PolicySet> {
  void [policies]
  throw new Error('not yet')
}
