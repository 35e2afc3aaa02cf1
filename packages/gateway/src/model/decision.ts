/** A query to the policies and what they answered. */
import type { Caller, EntityRef } from './caller.ts'

export interface Query {
  readonly requestId: string
  readonly caller: Caller
  readonly server: string
  /** The MCP method, or the name this gateway gives to a request that has none (`session/stream`, `session/end`). */
  readonly method: string
  readonly action: EntityRef
  readonly resource: EntityRef
  /** The tool's full name, `<server>__<tool>`, where the call concerns one. */
  readonly tool?: string
  /** The call's arguments: plain data, never read as Cedar syntax. */
  readonly input?: unknown
}

/** The answer, complete: every determining policy and every error, so that a denial can be explained. */
export interface Decision {
  readonly effect: 'allow' | 'deny'
  /** Ids of the policies that determined the answer. */
  readonly policies: readonly string[]
  readonly errors: readonly string[]
  /** `@remedy` of the forbids that decided, when they agree on one. */
  readonly remedy?: string
  /** Whether the thing asked for may be seen at all; a hidden thing is refused as one that does not exist. */
  readonly visible: boolean
}
