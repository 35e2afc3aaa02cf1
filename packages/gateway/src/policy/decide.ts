/**
 * The one decision. Default deny; an evaluation error refuses, whichever policy it is in, for a forbid that could not
 * be evaluated might have been the one that mattered.
 */
import {
  type Decision as CedarDecision,
  decide as decideCedar,
  type Policy,
  type PolicySet,
} from '@tollgate/cedar'
import type { Decision, Query, Target } from '../model/decision.ts'
import { type Refusal, type Remedy, unknown } from '../model/refusal.ts'
import { type Almost, reasonsOf } from './explain.ts'
import { type Policies, isLiftable } from './policies.ts'
import { reachingPermits } from './reach.ts'
import { contextOf, type Inquiry, requestOf } from './request.ts'
import { couldDo } from './visible.ts'

/** Decides a query: synchronous, without effects. */
export function decide(policies: Policies, query: Query, nowMs: number): Decision {
  const inquiry = { policies, query, nowMs }
  const answer = ask(inquiry, query.target)
  if (answer.errors.length > 0) return deny(inquiry, query.target, answer)
  if (answer.decision === 'allow') {
    if (isUsable(inquiry)) return decideRest(inquiry, answer.determining)
    return deny(inquiry, query.target, { ...answer, determining: NONE })
  }
  // Nothing forbade it, so a connection or a follow-up is carried by what the caller may do anyway.
  if (query.manner !== 'rule' && answer.determining.length === 0) {
    const carriers = carry(inquiry)
    if (carriers.length > 0) return decideRest(inquiry, carriers)
  }
  return deny(inquiry, query.target, answer)
}

/** The remaining targets of a request that has several: each is judged by rule, and one denial denies them all. */
function decideRest(inquiry: Inquiry, determining: readonly string[]): Decision {
  const { alsoTargets } = inquiry.query
  const ids = new Set(determining)
  for (const target of alsoTargets) {
    const answer = ask(inquiry, target)
    if (answer.errors.length > 0 || answer.decision === 'deny') return deny(inquiry, target, answer)
    for (const id of answer.determining) ids.add(id)
  }
  const policies = alsoTargets.length === 0 ? determining : [...ids]
  return { effect: 'allow', policies, detail: undefined, refusal: undefined }
}

const NONE: readonly string[] = []

function ask(inquiry: Inquiry, target: Target, set: PolicySet = inquiry.policies.all): CedarDecision {
  return decideCedar(set, requestOf(inquiry, target, contextOf(inquiry)))
}

function carry(inquiry: Inquiry): readonly string[] {
  const { policies, query } = inquiry
  const reaching = reachingPermits(policies, query.caller, query.server)
  return isUsable(inquiry) ? reaching : NONE
}

/** A permit for every action covers `tasks/get` too: whether the tool it came from may be called is asked as well. */
function isUsable(inquiry: Inquiry): boolean {
  const { manner, target } = inquiry.query
  return manner !== 'handle' || couldDo(inquiry, useOf(target))
}

function deny(inquiry: Inquiry, target: Target, answer: CedarDecision): Decision {
  const policies = answer.determining
  // Tools, prompts and resources can be hidden; a server that is in reach cannot.
  if (target.resource.type !== 'Server' && !couldDo(inquiry, useOf(target))) {
    const refusal = { ...hidden(inquiry, target), policies }
    return { effect: 'deny', policies, detail: showErrors(answer), refusal }
  }
  const { detail, almost } = reasonsOf(inquiry, target)
  const refusal = { ...whyNot(inquiry, target, { ...answer, almost }), policies }
  return { effect: 'deny', policies, detail: detail ?? showErrors(answer), refusal }
}

function showErrors({ errors }: CedarDecision): string | undefined {
  if (errors.length === 0) return undefined
  return errors.map(({ policy, message }) => `"${policy}": ${message}`).join('; ')
}

/** Why not, without telling what the caller may not see. */
function whyNot(
  inquiry: Inquiry,
  target: Target,
  answer: CedarDecision & { readonly almost: Almost | undefined },
): Refusal {
  if (answer.errors.length > 0) {
    return {
      reason: 'not-permitted',
      message: 'A policy could not be evaluated for this call, so it is refused.',
    }
  }
  const forbids = answer.determining.flatMap((id) => inquiry.policies.all.get(id) ?? [])
  return forbids.length === 0 ? notPermitted(answer.almost) : forbidden(inquiry, target, forbids)
}

function notPermitted(almost: Almost | undefined): Refusal {
  const reason = 'not-permitted'
  if (almost === undefined) return { reason, message: 'No policy permits this call.' }
  const names = almost.arguments
  const others = names.length === 0 ? 'other arguments' : `another ${names.join(' or another ')}`
  const message = `No policy permits this call. Policy "${almost.policy}" would with ${others}.`
  return { reason, message, arguments: names }
}

function forbidden(inquiry: Inquiry, target: Target, forbids: readonly Policy[]): Refusal {
  const ids = forbids.map(({ id }) => `"${id}"`).join(', ')
  const message =
    forbids.length === 1 ? `Policy ${ids} forbids this call.` : `Policies ${ids} forbid this call.`
  const remedies = forbids.map((policy) => policy.annotations.get('remedy'))
  if (remedies.includes('task')) return { reason: 'task-required', message, remedy: { kind: 'task' } }
  if (forbids.every(isLiftable)) {
    const lifted = ask(inquiry, target, inquiry.policies.lifted)
    if (lifted.decision === 'allow' && lifted.errors.length === 0) {
      return { reason: 'approval-required', message, remedy: { kind: 'approval' } }
    }
  }
  const hint = remedies.find((remedy) => remedy !== undefined && remedy !== '' && remedy !== 'approval')
  const remedy: { remedy?: Remedy } = hint === undefined ? {} : { remedy: { kind: 'policy', hint } }
  return { reason: 'not-permitted', message, ...remedy }
}

/** What decides whether a thing is visible is its use, not what else is asked about it. */
function useOf({ resource }: Target): Target {
  if (resource.type === 'Tool') return { action: resource.id, resource }
  if (resource.type === 'Prompt') return { action: 'prompts/get', resource }
  return { action: 'resources/read', resource }
}

/** Looking for what came nearest takes longer where there is more to find, so it waits until the caller has its answer. */
function hidden(inquiry: Inquiry, target: Target): Refusal {
  const { query } = inquiry
  const { resource } = target
  const name = resource.type === 'Resource' ? resource.id : resource.id.slice(query.server.length + 2)
  const why = 'no policy permits this caller its use with any arguments'
  return {
    ...unknown('name', `${HIDDEN[resource.type] ?? 'Not found'}: ${name}`, why),
    later: () => {
      const { detail } = reasonsOf(inquiry, query.manner === 'handle' ? useOf(target) : target)
      return detail === undefined ? why : `${why}; ${detail}`
    },
  }
}

const HIDDEN: Readonly<Record<string, string>> = {
  Tool: 'Unknown tool',
  Prompt: 'Unknown prompt',
  Resource: 'Resource not found',
}
