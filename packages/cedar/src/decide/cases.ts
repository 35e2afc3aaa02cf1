// Going through the cases of what is not known: each condition that may come out in several ways is assumed to come out
// in one of them. A case that contradicts itself is none.

import type { Expression } from '../policy/syntax.ts'
import type { Settled } from '../values/values.ts'
import type { Evaluation } from './evaluation.ts'
import { Facts } from './facts.ts'
import { Interpreter } from './interpret.ts'
import type { Assumptions } from './interpret.ts'
import { FAILS, HOLDS, LACKS } from './outcomes.ts'
import type { Maybe, Outcomes } from './outcomes.ts'

/** A condition that may come out in several ways, and which of them is assumed. */
interface Fork {
  readonly ways: readonly Outcomes[]
  taken: number
}

/** One case, then the next. */
export class Cases implements Assumptions {
  readonly #interpreter: Interpreter
  readonly #facts: Facts
  readonly #forks: Fork[] = []
  /** How many forks this case has met. */
  #met = 0
  #preferred: readonly Outcomes[] = []

  constructor(evaluation: Evaluation) {
    this.#interpreter = new Interpreter(evaluation, this)
    this.#facts = new Facts(evaluation, (expression) => this.#interpreter.value(expression))
  }

  /** Whether all demands are met in this case. Where ways part, the one that suits `preferred` is gone first. */
  areMet(demands: readonly Expression[], preferred: boolean): boolean {
    // An error is the shortest way not to meet a demand.
    this.#preferred = preferred ? [HOLDS, LACKS, FAILS] : [FAILS, LACKS, HOLDS]
    return demands.every((demand) => this.#interpreter.truth(demand) === HOLDS)
  }

  /** Goes on to the next case; false when there is none. */
  next(): boolean {
    this.#met = 0
    this.#facts.forget()
    this.#interpreter.forget()
    for (let last = this.#forks.at(-1); last !== undefined; last = this.#forks.at(-1)) {
      if (++last.taken < last.ways.length) return true
      this.#forks.pop()
    }
    return false
  }

  outcome(condition: Expression, possible: Outcomes): Outcomes {
    const left = this.#facts.narrow(condition, possible)
    const ways = this.#preferred.filter((way) => (left & way) !== 0)
    if (ways.length <= 1) return left
    const fork = (this.#forks[this.#met++] ??= { ways, taken: 0 })
    const taken = fork.ways[fork.taken] ?? left
    this.#facts.note(condition, taken)
    return taken
  }

  value(path: Expression, maybe: Maybe): Settled | Maybe {
    return this.#facts.valueOf(path) ?? maybe
  }
}
