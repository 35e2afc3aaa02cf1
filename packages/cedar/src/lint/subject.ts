// A policy as the rules see it. What takes work is done once, when the first rule asks.

import { Interpreter } from '../decide/interpret.ts'
import { FAILS, HOLDS } from '../decide/outcomes.ts'
import { prepare } from '../decide/unknown.ts'
import type { Expression, Policy } from '../policy/syntax.ts'
import { analyse } from './analysis.ts'
import type { Analysis } from './analysis.ts'
import { conjunctsOf } from './conjuncts.ts'
import type { Environments } from './environments.ts'
import { keyOf } from './guards.ts'

/** Evaluates what comes to the same in every request. */
export const FOLDING = new Interpreter(prepare({}, {}).evaluation)

export class Subject {
  readonly policy: Policy
  /** Undefined without a schema. */
  readonly environments: Environments | undefined
  /** Its place among the policies. */
  readonly order: number
  #conjuncts: readonly Expression[] | undefined
  #demands: readonly string[] | undefined
  #analysis: Analysis | undefined

  constructor(policy: Policy, order: number, environments: Environments | undefined) {
    this.policy = policy
    this.order = order
    this.environments = environments
  }

  /** What must be true apart from the scope, without what always is. */
  get conjuncts(): readonly Expression[] {
    return (this.#conjuncts ??= conjunctsOf(this.policy).filter(
      (conjunct) => FOLDING.truth(conjunct) !== HOLDS,
    ))
  }

  /** The texts of these, each once, in an order that tells nothing. */
  get demands(): readonly string[] {
    return (this.#demands ??= [...new Set(this.conjuncts.map(keyOf))].sort())
  }

  get analysis(): Analysis {
    return (this.#analysis ??= analyse(this.policy, this.environments))
  }

  /** The first that cannot be true, whatever the request, though it need not fail. */
  get falseConjunct(): Expression | undefined {
    return this.conjuncts.find((conjunct) => {
      const outcomes = FOLDING.truth(conjunct)
      return (outcomes & HOLDS) === 0 && outcomes !== FAILS
    })
  }
}
