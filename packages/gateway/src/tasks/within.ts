/** The second question about a call: does the task that it serves, and every task above it, allow it? */
import type { Decision, Query } from '../model/decision.ts'
import type { Refusal } from '../model/refusal.ts'
import type { ToolFacts } from '../model/tool-facts.ts'
import type { FlowVerdict } from './flow.ts'
import type { Outside, Task } from './task.ts'
import { usesOf } from './use.ts'

/**
 * The decision of the policies, narrowed by the task. What policies refuse stays as they put it, unless an approval would
 * lift it: nobody is asked to approve what the task does not hold anyway.
 */
export function requireTask(
  decision: Decision,
  query: Query,
  task: Task | undefined,
  factsOf: (tool: string) => ToolFacts,
): Decision {
  if (task === undefined) return decision
  const { refusal } = decision
  if (refusal !== undefined && refusal.reason !== 'approval-required') return decision
  for (const use of usesOf(query, factsOf)) {
    const outside = task.outside(use)
    if (outside !== undefined) return deny(decision, outsideRefusal(outside, task))
  }
  return decision
}

/** What a decision becomes when something after the policies says no. */
export function deny(decision: Decision, refusal: Refusal): Decision {
  const policies = decision.effect === 'allow' ? [] : decision.policies
  return { effect: 'deny', policies, detail: refusal.detail ?? refusal.message, refusal }
}

function outsideRefusal({ task: { id, grant }, message, argument }: Outside, task: Task): Refusal {
  const which = id === task.record.id ? 'The task' : 'A task that this one is a part of,'
  return {
    reason: 'outside-task',
    message: `${which} "${grant.purpose}" ${message}.`,
    detail: `task ${id}: ${message}`,
    remedy: { kind: 'task' },
    ...(argument === undefined ? {} : { arguments: [argument] }),
  }
}

/** What was read could have put these values there, so a person is asked. */
export function flowRefusal({ unaccounted }: FlowVerdict, task: Task): Refusal {
  const names = [...new Set(unaccounted.map(({ argument }) => argument))]
  const shown = names.map((name) => JSON.stringify(name)).join(', ')
  const message = `The task "${task.record.grant.purpose}" has read what anybody could have written, and nothing accounts for ${shown}: not the grant, not the request, not a trusted source.`
  return {
    reason: 'approval-required',
    message,
    detail: `task ${task.record.id}: unaccounted ${shown}`,
    remedy: { kind: 'approval' },
    arguments: names,
  }
}
