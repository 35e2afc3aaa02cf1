// Decisions with part of the context unknown. What is answered as certain holds for every value, and for the absence,
// of the unknown; a possible evaluation error counts as one more possible outcome.

import type { CompiledPolicy, PolicySet } from '../compile/compile.ts'
import type { EvaluationError } from './decide.ts'
import type { EntityStore } from '../values/entity.ts'
import { Evaluation } from './evaluation.ts'
import type { Request } from './evaluation.ts'
import { Fault } from '../values/fault.ts'
import { HOLE, Interpreter } from './interpret.ts'
import type { Judgement } from './interpret.ts'
import { FAILS, HOLDS, LACKS } from './outcomes.ts'
import { isRecord, ownMember } from '../values/values.ts'
import type { RecordValue } from '../values/values.ts'

export interface PartialOptions {
  /** Dotted paths into the context whose presence and value are not known, such as `context.input`. */
  readonly unknown: readonly string[]
  readonly entities?: EntityStore
}

export interface PartialDecision {
  /** `allow` and `deny` are what `decide` would answer whatever the unknown turns out to be. */
  readonly decision: 'allow' | 'deny' | 'depends'
  /**
   * Ids of policies satisfied in any case: the permits of an `allow`, the forbids of a `deny`; all of them when it
   * depends. In source order.
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
 * Decides a request of which part of the context is not known. Throws a RangeError when a path does not begin with
 * `context.`.
 */
export function decidePartial(set: PolicySet, request: Request, options: PartialOptions): PartialDecision {
  const context = options.unknown.reduce(withHole, request.context)
  const evaluation = new Evaluation({ ...request, context }, options.entities)
  const interpreter = new Interpreter(evaluation)
  const unknown = options.unknown.map((path) => path.split('.')[1] ?? '')
  const certain: CompiledPolicy[] = []
  const possible: CompiledPolicy[] = []
  const errors: EvaluationError[] = []
  const possibleErrors: string[] = []
  const { principal, action, resource } = evaluation
  for (const candidate of set.candidates(principal, action, resource)) {
    const { id } = candidate.policy
    const { outcomes, message } = readsAny(candidate, unknown)
      ? interpreter.judge(candidate.policy)
      : judge(candidate, evaluation)
    if (outcomes === HOLDS) certain.push(candidate)
    else if ((outcomes & HOLDS) !== 0) possible.push(candidate)
    if (outcomes === FAILS) errors.push({ policy: id, message })
    else if ((outcomes & FAILS) !== 0) possibleErrors.push(id)
  }
  const decision = conclude(certain, possible)
  const behind =
    decision === 'depends' ? certain : certain.filter(({ permits }) => permits === (decision === 'allow'))
  return { decision, determining: behind.map(idOf), possible: possible.map(idOf), errors, possibleErrors }
}

function readsAny({ contextMembers }: CompiledPolicy, names: readonly string[]): boolean {
  return contextMembers === undefined || names.some((name) => contextMembers.has(name))
}

/** A policy that cannot read what is unknown runs as in any decision, which is faster. */
function judge({ test, constants }: CompiledPolicy, evaluation: Evaluation): Judgement {
  try {
    return test(constants, evaluation) ? HELD : LACKED
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    return { outcomes: FAILS, message: fault.message }
  }
}

const HELD: Judgement = { outcomes: HOLDS, message: '' }
const LACKED: Judgement = { outcomes: LACKS, message: '' }

function conclude(
  certain: readonly CompiledPolicy[],
  possible: readonly CompiledPolicy[],
): PartialDecision['decision'] {
  if (certain.some(({ permits }) => !permits)) return 'deny'
  const permitted = certain.length > 0
  if (!permitted && !possible.some(({ permits }) => permits)) return 'deny'
  return permitted && possible.every(({ permits }) => permits) ? 'allow' : 'depends'
}

function idOf({ policy }: CompiledPolicy): string {
  return policy.id
}

function withHole(context: RecordValue, path: string): RecordValue {
  const [root, ...names] = path.split('.')
  if (root !== 'context' || names.length === 0) throw new RangeError(`not a path into the context: ${path}`)
  return dig(context, names)
}

/** A copy with a hole at the path; where the way there is missing, the hole is where it breaks off. */
function dig(record: RecordValue, [name = '', ...rest]: readonly string[]): RecordValue {
  const inner = ownMember(record, name)
  const filled = rest.length > 0 && isRecord(inner) ? dig(inner, rest) : HOLE
  return { ...record, [name]: filled }
}
