/**
 * One call, top to bottom: the only file about the order of things. `handleCall` wraps `enforce`; whatever `enforce`
 * refuses, and whatever is thrown, is recorded and rendered in one place. Each step returns a Result, and the first
 * "no" ends the call.
 */
import { digestArguments } from './audit/digest.ts'
import { decisionEntry, inquiryEntry, outcomeEntry, refusalEntry } from './audit/entries.ts'
import { describeCaller } from './authn/describe-caller.ts'
import { canAsk, opensUrls, renderAsking } from './mcp/asking.ts'
import {
  cursorBinding,
  openContinuation,
  stateBinding,
  type Waiting,
  waitingBinding,
} from './mcp/continuation.ts'
import { deliver, type Outcome } from './mcp/deliver.ts'
import { bindHandle } from './mcp/handles.ts'
import { readMessage } from './mcp/read.ts'
import { type Rendered, renderRefusal } from './mcp/render.ts'
import { errorAnswer } from './mcp/answer.ts'
import { matchRoute, type Route } from './mcp/routes.ts'
import { bindSession, type Session } from './mcp/sessions.ts'
import { checkTransport } from './mcp/transport.ts'
import type { Caller } from './model/caller.ts'
import type { DecisionEntry, DurableEntry } from './model/entry.ts'
import type { Exchange } from './model/exchange.ts'
import type { Message } from './model/message.ts'
import { mintPermit, type Permit } from './model/permit.ts'
import { invalid, type Refusal } from './model/refusal.ts'
import { err, ok, type Result } from './model/result.ts'
import type { Reply } from './model/upstream.ts'
import { isWhoami } from './model/whoami.ts'
import { digestOf, originOf, standingOf } from './pipeline/asked.ts'
import type { Gateway, Permitted } from './pipeline/gateway.ts'
import { countRefusal, judge } from './pipeline/judge.ts'
import { isInTask, taskGuard } from './pipeline/task-guard.ts'
import { decide } from './policy/decide.ts'
import { serverRequestQuery, toQuery } from './policy/query.ts'
import { isReachable } from './policy/reach.ts'
import { isVisible } from './policy/visible.ts'
import type { Reservation } from './tasks/ledger.ts'

export type { Gateway, Permitted, Snapshot } from './pipeline/gateway.ts'

/** What is known of a call so far: what a refusal is recorded and rendered with. */
interface Call {
  readonly exchange: Exchange
  caller?: Caller
  route?: Route
  message?: Message | undefined
  session?: Session | undefined
  /** It was made before, and asked about. */
  waiting?: Waiting | undefined
  entry?: DurableEntry
  /** What it takes of budgets for as long as it lasts. */
  reservation?: Reservation | undefined
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
  } finally {
    call.reservation?.end()
  }
}

async function enforce(call: Call, gateway: Gateway): Promise<Result<Outcome, Refusal>> {
  const { exchange } = call
  const { routes, policies, hosts, limits } = gateway.snapshot() // immutable for this call

  const transport = checkTransport(exchange, hosts) // 400; 403 for a foreign Host or Origin
  if (!transport.ok) return transport

  const known = gateway.authenticate(exchange) // 401 and a challenge
  const caller = known instanceof Promise ? await known : known
  if (!caller.ok) return caller
  call.caller = caller.value
  const bound = gateway.tasks.bind(caller.value) // 401 once the task of the credential is over
  if (!bound.ok) return bound
  const task = bound.value
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
  call.session = session.value
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
  const { message, spend, waiting } = continued.value
  call.waiting = waiting
  // Whoever comes again because a person is asked waits here for the answer, for a while.
  if (waiting !== undefined && !waiting.declined)
    await gateway.approvals.settled(waiting.approval, exchange.signal)

  const origin = originOf(exchange, session.value, handle.value)
  const standing = standingOf(caller.value, task, gateway)
  const query = toQuery(caller.value, server, message, { ...origin, ...standing })
  if (!query.ok) return query
  const argumentsDigest = digestOf(query.value)
  const asked = { policies, query: query.value, task, scopes: route.value.scopes, argumentsDigest }
  const judged = judge(asked, gateway) // policies, scopes, task, flow, budgets: synchronous, microseconds
  const { decision, reservation, approval, labels } = judged
  call.reservation = reservation
  const entry = decisionEntry(
    exchange,
    { query: query.value, decision, argumentsDigest, labels, approval },
    gateway.now(),
  )
  const recorded = await gateway.trail.record(entry)
  if (!recorded.ok) {
    reservation?.cancel()
    call.reservation = undefined
    return recorded // not on record: not forwarded
  }
  call.entry = recorded.value
  const { refusal } = decision
  if (refusal !== undefined) countRefusal(asked, gateway)
  if (refusal?.reason === 'approval-required') return err(gateway.approvals.ask(asked, judged, refusal))
  if (refusal !== undefined) return err(refusal)

  const spent = gateway.seals.spend(spend) // a state is good for one retry
  if (!spent.ok) return spent
  const used = approval === undefined ? ok(undefined) : gateway.approvals.spend(approval) // and so is an approval
  if (!used.ok) return used
  const permit = mintPermit({
    caller: caller.value,
    server,
    message,
    entry: recorded.value,
    session: session.value?.upstream,
    approval,
  })
  const permitted = {
    exchange,
    caller: caller.value,
    route: route.value,
    message,
    session: session.value,
    query: query.value,
    policies,
    task,
    reservation,
  }
  const reply = await route.value.upstream.forward(permit, gateway.lifetime(permitted))
  if (!reply.ok && reply.error.reason === 'approval-required')
    return err(gateway.approvals.ask(asked, judged, reply.error)) // the gateway's own server asks a person
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
  const { exchange, caller, route, message, session, query, policies, task, reservation } = permitted
  const { server, upstream } = route
  const { bindingKey } = caller
  const opened =
    'session' in reply && reply.session !== undefined
      ? gateway.sessions.open(server, caller, reply.session, opensUrls(message.params?.['capabilities']))
      : undefined
  const { narrowed, learn } = taskGuard({ task, query, policies })
  const outcome = await deliver(reply, {
    exchange,
    message,
    headers: opened === undefined ? {} : { 'mcp-session-id': opened.id },
    guard: {
      message,
      visible: (kind, name) =>
        isVisible({ policies, query, nowMs: gateway.now() }, kind, name) &&
        isInTask({ task, policies, query }, kind, name),
      narrowed,
      learn,
      withhold: reservation === undefined ? undefined : (bytes) => reservation.deliver(bytes),
      permitsServerRequest: async (method, params) => {
        const asked = serverRequestQuery(query, method, params)
        const decision = decide(policies, asked, gateway.now())
        const entry = decisionEntry(
          exchange,
          { query: asked, decision, argumentsDigest: digestOf(asked) },
          gateway.now(),
        )
        const recorded = await gateway.trail.record(entry)
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
  if (caller !== undefined)
    gateway.noteRefusal?.({ exchange, caller, server: call.route?.server, message }, told)
  if (refusal.reason === 'internal')
    gateway.note(`internal error: ${refusal.detail} (request ${exchange.requestId})`)
  const isMended = refusal.reason === 'unauthenticated' || refusal.remedy?.kind === 'scope'
  const challenge = isMended ? gateway.challenge(exchange, refusal) : ''
  const { requestId } = exchange
  const asking = await askFor(call, told, gateway)
  const { status, headers, body } = asking ?? renderRefusal(told, { requestId, message, challenge })
  const ended = howItEnded(call, told)
  const resultBytes = exchange.reply.send(status, headers, body)
  return { status: ended, refusal: told, resultBytes }
}

/** Where a person can lift it and the client opens pages for them: the page, and a state to come back with. */
async function askFor(call: Call, refusal: Refusal, gateway: Gateway): Promise<Rendered | undefined> {
  const { exchange, caller, message, route, session, waiting } = call
  const { remedy } = refusal
  if (remedy?.kind !== 'approval' || remedy.id === undefined || message === undefined) return undefined
  const asking = {
    refusal,
    message,
    requestId: exchange.requestId,
    wasShown: waiting !== undefined,
    sessionOpensUrls: session?.opensUrls === true,
  }
  if (waiting?.declined === true || !canAsk(asking) || caller === undefined || route === undefined)
    return undefined
  const binding = waitingBinding(caller.bindingKey, route.server, message, digestArguments)
  return renderAsking(asking, await gateway.seals.seal(remedy.id, binding))
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
