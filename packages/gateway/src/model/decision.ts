/** A query to the policies and what they answered. */
import type { Caller, EntityRef } from './caller.ts'
import type { Refusal } from './refusal.ts'
import type { TaskRecord } from './task.ts'

/**
 * How a query is judged.
 * `rule`: a permit must allow it. `connect`: opening a connection and listing needs no permit of its own; whoever may
 * call something on the server may do it, unless a forbid says otherwise. `handle`: following up a call that was
 * allowed; whoever may still call the tool it came from may do it, unless a forbid says otherwise.
 */
export type Manner = 'rule' | 'connect' | 'handle'

/** The thing an action is done to, and what it belongs to. */
export interface Target {
  readonly action: string
  readonly resource: EntityRef
}

export interface Query {
  readonly requestId: string
  readonly caller: Caller
  readonly server: string
  /** The MCP method, or the name this gateway gives to a request that has none (`session/stream`, `session/end`). */
  readonly method: string
  readonly manner: Manner
  readonly target: Target
  /** More targets of the same request, such as each resource subscribed to; one denial denies the request. */
  readonly alsoTargets: readonly Target[]
  /** What the audit entry names: the tool's full name, or the resource, prompt or handle. */
  readonly subject: string | undefined
  /** The call's arguments: plain data, never read as Cedar syntax. */
  readonly input: unknown
  readonly source: Source
  readonly protocolVersion: string
  /** When the legacy session began, where there is one. */
  readonly sessionStartedAtMs: number | undefined
  /** The task that the call serves, as it stands before the call. */
  readonly task?: TaskStanding | undefined
  /** The configured counters; undefined where there are none. */
  readonly history?: Readonly<Record<string, number>> | undefined
  /** Of exactly this call, where it was approved. */
  readonly approval?: Approval | undefined
  /** Who asked for what is to be approved, in a query about approving. */
  readonly requester?: { readonly principal: EntityRef; readonly agent: string | undefined }
}

export interface TaskStanding {
  readonly record: TaskRecord
  /** What it has read. */
  readonly labels: ReadonlySet<string>
  /** How many calls were let through, those under way included. */
  readonly calls: number
}

export interface Approval {
  readonly id: string
  readonly approvers: readonly EntityRef[]
  readonly atMs: number
}

/** Where the request came from. */
export interface Source {
  readonly transport: 'tcp' | 'unix'
  /** Address of the caller; that of the declared proxy's client where a declared proxy says so. */
  readonly ip: string | undefined
}

/** The answer, complete: every determining policy, and for the log why a denial came about. */
export interface Decision {
  readonly effect: 'allow' | 'deny'
  /** Ids of the policies that determined the answer. */
  readonly policies: readonly string[]
  /** For the log: the policies that failed, that forbid or that came nearest, with places, conditions and values. */
  readonly detail: string | undefined
  /** Why not, when denied; already free of anything the caller may not see. */
  readonly refusal: Refusal | undefined
}
