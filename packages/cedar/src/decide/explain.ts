// Why a decision came out as it did: the conditions that held, or for a refusal by default, what the nearest permits
// missed. Names and texts stand apart from values, since not everyone who may see the ones may see the others.

import type { CompiledPolicy, PolicySet } from '../compile/compile.ts'
import { childrenOf } from '../compile/walk.ts'
import type { Position } from '../policy/result.ts'
import type { Expression, Policy } from '../policy/syntax.ts'
import type { EntityStore } from '../values/entity.ts'
import type { Decision } from './decide.ts'
import { constraintDemand } from './demands.ts'
import type { ScopePart } from './demands.ts'
import { Evaluation } from './evaluation.ts'
import type { Request } from './evaluation.ts'
import { Interpreter } from './interpret.ts'
import { judge } from './judge.ts'
import { FAILS, HOLDS } from './outcomes.ts'
import { firstMissed, partsOf } from './parts.ts'
import { Reader } from './reads.ts'
import type { Reading } from './reads.ts'
import { textOf } from './text-of.ts'
import { cut, valueToText } from './value-text.ts'

/** A condition, where it stands, and what it has read. */
export interface ExplainedCondition extends Reading {
  /** In Cedar, as it has to be true for the policy to hold: the condition of an `unless` is turned round. */
  readonly text: string
  readonly at: Position
}

/** Why a policy held. */
export interface Held {
  readonly policy: string
  readonly position: Position
  /** Its conditions, in order; not its scope. */
  readonly conditions: readonly ExplainedCondition[]
}

/** Why a policy did not hold: the first thing that was not as it demands. */
export interface Miss extends ExplainedCondition {
  readonly policy: string
  readonly position: Position
  readonly missed: ScopePart | 'condition'
  /** When the condition was not false but failed. */
  readonly error?: string
}

export interface Explanation {
  readonly decision: Decision['decision']
  /** The policies that determined the decision, in source order. */
  readonly determining: readonly Held[]
  /** The policies that could not be evaluated, in source order. */
  readonly failed: readonly Miss[]
  /** When nothing permitted and nothing forbade: the permits that came nearest, the nearest first. */
  readonly nearest: readonly Miss[]
}

export interface ExplainOptions {
  /** Policies in each list, at most. Default: 3. */
  readonly most?: number
}

/** Conditions shown of a policy that held. */
const MOST_CONDITIONS = 8
/** Characters of a condition. */
const LONGEST_CONDITION = 500
/** Permits of matching scope whose conditions are looked at, in source order. */
const MOST_EXAMINED = 32
/** What a miss may be of, the nearest first. */
const PARTS = ['condition', 'principal', 'resource', 'action'] as const

/**
 * Explains the decision that `decide` makes on the same request. A permit is the nearer the fewer it misses of principal,
 * action, resource and conditions; permits that miss two parts of the scope are not looked at. Among equals, one that
 * misses a condition is nearest, with the fewest single conditions left, then one that misses the principal, the
 * resource, the action; then the source tells. Never throws. The work is bounded: what is shown is shortened, and
 * among hundreds of permits some that are near may be overlooked.
 */
export function explain(
  set: PolicySet,
  request: Request,
  entities?: EntityStore,
  { most = 3 }: ExplainOptions = {},
): Explanation {
  const evaluation = new Evaluation(request, entities)
  const explainer = new Explainer(evaluation)
  const permits: CompiledPolicy[] = []
  const forbids: CompiledPolicy[] = []
  const failed: CompiledPolicy[] = []
  const missed: CompiledPolicy[] = []
  for (const candidate of set.candidates(evaluation.principal, evaluation.action, evaluation.resource)) {
    const { outcomes } = judge(candidate, evaluation)
    if (outcomes === FAILS) failed.push(candidate)
    if (outcomes === HOLDS) (candidate.permits ? permits : forbids).push(candidate)
    else if (candidate.permits) missed.push(candidate)
  }
  const determining = forbids.length > 0 ? forbids : permits
  return {
    decision: determining === permits && permits.length > 0 ? 'allow' : 'deny',
    determining: determining.slice(0, most).map(({ policy }) => explainer.held(policy)),
    failed: failed.slice(0, most).map(({ policy }) => explainer.missedCondition(policy)),
    nearest:
      determining.length > 0
        ? []
        : nearest(set, evaluation, missed, most).map((near) => explainer.missed(near)),
  }
}

/** A permit, what it misses, and how far it is from holding. */
interface Near {
  readonly candidate: CompiledPolicy
  readonly missed: (typeof PARTS)[number]
  /** Of principal, action, resource and conditions. */
  readonly missing: 1 | 2
  /** Single conditions that are not known to hold. */
  readonly left: number
}

function nearest(
  set: PolicySet,
  evaluation: Evaluation,
  missed: readonly CompiledPolicy[],
  most: number,
): readonly Near[] {
  const interpreter = new Interpreter(evaluation)
  const found = missed.slice(0, MOST_EXAMINED).map((candidate): Near => {
    const left = firstMissed(interpreter, partsOf(candidate.policy))?.left ?? 0
    return { candidate, missed: 'condition', missing: 1, left }
  })
  for (const part of ['principal', 'resource', 'action'] as const) {
    if (found.filter(({ missing }) => missing === 1).length >= most) break
    for (const candidate of set.permitsMissing(part, evaluation)) {
      const missing = judge(candidate, evaluation).outcomes === HOLDS ? 1 : 2
      found.push({ candidate, missed: part, missing, left: 0 })
    }
  }
  return found.sort(byNearness).slice(0, most)
}

function byNearness(a: Near, b: Near): number {
  return (
    a.missing - b.missing ||
    PARTS.indexOf(a.missed) - PARTS.indexOf(b.missed) ||
    a.left - b.left ||
    a.candidate.order - b.candidate.order
  )
}

class Explainer {
  readonly #evaluation: Evaluation
  readonly #interpreter: Interpreter
  readonly #reader: Reader

  constructor(evaluation: Evaluation) {
    this.#evaluation = evaluation
    this.#interpreter = new Interpreter(evaluation)
    this.#reader = new Reader(this.#interpreter, evaluation)
  }

  held(policy: Policy): Held {
    const conditions = partsOf(policy).slice(0, MOST_CONDITIONS)
    return {
      policy: policy.id,
      position: policy.position,
      conditions: conditions.map((condition) => this.#finding(policy, condition)),
    }
  }

  missed({ candidate: { policy }, missed }: Near): Miss {
    return missed === 'condition' ? this.missedCondition(policy) : this.#missedScope(policy, missed)
  }

  missedCondition(policy: Policy): Miss {
    const found = firstMissed(this.#interpreter, partsOf(policy))
    if (found === undefined) throw new Error(`${policy.id} holds`)
    const { id, position } = policy
    const miss = { policy: id, position, missed: 'condition', ...this.#finding(policy, found.part) } as const
    return found.error === undefined ? miss : { ...miss, error: found.error }
  }

  /** The place is that of the policy: of its scope the tree tells none. */
  #missedScope(policy: Policy, part: ScopePart): Miss {
    const demand = constraintDemand(part, policy.scope[part])
    return {
      policy: policy.id,
      position: policy.position,
      missed: part,
      text: demand === undefined ? part : cut(textOf(demand), LONGEST_CONDITION),
      at: policy.position,
      values: [{ text: part, value: valueToText(this.#evaluation[part]) }],
      paths: [],
    }
  }

  #finding({ source }: Policy, condition: Expression): ExplainedCondition {
    return {
      text: cut(textOf(condition), LONGEST_CONDITION),
      at: source.locate(startOf(condition)),
      ...this.#reader.read(condition),
    }
  }
}

/** Where the text of an expression begins; that of an operation is known by its operator. */
function startOf(expression: Expression): number {
  const [first] = childrenOf(expression)
  return first === undefined ? expression.at : Math.min(expression.at, startOf(first))
}
