/** What the steps of a call work with: what a reload replaces, what all calls share, and what is known of one. */
import type { Trail } from '../audit/trail.ts'
import type { Handles } from '../mcp/handles.ts'
import type { MessageLimits } from '../mcp/read.ts'
import type { Route } from '../mcp/routes.ts'
import type { Seals } from '../mcp/sealed.ts'
import type { Session, Sessions } from '../mcp/sessions.ts'
import type { HostRules } from '../mcp/transport.ts'
import type { Caller } from '../model/caller.ts'
import type { Approval, Query } from '../model/decision.ts'
import type { Exchange } from '../model/exchange.ts'
import type { Message } from '../model/message.ts'
import type { Refusal } from '../model/refusal.ts'
import type { Result } from '../model/result.ts'
import type { Policies } from '../policy/policies.ts'
import type { Ledger, Reservation } from '../tasks/ledger.ts'
import type { Paths } from '../tasks/path.ts'
import type { Task } from '../tasks/task.ts'
import type { Tasks } from '../tasks/tasks.ts'
import type { Asked, Judged } from './judge.ts'

/** Everything that a reload replaces, together and at once. Immutable for the calls that hold it. */
export interface Snapshot {
  readonly routes: ReadonlyMap<string, Route>
  readonly policies: Policies
  readonly hosts: HostRules
  readonly limits: MessageLimits
}

/** What calls share: made once by the composition root (server/). */
export interface Gateway {
  snapshot(): Snapshot
  /** A promise only for a credential that was not seen before: what is known costs no turn of the event loop. */
  authenticate(exchange: Exchange): Result<Caller, Refusal> | Promise<Result<Caller, Refusal>>
  /** `WWW-Authenticate` of a 401 to this exchange, or of a 403 that a token with more scopes mends. */
  challenge(exchange: Exchange, refusal: Refusal): string
  readonly trail: Pick<Trail, 'record' | 'outcome'>
  readonly tasks: Pick<Tasks, 'bind'>
  readonly ledger: Pick<
    Ledger,
    'begin' | 'beginAside' | 'refused' | 'labelsOf' | 'callsOf' | 'historyOf' | 'fault'
  >
  readonly approvals: Approvals
  readonly paths: Paths
  readonly sessions: Sessions
  readonly handles: Handles
  readonly seals: Seals
  /** Aborts when the exchange ends early, or its session or credential ends. */
  lifetime(call: Permitted): AbortSignal
  now(): number
  /** Tells operators, never the caller. */
  note(text: string): void
  /** Keeps in mind what a caller was told, for when it asks again. */
  noteRefusal?(refused: RefusedCall, refusal: Refusal): void
}

/** What is known of a call that is refused. */
export interface RefusedCall {
  readonly exchange: Exchange
  readonly caller: Caller
  readonly server: string | undefined
  readonly message: Message | undefined
}

/** A person's yes to exactly one call. */
export interface Approvals {
  /** One that was given for this call and not used yet. */
  find(asked: Asked): Approval | undefined
  /** Asks for one, once the refusal is on record; the refusal that says where it is given. */
  ask(asked: Asked, judged: Judged, refusal: Refusal): Refusal
  /** Resolves once it was decided, or when there is no more use in waiting. */
  settled(id: string, signal: AbortSignal): Promise<void>
  /** Uses it up, durably; refused when it was used before. */
  spend(approval: Approval): Result<void, Refusal>
}

/** What is known of a call once it may go ahead. */
export interface Permitted {
  readonly exchange: Exchange
  readonly caller: Caller
  readonly route: Route
  readonly message: Message
  readonly session: Session | undefined
  readonly query: Query
  readonly policies: Policies
  readonly task: Task | undefined
  readonly reservation: Reservation | undefined
}
