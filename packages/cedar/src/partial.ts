import type { PolicySet } from './compile.ts'
import type { EvaluationError, Request } from './decide.ts'
import type { EntityStore } from './entity.ts'

export interface PartialOptions {
  /** Dotted paths into the context whose presence and value are not known, such as `context.input`. */
  readonly unknown: readonly string[]
  readonly entities?: EntityStore
}

export interface PartialDecision {
  /** `allow` and `deny` hold whatever the unknown turns out to be. */
  readonly decision: 'allow' | 'deny' | 'depends'
  /** Ids of policies that are satisfied in any case and are behind the decision; for `depends`, all such policies. */
  readonly determining: readonly string[]
  /** Ids of policies that may or may not be satisfied. */
  readonly possible: readonly string[]
  /** Policies that fail in any case. */
  readonly errors: readonly EvaluationError[]
  /** Ids of policies that may fail, depending on the unknown. */
  readonly possibleErrors: readonly string[]
}

/** Decides a request of which part of the context is not known. */
export function decidePartial(set: PolicySet, request: Request, options: PartialOptions): PartialDecision {
  void [set, request, options]
  throw new Error('not yet')
}
