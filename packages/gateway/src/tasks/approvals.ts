/**
 * Approvals: a person's yes to exactly one call. It is bound to everything that made the call what it is, is given within
 * minutes by somebody else, and is used once. What becomes of one is decided by the store in one step each, so that a
 * crash, or a step that was done although it seemed to fail, never makes it work twice.
 */
import { hash } from 'node:crypto'
import type { Caller, EntityRef } from '../model/caller.ts'
import type { Unaccounted } from './flow.ts'
import type { Step } from './path.ts'

/** All that must be equal when the call comes again. */
export interface ApprovalBinding {
  /** Id of the task that the credential is for. */
  readonly task: string | undefined
  /** Principal, agent, delegation, task and key (model/caller.ts). */
  readonly bindingKey: string
  /** Action and thing: for a tool both are its full name. */
  readonly action: string
  readonly resource: EntityRef
  /** Of the canonical arguments; null: there are none. */
  readonly argumentsDigest: string | null
  /** Of the tool's approved definition; null while definitions are not pinned. */
  readonly pin: string | null
  readonly policyVersion: string
}

/** One text for all of it; different for any difference. */
export function bindingOf(binding: ApprovalBinding): string {
  const { task, bindingKey, action, resource, argumentsDigest, pin, policyVersion } = binding
  const parts = [
    task ?? null,
    bindingKey,
    action,
    resource.type,
    resource.id,
    argumentsDigest,
    pin,
    policyVersion,
  ]
  return hash('sha256', JSON.stringify(parts), 'base64url')
}

/** What a person is asked, as the gateway knows it; nothing of it is worded by the agent but the values. */
export interface ApprovalQuestion {
  /** Unique for ever and unguessable: `a-` and 24 of `a–z 2–7`. */
  readonly id: string
  readonly binding: string
  readonly principal: EntityRef
  readonly agent?: string
  readonly task?: { readonly id: string; readonly purpose: string }
  readonly server: string
  /** Of what is done: the full name of the tool, or a method. */
  readonly action: string
  /** What it is done to; for a tool the tool itself. */
  readonly resource: EntityRef
  /** The arguments, as the server would get them. */
  readonly input: unknown
  /** Why a person is asked: the refusal as the caller was told. */
  readonly why: string
  /** What the task has read. */
  readonly labels: readonly string[]
  /** How the task came here, oldest first; what was before the gateway started is not in it. */
  readonly path?: readonly Step[]
  /** Values that nothing accounts for. */
  readonly unaccounted: readonly Unaccounted[]
  readonly askedAtMs: number
}

export type ApprovalState = 'pending' | 'approved' | 'denied' | 'used'

export interface ApprovalRecord extends ApprovalQuestion {
  readonly state: ApprovalState
  /** A question can be answered until then, an approval used. */
  readonly goodUntilMs: number
  readonly decidedBy?: EntityRef
  readonly decidedAtMs?: number
}

/**
 * Where approvals are kept. Each change is one step, durable before it returns; false where what it changes is not as it
 * must be. All may throw, and then nothing is known of whether it was done.
 */
export interface ApprovalStore {
  add(question: ApprovalQuestion, goodUntilMs: number): void
  find(id: string): ApprovalRecord | undefined
  /** The newest of this binding in this state that is still good. */
  findBound(binding: string, state: ApprovalState, nowMs: number): ApprovalRecord | undefined
  /** From pending to approved or denied. */
  decide(id: string, decision: ApprovalDecision): boolean
  /** From approved to used. */
  use(id: string, nowMs: number): boolean
  /** Questions of this caller that wait for an answer. */
  countPending(principal: EntityRef, agent: string | undefined, nowMs: number): number
  /** The newest first. */
  list(limit: number): readonly ApprovalRecord[]
}

export interface ApprovalDecision {
  readonly state: 'approved' | 'denied'
  readonly by: EntityRef
  readonly atMs: number
  readonly goodUntilMs: number
}

/** Who answers a question, and how they came here. */
export interface Answerer {
  readonly caller: Caller
  /** As in entries of the log. */
  readonly source: string
  readonly transport: 'tcp' | 'unix'
  readonly ip?: string | undefined
  /** By passkey, for this very question. */
  readonly steppedUp: boolean
}

/** What has become of it by then, as a word for people. */
export function showState({ state, goodUntilMs }: ApprovalRecord, nowMs: number): ApprovalState | 'expired' {
  const isOpen = state === 'pending' || state === 'approved'
  return isOpen && goodUntilMs <= nowMs ? 'expired' : state
}
