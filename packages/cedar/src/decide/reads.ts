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
import { cut, membersToText, valueToText } from './value-text.ts'

/** Something that a condition has read. */
export interface ReadValue {
  /** The expression that reads it, such as `context.input.limit`. */
  readonly text: string
  /**
   * The value as a Cedar literal, shortened where it is long; `(opaque)` and what it is where Cedar cannot hold it. Of a
   * record in which only a name was looked for, the names.
   */
  readonly value: string
}

/** What a condition has read. */
export interface Reading {
  readonly values: readonly ReadValue[]
  /** As paths into the context, such as `['input', 'limit']`, what was read or looked for, as far as it is there. */
  readonly paths: readonly (readonly string[])[]
}

/** Values and paths shown of one condition. */
const MOST_VALUES = 8
const LONGEST_TEXT = 200

export class Reader {
  readonly #interpreter: Interpreter
  readonly #evaluation: Evaluation
  readonly #values = new Map<string, string>()
  readonly #paths = new Map<string, readonly string[]>()

  constructor(interpreter: Interpreter, evaluation: Evaluation) {
    this.#interpreter = interpreter
    this.#evaluation = evaluation
  }

  /**
   * What evaluating the expression reads, each thing once, in the order of evaluation: variables, attributes and tags.
   * Of an attribute that is not there, what it was looked for in.
   */
  read(expression: Expression): Reading {
    this.#values.clear()
    this.#paths.clear()
    this.#visit(expression)
    const values = [...this.#values].map(([text, value]) => ({ text: cut(text, LONGEST_TEXT), value }))
    return { values, paths: [...this.#paths.values()] }
  }

  #visit(expression: Expression): void {
    if (this.#values.size >= MOST_VALUES || this.#paths.size >= MOST_VALUES) return
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
      case 'has':
        this.#lookFor(expression.path.reduce((object, name) => memberOf(object, name), expression.object))
        this.#lookIn(expression.object)
        return
      case 'attribute':
        if (this.#isNoted(expression, valueToText)) return
        this.#lookFor(expression)
        this.#lookIn(expression.object)
        return
      default:
        if (this.#isNoted(expression, valueToText)) return
        for (const child of childrenOf(expression)) this.#visit(child)
    }
  }

  /** Notes the path as far as it is there. */
  #lookFor(path: Expression): void {
    let found = path
    while (found.kind === 'attribute' && this.#valueOf(found) === undefined) found = found.object
    this.#notePath(found)
  }

  /** What a name was looked for in: whatever else is there has not been read. */
  #lookIn(object: Expression): void {
    if (!this.#values.has(textOf(object)) && !this.#isNoted(object, membersToText)) this.#visit(object)
  }

  /** Whether the expression is a read itself, with a value that could be noted. */
  #isNoted(expression: Expression, toText: (value: Value) => string): boolean {
    const isRead =
      expression.kind === 'variable' ||
      expression.kind === 'attribute' ||
      (expression.kind === 'binary' && expression.operator === 'getTag')
    const value = isRead ? this.#valueOf(expression) : undefined
    if (value === undefined) return false
    this.#values.set(textOf(expression), toText(value))
    if (toText === valueToText) this.#notePath(expression)
    return true
  }

  #notePath(expression: Expression): void {
    const path = pathInContext(expression)
    if (path !== undefined && path.length > 0) this.#paths.set(textOf(expression), path)
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

function memberOf(object: Expression, name: string): Expression {
  return { kind: 'attribute', at: object.at, object, name }
}

/** The names after `context`. */
function pathInContext(expression: Expression): readonly string[] | undefined {
  if (expression.kind === 'variable') return expression.name === 'context' ? [] : undefined
  if (expression.kind !== 'attribute') return undefined
  const before = pathInContext(expression.object)
  return before && [...before, expression.name]
}
