// What evaluating an expression may come to, as a set of bits. With everything known, exactly one bit is set.

import type { Variable } from '../policy/syntax.ts'
import { isActionType } from '../values/entity.ts'

/** The value true; for a policy: satisfied. */
export const HOLDS = 1
/** The value false; for a policy: not satisfied. */
export const LACKS = 2
/** An evaluation error. */
export const FAILS = 4
/** A value that is not a boolean. */
export const OTHER = 8

export type Outcomes = number

export const TRUTH = HOLDS | LACKS
export const CHECKED_TRUTH = HOLDS | LACKS | FAILS
export const ANYTHING = HOLDS | LACKS | FAILS | OTHER

/** The outcomes of an expression whose value is not known. */
export class Maybe {
  readonly outcomes: Outcomes

  constructor(outcomes: Outcomes) {
    this.outcomes = outcomes
  }
}

/** An entity, or the context as a whole, of which nothing is known but what it is and perhaps its type. */
export class Unknown extends Maybe {
  readonly kind: 'entity' | 'record'
  readonly type: string | undefined
  readonly #isAction: boolean

  constructor(part: Variable, type?: string) {
    super(OTHER)
    this.kind = part === 'context' ? 'record' : 'entity'
    this.type = type
    this.#isAction = part === 'action'
  }

  /** Whether it could be an entity of this type. */
  couldBe(type: string): boolean {
    if (this.kind === 'record') return false
    return this.type === undefined ? !this.#isAction || isActionType(type) : this.type === type
  }
}

/** Where a boolean is demanded, another value is an error. */
export function demandBoolean(outcomes: Outcomes): Outcomes {
  return (outcomes & OTHER) === 0 ? outcomes : (outcomes & ~OTHER) | FAILS
}

export function invert(outcomes: Outcomes): Outcomes {
  const kept = outcomes & ~TRUTH
  return kept | ((outcomes & HOLDS) === 0 ? 0 : LACKS) | ((outcomes & LACKS) === 0 ? 0 : HOLDS)
}
