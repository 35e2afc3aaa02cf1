// The three-valued interpreter. An expression that meets what is not known has several possible outcomes. Where all is
// known it is an ordinary interpreter, and must agree with the generated code.

import { makeRecord } from '../compile/constant.ts'
import {
  BINARY,
  asSet,
  asString,
  getAttribute,
  hasAttribute,
  isType,
  like,
  negate,
} from '../compile/operations.ts'
import type { BinaryOperator, Expression, Policy } from '../policy/syntax.ts'
import { Entity } from '../values/entity.ts'
import { EXTENSIONS } from '../values/extensions.ts'
import { Fault } from '../values/fault.ts'
import { checkedLong } from '../values/long.ts'
import { CedarSet, isRecord, ownMember } from '../values/values.ts'
import type { Settled } from '../values/values.ts'
import { SCOPE_PARTS, conditionDemand, scopeDemands } from './demands.ts'
import type { Evaluation } from './evaluation.ts'
import {
  ANYTHING,
  CHECKED_TRUTH,
  FAILS,
  HOLDS,
  LACKS,
  Maybe,
  OTHER,
  TRUTH,
  Unknown,
  demandBoolean,
  invert,
} from './outcomes.ts'
import type { Outcomes } from './outcomes.ts'
import { possibleOf } from './possible.ts'
import { HOLE, HOLE_MET } from './unknown.ts'

type Of<K extends Expression['kind']> = Extract<Expression, { readonly kind: K }>

type Operation = (values: [Settled, Settled, ...Settled[]]) => Settled | Maybe

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
    const outcomes = this.#allHold(this.demands(policy))
    return { outcomes, message: this.#lastFault }
  }

  /** What must be true for a policy to hold whose scope matches as far as the request is known. */
  demands(policy: Policy): readonly Expression[] {
    const unknown = SCOPE_PARTS.filter((part) => this.#evaluation.variable(part) instanceof Unknown)
    return [...scopeDemands(policy, unknown), ...policy.conditions.map(conditionDemand)]
  }

  /** The outcomes of an expression where a boolean is demanded. */
  truth(expression: Expression): Outcomes {
    const outcomes = this.outcomes(expression)
    if (outcomes === OTHER) this.#lastFault = 'type error: expected a boolean'
    return demandBoolean(outcomes)
  }

  outcomes(expression: Expression): Outcomes {
    const value = this.value(expression)
    return value instanceof Fault ? FAILS : outcomesOf(value)
  }

  /** The value of an expression, what it may come to, or why it fails in any case. */
  value(expression: Expression): Settled | Maybe | Fault {
    try {
      return this.#evaluate(expression)
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault
      this.#lastFault = fault.message
      return fault
    }
  }

  /** The conjunction, from left to right, of what may stop before its end. */
  #allHold(operands: readonly Expression[], sense: (outcomes: Outcomes) => Outcomes = same): Outcomes {
    let stopped: Outcomes = 0
    for (const operand of operands) {
      const outcomes = sense(this.truth(operand))
      stopped |= outcomes & ~HOLDS
      if ((outcomes & HOLDS) === 0) return stopped
    }
    return stopped | HOLDS
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
        return this.#evaluation.variable(expression.name)
      case 'not':
        return this.#conclude(invert(this.truth(expression.operand)))
      case 'negate':
        return this.#apply([expression.operand], ANYTHING, ([a]) => negate(a))
      case 'isEmpty':
        return this.#apply([expression.operand], CHECKED_TRUTH, ([a]) => asSet(a).isEmpty())
      case 'and':
        return this.#conclude(this.#allHold(expression.operands))
      case 'or':
        // Or is the negation of a conjunction of negations, also in what it evaluates.
        return this.#conclude(invert(this.#allHold(expression.operands, invert)))
      case 'binary': {
        const { operator, left, right } = expression
        return this.#binary(operator, this.#evaluate(left), this.#evaluate(right))
      }
      case 'if':
        return this.#if(expression)
      case 'attribute':
        return this.#apply([expression.object], ANYTHING, ([object]) =>
          filled(getAttribute(object, expression.name, this.#evaluation)),
        )
      case 'has':
        return this.#has(this.#evaluate(expression.object), expression.path)
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
  #apply(operands: readonly Expression[], possible: Outcomes, operation: Operation): Settled | Maybe {
    return this.#combine(
      operands.map((operand) => this.#evaluate(operand)),
      possible,
      operation,
    )
  }

  #combine(values: readonly (Settled | Maybe)[], possible: Outcomes, operation: Operation): Settled | Maybe {
    if (values.some((value) => value instanceof Maybe)) return this.#conclude(possible)
    try {
      return operation(values as [Settled, Settled, ...Settled[]])
    } catch (met) {
      if (met === HOLE_MET) return new Maybe(possible)
      throw met
    }
  }

  #binary(operator: BinaryOperator, left: Settled | Maybe, right: Settled | Maybe): Settled | Maybe {
    return this.#combine([left, right], possibleOf(operator, left, right), ([a, b]) =>
      BINARY[operator](a, b, this.#evaluation),
    )
  }

  #if({ condition, then, else: otherwise }: Of<'if'>): Settled | Maybe {
    const test = this.truth(condition)
    if (test === HOLDS) return this.#evaluate(then)
    if (test === LACKS) return this.#evaluate(otherwise)
    let outcomes = test & FAILS
    if ((test & HOLDS) !== 0) outcomes |= this.outcomes(then)
    if ((test & LACKS) !== 0) outcomes |= this.outcomes(otherwise)
    return outcomes === OTHER ? new Maybe(outcomes) : this.#conclude(outcomes)
  }

  #has(object: Settled | Maybe, path: readonly string[]): Settled | Maybe {
    const possible = object instanceof Unknown && path.length === 1 ? TRUTH : CHECKED_TRUTH
    return this.#combine([object], possible, ([known]) => {
      let inner = known
      for (const [index, name] of path.entries()) {
        const last = index === path.length - 1
        const members = inner instanceof Entity ? this.#evaluation.find(inner)?.attrs : inner
        if (isRecord(members) && ownMember(members, name) === HOLE)
          return new Maybe(last ? TRUTH : CHECKED_TRUTH)
        if (!hasAttribute(inner, name, this.#evaluation)) return false
        if (!last) inner = getAttribute(inner, name, this.#evaluation)
      }
      return true
    })
  }

  #is({ subject, type, in: container }: Of<'is'>): Settled | Maybe {
    const value = this.#evaluate(subject)
    const fitting = fits(value, type)
    if (container === undefined || fitting === false) return fitting
    if (fitting === true) return this.#binary('in', value, this.#evaluate(container))
    const within = this.outcomes({
      kind: 'binary',
      at: subject.at,
      operator: 'in',
      left: subject,
      right: container,
    })
    return this.#conclude((fitting.outcomes & ~HOLDS) | within)
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

/** Whether a value is an entity of this type. */
function fits(value: Settled | Maybe, type: string): boolean | Maybe {
  if (!(value instanceof Maybe)) return isType(value, type)
  if (!(value instanceof Unknown)) return new Maybe(CHECKED_TRUTH)
  if (value.kind === 'record') throw new Fault('type error: expected an entity, found a record')
  return value.type === undefined ? new Maybe(TRUTH) : value.type === type
}

function outcomesOf(value: Settled | Maybe): Outcomes {
  if (value instanceof Maybe) return value.outcomes
  return typeof value === 'boolean' ? (value ? HOLDS : LACKS) : OTHER
}

function filled(value: Settled): Settled | Maybe {
  return value === HOLE ? new Maybe(ANYTHING) : value
}

function same(outcomes: Outcomes): Outcomes {
  return outcomes
}
