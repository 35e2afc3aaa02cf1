// The three-valued interpreter. An expression that meets what is not known has several possible outcomes. Where all is
// known it is an ordinary interpreter, and must agree with the generated code.

import { makeRecord } from '../compile/constant.ts'
import {
  BINARY,
  asHolder,
  asLong,
  asSet,
  asString,
  attributesOf,
  getAttribute,
  hasAttribute,
  isType,
  like,
  negate,
} from '../compile/operations.ts'
import type { BinaryOperator, Expression, Policy } from '../policy/syntax.ts'
import { EXTENSIONS } from '../values/extensions.ts'
import { Fault } from '../values/fault.ts'
import { checkedLong } from '../values/long.ts'
import { CedarSet, ownMember } from '../values/values.ts'
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
import { CHECKS, checkOf, demand, possibleOf } from './possible.ts'
import type { Check } from './possible.ts'
import { spelledOut } from './spelled-out.ts'
import { HOLE, HOLE_MET } from './unknown.ts'

type Of<K extends Expression['kind']> = Extract<Expression, { readonly kind: K }>

/** What an operation may come to on operands that are not known, unless one is of a type that fails. */
interface Prospect {
  readonly possible: Outcomes
  readonly checks: readonly Check[]
}

const ANY_VALUE: Prospect = { possible: ANYTHING, checks: [] }
const LONG: Prospect = { possible: ANYTHING, checks: [asLong] }
const SET: Prospect = { possible: CHECKED_TRUTH, checks: [asSet] }
const TEXT: Prospect = { possible: CHECKED_TRUTH, checks: [asString] }
const HOLDER: Prospect = { possible: ANYTHING, checks: [asHolder] }

type Operation = (values: [Settled, Settled, ...Settled[]]) => Settled | Maybe

/** What a policy whose scope matches may come to, and the message if it can only fail. */
export interface Judgement {
  readonly outcomes: Outcomes
  readonly message: string
}

/** What is assumed of what is not known. */
export interface Assumptions {
  /** Which of its possible outcomes a condition has, given without `&&`, `||`, `!` and `if` around it. */
  outcome(expression: Expression, possible: Outcomes): Outcomes
  /** The value of a variable or an attribute, if anything is assumed of it. Throws a Fault when there is none. */
  value(expression: Expression, maybe: Maybe): Settled | Maybe
}

export class Interpreter {
  #lastFault = ''
  readonly #evaluation: Evaluation
  readonly #assumptions: Assumptions | undefined
  /** What conditions have come to. Assuming asks for some again and again, also deep inside others. */
  readonly #truths: Map<Expression, Outcomes> | undefined

  constructor(evaluation: Evaluation, assumptions?: Assumptions) {
    this.#evaluation = evaluation
    this.#assumptions = assumptions
    this.#truths = assumptions && new Map()
  }

  /** The message of the last error met. */
  get lastFault(): string {
    return this.#lastFault
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
    if (this.#truths === undefined) return this.#truth(expression)
    const known = this.#truths.get(expression)
    if (known !== undefined) return known
    const outcomes = this.#truth(expression)
    this.#truths.set(expression, outcomes)
    return outcomes
  }

  #truth(expression: Expression): Outcomes {
    if (expression.kind === 'if') {
      const test = this.truth(expression.condition)
      return this.#afterTest(test, expression, (branch) => this.truth(branch))
    }
    const spelled = this.#assumptions === undefined ? expression : spelledOut(expression)
    const outcomes = this.outcomes(spelled)
    if (outcomes === OTHER) this.#lastFault = 'type error: expected a boolean'
    const possible = demandBoolean(outcomes)
    const isCertain = (possible & (possible - 1)) === 0
    return isCertain ? possible : (this.#assumptions?.outcome(spelled, possible) ?? possible)
  }

  /** To be called when other things are assumed than before. */
  forget(): void {
    this.#truths?.clear()
  }

  outcomes(expression: Expression): Outcomes {
    const value = this.value(expression)
    return value instanceof Fault ? FAILS : outcomesOf(value)
  }

  /** The value of an expression, what it may come to, or why it fails in any case. */
  value(expression: Expression): Settled | Maybe | Fault {
    return this.#caught(() => this.#evaluate(expression))
  }

  #caught(evaluate: () => Settled | Maybe): Settled | Maybe | Fault {
    try {
      return evaluate()
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
        return this.#assumed(expression, this.#evaluation.variable(expression.name))
      case 'not':
        return this.#conclude(invert(this.truth(expression.operand)))
      case 'negate':
        return this.#apply([expression.operand], LONG, ([a]) => negate(a))
      case 'isEmpty':
        return this.#apply([expression.operand], SET, ([a]) => asSet(a).isEmpty())
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
        return this.#assumed(
          expression,
          this.#apply([expression.object], HOLDER, ([object]) =>
            filled(getAttribute(object, expression.name, this.#evaluation)),
          ),
        )
      case 'has':
        return this.#has(this.#evaluate(expression.object), expression.path)
      case 'like':
        return this.#apply([expression.subject], TEXT, ([text]) => like(asString(text), expression.pattern))
      case 'is':
        return this.#is(expression)
      case 'set':
        return this.#apply(expression.elements, ANY_VALUE, (members) => new CedarSet(members))
      case 'record': {
        const { members } = expression
        return this.#apply(
          members.map(({ value }) => value),
          ANY_VALUE,
          (values) => makeRecord(members.map(({ name }, index) => [name, values[index]])),
        )
      }
      case 'call':
        return this.#call(expression)
    }
  }

  #assumed(expression: Expression, value: Settled | Maybe): Settled | Maybe {
    return value instanceof Maybe ? (this.#assumptions?.value(expression, value) ?? value) : value
  }

  /**
   * An operation that evaluates all its operands. An operand that fails in any case fails it in any case; otherwise
   * one that is not known makes the result unknown.
   */
  #apply(operands: readonly Expression[], prospect: Prospect, operation: Operation): Settled | Maybe {
    return this.#combine(
      operands.map((operand) => this.#evaluate(operand)),
      prospect,
      operation,
    )
  }

  #combine(
    values: readonly (Settled | Maybe)[],
    { possible, checks }: Prospect,
    operation: Operation,
  ): Settled | Maybe {
    if (values.some((value) => value instanceof Maybe)) {
      demand(values, checks)
      return this.#conclude(possible)
    }
    try {
      return operation(values as [Settled, Settled, ...Settled[]])
    } catch (met) {
      if (met === HOLE_MET) return this.#conclude(possible)
      throw met
    }
  }

  #binary(operator: BinaryOperator, left: Settled | Maybe, right: Settled | Maybe): Settled | Maybe {
    const prospect = { possible: possibleOf(operator, left, right), checks: CHECKS[operator] }
    return this.#combine([left, right], prospect, ([a, b]) => BINARY[operator](a, b, this.#evaluation))
  }

  #if(expression: Of<'if'>): Settled | Maybe {
    const test = this.truth(expression.condition)
    if (test === HOLDS) return this.#evaluate(expression.then)
    if (test === LACKS) return this.#evaluate(expression.else)
    const outcomes = this.#afterTest(test, expression, (branch) => this.outcomes(branch))
    return outcomes === OTHER ? new Maybe(outcomes) : this.#conclude(outcomes)
  }

  /** What a conditional may come to once its condition has come to this. */
  #afterTest(
    test: Outcomes,
    { then, else: otherwise }: Of<'if'>,
    outcomesOfBranch: (branch: Expression) => Outcomes,
  ): Outcomes {
    let outcomes = test & FAILS
    if ((test & HOLDS) !== 0) outcomes |= outcomesOfBranch(then)
    if ((test & LACKS) !== 0) outcomes |= outcomesOfBranch(otherwise)
    return outcomes
  }

  #has(object: Settled | Maybe, path: readonly string[]): Settled | Maybe {
    const possible = object instanceof Unknown && path.length === 1 ? TRUTH : CHECKED_TRUTH
    return this.#combine([object], { possible, checks: HOLDER.checks }, ([known]) => {
      let inner = known
      for (const [index, name] of path.entries()) {
        const last = index === path.length - 1
        const members = attributesOf(inner, this.#evaluation)
        if (members !== undefined && ownMember(members, name) === HOLE)
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
    const within = this.#caught(() => this.#binary('in', value, this.#evaluate(container)))
    return this.#conclude(
      (fitting.outcomes & ~HOLDS) | (within instanceof Fault ? FAILS : outcomesOf(within)),
    )
  }

  #call({ name, arguments: list }: Of<'call'>): Settled | Maybe {
    const values = list.map((argument) => this.#evaluate(argument))
    const extension = EXTENSIONS.get(name)
    if (extension?.arity !== list.length)
      throw new Fault(`${name}() was called with a wrong number of arguments`)
    const { parameters, returnsBoolean, apply } = extension
    const prospect = { possible: returnsBoolean ? CHECKED_TRUTH : ANYTHING, checks: parameters.map(checkOf) }
    return this.#combine(values, prospect, ([a, b]) => apply(a, b))
  }
}

/** Whether a value is an entity of this type. */
function fits(value: Settled | Maybe, type: string): boolean | Maybe {
  if (!(value instanceof Maybe)) return isType(value, type)
  if (!(value instanceof Unknown)) return new Maybe(CHECKED_TRUTH)
  if (value.kind === 'record') throw new Fault('type error: expected an entity, found a record')
  return value.couldBe(type) && (value.type === type || new Maybe(TRUTH))
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
