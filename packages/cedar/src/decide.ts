// A decision: every candidate policy is evaluated, so the answer names all determining policies and all errors.

import type { PolicySet } from './compile.ts'
import type { Entity, EntityStore } from './entity.ts'
import type { RecordValue } from './values.ts'

/** Who would do what to what. An entity given as a reference is looked up in the store. */
export interface Request {
  readonly principal: Entity
  readonly action: Entity
  readonly resource: Entity
  readonly context: RecordValue
}

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
  void [set, request, entities]
  throw new Error('not yet')
}
