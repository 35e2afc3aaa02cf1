// What follows from conditions that have come out in some way, about paths whose values are not known. Conditions are
// known again by their text: within one request the same text always comes to the same.

import { BINARY } from '../compile/operations.ts'
import { childrenOf, isPath } from '../compile/walk.ts'
import type { Expression } from '../policy/syntax.ts'
import { expressionToText } from '../print/expression.ts'
import { textOf } from './text-of.ts'
import { Entity } from '../values/entity.ts'
import { Fault } from '../values/fault.ts'
import { CedarSet, isRecord } from '../values/values.ts'
import type { Settled } from '../values/values.ts'
import type { Evaluation } from './evaluation.ts'
import { FAILS, HOLDS, LACKS, Maybe } from './outcomes.ts'
import type { Outcomes } from './outcomes.ts'

type Equation = Extract<Expression, { kind: 'binary' }>

/** Evaluates an expression as far as it is known. */
type Evaluate = (expression: Expression) => Settled | Maybe | Fault

export class Facts {
  readonly #evaluation: Evaluation
  readonly #evaluate: Evaluate
  /** How conditions came out. */
  readonly #outcomes = new Map<string, Outcomes>()
  /** What paths are equal to. */
  readonly #equal = new Map<string, Settled>()
  /** What paths are not equal to. */
  readonly #unequal = new Map<string, Settled[]>()

  constructor(evaluation: Evaluation, evaluate: Evaluate) {
    this.#evaluation = evaluation
    this.#evaluate = evaluate
  }

  forget(): void {
    this.#outcomes.clear()
    this.#equal.clear()
    this.#unequal.clear()
  }

  /** The ways in which a condition can still come out. */
  narrow(condition: Expression, possible: Outcomes): Outcomes {
    const known = this.#outcomes.get(textOf(condition))
    if (known !== undefined) return known
    if (!isEquation(condition)) return possible
    const { operator, left, right } = condition
    const [equal, different] = operator === '==' ? [HOLDS, LACKS] : [LACKS, HOLDS]
    if (textOf(left) === textOf(right)) return possible & ~different
    const sides = this.#sides(condition)
    if (sides === undefined) return possible
    const path = textOf(sides.path)
    const value = this.#equal.get(path)
    if (value !== undefined) return this.#areEqual(value, sides.value) ? equal : different
    return this.#unequal.get(path)?.some((other) => this.#areEqual(other, sides.value)) === true
      ? different
      : possible
  }

  /** Keeps in mind how a condition has come out. */
  note(condition: Expression, outcome: Outcomes): void {
    this.#outcomes.set(textOf(condition), outcome)
    if (outcome === FAILS) return
    this.#noteReads(condition)
    const sides = isEquation(condition) ? this.#sides(condition) : undefined
    if (sides === undefined || !isEquation(condition)) return
    const path = textOf(sides.path)
    if ((outcome === HOLDS) === (condition.operator === '==')) this.#equal.set(path, sides.value)
    else this.#unequal.set(path, [...(this.#unequal.get(path) ?? []), sides.value])
  }

  /** The value that a path has by what is known. Throws a Fault when it leads nowhere. */
  valueOf(path: Expression): Settled | undefined {
    if (path.kind === 'attribute') {
      const presence = this.#outcomes.get(presenceOf(path))
      if (presence !== undefined && presence !== HOLDS)
        throw new Fault(`there is no attribute ${JSON.stringify(path.name)}`)
    }
    const value = this.#equal.get(textOf(path))
    // Entities that are equal, alone or inside, need not have the same data.
    return value instanceof Entity || value instanceof CedarSet || isRecord(value) ? undefined : value
  }

  /** What has been read without an error is there. */
  #noteReads(expression: Expression): void {
    if (expression.kind === 'and' || expression.kind === 'or' || expression.kind === 'if') return
    if (expression.kind === 'attribute') this.#outcomes.set(presenceOf(expression), HOLDS)
    for (const child of childrenOf(expression)) this.#noteReads(child)
  }

  /** The path of which the value is not known, and the known value that it is compared with. */
  #sides({ left, right }: Equation): { readonly path: Expression; readonly value: Settled } | undefined {
    const [path, other] = isPath(left) ? [left, right] : [right, left]
    if (!isPath(path) || !(this.#evaluate(path) instanceof Maybe)) return undefined
    const value = this.#evaluate(other)
    return value instanceof Maybe || value instanceof Fault ? undefined : { path, value }
  }

  #areEqual(a: Settled, b: Settled): boolean {
    try {
      return BINARY['=='](a, b, this.#evaluation) === true
    } catch (fault) {
      if (fault instanceof Fault) return false
      throw fault
    }
  }
}

function isEquation(expression: Expression): expression is Equation & Expression {
  return expression.kind === 'binary' && (expression.operator === '==' || expression.operator === '!=')
}

const presences = new WeakMap<Expression, string>()

/** The text of the condition that an attribute is there. */
function presenceOf(attribute: Extract<Expression, { kind: 'attribute' }>): string {
  const known = presences.get(attribute)
  if (known !== undefined) return known
  const { at, object, name } = attribute
  const text = expressionToText({ kind: 'has', at, object, path: [name] })
  presences.set(attribute, text)
  return text
}
