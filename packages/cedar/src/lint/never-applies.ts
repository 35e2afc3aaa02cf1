// Policies that no request satisfies.

import type { Constraint, Scope } from '../policy/syntax.ts'
import { suggest } from '../policy/suggest.ts'
import { lineOf } from '../print/expression.ts'
import { targetsOf } from '../text/parse-scope.ts'
import { contradictionIn } from './contradiction.ts'
import type { Environments } from './environments.ts'
import { findingAt } from './finding.ts'
import type { Finding } from './finding.ts'
import type { Subject } from './subject.ts'
import { NOTHING_USED } from './uses.ts'

type Reason = { readonly message: string; readonly at?: number; readonly suggestion?: string | undefined }

/**
 * `never-applies`: no request can satisfy a policy, so it says something that does not happen; a forbid of that kind is
 * a hole. Its action list is empty; its conditions are false or contradict each other or the scope, such as
 * `action == Action::"a" && action == Action::"b"`; or the schema has no request that its scope lets in, or none for
 * which its conditions can be true.
 */
export function* neverApplies(subjects: readonly Subject[]): Generator<Finding> {
  for (const subject of subjects) {
    const reason = reasonOf(subject)
    if (reason === undefined) continue
    const { at, message, suggestion } = reason
    const text = `this ${subject.policy.effect} never applies: ${message}`
    yield findingAt(
      subject.policy,
      { rule: 'never-applies', severity: 'warning', message: text, suggestion },
      at,
    )
  }
}

function reasonOf(subject: Subject): Reason | undefined {
  const { policy, falseConjunct, conjuncts, analysis } = subject
  const { scope } = policy
  if (scope.action.op === 'in' && scope.action.entities.length === 0)
    return { message: 'its list of actions is empty' }
  const contradiction = contradictionIn(scope, conjuncts)
  if (contradiction !== undefined) {
    const { expression, before } = contradiction
    const against = before === undefined ? 'the scope' : lineOf(before)
    return { message: `${lineOf(expression)} contradicts ${against}`, at: expression.at }
  }
  if (falseConjunct !== undefined)
    return { message: `${lineOf(falseConjunct)} is never true`, at: falseConjunct.at }
  if (analysis.environments === 0 && subject.environments !== undefined)
    return scopeReason(scope, subject.environments)
  const [first, ...others] = analysis.impossible
  if (first === undefined) return undefined
  const what = others.length === 0 ? `${lineOf(first)} is never true` : 'one condition or another is false'
  const where = subject.environments === undefined ? '' : ' for what the schema lets its scope be about'
  return { message: `${what}${where}`, at: first.at }
}

/** Why a schema has nothing that a scope lets in. */
function scopeReason(scope: Scope, environments: Environments): Reason {
  const unknown = unknownName(scope, environments)
  if (unknown !== undefined) return unknown
  const actions = [...environments.actionsOf(scope.action)]
  const applicable = actions.filter(({ principals, resources }) => principals.size > 0 && resources.size > 0)
  const names = scope.action.op === 'any' ? 'no action' : 'none of its actions'
  if (applicable.length === 0) return { message: `${names} applies to anything by the schema` }
  for (const part of ['principal', 'resource'] as const) {
    const constraint = scope[part]
    const isAlone = { principal: ANY, resource: ANY, action: scope.action, [part]: constraint }
    if (hasEnvironment(environments, isAlone)) continue
    return { message: `by the schema, ${names} applies to such a ${part}` }
  }
  return { message: `by the schema, ${names} applies to such a principal and such a resource` }
}

const ANY: Constraint = { op: 'any' }

function hasEnvironment(environments: Environments, scope: Scope): boolean {
  return environments.of(scope, NOTHING_USED).next().done !== true
}

/** The first name in a scope that the schema does not declare. */
function unknownName(scope: Scope, { schema }: Environments): Reason | undefined {
  const { actions, entityTypes } = schema
  for (const target of targetsOf(scope.action)) {
    if ('slot' in target || actions.has(target.uid)) continue
    const suggestion = suggest(target.uid, actions.keys())
    return { message: `the schema has no action ${target.uid}`, suggestion }
  }
  for (const part of ['principal', 'resource'] as const) {
    const constraint = scope[part]
    const types = targetsOf(constraint).flatMap((target) => ('slot' in target ? [] : [target.type]))
    if (constraint.op === 'is') types.unshift(constraint.type)
    const missing = types.find((type) => !entityTypes.has(type))
    if (missing === undefined) continue
    const suggestion = suggest(missing, entityTypes.keys())
    return { message: `the schema has no entity type ${missing}`, suggestion }
  }
  return undefined
}
