/** What a call asks, besides its message: where it came from, and how the task that it serves stands. */
import { digestArguments } from '../audit/digest.ts'
import type { Handle } from '../mcp/handles.ts'
import type { Session } from '../mcp/sessions.ts'
import type { Caller } from '../model/caller.ts'
import type { Query } from '../model/decision.ts'
import type { Exchange } from '../model/exchange.ts'
import type { Origin } from '../policy/query.ts'
import type { Task } from '../tasks/task.ts'
import type { Gateway } from './gateway.ts'

/** The task as it stands, and the counters, for policies to see. */
export function standingOf(
  caller: Caller,
  task: Task | undefined,
  { ledger, now }: Gateway,
): Pick<Query, 'task' | 'history'> {
  const history = ledger.historyOf({ caller, task: task?.chain ?? [] }, now())
  if (task === undefined) return { history, task }
  const { record, chain } = task
  // What a part reads sticks to the whole; and what the whole has read is in what it told its parts to do.
  const labels = ledger.labelsOf((chain.at(-1) ?? record).id)
  // Until the ledger has read the log, labels may be missing; nothing that counts is let through then.
  if (ledger.fault === undefined) task.values.meet(labels.has('untrusted'))
  return { history, task: { record, labels, calls: ledger.callsOf(record.id) } }
}

/** Of its arguments; null: there are none. */
export function digestOf({ input }: Query): string | null {
  return input === undefined ? null : digestArguments(input)
}

/** Where it came from. */
export function originOf(
  exchange: Exchange,
  session: Session | undefined,
  handle: Handle | undefined,
): Origin {
  const { transport, address } = exchange.peer
  return {
    requestId: exchange.requestId,
    source: { transport, ip: address },
    sessionStartedAtMs: session?.startedAtMs,
    handleTool: handle?.tool,
  }
}
