/** Asking the policies about a call that nobody made: what tests of policies do. */
import {
  type Decision,
  decide,
  type Entity,
  type EntityStore,
  isRecord,
  type PolicyTest,
  type RecordValue,
} from '@tollgate/cedar'
import { createCaller } from '../model/caller.ts'
import type { Query } from '../model/decision.ts'
import { nothingYet } from '../model/history.ts'
import { contextOf } from './request.ts'
import type { Policies } from './policies.ts'

/** A test with its entities read. */
export type Rehearsal = Pick<PolicyTest, 'principal' | 'action' | 'resource' | 'context'> & {
  readonly entities: EntityStore
}

/**
 * Decides a made-up request as the policies alone would. Entities and members of the context that the test does not
 * give are those that the gateway would give.
 */
export function rehearse(policies: Policies, rehearsal: Rehearsal, nowMs: number): Decision {
  const { principal, action, resource, entities } = rehearsal
  const server = serverOf(resource)
  const request = {
    principal: entities.get(principal.uid) ?? policies.named(principal),
    action: entities.get(action.uid) ?? policies.action({ action: action.id, resource }),
    resource: entities.get(resource.uid) ?? policies.resource(resource, server),
    context: completed(rehearsal.context, usualContext(policies, rehearsal, nowMs)),
  }
  return decide(policies.all, request, entities)
}

/** Tools and prompts carry the name of their server; for a resource only the test can say where it is. */
function serverOf({ type, id }: Entity): string {
  if (type === 'Server') return id
  return type === 'Tool' || type === 'Prompt' ? (id.split('__')[0] ?? '') : ''
}

/** The context of a call from this machine. */
function usualContext(policies: Policies, { principal, action, resource }: Rehearsal, nowMs: number) {
  const query: Query = {
    requestId: '',
    caller: createCaller(principal, {}, { method: 'api-key' }),
    server: serverOf(resource),
    method: action.id,
    manner: 'rule',
    target: { action: action.id, resource },
    alsoTargets: [],
    subject: undefined,
    input: {},
    source: { transport: 'tcp', ip: '127.0.0.1' },
    protocolVersion: '2026-07-28',
    sessionStartedAtMs: undefined,
    history: nothingYet(policies.counters),
  }
  return contextOf({ policies, query, nowMs })
}

/** What is given, and what else there would be; records such as `environment` are completed one level down. */
function completed(given: RecordValue, usual: RecordValue): RecordValue {
  const merged: { [name: string]: RecordValue[string] } = { ...usual, ...given }
  for (const [name, value] of Object.entries(given)) {
    const standard = usual[name]
    if (name !== 'input' && isRecord(value) && isRecord(standard)) merged[name] = { ...standard, ...value }
  }
  return merged
}
