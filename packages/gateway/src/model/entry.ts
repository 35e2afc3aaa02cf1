/**
 * What the audit log holds. Two entries tell a call: the decision, durable before any effect,
 * and the outcome. One JSON object a line; members keep this order.
 */
import type { Authentication } from './caller.ts'
import type { Reason } from './refusal.ts'

/** How a caller with a token proved who it is. */
export interface Proof
  extends Pick<Authentication, 'method' | 'issuer' | 'strength' | 'bound' | 'clientProof'> {
  /** RFC 3339: when the person signed in, where the issuer says so. */
  readonly at?: string
}

export interface DecisionEntry {
  readonly kind: 'decision'
  readonly requestId: string
  /** RFC 3339, milliseconds, UTC. */
  readonly time: string
  readonly principal: string | null
  readonly agent: string | null
  /** Everyone who had the work since somebody first acted for the principal, in order; left out where it was not handed on. */
  readonly delegation?: readonly string[]
  /** Id of the task that the credential is for; left out where it is for none. */
  readonly task?: string
  /** Name of the credential used, never the credential. */
  readonly credential: string | null
  /** Of callers with a token; for others `credential` says it all. */
  readonly authentication?: Proof
  /** Address of the caller, or `unix`. */
  readonly source: string
  /** Address of the declared proxy that handed the request on, where there was one. */
  readonly via?: string
  readonly server: string | null
  readonly method: string | null
  /** Full name of the tool, or the resource, prompt or handle that the call concerns. */
  readonly tool: string | null
  /** SHA-256 of the canonical arguments, `sha256:<base64url>`; the arguments of allowed calls are not kept. */
  readonly argumentsDigest: string | null
  readonly decision: 'allow' | 'deny'
  readonly policies: readonly string[]
  readonly reason: Reason | null
  readonly detail: string | null
  /** Id of the approval that it was let through by. */
  readonly approval?: string
  /** It counts as a call in the budgets of its task and in counters, from this entry on. */
  readonly counted?: boolean
  /** What it brings into its task, whatever comes of it. */
  readonly labels?: readonly string[]
}

export interface OutcomeEntry {
  readonly kind: 'outcome'
  readonly requestId: string
  readonly time: string
  /** `ok`, `error` (the server answered with an error), `refused`, `cancelled` (the caller left) or `failed`. */
  readonly status: 'ok' | 'error' | 'refused' | 'cancelled' | 'failed'
  readonly reason: Reason | null
  readonly detail: string | null
  readonly durationMs: number
  /** Bytes of the messages that went to the caller. */
  readonly resultBytes: number
}

/** What changes who may call, and for what: somebody signs in, lets a client in, is given a token, starts a task. */
export type IdentityEvent =
  | 'sign-in'
  | 'consent'
  | 'credential'
  | 'registration'
  | 'token'
  | 'revocation'
  | 'task'
  | 'approval'

/** Such a thing, durable before it takes effect. */
export interface EventEntry {
  readonly kind: 'event'
  readonly requestId: string
  readonly time: string
  readonly event: IdentityEvent
  readonly result: 'done' | 'refused'
  /** Id of the task that it concerns. */
  readonly task?: string
  readonly principal: string | null
  /** Id of the OAuth client that it concerns. */
  readonly client: string | null
  /** As in decisions. */
  readonly source: string
  readonly via?: string
  readonly detail: string | null
}

export type Entry = DecisionEntry | OutcomeEntry | EventEntry
/** Proof that an entry is on stable storage: only the trail makes them. */
export interface DurableEntry {
  readonly requestId: string
  readonly entry: DecisionEntry
}
