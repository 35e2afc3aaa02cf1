/**
 * One call, top to bottom: the only file about the order of things. `handleCall` wraps `enforce`; whatever `enforce`
 * refuses, and whatever is thrown, is recorded and rendered in one place. Each step returns a Result, and the first
 * "no" ends the call.
 */
import { digestArguments } from './audit/digest.ts'
import { decisionEntry, inquiryEntry, outcomeEntry, refusalEntry } from './audit/entries.ts'
import type { Trail } from './audit/trail.ts'
import { describeCaller } from './authn/describe-caller.ts'
import { cursorBinding, openContinuation, stateBinding } from './mcp/continuation.ts'
import { deliver, type Outcome } from './mcp/deliver.ts'
import { bindHandle, type Handle, type Handles } from './mcp/handles.ts'
import { type MessageLimits, readMessage } from './mcp/read.ts'
import { renderRefusal } from './mcp/render.ts'
import { errorAnswer } from './mcp/answer.ts'
import { matchRoute, type Route } from './mcp/routes.ts'
import type { Seals } from './mcp/sealed.ts'
import { bindSession, type Session, type Sessions } from './mcp/sessions.ts'
import { checkTransport, type HostRules } from './mcp/transport.ts'
import type { Caller } from './model/caller.ts'
import type { Query } from './model/decision.ts'
import type { DecisionEntry, DurableEntry } from './model/entry.ts'
import type { Exchange } from './model/exchange.ts'
import type { Message } from './model/message.ts'
import { mintPermit, type Permit } from './model/permit.ts'
import { invalid, type Refusal } from './model/refusal.ts'
import { err, ok, type Result } from './model/result.ts'
import type { Reply } from './model/upstream.ts'
import { isWhoami } from './model/whoami.ts'
import { decide } from './policy/decide.ts'
import type { Policies } from './policy/policies.ts'
import { type Origin, serverRequestQuery, toQuery } from './policy/query.ts'
import { isReachable } from './policy/reach.ts'
import { requireScopes } from './policy/scopes.ts'
import { isVisible } from './policy/visible.ts'

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
  readonly sessions: Sessions
  readonly handles: Handles
  readonly seals: Seals
  /** Aborts when the exchange ends early, or its session or credential ends. */
  lifetime(call: Permitted): AbortSignal
  now(): number
  /** Tells operators, never the caller. */
  note(text: string): void
}

/** What is known of a call so far: what a refusal is recorded and rendered with. */
interface Call {
  readonly exchange: Exchange
  caller?: Caller
  route?: Route
  message?: Message | undefined
  entry?: DurableEntry
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
}

/** Handles one exchange. Never rejects: anything thrown is the refusal `internal`, recorded like any other. */
export async function handleCall(exchange: Exchange, gateway: Gateway): Promise<void> {
  const call: Call = { exchange }
  await conclude(call, gateway, async () => {
    const ended = await enforce(call, gateway).catch(internal)
    return ended.ok ? ended.value : refuse(call, ended.error, gateway)
  })
}

/** Records and answers a request that could not even be read as HTTP. Never rejects either. */
export async function refuseUnreadable(
  exchange: Exchange,
  refusal: Refusal,
  gateway: Gateway,
): Promise<void> {
  const call: Call = { exchange }
  await conclude(call, gateway, () => refuse(call, refusal, gateway))
}

/** What is on record as decided is followed by how it ended. When even refusing fails, a bare answer ends the call. */
async function conclude(call: Call, gateway: Gateway, run: () => Promise<Outcome>): Promise<void> {
  const { exchange } = call
  try {
    const outcome = await run()
    if (call.entry !== undefined) gateway.trail.outcome(outcomeEntry(exchange, outcome, gateway.now()))
  } catch (thrown) {
    const { requestId, reply } = exchange
    const { error } = internal(thrown)
    const { status, headers, body } = renderRefusal(error, {
      requestId,
      message: call.message,
      challenge: '',
    })
    try {
      reply.send(status, headers, body) // does nothing where an answer has begun
    } catch {
      // There is nobody to answer.
    }
  }
}

async function enforce(call: Call, gateway: Gateway): Promise<Result<Outcome, Refusal>> {
  const { exchange } = call
  const { routes, policies, hosts, limits } = gateway.snapshot() // immutable for this call

  const transport = checkTransport(exchange, hosts) // 400; 403 for a foreign Host or Origin
  if (!transport.ok) return transport

  const asked = gateway.authenticate(exchange) // 401 and a challenge
  const caller = asked instanceof Promise ? await asked : asked
  if (!caller.ok) return caller
  call.caller = caller.value
  if (isWhoami(exchange.target)) return tellCaller(call, caller.value, gateway)

  const read = await readMessage(exchange, limits) // bounded, strict; headers must agree with the body
  call.message = read.ok ? read.value : read.error.message
  if (!read.ok) return err(read.error.refusal)

  const reachable = (name: string) => isReachable(policies, caller.value, name)
  const route = matchRoute(routes, exchange, reachable) // 404, also for a server that is out of reach
  if (!route.ok) return route
  call.route = route.value
  const { server } = route.value

  const session = bindSession(read.value, server, caller.value, gateway.sessions) // 404, also for someone else's
  if (!session.ok) return session
  const handle = bindHandle(read.value, server, caller.value, gateway.handles)
  if (!handle.ok) return handle
  const { bindingKey } = caller.value
  const continued = await openContinuation(read.value, {
    bindingKey,
    server,
    seals: gateway.seals,
    digest: digestArguments,
  })
  if (!continued.ok) return continued
  const { message, spend } = continued.value

  const query = toQuery(caller.value, server, message, originOf(exchange, session.value, handle.value))
  if (!query.ok) return query
  const judged = decide(policies, query.value, gateway.now()) // pure, synchronous, microseconds
  const decision = requireScopes(judged, query.value, route.value.scopes) // 403, which says what to ask for
  const recorded = await gateway.trail.record(decisionEntry(exchange, query.value, decision, gateway.now()))
  if (!recorded.ok) return recorded // not on record: not forwarded
  call.entry = recorded.value
  if (decision.refusal !== undefined) return err(decision.refusal)

  const spent = gateway.seals.spend(spend) // a state is good for one retry
  if (!spent.ok) return spent
  const permit = mintPermit({
    caller: caller.value,
    server,
    message,
    entry: recorded.value,
    session: session.value?.upstream,
  })
  const permitted = {
    exchange,
    caller: caller.value,
    route: route.value,
    message,
    session: session.value,
    query: query.value,
    policies,
  }
  const reply = await route.value.upstream.forward(permit, gateway.lifetime(permitted))
  if (!reply.ok) return err(exchange.endedWith ?? endIfForgotten(reply.error, session.value, gateway))
  return ok(await guardReply(reply.value, permit, permitted, gateway)) // filter, seal, judge; then deliver
}

/** Who they are, to a caller that asks: on record like a call, and nothing else comes of it. */
async function tellCaller(call: Call, caller: Caller, gateway: Gateway): Promise<Result<Outcome, Refusal>> {
  const { exchange } = call
  if (exchange.method !== 'GET')
    return err(invalid('This is asked with GET.', { status: 405, headers: { allow: 'GET' } }))
  const recorded = await gateway.trail.record(
    inquiryEntry({ exchange, caller, method: 'whoami' }, gateway.now()),
  )
  if (!recorded.ok) return recorded
  call.entry = recorded.value
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  const resultBytes = exchange.reply.send(200, headers, JSON.stringify(describeCaller(caller)))
  return ok({ status: 'ok', refusal: undefined, resultBytes })
}

/** The reply on its way back: lists filtered by the same policies, states sealed, the server's own requests judged. */
async function guardReply(
  reply: Reply,
  permit: Permit,
  permitted: Permitted,
  gateway: Gateway,
): Promise<Outcome> {
  const { exchange, caller, route, message, session, query, policies } = permitted
  const { server, upstream } = route
  const { bindingKey } = caller
  const opened =
    'session' in reply && reply.session !== undefined
      ? gateway.sessions.open(server, caller, reply.session)
      : undefined
  const outcome = await deliver(reply, {
    exchange,
    message,
    headers: opened === undefined ? {} : { 'mcp-session-id': opened.id },
    guard: {
      message,
      visible: (kind, name) => isVisible({ policies, query, nowMs: gateway.now() }, kind, name),
      permitsServerRequest: async (method, params) => {
        const asked = serverRequestQuery(query, method, params)
        const decision = decide(policies, asked, gateway.now())
        const recorded = await gateway.trail.record(decisionEntry(exchange, asked, decision, gateway.now()))
        return recorded.ok && decision.refusal === undefined
      },
      sealState: (value) =>
        gateway.seals.seal(value, stateBinding(bindingKey, server, message, digestArguments)),
      sealCursor: (value) => gateway.seals.seal(value, cursorBinding(bindingKey, server, message)),
      bindTask: (taskId) =>
        gateway.handles.bind(taskId, { caller, server, tool: String(message.params?.['name']) }),
      ownsTask: (taskId) => gateway.handles.find(taskId, server, caller).ok,
    },
    refuseServerRequest: async (id, why) => {
      const answer = errorAnswer(message, id, `Not permitted: ${why}`)
      const held = opened?.upstream ?? session?.upstream
      const denial = mintPermit({ caller, server, message: answer, entry: permit.entry, session: held })
      await upstream.forward(denial, exchange.signal)
    },
    note: (text) => gateway.note(`${server}: ${text} (request ${exchange.requestId})`),
  })
  if (message.kind === 'end' && session !== undefined) gateway.sessions.end(session)
  return outcome
}

/** The one place where a refusal leaves: on record, then on the wire. */
async function refuse(call: Call, refusal: Refusal, gateway: Gateway): Promise<Outcome> {
  const { exchange, caller, message } = call
  let told = refusal
  if (call.entry === undefined) {
    const known = { exchange, caller, server: call.route?.server, method: message?.method }
    const recorded = await recordRefusal(refusalEntry(known, refusal, gateway.now()), gateway)
    if (recorded.ok) call.entry = recorded.value
    else told = recorded.error
  }
  if (refusal.reason === 'internal')
    gateway.note(`internal error: ${refusal.detail} (request ${exchange.requestId})`)
  const isMended = refusal.reason === 'unauthenticated' || refusal.remedy?.kind === 'scope'
  const challenge = isMended ? gateway.challenge(exchange, refusal) : ''
  const { status, headers, body } = renderRefusal(told, { requestId: exchange.requestId, message, challenge })
  const ended = howItEnded(call, told)
  const resultBytes = exchange.reply.send(status, headers, body)
  return { status: ended, refusal: told, resultBytes }
}

/** A call that was let through did not end by a refusal when its caller left or its server failed. */
function howItEnded({ exchange, entry }: Call, { reason }: Refusal): Outcome['status'] {
  if (entry?.entry.decision !== 'allow') return 'refused'
  if (exchange.signal.aborted) return 'cancelled'
  return reason === 'unavailable' || reason === 'internal' ? 'failed' : 'refused'
}

/** A refusal must be answered, whatever the log does. */
async function recordRefusal(entry: DecisionEntry, gateway: Gateway): Promise<Result<DurableEntry, Refusal>> {
  try {
    return await gateway.trail.record(entry)
  } catch (thrown) {
    return internal(thrown)
  }
}

/** A bug or a broken environment: denied, and told to operators in full. */
function internal(thrown: unknown): { readonly ok: false; readonly error: Refusal } {
  const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  return err({
    reason: 'internal',
    message: 'The gateway failed on this call; it was not let through.',
    detail,
  })
}

/** A session that the server no longer knows is over here too, so that the client starts a new one. */
function endIfForgotten(refusal: Refusal, session: Session | undefined, gateway: Gateway): Refusal {
  if (session !== undefined && refusal.reason === 'unknown') gateway.sessions.end(session)
  return refusal
}

function originOf(exchange: Exchange, session: Session | undefined, handle: Handle | undefined): Origin {
  const { transport, address } = exchange.peer
  return {
    requestId: exchange.requestId,
    source: { transport, ip: address },
    sessionStartedAtMs: session?.startedAtMs,
    handleTool: handle?.tool,
  }
}
