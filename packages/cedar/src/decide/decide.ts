// A decision: every policy whose scope matches is evaluated, so the answer names all determining policies and all
// errors.

import type { PolicySet } from '../compile/compile.ts'
import type { EntityStore } from '../values/entity.ts'
import { Evaluation } from './evaluation.ts'
import type { Request } from './evaluation.ts'
import { Fault } from '../values/fault.ts'

/** A policy that could not be evaluated and was therefore skipped. */
export interface EvaluationError {
  readonly policy: string
  readonly message: string
}

export interface Decision {
  readonly decision: 'allow' | 'deny'
  /** Ids of the satisfied policies behind the decision, in source order; empty when denied because nothing permits. */
  readonly determining: readonly string[]
  /** In source order. A forbid that errors does not deny: refuse when this is not empty. */
  readonly errors: readonly EvaluationError[]
}

/** Decides a request. Pure and synchronous. Entities come from the request first, then from `entities`. */
export function decide(set: PolicySet, request: Request, entities?: EntityStore): Decision {
  const evaluation = new Evaluation(request, entities)
  const { principal, action, resource } = evaluation
  const permits: string[] = []
  const forbids: string[] = []
  const errors: EvaluationError[] = []
  for (const { policy, permits: isPermit, test, constants } of set.candidates(principal, action, resource)) {
    try {
      if (test(constants, evaluation)) (isPermit ? permits : forbids).push(policy.id)
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault
      errors.push({ policy: policy.id, message: fault.message })
    }
  }
  if (forbids.length > 0) return { decision: 'deny', determining: forbids, errors }
  return { decision: permits.length > 0 ? 'allow' : 'deny', determining: permits, errors }
}
