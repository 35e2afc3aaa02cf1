// The three-valued interpreter. A hole in the context stands for what is not known; an expression that meets it has
// several possible outcomes. Without holes it is an ordinary interpreter, and must agree with the generated code.

import { makeRecord } from '../compile/constant.ts'
import type { Evaluation } from './evaluation.ts'
import { EXTENSIONS } from '../values/extensions.ts'
import { Fault } from '../values/fault.ts'
import { checkedLong } from '../values/long.ts'
import {
  BINARY,
  RETURNS_BOOLEAN,
  asSet,
  asString,
  getAttribute,
  hasAttribute,
  isType,
  like,
  negate,
} from '../compile/operations.ts'
import {
  ANYTHING,
  CHECKED_TRUTH,
  FAILS,
  HOLDS,
  LACKS,
  Maybe,
  OTHER,
  TRUTH,
  demandBoolean,
  invert,
} from './outcomes.ts'
import type { Outcomes } from './outcomes.ts'
import { CedarSet, isRecord, ownMember } from '../values/values.ts'
import type { Condition, Expression, Policy } from '../policy/syntax.ts'
import { Term } from '../values/term.ts'
import type { Settled } from '../values/values.ts'

/** Thrown where a comparison looks into a record that has a hole inside. */
const HOLE_MET = new Fault('not known')

class Hole extends Term {
  override canonical(): string {
    throw HOLE_MET
  }
}

/** In a context, in the place of what is not known. */
export const HOLE: Term = new Hole()

type Of<K extends Expression['kind']> = Extract<Expression, { readonly kind: K }>

/** What a policy whose scope matches may come to, and the message if it can only fail. */
export interface Judgement {
  readonly outcomes: Outcomes
  readonly message: string
}

export class Interpreter {
  /** The message of the last error met. */
  #lastFault = ''
  readonly #evaluation: Evaluation

  constructor(evaluation: Evaluation) {
    this.#evaluation = evaluation
  }

  judge(policy: Policy): Judgement {
    const outcomes = this.#allHold(policy.conditions, ({ kind, expression }: Condition) => {
      const truth = this.#truth(expression)
      return kind === 'when' ? truth : invert(truth)
    })
    return { outcomes, message: this.#lastFault }
  }

  /** The conjunction, from left to right, of what may stop before its end. */
  #allHold<T>(items: readonly T[], outcomesOf: (item: T) => Outcomes): Outcomes {
    let stopped: Outcomes = 0
    for (const item of items) {
      const outcomes = outcomesOf(item)
      stopped |= outcomes & ~HOLDS
      if ((outcomes & HOLDS) === 0) return stopped
    }
    return stopped | HOLDS
  }

  #truth(expression: Expression): Outcomes {
    const outcomes = this.#outcomes(expression)
    if (outcomes === OTHER) this.#lastFault = 'type error: expected a boolean'
    return demandBoolean(outcomes)
  }

  #outcomes(expression: Expression): Outcomes {
    try {
      const value = this.#evaluate(expression)
      if (value instanceof Maybe) return value.outcomes
      return typeof value === 'boolean' ? (value ? HOLDS : LACKS) : OTHER
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault
      this.#lastFault = fault.message
      return FAILS
    }
  }

  /** Back from outcomes to a value, or to a fault where nothing else is possible. */
  #conclude(outcomes: Outcomes): boolean | Maybe {
    if (outcomes === HOLDS) return true
    if (outcomes === LACKS) return false
    if (outcomes === FAILS) throw new Fault(this.#lastFault)
    return new Maybe(outcomes)
  }

  #evaluate(expression: Expression): Settled | Maybe {
    switch (expression.kind) {
      case 'boolean':
      case 'string':
        return expression.value
      case 'long':
        return checkedLong(expression.value)
      case 'entity':
        return expression.entity
      case 'variable':
        return this.#evaluation[expression.name]
      case 'not':
        return this.#conclude(invert(this.#truth(expression.operand)))
      case 'negate':
        return this.#apply([expression.operand], ANYTHING, ([a]) => negate(a))
      case 'isEmpty':
        return this.#apply([expression.operand], CHECKED_TRUTH, ([a]) => asSet(a).isEmpty())
      case 'and':
        return this.#conclude(this.#allHold(expression.operands, (operand) => this.#truth(operand)))
      case 'or':
        // Or is the negation of a conjunction of negations, also in what it evaluates.
        return this.#conclude(
          invert(this.#allHold(expression.operands, (operand) => invert(this.#truth(operand)))),
        )
      case 'binary': {
        const { operator, left, right } = expression
        const possible =
          operator === '==' || operator === '!=' || RETURNS_BOOLEAN.has(operator) ? CHECKED_TRUTH : ANYTHING
        return this.#apply([left, right], possible, ([a, b]) => BINARY[operator](a, b, this.#evaluation))
      }
      case 'if':
        return this.#if(expression)
      case 'attribute':
        return this.#apply([expression.object], ANYTHING, ([object]) =>
          filled(getAttribute(object, expression.name, this.#evaluation)),
        )
      case 'has':
        return this.#apply([expression.object], CHECKED_TRUTH, ([object]) =>
          this.#has(object, expression.path),
        )
      case 'like':
        return this.#apply([expression.subject], CHECKED_TRUTH, ([text]) =>
          like(asString(text), expression.pattern),
        )
      case 'is':
        return this.#is(expression)
      case 'set':
        return this.#apply(expression.elements, ANYTHING, (members) => new CedarSet(members))
      case 'record': {
        const { members } = expression
        return this.#apply(
          members.map(({ value }) => value),
          ANYTHING,
          (values) => makeRecord(members.map(({ name }, index) => [name, values[index]])),
        )
      }
      case 'call':
        return this.#call(expression)
    }
  }

  /**
   * An operation that evaluates all its operands. An operand that fails in any case fails it in any case; otherwise
   * one that is not known makes the result unknown.
   */
  #apply(
    operands: readonly Expression[],
    possible: Outcomes,
    operation: (values: [Settled, Settled, ...Settled[]]) => Settled | Maybe,
  ): Settled | Maybe {
    const values: (Settled | Maybe)[] = operands.map((operand) => this.#evaluate(operand))
    if (values.some((value) => value instanceof Maybe)) return new Maybe(possible)
    try {
      return operation(values as [Settled, Settled, ...Settled[]])
    } catch (met) {
      if (met === HOLE_MET) return new Maybe(possible)
      throw met
    }
  }

  #if({ condition, then, else: otherwise }: Of<'if'>): Settled | Maybe {
    const test = this.#truth(condition)
    if (test === HOLDS) return this.#evaluate(then)
    if (test === LACKS) return this.#evaluate(otherwise)
    let outcomes = test & FAILS
    if ((test & HOLDS) !== 0) outcomes |= this.#outcomes(then)
    if ((test & LACKS) !== 0) outcomes |= this.#outcomes(otherwise)
    return outcomes === OTHER ? new Maybe(outcomes) : this.#conclude(outcomes)
  }

  #has(value: Settled, path: readonly string[]): boolean | Maybe {
    let object = value
    for (const [index, name] of path.entries()) {
      if (isRecord(object) && ownMember(object, name) === HOLE)
        return new Maybe(index < path.length - 1 ? CHECKED_TRUTH : TRUTH)
      if (!hasAttribute(object, name, this.#evaluation)) return false
      if (index < path.length - 1) object = getAttribute(object, name, this.#evaluation)
    }
    return true
  }

  #is({ subject, type, in: container }: Of<'is'>): Settled | Maybe {
    return this.#apply([subject], CHECKED_TRUTH, ([value]) => {
      if (!isType(value, type)) return false
      if (container === undefined) return true
      return this.#apply([container], CHECKED_TRUTH, ([within]) => BINARY.in(value, within, this.#evaluation))
    })
  }

  #call({ name, arguments: list }: Of<'call'>): Settled | Maybe {
    const extension = EXTENSIONS.get(name)
    return this.#apply(list, extension?.returnsBoolean === true ? CHECKED_TRUTH : ANYTHING, (values) => {
      if (extension?.arity !== list.length)
        throw new Fault(`${name}() was called with a wrong number of arguments`)
      return extension.apply(values[0], values[1])
    })
  }
}

function filled(value: Settled): Settled | Maybe {
  return value === HOLE ? new Maybe(ANYTHING) : value
}
