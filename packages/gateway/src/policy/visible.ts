/**
 * What a caller may see: exactly what it could use with some arguments. The same policies answer as for a call,
 * with the arguments unknown. What only a task or an approval stands before is visible, so that one can be asked for.
 */
import { couldApply, decidePartial, type PolicySet, type Request } from '@tollgate/cedar'
import type { Query, Target } from '../model/decision.ts'
import type { Policies } from './policies.ts'
import { fullName, promptTarget, resourceTarget, toolTarget } from './query.ts'
import { reachingPermits } from './reach.ts'
import { contextOf, requestOf } from './request.ts'

export type Listed = 'tool' | 'prompt' | 'resource' | 'template'

const ARGUMENTS = { unknown: ['context.input'] }

/** Whether the caller of `query` could use the named thing of the query's server. */
export function isVisible(
  policies: Policies,
  query: Query,
  kind: Listed,
  name: string,
  nowMs: number,
): boolean {
  const { server } = query
  switch (kind) {
    case 'tool':
      return couldDo(policies, query, toolTarget(fullName(server, name)), nowMs)
    case 'prompt':
      return couldDo(policies, query, promptTarget(fullName(server, name)), nowMs)
    case 'resource':
      return couldDo(policies, query, resourceTarget(name), nowMs)
    case 'template':
      return couldReadSome(policies, query)
  }
}

/** Whether some arguments would make the target allowed. */
export function couldDo(policies: Policies, query: Query, target: Target, nowMs: number): boolean {
  const context = contextOf(policies, { ...query, input: undefined }, nowMs)
  const request = requestOf(policies, query, target, context)
  return couldBeAllowed(policies.all, request) || couldBeAllowed(policies.lifted, request)
}

function couldBeAllowed(set: PolicySet, request: Request): boolean {
  const { decision, errors } = decidePartial(set, request, ARGUMENTS)
  return decision !== 'deny' && errors.length === 0
}

/** A template stands for many resources; each one read is judged by its own URI. */
function couldReadSome(policies: Policies, query: Query): boolean {
  const { principal } = query.caller
  const permits = couldApply(policies.all, {
    principal: policies.named(principal),
    action: policies.action(resourceTarget('')),
    resourceWithin: policies.named({ type: 'Server', id: query.server }),
  })
  const reaching = reachingPermits(policies, principal, query.server)
  return permits.some(({ id }) => reaching.includes(id))
}
