// For tests: random policies and requests of which parts are unknown, and completions by which a decision may fall.

import type { PolicySet } from '../compile/compile.ts'
import type { Decision } from '../decide/decide.ts'
import type { Request } from '../decide/evaluation.ts'
import type { Residual } from '../decide/partial.ts'
import type { PartialOptions, PartialRequest } from '../decide/unknown.ts'
import { aim, breaking } from './aim.ts'
import { complete } from './completions.ts'
import { randomArgumentPolicy } from './random-argument-policy.ts'
import { randomContextPolicy, randomPolicy } from './random-policy.ts'
import { TYPES, randomWorld } from './random-world.ts'
import type { Random } from './random.ts'
import { policySet, request } from './verdict.ts'

export interface PartialCase {
  readonly text: string
  readonly set: PolicySet
  readonly request: PartialRequest
  readonly options: PartialOptions
}

const CONTEXT = ['a', 'b', 'c', 'n', 'rec', 'rec.a', 'c.b', 'constructor'].map((path) => `context.${path}`)
const ATTRIBUTES = ['principal.a', 'resource.b', 'resource.rec.a', 'principal.c', 'action.a']
const PARTS = ['principal', 'resource', 'action', 'context'] as const

/** Policies of any kind, with anything unknown. */
export function wildCase(random: Random): PartialCase {
  const make = random.chance(0.7) ? randomContextPolicy : randomPolicy
  const text = Array.from({ length: 1 + random.below(3) }, () => make(random)).join('\n')
  const world = randomWorld(random)
  const options = { entities: world.entities, ...randomUnknown(random) }
  return { text, set: policySet(text), request: world.request, options }
}

/** Policies about the arguments of a call, with the arguments unknown. */
export function argumentCase(random: Random): PartialCase {
  const text = Array.from({ length: 2 + random.below(6) }, () => randomArgumentPolicy(random)).join('\n')
  return {
    text,
    set: policySet(text),
    request: request({ environment: 'prod' }),
    options: { unknown: ['context.input'] },
  }
}

function randomUnknown(random: Random): PartialOptions {
  const inContext = [random.pick(CONTEXT), ...random.some(2, () => random.pick(CONTEXT))]
  const part = random.pick(PARTS)
  return random.pick<() => PartialOptions>([
    () => ({ unknown: inContext }),
    () => ({ unknown: inContext }),
    () => ({ unknown: [part] }),
    () => ({ unknown: [part, ...inContext] }),
    () => ({ unknown: [random.pick(ATTRIBUTES), ...random.some(1, () => random.pick(ATTRIBUTES))] }),
    () => ({ unknown: ['resource'], types: { resource: random.pick(TYPES) } }),
    () => ({ unknown: ['principal'], types: { principal: random.pick(TYPES) } }),
  ])()
}

/** A completion by which the decision may be the one that is wanted. */
export function completionFor(
  random: Random,
  { request: known, options }: PartialCase,
  residuals: readonly Residual[],
  wanted: Decision['decision'],
): Request {
  // Either one policy brings it about, or one and no other.
  const effect = wanted === 'allow' || random.chance(0.3) ? 'permit' : 'forbid'
  const held = effect === 'permit' ? wanted === 'allow' : true
  const [chosen, ...more] = residuals
    .filter((each) => each.effect === effect)
    .toSorted(() => random.next() - 0.5)
  const guesses = residuals
    .filter((each) => each !== chosen && !(each.effect === effect && held))
    .flatMap(({ condition }) => [
      ...aim(random, condition, false),
      ...(random.chance(0.2) ? breaking(random, condition) : []),
    ])
  if (!held) for (const { condition } of more) guesses.push(...aim(random, condition, false))
  if (chosen !== undefined) guesses.push(...aim(random, chosen.condition, held))
  return complete(random, [known, options], random.chance(0.1) ? [] : guesses)
}
