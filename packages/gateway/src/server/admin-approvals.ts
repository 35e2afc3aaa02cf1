/** Approvals over the admin API. Whoever may open its socket says who answers; policies are asked about them all the same. */
import * as z from 'zod'
import { parseEntity } from '../config/entity.ts'
import { parsed } from '../config/fields.ts'
import { createCaller, showEntity } from '../model/caller.ts'
import type { Answerer, ApprovalRecord } from '../tasks/approvals.ts'
import type { ApprovalDesk } from './approval-desk.ts'
import { type AdminAnswer, type AdminRoutes, refused } from './admin-request.ts'
import { timeOf } from './task-shape.ts'

const answerBody = z.strictObject({
  as: parsed(parseEntity),
  groups: z.array(parsed(parseEntity)).max(100).default([]),
  endorse: z.array(z.string()).max(100).default([]),
})

/** `/api/v1/approvals`. */
export function approvalRoutes(desk: ApprovalDesk): AdminRoutes {
  return ({ method, path, body }) => {
    const [what, id, verb, ...more] = path
    if (what !== 'approvals' || more.length > 0) return undefined
    if (id === undefined)
      return method === 'GET'
        ? { status: 200, body: { approvals: desk.list().map((each) => shapeOf(each, desk)) } }
        : undefined
    const record = desk.show(id)
    if (record === undefined) return refused(404, `There is no approval ${JSON.stringify(id)}.`)
    switch (`${method} ${verb ?? ''}`) {
      case 'GET ':
        return { status: 200, body: { approval: shapeOf(record, desk) } }
      case 'POST approve':
        return answer(record, 'approved', body, desk)
      case 'POST deny':
        return answer(record, 'denied', body, desk)
      default:
        return undefined
    }
  }
}

async function answer(
  { id }: ApprovalRecord,
  verdict: 'approved' | 'denied',
  body: unknown,
  desk: ApprovalDesk,
): Promise<AdminAnswer> {
  const asked = answerBody.safeParse(body)
  if (!asked.success)
    return refused(
      400,
      ...asked.error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`),
    )
  const { as, groups, endorse } = asked.data
  const answerer: Answerer = {
    caller: createCaller(as, { known: { groups, tags: {} } }, { method: 'api-key' }),
    source: 'unix',
    transport: 'unix',
    steppedUp: false,
  }
  const decided = await desk.decide(id, verdict, answerer, endorse)
  return decided.ok
    ? { status: 200, body: { approval: shapeOf(decided.value, desk) } }
    : refused(422, ...decided.error)
}

/** As it is told, to people and to chat tools. */
export function shapeOf(record: ApprovalRecord, desk: ApprovalDesk) {
  const { id, principal, agent, task, action, resource, input, why, labels, unaccounted, path = [] } = record
  return {
    id,
    state: desk.stateOf(record),
    principal: showEntity(principal),
    agent: agent ?? null,
    task: task ?? null,
    action,
    resource: showEntity(resource),
    input,
    why,
    labels,
    path: path.map(({ atMs, name, labels: reads }) => ({ at: timeOf(atMs), name, reads })),
    unaccounted,
    askedAt: timeOf(record.askedAtMs),
    goodUntil: timeOf(record.goodUntilMs),
    decidedBy: record.decidedBy === undefined ? null : showEntity(record.decidedBy),
    url: desk.pageOf(id) ?? null,
  }
}
