// What following all conditions of a policy tells, through every environment that its scope lets in.

import type { Expression, Policy } from '../policy/syntax.ts'
import { conjunctsOf } from './conjuncts.ts'
import type { Environment, Environments } from './environments.ts'
import { Flow } from './flow.ts'
import type { Read } from './flow.ts'
import { KnownSurroundings, UnknownSurroundings } from './surroundings.ts'
import type { Type } from './type.ts'
import { usesOf } from './uses.ts'
import { areDisjoint } from './type.ts'

/** What is said of one attribute or tag that a policy reads. */
export interface Reading {
  /** The first place where it may be absent. */
  readonly read: Read
  /** Where it perhaps is, and where it never is. Undefined stands for the one environment there is without a schema. */
  readonly perhaps: readonly (Environment | undefined)[]
  readonly never: readonly (Environment | undefined)[]
  /** In how many environments it is read. */
  readonly reached: number
}

/** A comparison that no two values of these types can pass. */
export interface Mismatch {
  readonly expression: Expression
  readonly left: Type
  readonly right: Type
}

export interface Analysis {
  /** How many environments there are that the scope lets in; 1 without a schema. */
  readonly environments: number
  /** Those attributes and tags that are not surely there, in the order of the text. */
  readonly readings: readonly Reading[]
  readonly mismatches: readonly Mismatch[]
  /** What is false in every environment: the first for each; empty when some environment may satisfy the policy. */
  readonly impossible: readonly Expression[]
}

export function analyse(policy: Policy, environments: Environments | undefined): Analysis {
  const walk = new Walk(conjunctsOf(policy))
  if (environments === undefined) walk.in(undefined, new Flow(new UnknownSurroundings(policy), walk))
  else
    for (const environment of environments.of(policy.scope, usesOf(policy)))
      walk.in(environment, new Flow(new KnownSurroundings(environments, environment), walk))
  return walk.result()
}

interface Tally {
  read: Read
  readonly perhaps: Set<Environment | undefined>
  readonly never: Set<Environment | undefined>
  readonly reached: Set<Environment | undefined>
}

class Walk {
  readonly #conjuncts: readonly Expression[]
  readonly #tallies = new Map<string, Tally>()
  readonly #compared = new Map<Expression, Mismatch | undefined>()
  readonly #falsified = new Set<Expression>()
  #environment: Environment | undefined
  #count = 0
  #possible = 0

  constructor(conjuncts: readonly Expression[]) {
    this.#conjuncts = conjuncts
  }

  in(environment: Environment | undefined, flow: Flow): void {
    this.#environment = environment
    this.#count++
    const known = new Set<string>()
    for (const conjunct of this.#conjuncts) {
      const { truth, ifTrue } = flow.follow(conjunct, known)
      if (truth === false) {
        this.#falsified.add(conjunct)
        return
      }
      for (const key of ifTrue) known.add(key)
    }
    this.#possible++
  }

  read(read: Read): void {
    let tally = this.#tallies.get(read.key)
    if (tally === undefined) {
      tally = { read, perhaps: new Set(), never: new Set(), reached: new Set() }
      this.#tallies.set(read.key, tally)
    }
    tally.reached.add(this.#environment)
    if (read.isThere === 'surely') return
    const isFirst = tally.perhaps.size === 0 && tally.never.size === 0
    if (isFirst || read.expression.at < tally.read.expression.at) tally.read = read
    tally[read.isThere].add(this.#environment)
  }

  compared(expression: Expression, left: Type | undefined, right: Type | undefined): void {
    const isFirst = !this.#compared.has(expression)
    const isMismatch = left !== undefined && right !== undefined && areDisjoint(left, right)
    if (!isMismatch) this.#compared.set(expression, undefined)
    else if (isFirst) this.#compared.set(expression, { expression, left, right })
  }

  result(): Analysis {
    const readings = [...this.#tallies.values()]
      .filter(({ perhaps, never }) => perhaps.size + never.size > 0)
      .map(({ read, perhaps, never, reached }) => ({
        read,
        perhaps: [...perhaps],
        never: [...never],
        reached: reached.size,
      }))
    return {
      environments: this.#count,
      readings,
      mismatches: [...this.#compared.values()].filter((each) => each !== undefined),
      impossible: this.#possible > 0 ? [] : [...this.#falsified],
    }
  }
}
