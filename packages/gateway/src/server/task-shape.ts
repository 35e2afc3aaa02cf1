/** A task as it is told: to the operator over the admin API, and, less of it, to the agent that works on it. */
import { showEntity } from '../model/caller.ts'
import type { Budget, TaskRecord } from '../model/task.ts'
import type { Ledger } from '../tasks/ledger.ts'

/** What is counted of tasks. */
export type Counts = Pick<Ledger, 'labelsOf' | 'spentBy'>

export type TaskState = 'running' | 'ended' | 'expired'

/** Where it stands by then; `isOver` knows of what is above it. */
export function stateOf({ ended, expiresAtMs }: TaskRecord, isOver: boolean, nowMs: number): TaskState {
  if (expiresAtMs <= nowMs && ended === undefined) return 'expired'
  return isOver ? 'ended' : 'running'
}

/** For a list. */
export function summaryOf(task: TaskRecord, state: TaskState) {
  const { id, parent, principal, agent, grant, startedAtMs, expiresAtMs, ended } = task
  return {
    id,
    state,
    purpose: grant.purpose,
    template: grant.template ?? null,
    principal: showEntity(principal),
    agent: agent ?? null,
    parent: parent ?? null,
    startedAt: timeOf(startedAtMs),
    expiresAt: timeOf(expiresAtMs),
    endedAt: ended === undefined ? null : timeOf(ended.atMs),
    endedWhy: ended?.why ?? null,
  }
}

/** What was used, and what is left of each budget that the grant has. */
export function budgetOf({ id, grant }: TaskRecord, counts: Counts) {
  const { calls, callsPerTool, resultBytes, underWay, wallSeconds } = counts.spentBy(id)
  const perTool = Object.fromEntries(callsPerTool)
  const { budget } = grant
  return {
    spent: {
      calls,
      calls_per_tool: perTool,
      result_bytes: resultBytes,
      under_way: underWay,
      wall_seconds: wallSeconds,
    },
    left: leftOf(budget, { calls, callsPerTool, resultBytes, underWay, wallSeconds }),
  }
}

function leftOf(budget: Budget, spent: ReturnType<Counts['spentBy']>): Budget {
  const less = (limit: number, used: number) => Math.max(0, limit - used)
  const { calls, calls_per_tool: perTool, result_bytes: bytes, concurrency, wall_seconds: wall } = budget
  return {
    ...(calls === undefined ? {} : { calls: less(calls, spent.calls) }),
    ...(perTool === undefined
      ? {}
      : {
          calls_per_tool: Object.fromEntries(
            Object.entries(perTool).map(([tool, limit]) => [
              tool,
              less(limit, spent.callsPerTool.get(tool) ?? 0),
            ]),
          ),
        }),
    ...(bytes === undefined ? {} : { result_bytes: less(bytes, spent.resultBytes) }),
    ...(concurrency === undefined ? {} : { concurrency: less(concurrency, spent.underWay) }),
    ...(wall === undefined ? {} : { wall_seconds: less(wall, spent.wallSeconds) }),
  }
}

/** RFC 3339. */
export function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
