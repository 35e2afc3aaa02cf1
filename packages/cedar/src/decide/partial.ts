// Decisions with part of the request unknown. What is answered as certain holds for every value, and for the absence, of
// the unknown; a possible evaluation error counts as one more possible outcome.

import type { CompiledPolicy, PolicySet } from '../compile/compile.ts'
import type { Effect, Expression } from '../policy/syntax.ts'
import { expressionToText } from '../print/expression.ts'
import { Cases } from './cases.ts'
import type { EvaluationError } from './decide.ts'
import type { Evaluation } from './evaluation.ts'
import { Interpreter } from './interpret.ts'
import type { Judgement } from './interpret.ts'
import { judge } from './judge.ts'
import { FAILS, HOLDS, LACKS } from './outcomes.ts'
import { Reducer } from './reduce.ts'
import { prepare } from './unknown.ts'
import type { PartialOptions, PartialRequest, Prepared } from './unknown.ts'

export interface PartialDecision {
  /** `allow` and `deny` are what `decide` would answer whatever the unknown turns out to be. */
  readonly decision: 'allow' | 'deny' | 'depends'
  /**
   * Ids of policies satisfied in any case: the permits of an `allow`, the forbids of a `deny`; all of them when it
   * depends. In source order. Empty when in each case another policy determines, or nothing ever permits.
   */
  readonly determining: readonly string[]
  /** Ids of policies that may or may not be satisfied. */
  readonly possible: readonly string[]
  /** Policies that fail in any case. */
  readonly errors: readonly EvaluationError[]
  /** Ids of policies that may fail, depending on the unknown. */
  readonly possibleErrors: readonly string[]
}

/**
 * Decides a request of which parts are not known: `allow` and `deny` hold for every completion. It may depend only
 * seemingly, where conditions exclude each other in a way that is not seen. An unknown entity may be any, an unknown
 * action any of an action type, with any data; but one that the request or the store knows is as they have it. Throws a
 * RangeError on a path that does not begin with a part of the request, and on a type for a part that is known.
 */
export function decidePartial(
  set: PolicySet,
  request: PartialRequest,
  options: PartialOptions = {},
): PartialDecision {
  const certain: CompiledPolicy[] = []
  const possible: CompiledPolicy[] = []
  const errors: EvaluationError[] = []
  const possibleErrors: string[] = []
  const prepared = prepare(request, options)
  for (const [candidate, { outcomes, message }] of judgeAll(set, prepared)) {
    const { id } = candidate.policy
    if (outcomes === HOLDS) certain.push(candidate)
    else if ((outcomes & HOLDS) !== 0) possible.push(candidate)
    if (outcomes === FAILS) errors.push({ policy: id, message })
    else if ((outcomes & FAILS) !== 0) possibleErrors.push(id)
  }
  const apparent = conclude(certain, possible)
  const decision = apparent === 'depends' ? byCases(certain, possible, prepared.evaluation) : apparent
  const behind =
    decision === 'depends' ? certain : certain.filter(({ permits }) => permits === (decision === 'allow'))
  return { decision, determining: behind.map(idOf), possible: possible.map(idOf), errors, possibleErrors }
}

/** What remains of a policy when all that is known of a request has been filled in. */
export interface Residual {
  readonly policy: string
  readonly effect: Effect
  /**
   * The policy is satisfied by exactly those completions for which this is true, and fails for those for which this
   * fails. What of its scope is open is part of it.
   */
  readonly condition: Expression
  /** The same in Cedar. */
  readonly text: string
}

/**
 * The conditions on which a decision depends: one for each policy that may or may not be satisfied, or may or may not
 * fail, in source order. Known values are filled in unless they are large; a part that fails in any case is kept as it
 * is written. The request and the options are those of `decidePartial`.
 */
export function residuals(
  set: PolicySet,
  request: PartialRequest,
  options: PartialOptions = {},
): readonly Residual[] {
  const prepared = prepare(request, options)
  const interpreter = new Interpreter(prepared.evaluation)
  const reducer = new Reducer(interpreter, prepared.evaluation)
  const left: Residual[] = []
  for (const [{ policy }, { outcomes }] of judgeAll(set, prepared)) {
    if (outcomes === HOLDS || outcomes === LACKS || outcomes === FAILS) continue
    const operands = interpreter.demands(policy)
    const condition = reducer.reduce({ kind: 'and', at: operands[0]?.at ?? 0, operands }, true)
    left.push({ policy: policy.id, effect: policy.effect, condition, text: expressionToText(condition) })
  }
  return left
}

/** Cases gone through in search of an answer; beyond, it depends. */
const MOST_CASES = 64

/** The policies whose scope may match, in source order, and what each may come to. */
function* judgeAll(
  set: PolicySet,
  { evaluation, known, contextMembers: unknown }: Prepared,
): Generator<readonly [CompiledPolicy, Judgement]> {
  const interpreter = new Interpreter(evaluation)
  for (const candidate of set.candidatesWhere(known)) {
    const read = candidate.contextMembers
    const certain = unknown !== undefined && read !== undefined && !unknown.some((name) => read.has(name))
    // What cannot read the unknown runs as in any decision, which is faster.
    yield [candidate, certain ? judge(candidate, evaluation) : interpreter.judge(candidate.policy)]
  }
}

function conclude(
  certain: readonly CompiledPolicy[],
  possible: readonly CompiledPolicy[],
): PartialDecision['decision'] {
  if (certain.some(({ permits }) => !permits)) return 'deny'
  const permitted = certain.length > 0
  if (!permitted && !possible.some(({ permits }) => permits)) return 'deny'
  return permitted && possible.every(({ permits }) => permits) ? 'allow' : 'depends'
}

/** What is decided in every case, where not each policy but all together tell. */
function byCases(
  certain: readonly CompiledPolicy[],
  possible: readonly CompiledPolicy[],
  evaluation: Evaluation,
): PartialDecision['decision'] {
  const interpreter = new Interpreter(evaluation)
  const open = possible.map(({ policy, permits }) => ({ permits, demands: interpreter.demands(policy) }))
  const permits = open.filter((each) => each.permits)
  const forbids = open.filter((each) => !each.permits)
  const canBe = (wanted: 'allow' | 'deny'): boolean => {
    const cases = new Cases(evaluation)
    const some = (group: typeof open, preferred: boolean): boolean =>
      group.some(({ demands }) => cases.areMet(demands, preferred))
    // What the case needs first comes first, so that what cannot be is found early.
    const isFound = (): boolean =>
      wanted === 'allow'
        ? (certain.length > 0 || some(permits, true)) && !some(forbids, false)
        : some(forbids, true) || !(certain.length > 0 || some(permits, false))
    for (let tried = 0; tried < MOST_CASES; tried++) {
      if (isFound()) return true
      if (!cases.next()) return false
    }
    return true
  }
  if (!canBe('allow')) return 'deny'
  return canBe('deny') ? 'depends' : 'allow'
}

function idOf({ policy }: CompiledPolicy): string {
  return policy.id
}
