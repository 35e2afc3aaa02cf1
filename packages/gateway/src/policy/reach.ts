/**
 * Whether a caller could do anything at all on a server. Connecting and listing need no rule of their own, so this is
 * what keeps a server that holds nothing for the caller from even being there.
 */
import { type Constraint, couldApply, type Policy, type ScopeEntity } from '@tollgate/cedar'
import type { Caller, EntityRef } from '../model/caller.ts'
import type { Policies } from './policies.ts'

const MAX_REMEMBERED = 10_000

/** Whether the caller could do anything at all on the server. */
export function isReachable(policies: Policies, { principal }: Caller, server: string): boolean {
  return reachingPermits(policies, principal, server).length > 0
}

/** Ids of the permits that could apply to this principal on this server; empty when it is out of reach. */
export function reachingPermits(policies: Policies, principal: EntityRef, server: string): readonly string[] {
  const key = `${principal.type}\n${principal.id}\n${server}`
  const known = policies.reach.get(key)
  if (known !== undefined) return known
  const ids = couldApply(policies.all, { principal: policies.named(principal) })
    .filter((policy) => concerns(policy, server))
    .map(({ id }) => id)
  if (policies.reach.size >= MAX_REMEMBERED) policies.reach.clear()
  policies.reach.set(key, ids)
  return ids
}

/** Names hold the server they belong to, so a policy on one tool of another server does not concern this one. */
export function concerns({ scope }: Policy, server: string): boolean {
  return couldName(scope.action, server) && couldName(scope.resource, server)
}

/** Whether what a scope asks of an action or a resource could be of the server. */
export function couldName(constraint: Constraint, server: string): boolean {
  switch (constraint.op) {
    case 'any':
      return true
    case 'is':
      return constraint.in === undefined || couldBelong(constraint.in, server)
    case '==':
      return couldBelong(constraint.entity, server)
    case 'in':
      return constraint.entities.some((named) => couldBelong(named, server))
  }
}

function couldBelong(named: ScopeEntity, server: string): boolean {
  if (!('type' in named)) return true
  if (named.type === 'Server') return named.id === server
  const qualified =
    named.type === 'Tool' || named.type === 'Prompt' || (named.type === 'Action' && !named.id.includes('/'))
  return !qualified || named.id.startsWith(`${server}__`)
}
