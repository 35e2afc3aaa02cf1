/**
 * What a caller may see: exactly what it could use with some arguments. The same policies answer as for a call,
 * with the arguments unknown. What only a task or an approval stands before is visible, so that one can be asked for.
 */
import { couldApply, decidePartial, type PolicySet, type Request } from '@tollgate/cedar'
import type { Target } from '../model/decision.ts'
import { fullName, promptTarget, resourceTarget, toolTarget } from './query.ts'
import { reachingPermits } from './reach.ts'
import { contextOf, type Inquiry, requestOf } from './request.ts'

export type Listed = 'tool' | 'prompt' | 'resource' | 'template'

const ARGUMENTS = { unknown: ['context.input'] }

/** Whether the caller of the query could use the named thing of the query's server. */
export function isVisible(inquiry: Inquiry, kind: Listed, name: string): boolean {
  const { server } = inquiry.query
  switch (kind) {
    case 'tool':
      return couldDo(inquiry, toolTarget(fullName(server, name)))
    case 'prompt':
      return couldDo(inquiry, promptTarget(fullName(server, name)))
    case 'resource':
      return couldDo(inquiry, resourceTarget(name))
    case 'template':
      return couldReadSome(inquiry)
  }
}

/** Whether some arguments would make the target allowed. */
export function couldDo(inquiry: Inquiry, target: Target): boolean {
  const { all, lifted } = inquiry.policies
  const request = withoutArguments(inquiry, target)
  return couldBeAllowed(all, request) || couldBeAllowed(lifted, request)
}

/** Ids of the policies that some arguments would satisfy and others would not. */
export function satisfiable(inquiry: Inquiry, target: Target): readonly string[] {
  return decidePartial(inquiry.policies.all, withoutArguments(inquiry, target), ARGUMENTS).possible
}

function withoutArguments(inquiry: Inquiry, target: Target): Request {
  const context = contextOf({ ...inquiry, query: { ...inquiry.query, input: undefined } })
  return requestOf(inquiry, target, context)
}

function couldBeAllowed(set: PolicySet, request: Request): boolean {
  const { decision, errors } = decidePartial(set, request, ARGUMENTS)
  return decision !== 'deny' && errors.length === 0
}

/** A template stands for many resources; each one read is judged by its own URI. */
function couldReadSome({ policies, query }: Inquiry): boolean {
  const { caller } = query
  const permits = couldApply(policies.all, {
    principal: policies.principal(caller),
    action: policies.action(resourceTarget('')),
  })
  const reaching = reachingPermits(policies, caller, query.server)
  return permits.some(({ id }) => reaching.includes(id))
}
