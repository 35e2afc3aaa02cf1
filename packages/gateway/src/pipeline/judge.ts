/**
 * One question, asked with everything that has a say: policies, scopes, the task with those above it, what has flowed
 * into it, an approval of exactly this call, and budgets. Synchronous: nothing can come between the answer and the budget
 * that it takes.
 */
import type { Approval, Decision, Query } from '../model/decision.ts'
import { OWN_SERVER } from '../model/names.ts'
import { decide } from '../policy/decide.ts'
import type { Policies } from '../policy/policies.ts'
import { requireScopes } from '../policy/scopes.ts'
import { judgeFlow, noteCall, type FlowVerdict } from '../tasks/flow.ts'
import type { Ledger, Reservation } from '../tasks/ledger.ts'
import type { Paths } from '../tasks/path.ts'
import type { Task } from '../tasks/task.ts'
import { deny, flowRefusal, requireTask } from '../tasks/within.ts'
import { flowOf } from './task-guard.ts'

export interface Asked {
  readonly policies: Policies
  readonly query: Query
  readonly task: Task | undefined
  /** What a token must be good for on this route. */
  readonly scopes: Parameters<typeof requireScopes>[2]
  /** Of the arguments; null: there are none. */
  readonly argumentsDigest: string | null
}

export interface JudgeDeps {
  readonly ledger: Pick<Ledger, 'begin' | 'beginAside'>
  /** An approval of exactly this call that was not used yet. */
  readonly approvals: { find(asked: Asked): Approval | undefined }
  readonly paths: Pick<Paths, 'note'>
  now(): number
}

export interface Judged {
  readonly decision: Decision
  /** What the call takes of budgets, where it may go ahead. */
  readonly reservation?: Reservation
  /** What it brings into its task; undefined where it counts in no number of calls. */
  readonly labels?: readonly string[]
  /** What it may go ahead by, to be used up before it does. */
  readonly approval?: Approval
  /** What nothing accounts for, where a person is to be asked because of that. */
  readonly flow?: FlowVerdict
}

/** Judges a call. An approval is looked for only when nothing but one is missing. */
export function judge(asked: Asked, deps: JudgeDeps): Judged {
  const nowMs = deps.now()
  const called = callOf(asked)
  const first = judgeOnce(asked, called, nowMs)
  const { refusal } = first.decision
  const needsOne = refusal === undefined ? isRequest(asked.query) : refusal.reason === 'approval-required'
  const approval = needsOne ? deps.approvals.find(asked) : undefined
  if (approval === undefined) return take(first, { ...asked, called }, deps, nowMs)
  const again = judgeOnce({ ...asked, query: { ...asked.query, approval } }, called, nowMs)
  return take({ ...again, approval }, { ...asked, called }, deps, nowMs)
}

/** Whether an agent asks for a task. Its server finds out whether a person has to decide, once policy lets it ask. */
function isRequest({ server, manner }: Query): boolean {
  return server === OWN_SERVER && manner === 'rule'
}

/** As the rules of flow see it; undefined for what is not a call of a task. */
function callOf({ policies, query, task }: Asked): Called | undefined {
  const isCall = query.manner === 'rule' && query.server !== OWN_SERVER
  return task === undefined || !isCall ? undefined : flowOf(task, query, policies)
}

type Called = ReturnType<typeof flowOf>

function judgeOnce(
  { policies, query, task, scopes }: Asked,
  called: Called | undefined,
  nowMs: number,
): Judged {
  const factsOf = (tool: string) => policies.toolFacts(tool)
  const permitted = requireScopes(decide(policies, query, nowMs), query, scopes)
  const decision = requireTask(permitted, query, task, factsOf)
  const isFree = task === undefined || called === undefined || query.approval !== undefined
  if (isFree || !couldGoAhead(decision)) return { decision }
  const flow = judgeFlow(called.state, called.call)
  if (flow === undefined) return { decision }
  // Whoever is asked because of a policy is shown what the values are besides.
  return { decision: decision.effect === 'deny' ? decision : deny(decision, flowRefusal(flow, task)), flow }
}

/** Now, or once a person has approved it. */
function couldGoAhead({ refusal }: Decision): boolean {
  return refusal === undefined || refusal.reason === 'approval-required'
}

function take(
  judged: Judged,
  asked: Asked & { readonly called: Called | undefined },
  { ledger, paths }: JudgeDeps,
  nowMs: number,
): Judged {
  const { decision } = judged
  const { query, task, policies, argumentsDigest, called } = asked
  const chain = task?.chain ?? NO_CHAIN
  // What an agent is told of its task, and asks for when its budgets are spent, counts in none.
  if (decision.effect === 'deny' || query.server === OWN_SERVER) return judged
  const { requestId, caller, manner } = query
  const tool = query.target.resource.type === 'Tool' ? query.target.resource.id : undefined
  const isCall = manner === 'rule'
  const labels = isCall ? policies.labelsOf(query.target.resource, query.server) : NO_LABELS
  const call = { requestId, task: chain, caller, tool, labels, argumentsDigest }
  // Connecting, listing and following up take nothing but bytes.
  const begun = isCall ? ledger.begin(call, nowMs) : ledger.beginAside(call)
  if (!begun.ok) return { decision: deny(decision, begun.error) }
  if (isCall && chain.length > 0) paths.note(chain, { atMs: nowMs, name: query.target.resource.id, labels })
  if (called !== undefined && tool !== undefined) noteCall(called.state, called.call, policies.hasTrusted)
  return { ...judged, reservation: begun.value, ...(isCall ? { labels } : {}) }
}

/** Counts a refusal of something that has a name: what is refused on the way to it tells nothing of what was tried. */
export function countRefusal(
  { query, task }: Asked,
  { ledger, now }: { readonly ledger: Pick<Ledger, 'refused'>; now(): number },
): void {
  const { caller, subject, target } = query
  if (subject === undefined) return
  const tool = target.resource.type === 'Tool' ? target.resource.id : undefined
  ledger.refused({ caller, task: task?.chain ?? NO_CHAIN, tool }, now())
}

const NO_CHAIN: Task['chain'] = []
const NO_LABELS: readonly string[] = []
