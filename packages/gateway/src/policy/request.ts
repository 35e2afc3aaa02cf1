/** A query as Cedar sees it (the table of context keys is in docs/reference/policies.md). */
import { datetimeFromMs, plain, type RecordValue, type Request, set } from '@tollgate/cedar'
import type { Query, Target } from '../model/decision.ts'
import type { Policies } from './policies.ts'

const DIRECT = Object.freeze({ depth: 0, chain: set([]) })

/** A query on its way through the policies. */
export interface Inquiry {
  readonly policies: Policies
  readonly query: Query
  /** `context.environment.now`. */
  readonly nowMs: number
}

/** The context of a query; shared by all its targets. */
export function contextOf({ policies, query, nowMs }: Inquiry): RecordValue {
  const { caller, source } = query
  return {
    input: query.input === undefined ? undefined : plain(query.input),
    agent: caller.agent === undefined ? undefined : policies.named(caller.agent),
    delegation: DIRECT,
    source: {
      ip: source.ip,
      transport: source.transport,
      authentication: { method: caller.authentication.method },
    },
    environment: { name: policies.environment, now: datetimeFromMs(nowMs) },
    session: {
      protocolVersion: query.protocolVersion,
      startedAt:
        query.sessionStartedAtMs === undefined ? undefined : datetimeFromMs(query.sessionStartedAtMs),
    },
  }
}

/** The request for one target of a query. */
export function requestOf({ policies, query }: Inquiry, target: Target, context: RecordValue): Request {
  return {
    principal: policies.named(query.caller.principal),
    action: policies.action(target),
    resource: policies.resource(target.resource, query.server),
    context,
  }
}
