/** The two entries that tell a call, built from what the pipeline knew when it ended. */
import { type Authentication, type Caller, showEntity } from '../model/caller.ts'
import type { Approval, Decision, Query } from '../model/decision.ts'
import type { DecisionEntry, EventEntry, OutcomeEntry, Proof } from '../model/entry.ts'
import type { Exchange, Peer } from '../model/exchange.ts'
import type { Refusal } from '../model/refusal.ts'

/** What is known of a call; a request that is refused early is known by little more than where it came from. */
export interface Known {
  readonly exchange: Exchange
  readonly caller?: Caller | undefined
  readonly server?: string | undefined
  readonly method?: string | undefined
}

/** What was asked, and how it was decided. */
export interface Decided {
  readonly query: Query
  readonly decision: Decision
  /** Of the arguments (digest.ts); null: there are none. */
  readonly argumentsDigest: string | null
  /** What the call brings into its task; undefined where it counts in no number of calls. */
  readonly labels?: readonly string[] | undefined
  /** What it may go ahead by. */
  readonly approval?: Pick<Approval, 'id'> | undefined
}

/** The entry of a decision by the policies. */
export function decisionEntry(
  exchange: Exchange,
  { query, decision, argumentsDigest, labels, approval }: Decided,
  nowMs: number,
): DecisionEntry {
  const { caller, server, method } = query
  const { refusal } = decision
  return {
    ...common({ exchange, caller, server, method }, nowMs),
    tool: query.subject ?? null,
    argumentsDigest,
    decision: decision.effect,
    policies: decision.policies,
    reason: refusal?.reason ?? null,
    detail: decision.detail ?? refusal?.detail ?? null,
    ...(approval === undefined || decision.effect === 'deny' ? {} : { approval: approval.id }),
    ...(labels === undefined ? {} : { counted: true }),
    ...(labels === undefined || labels.length === 0 ? {} : { labels }),
  }
}

/** The entry of a refusal before any policy was asked. */
export function refusalEntry(known: Known, refusal: Refusal, nowMs: number): DecisionEntry {
  return {
    ...common(known, nowMs),
    tool: null,
    argumentsDigest: null,
    decision: 'deny',
    policies: refusal.policies ?? [],
    reason: refusal.reason,
    detail: refusal.detail ?? refusal.message,
  }
}

/** The entry of a question that no policy is asked about: what is answered is what the caller has proved. */
export function inquiryEntry(known: Known, nowMs: number): DecisionEntry {
  return {
    ...common(known, nowMs),
    tool: null,
    argumentsDigest: null,
    decision: 'allow',
    policies: [],
    reason: null,
    detail: null,
  }
}

/** The entry of how a recorded call ended. Asked for when the caller has been answered. */
export function outcomeEntry(
  exchange: Exchange,
  ended: { status: OutcomeEntry['status']; refusal: Refusal | undefined; resultBytes: number },
  nowMs: number,
): OutcomeEntry {
  return {
    kind: 'outcome',
    requestId: exchange.requestId,
    time: showTime(nowMs),
    status: ended.status,
    reason: ended.refusal?.reason ?? null,
    detail: ended.refusal?.later?.() ?? ended.refusal?.detail ?? ended.refusal?.message ?? null,
    durationMs: Math.max(0, Math.round((nowMs - exchange.arrivedAtMs) * 1000) / 1000),
    resultBytes: ended.resultBytes,
  }
}

/** The entry of something that changes who may call. */
export function eventEntry(
  exchange: Exchange | undefined,
  told: Pick<EventEntry, 'event' | 'result' | 'task' | 'principal' | 'client' | 'detail'>,
  nowMs: number,
): EventEntry {
  const { requestId = '', peer } = exchange ?? {}
  return {
    kind: 'event',
    requestId,
    time: showTime(nowMs),
    ...told,
    ...(peer === undefined ? { source: 'unknown' } : sourceOf(peer)),
  }
}

function common({ exchange, caller, server, method }: Known, nowMs: number) {
  return {
    kind: 'decision' as const,
    requestId: exchange.requestId,
    time: showTime(nowMs),
    principal: caller === undefined ? null : showEntity(caller.principal),
    agent: caller?.agent === undefined ? null : caller.agent.id,
    ...(caller?.delegation === undefined ? {} : { delegation: caller.delegation.chain.map(({ id }) => id) }),
    ...(caller?.authentication.task === undefined ? {} : { task: caller.authentication.task }),
    credential: caller?.authentication.credential ?? null,
    ...proofOf(caller?.authentication),
    ...sourceOf(exchange.peer),
    server: server ?? null,
    method: method ?? null,
  }
}

function sourceOf({ transport, address, proxy }: Peer): Pick<EventEntry, 'source' | 'via'> {
  const source = transport === 'unix' ? 'unix' : (address ?? 'unknown')
  return proxy === undefined || proxy === address ? { source } : { source, via: proxy }
}

/** Remembered for as long as the token is: it is in the entry of every call. */
const proofs = new WeakMap<Authentication, { authentication: Proof }>()

/** What an issuer said of the sign-in; a key and its absence say all themselves. */
function proofOf(authentication: Authentication | undefined): { authentication?: Proof } {
  if (authentication?.issuer === undefined) return {}
  const known = proofs.get(authentication)
  if (known !== undefined) return known
  const { method, issuer, strength, bound, clientProof, atMs } = authentication
  const proof = {
    authentication: {
      method,
      issuer,
      ...(strength === undefined ? {} : { strength }),
      ...(bound === undefined ? {} : { bound }),
      ...(clientProof === undefined ? {} : { clientProof }),
      ...(atMs === undefined ? {} : { at: new Date(atMs).toISOString() }),
    },
  }
  proofs.set(authentication, proof)
  return proof
}

let shownMs = Number.NaN
let shown = ''

/** RFC 3339 in UTC. Calls that end in the same millisecond share one text, for writing it costs more than most steps. */
function showTime(ms: number): string {
  if (ms !== shownMs) {
    shown = new Date(ms).toISOString()
    shownMs = ms
  }
  return shown
}
