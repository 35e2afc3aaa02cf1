// What remains of an expression once everything that is known has been filled in. It comes to the same, errors included,
// for every completion of what is not known.

import { isPath } from '../compile/walk.ts'
import type { Expression } from '../policy/syntax.ts'
import { reference } from '../values/entity.ts'
import type { Entity } from '../values/entity.ts'
import { Fault } from '../values/fault.ts'
import type { Evaluation } from './evaluation.ts'
import type { Interpreter } from './interpret.ts'
import { literalOf } from './literal.ts'
import { negated } from './negated.ts'
import { HOLDS, LACKS, Maybe, OTHER } from './outcomes.ts'
import { textOf } from './text-of.ts'

/** Larger known values are not filled in: the expression that reads one says more. */
const MOST_VALUES = 20
const LONGEST_TEXT = 200

type Of<K extends Expression['kind']> = Extract<Expression, { readonly kind: K }>

export class Reducer {
  readonly #interpreter: Interpreter
  readonly #evaluation: Evaluation

  /** The interpreter must be one of this evaluation. */
  constructor(interpreter: Interpreter, evaluation: Evaluation) {
    this.#interpreter = interpreter
    this.#evaluation = evaluation
  }

  /**
   * What remains of an expression. One that fails in any case is kept as it is. `demanded` says that it stands where
   * only a boolean may, so that another value fails there anyway.
   */
  reduce(expression: Expression, demanded: boolean): Expression {
    const value = this.#interpreter.value(expression)
    if (value instanceof Fault) return expression
    if (value instanceof Maybe) return this.#reduceInside(expression, demanded)
    const literal = literalOf(value, {
      at: expression.at,
      mostValues: MOST_VALUES,
      longestText: LONGEST_TEXT,
      isNameEnough: (entity) => this.#isNameEnough(entity),
    })
    return literal ?? expression
  }

  /** Whether whoever looks the name up finds this same entity. */
  #isNameEnough(entity: Entity): boolean {
    return !entity.known || this.#evaluation.find(reference(entity.type, entity.id)) === entity
  }

  #reduceInside(expression: Expression, demanded: boolean): Expression {
    const inner = (child: Expression): Expression => this.reduce(child, false)
    switch (expression.kind) {
      case 'not':
        return negated(this.reduce(expression.operand, true), demanded, expression.at)
      case 'and':
      case 'or':
        return this.#reduceChain(expression, demanded)
      case 'if':
        return this.#reduceIf(expression, demanded)
      case 'negate':
      case 'isEmpty':
        return { ...expression, operand: inner(expression.operand) }
      case 'binary':
        return { ...expression, left: inner(expression.left), right: inner(expression.right) }
      case 'attribute':
      case 'has':
        // The way to what is not known is said best as it was written.
        return isPath(expression.object) ? expression : { ...expression, object: inner(expression.object) }
      case 'like':
        return { ...expression, subject: inner(expression.subject) }
      case 'is': {
        const is = { ...expression, subject: inner(expression.subject) }
        return is.in === undefined ? is : { ...is, in: inner(is.in) }
      }
      case 'set':
        return { ...expression, elements: expression.elements.map(inner) }
      case 'record': {
        const members = expression.members.map(({ name, value }) => ({ name, value: inner(value) }))
        return { ...expression, members }
      }
      case 'call':
        return { ...expression, arguments: expression.arguments.map(inner) }
      default:
        return expression
    }
  }

  /** Leaves out what lets evaluation pass in any case, and what comes after an operand that never does. */
  #reduceChain(chain: Of<'and' | 'or'>, demanded: boolean): Expression {
    const { kind, at } = chain
    const passes = kind === 'and' ? HOLDS : LACKS
    const left: Expression[] = []
    const met = new Set<string>()
    for (const operand of flat(chain)) {
      const outcomes = this.#interpreter.truth(operand)
      // What has let evaluation pass does so again.
      const text = textOf(operand)
      if (outcomes === passes || met.has(text)) continue
      met.add(text)
      const reduced = this.reduce(operand, true)
      left.push(...(reduced.kind === kind ? reduced.operands : [reduced]))
      if ((outcomes & passes) === 0) break
    }
    const [first] = left
    if (first === undefined || left.length > 1) return { kind, at, operands: left }
    if (demanded || (this.#interpreter.outcomes(first) & OTHER) === 0) return first
    // Not alone: the chain is what fails on other values than booleans.
    return { kind, at, operands: [{ kind: 'boolean', at, value: kind === 'and' }, first] }
  }

  #reduceIf(expression: Of<'if'>, demanded: boolean): Expression {
    const { condition, then, else: otherwise } = expression
    const test = this.#interpreter.truth(condition)
    if (test === HOLDS) return this.reduce(then, demanded)
    if (test === LACKS) return this.reduce(otherwise, demanded)
    return {
      ...expression,
      condition: this.reduce(condition, true),
      then: this.reduce(then, demanded),
      else: this.reduce(otherwise, demanded),
    }
  }
}

/** The operands of a chain, with those of chains of its kind inside: how they are grouped tells nothing. */
function flat({ kind, operands }: Of<'and' | 'or'>): readonly Expression[] {
  return operands.flatMap((operand) => (operand.kind === kind ? flat({ ...operand, kind }) : [operand]))
}
