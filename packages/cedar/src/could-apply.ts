import type { PolicySet } from './compile.ts'
import type { Entity } from './entity.ts'
import type { Policy } from './syntax.ts'

/** The parts of a request that are known. */
export interface ScopeQuery {
  readonly principal: Entity
  readonly action?: Entity
  readonly resource?: Entity
  /** Stands for some unknown resource directly inside this entity. Not together with `resource`. */
  readonly resourceWithin?: Entity
}

/** The permits whose scope matches the known parts, in source order. */
export function couldApply(set: PolicySet, query: ScopeQuery): readonly Policy[] {
  void [set, query]
  throw new Error('not yet')
}
