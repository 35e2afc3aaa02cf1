/**
 * A task: privilege for one piece of work, for as long as it lasts. Its grant is what OAuth calls authorization details
 * (RFC 9396), and is written the same way in tokens, templates, the admin API and the command line.
 */
import type { EntityRef } from './caller.ts'
import type { JsonObject } from './message.ts'

/** The `type` of the authorization details. */
export const TASK_TYPE = 'tollgate_task'

/**
 * How far what a task has read limits what it may send. `strict`: once it has read what is labelled untrusted, the
 * values of a call that sends or destroys must be accounted for. `ask`: only of calls that send, and only once it has
 * read what is untrusted and what is private. What is not accounted for needs an approval.
 */
export type Flow = 'strict' | 'ask' | 'off'

/** What a task may use, as written, defaults filled in. */
export interface TaskGrant {
  readonly type: typeof TASK_TYPE
  readonly purpose: string
  /** Where it came from: `code-change@1f0c2a9b`, a name and what of its text it was made from. */
  readonly template?: string
  /** Every tool of these servers that is read-only, their resources and prompts. */
  readonly servers: readonly string[]
  /** By the full name of a tool, then by the name of an argument: JSON Schema, and `within`, `hosts`, `tables`. */
  readonly tools: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>
  /** Whether a read-only tool takes arguments that are not mentioned; others never do. */
  readonly other_arguments: 'allow' | 'refuse'
  readonly budget: Budget
  /** Seconds. */
  readonly expires_in: number
  readonly flow: Flow
}

/** Undefined: not limited by this task, which may still be limited by its parent. */
export interface Budget {
  readonly calls?: number
  /** By the full name of a tool. */
  readonly calls_per_tool?: Readonly<Record<string, number>>
  /** Bytes that go to the agent. */
  readonly result_bytes?: number
  /** Calls under way at once. */
  readonly concurrency?: number
  /** Seconds that calls may take, all together. */
  readonly wall_seconds?: number
  /** Calls of one tool with the same arguments within ten minutes. */
  readonly same_call?: number
}

/** A task as it was started. */
export interface TaskRecord {
  /** Unique for ever: `t-` and 16 of `a–z 2–7`. */
  readonly id: string
  /** The task that this one is a part of, and can do no more than. */
  readonly parent?: string
  /** Whose work it is; only they can use it, through this agent where one is named. */
  readonly principal: EntityRef
  readonly agent?: string
  readonly grant: TaskGrant
  /** What the person asked for, in their words: what is in it is accounted for. */
  readonly prompt?: string
  /** Who started it, where that was a person. */
  readonly issuedBy?: EntityRef
  readonly startedAtMs: number
  readonly expiresAtMs: number
  readonly ended?: { readonly atMs: number; readonly why: string }
}
