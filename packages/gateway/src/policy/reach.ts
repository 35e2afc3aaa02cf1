/**
 * Whether a caller could do anything at all on a server. Connecting and listing need no rule of their own, so this is
 * what keeps a server that holds nothing for the caller from even being there.
 */
import { type Constraint, couldApply, type Policy, type ScopeEntity } from '@tollgate/cedar'
import type { Caller } from '../model/caller.ts'
import type { Policies } from './policies.ts'

/** Whether the caller could do anything at all on the server. */
export function isReachable(policies: Policies, caller: Caller, server: string): boolean {
  return reachingPermits(policies, caller, server).length > 0
}

/** Ids of the permits that could apply to this caller on this server; empty when it is out of reach. */
export function reachingPermits(policies: Policies, caller: Caller, server: string): readonly string[] {
  const principal = policies.principal(caller)
  const byServer = policies.reach.get(principal) ?? new Map<string, readonly string[]>()
  const known = byServer.get(server)
  if (known !== undefined) return known
  const ids = couldApply(policies.all, { principal })
    .filter((policy) => concerns(policy, server))
    .map(({ id }) => id)
  // Only servers that exist are asked about.
  policies.reach.set(principal, byServer.set(server, ids))
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
