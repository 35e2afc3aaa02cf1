/**
 * The port between the pipeline and whatever carries a call to a server.
 * `forward` takes a Permit and nothing else will do: an unauthorised or unrecorded call does not compile.
 */
import type { JsonObject } from './message.ts'
import type { Permit } from './permit.ts'
import type { Refusal } from './refusal.ts'
import type { Result } from './result.ts'

/** A message from the server. Ids, progress tokens and subscription ids in it are the caller's own again. */
export interface ServerMessage {
  /** The JSON text. Unknown members, number spellings and member order are those of the server. */
  readonly text: string
  /** `text`, parsed: for looking, never for sending. */
  readonly body: JsonObject
}

/** One event of a reply stream. An event without a message carries an id to resume from, a retry hint or a comment. */
export interface ServerEvent {
  readonly message?: ServerMessage
  readonly eventId?: string
  readonly retryMs?: number
  readonly comment?: string
}

export type Reply =
  /** Accepted or ended, without a body: 200, 202, 204. */
  | { readonly kind: 'empty'; readonly status: number }
  /** One JSON-RPC response. */
  | {
      readonly kind: 'single'
      readonly status: number
      readonly message: ServerMessage
      readonly session?: UpstreamSession
    }
  /** Server-sent events. Leaving the loop early tells the upstream to stop. */
  | {
      readonly kind: 'events'
      readonly events: AsyncIterable<ServerEvent>
      readonly session?: UpstreamSession
    }

/** What an upstream remembers of a legacy session; opaque to everyone else. */
export interface UpstreamSession {
  /** Ends the session at the upstream: the session was deleted, expired, or its principal lost access. */
  close(): void
}

export interface Upstream {
  /**
   * Carries the permitted message to the server. Resolves at the first sign of an answer.
   * `signal` aborts when the caller has gone away: for modern requests that is the cancellation.
   * Every expected failure (down, slow, garbage, too large) is a Refusal; it never throws for those.
   */
  forward(permit: Permit, signal: AbortSignal): Promise<Result<Reply, Refusal>>
  /** For people: what `tollgate status` prints. */
  status(): UpstreamStatus
  /** Stops processes and closes connections. Calls in flight end as `unavailable`. */
  close(): Promise<void>
}

export interface UpstreamStatus {
  readonly transport: string
  readonly state: 'idle' | 'starting' | 'ready' | 'failed'
  readonly eras: readonly string[]
  readonly detail?: string
}
