/**
 * The one decision. Default deny; an evaluation error refuses, whichever policy it is in, for a forbid that could not
 * be evaluated might have been the one that mattered.
 */
import { type Decision as CedarDecision, decide as decideCedar, type Policy } from '@tollgate/cedar'
import type { Decision, Query, Target } from '../model/decision.ts'
import { type Refusal, type Remedy, unknown } from '../model/refusal.ts'
import { type Policies, isLiftable } from './policies.ts'
import { reachingPermits } from './reach.ts'
import { contextOf, requestOf } from './request.ts'
import { couldDo } from './visible.ts'

/** Decides a query: synchronous, without effects. */
export function decide(policies: Policies, query: Query, nowMs: number): Decision {
  const context = contextOf(policies, query, nowMs)
  const request = requestOf(policies, query, query.target, context)
  const answer = decideCedar(policies.all, request)
  if (answer.errors.length > 0) return deny(policies, query, query.target, answer, nowMs)
  if (answer.decision === 'allow') return decideRest(policies, query, answer.determining, nowMs)
  // Nothing forbade it, so a connection or a follow-up is carried by what the caller may do anyway.
  if (query.manner !== 'rule' && answer.determining.length === 0) {
    const carriers = carry(policies, query, nowMs)
    if (carriers.length > 0) return decideRest(policies, query, carriers, nowMs)
  }
  return deny(policies, query, query.target, answer, nowMs)
}

/** The remaining targets of a request that has several: each is judged by rule, and one denial denies them all. */
function decideRest(
  policies: Policies,
  query: Query,
  determining: readonly string[],
  nowMs: number,
): Decision {
  const all = new Set(determining)
  for (const target of query.alsoTargets) {
    const request = requestOf(policies, query, target, contextOf(policies, query, nowMs))
    const answer = decideCedar(policies.all, request)
    if (answer.errors.length > 0 || answer.decision === 'deny') {
      return deny(policies, { ...query, manner: 'rule' }, target, answer, nowMs)
    }
    for (const id of answer.determining) all.add(id)
  }
  const ids = query.alsoTargets.length === 0 ? determining : [...all]
  return { effect: 'allow', policies: ids, errors: NONE, refusal: undefined }
}

const NONE: readonly string[] = []

function carry(policies: Policies, query: Query, nowMs: number): readonly string[] {
  const reaching = reachingPermits(policies, query.caller.principal, query.server)
  if (query.manner === 'connect' || reaching.length === 0) return reaching
  const call = { action: query.target.resource.id, resource: query.target.resource }
  return couldDo(policies, query, call, nowMs) ? reaching : NONE
}

function deny(
  policies: Policies,
  query: Query,
  target: Target,
  answer: CedarDecision,
  nowMs: number,
): Decision {
  const errors = answer.errors.map(({ policy, message }) => `${policy}: ${message}`)
  const refusal = explain(policies, query, target, answer, nowMs)
  return {
    effect: 'deny',
    policies: answer.determining,
    errors,
    refusal: { ...refusal, policies: answer.determining },
  }
}

/** Why not, without telling what the caller may not see. */
function explain(
  policies: Policies,
  query: Query,
  target: Target,
  answer: CedarDecision,
  nowMs: number,
): Refusal {
  if (reachingPermits(policies, query.caller.principal, query.server).length === 0) {
    return unknown('route', 'Not found.', 'no policy permits this caller anything on this server')
  }
  if (isNamed(target) && !couldDo(policies, query, callOf(target), nowMs)) return hidden(query, target)
  if (answer.errors.length > 0) {
    return {
      reason: 'not-permitted',
      message: 'A policy could not be evaluated for this call, so it is refused.',
    }
  }
  const forbids = answer.determining.flatMap((id) => policies.all.get(id) ?? [])
  if (forbids.length === 0) return { reason: 'not-permitted', message: 'No policy permits this call.' }
  return forbidden(policies, query, target, forbids, nowMs)
}

function forbidden(
  policies: Policies,
  query: Query,
  target: Target,
  forbids: readonly Policy[],
  nowMs: number,
): Refusal {
  const ids = forbids.map(({ id }) => `"${id}"`).join(', ')
  const message = `${forbids.length === 1 ? 'Policy' : 'Policies'} ${ids} ${forbids.length === 1 ? 'forbids' : 'forbid'} this call.`
  const remedies = forbids.map((policy) => policy.annotations.get('remedy'))
  if (remedies.includes('task')) return { reason: 'task-required', message, remedy: { kind: 'task' } }
  if (forbids.every(isLiftable)) {
    const request = requestOf(policies, query, target, contextOf(policies, query, nowMs))
    const lifted = decideCedar(policies.lifted, request)
    if (lifted.decision === 'allow' && lifted.errors.length === 0) {
      return { reason: 'approval-required', message, remedy: { kind: 'approval' } }
    }
  }
  const hint = remedies.find((remedy) => remedy !== undefined && remedy !== '' && remedy !== 'approval')
  const remedy: { remedy?: Remedy } = hint === undefined ? {} : { remedy: { kind: 'policy', hint } }
  return { reason: 'not-permitted', message, ...remedy }
}

/** Tools, prompts and resources can be hidden; a server that is in reach cannot. */
function isNamed(target: Target): boolean {
  return target.resource.type !== 'Server'
}

/** What decides whether a thing is visible is its use, not what else is asked about it. */
function callOf(target: Target): Target {
  const { resource } = target
  if (resource.type === 'Tool') return { action: resource.id, resource }
  if (resource.type === 'Prompt') return { action: 'prompts/get', resource }
  return { action: 'resources/read', resource }
}

function hidden(query: Query, { resource }: Target): Refusal {
  const name = resource.type === 'Resource' ? resource.id : resource.id.slice(query.server.length + 2)
  const message =
    { Tool: 'Unknown tool', Prompt: 'Unknown prompt', Resource: 'Resource not found' }[resource.type] ??
    'Not found'
  return unknown('name', `${message}: ${name}`, 'no policy permits this caller its use with any arguments')
}
