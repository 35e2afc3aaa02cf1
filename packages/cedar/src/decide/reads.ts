// What an expression has read of a request, with the values as texts.

import { attributesOf } from '../compile/operations.ts'
import { childrenOf } from '../compile/walk.ts'
import type { Expression } from '../policy/syntax.ts'
import { Fault } from '../values/fault.ts'
import { ownMember } from '../values/values.ts'
import type { Value } from '../values/values.ts'
import type { Evaluation } from './evaluation.ts'
import type { Interpreter } from './interpret.ts'
import { HOLDS, LACKS, Maybe } from './outcomes.ts'
import { textOf } from './text-of.ts'
import { cut, valueToText } from './value-text.ts'

/** Something that a condition has read. */
export interface ReadValue {
  /** The expression that reads it, such as `context.input.limit`. */
  readonly text: string
  /** The value as a Cedar literal, shortened where it is long; `(opaque)` and what it is where Cedar cannot hold it. */
  readonly value: string
}

/** Values shown of one condition. */
const MOST_VALUES = 8
const LONGEST_TEXT = 200

export class Reader {
  readonly #interpreter: Interpreter
  readonly #evaluation: Evaluation
  readonly #values = new Map<string, string>()

  constructor(interpreter: Interpreter, evaluation: Evaluation) {
    this.#interpreter = interpreter
    this.#evaluation = evaluation
  }

  /**
   * What evaluating the expression reads, each thing once, in the order of evaluation: variables, attributes and tags.
   * Of an attribute that is not there, what it was looked for in.
   */
  read(expression: Expression): readonly ReadValue[] {
    this.#values.clear()
    this.#visit(expression)
    return [...this.#values].map(([text, value]) => ({ text: cut(text, LONGEST_TEXT), value }))
  }

  #visit(expression: Expression): void {
    if (this.#values.size >= MOST_VALUES) return
    switch (expression.kind) {
      case 'and':
      case 'or': {
        const passes = expression.kind === 'and' ? HOLDS : LACKS
        for (const operand of expression.operands) {
          this.#visit(operand)
          if (this.#interpreter.truth(operand) !== passes) return
        }
        return
      }
      case 'if': {
        this.#visit(expression.condition)
        const test = this.#interpreter.truth(expression.condition)
        if (test === HOLDS) this.#visit(expression.then)
        if (test === LACKS) this.#visit(expression.else)
        return
      }
      case 'is': {
        this.#visit(expression.subject)
        const { at, kind, subject, type } = expression
        const fits = this.#interpreter.truth({ at, kind, subject, type }) === HOLDS
        if (expression.in !== undefined && fits) this.#visit(expression.in)
        return
      }
      default:
        if (this.#isNoted(expression)) return
        for (const child of childrenOf(expression)) this.#visit(child)
    }
  }

  /** Whether the expression is a read itself, with a value that could be noted. */
  #isNoted(expression: Expression): boolean {
    const isRead =
      expression.kind === 'variable' ||
      expression.kind === 'attribute' ||
      (expression.kind === 'binary' && expression.operator === 'getTag')
    const value = isRead ? this.#valueOf(expression) : undefined
    if (value === undefined) return false
    this.#values.set(textOf(expression), valueToText(value))
    return true
  }

  /** Also one that Cedar cannot hold, where it is the value of an attribute. */
  #valueOf(expression: Expression): Value | undefined {
    const value = this.#interpreter.value(expression)
    if (!(value instanceof Fault)) return value instanceof Maybe ? undefined : value
    if (expression.kind !== 'attribute') return undefined
    const object = this.#interpreter.value(expression.object)
    if (object instanceof Fault || object instanceof Maybe) return undefined
    try {
      const members = attributesOf(object, this.#evaluation)
      return members === undefined ? undefined : ownMember(members, expression.name)
    } catch (fault) {
      if (fault instanceof Fault) return undefined
      throw fault
    }
  }
}
