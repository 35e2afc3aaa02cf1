// A policy's conditions as single ones that have to hold one after the other, and the first of them that does not.

import type { Expression, Policy } from '../policy/syntax.ts'
import { conditionDemand } from './demands.ts'
import type { Interpreter } from './interpret.ts'
import { negated } from './negated.ts'
import { FAILS, HOLDS } from './outcomes.ts'

const parts = new WeakMap<Policy, readonly Expression[]>()

/** What has to be true, from left to right, for a policy to hold whose scope matches. */
export function partsOf(policy: Policy): readonly Expression[] {
  const known = parts.get(policy)
  if (known !== undefined) return known
  const found = policy.conditions.flatMap((condition) => split(conditionDemand(condition)))
  parts.set(policy, found)
  return found
}

/** The operands of a conjunction, also where it is written as the negation of a disjunction. */
function split(expression: Expression): readonly Expression[] {
  if (expression.kind === 'and') return expression.operands.flatMap(split)
  if (expression.kind !== 'not') return [expression]
  const { operand } = expression
  if (operand.kind === 'not') return split(operand.operand)
  if (operand.kind !== 'or') return [negated(operand, true)]
  return operand.operands.flatMap((each) => split(negated(each, true)))
}

/** A part that does not hold: how many before it do, and how many are left with it. */
export interface Missed {
  readonly part: Expression
  readonly held: number
  readonly left: number
  /** What is wrong, when it is not false but fails. */
  readonly error?: string
}

/** The first part that does not hold; undefined when all do. Evaluates nothing behind it. */
export function firstMissed(interpreter: Interpreter, list: readonly Expression[]): Missed | undefined {
  for (const [held, part] of list.entries()) {
    if (interpreter.truth(part) === HOLDS) continue
    return { ...inBranch(interpreter, part), held, left: list.length - held }
  }
  return undefined
}

/** Of a conditional, what is missed of the branch that is taken, or that its condition fails. */
function inBranch(interpreter: Interpreter, part: Expression): Pick<Missed, 'part' | 'error'> {
  const isNegated = part.kind === 'not' && part.operand.kind === 'if'
  const conditional = isNegated ? part.operand : part
  if (conditional.kind !== 'if') return missedAt(interpreter, part)
  const test = interpreter.truth(conditional.condition)
  if (test === FAILS) return missedAt(interpreter, conditional.condition)
  const branch = test === HOLDS ? conditional.then : conditional.else
  if (branch.kind === 'boolean') {
    // Then it is the condition that tells.
    const { condition } = conditional
    return firstMissed(interpreter, split(test === HOLDS ? negated(condition, true) : condition)) ?? { part }
  }
  return firstMissed(interpreter, split(isNegated ? negated(branch, true) : branch)) ?? { part }
}

function missedAt(interpreter: Interpreter, part: Expression): Pick<Missed, 'part' | 'error'> {
  return interpreter.truth(part) === FAILS ? { part, error: interpreter.lastFault } : { part }
}
