/** A query as Cedar sees it (the table of context keys is in docs/reference/policies.md). */
import {
  datetimeFromMs,
  type IpAddress,
  parseIp,
  plain,
  type RecordValue,
  type Request,
  set,
  type Value,
} from '@tollgate/cedar'
import type { Authentication, Caller, Delegation } from '../model/caller.ts'
import type { Approval, Query, Target, TaskStanding } from '../model/decision.ts'
import type { Policies } from './policies.ts'

const DIRECT = Object.freeze({ depth: 0, chain: set([]) })

/** A query on its way through the policies. */
export interface Inquiry {
  readonly policies: Policies
  readonly query: Query
  /** `context.environment.now`. */
  readonly nowMs: number
}

/** The context of a query; shared by all its targets. */
export function contextOf({ policies, query, nowMs }: Inquiry): RecordValue {
  const { caller, source } = query
  return {
    input: query.input === undefined ? undefined : plain(query.input),
    agent: caller.agent === undefined ? undefined : policies.named(caller.agent),
    delegation: delegationOf(caller, policies),
    source: {
      ip: source.ip === undefined ? undefined : ipOf(source.ip),
      transport: source.transport,
      client: caller.authentication.client,
      authentication: authenticationOf(caller),
    },
    environment: { name: policies.environment, now: datetimeFromMs(nowMs) },
    session: {
      protocolVersion: query.protocolVersion,
      startedAt:
        query.sessionStartedAtMs === undefined ? undefined : datetimeFromMs(query.sessionStartedAtMs),
    },
    task: query.task === undefined ? undefined : taskOf(query.task, policies),
    approval: query.approval === undefined ? undefined : approvalOf(query.approval, policies),
    history: query.history === undefined ? undefined : plain(query.history),
    requester: query.requester === undefined ? undefined : requesterOf(query.requester),
  }
}

function taskOf({ record, labels, calls }: TaskStanding, policies: Policies): RecordValue {
  const { id, grant, issuedBy, expiresAtMs } = record
  return {
    id,
    purpose: grant.purpose,
    template: grant.template,
    issuedBy: issuedBy === undefined ? undefined : policies.named(issuedBy),
    expiresAt: datetimeFromMs(expiresAtMs),
    labels: labels.size === 0 ? NO_LABELS : labelSet(labels),
    calls,
  }
}

/** Labels that came so far, in the order in which they came, and what may come next. */
interface LabelSets {
  value?: Value
  readonly next: Map<string, LabelSets>
}

const NO_LABELS = set([])
const MAX_LABEL_SETS = 1000
/** A handful of combinations, asked for on every call. */
const labelSets: LabelSets = { next: new Map() }
let labelSetCount = 0

function labelSet(labels: ReadonlySet<string>): Value {
  let node = labelSets
  for (const label of labels) {
    let next = node.next.get(label)
    if (next === undefined) {
      if (++labelSetCount > MAX_LABEL_SETS) return set([...labels])
      next = { next: new Map() }
      node.next.set(label, next)
    }
    node = next
  }
  node.value ??= set([...labels])
  return node.value
}

function requesterOf({ principal, agent }: NonNullable<Query['requester']>): RecordValue {
  return { type: principal.type, name: principal.id, agent }
}

function approvalOf({ approvers, atMs }: Approval, policies: Policies): RecordValue {
  return { approvers: set(approvers.map((each) => policies.named(each))), at: datetimeFromMs(atMs) }
}

/** Remembered for as long as the token is: policies see the same one on every call. */
const delegations = new WeakMap<Delegation, { of: Policies; value: RecordValue }>()

function delegationOf({ delegation }: Caller, policies: Policies): RecordValue {
  if (delegation === undefined) return DIRECT
  const known = delegations.get(delegation)
  if (known?.of === policies) return known.value
  const value = { depth: delegation.depth, chain: set(delegation.chain.map((ref) => policies.named(ref))) }
  delegations.set(delegation, { of: policies, value })
  return value
}

/** Remembered like delegations. */
const authentications = new WeakMap<Authentication, RecordValue>()

function authenticationOf({ authentication }: Caller): RecordValue {
  const { method, issuer, atMs, strength, bound, clientProof, scopes = [] } = authentication
  if (issuer === undefined) return { method }
  const known = authentications.get(authentication)
  if (known !== undefined) return known
  const value = {
    method,
    issuer,
    at: atMs === undefined ? undefined : datetimeFromMs(atMs),
    strength,
    bound,
    clientProof,
    scopes: method === 'token' ? set([...scopes]) : undefined,
  }
  authentications.set(authentication, value)
  return value
}

/** The request for one target of a query. */
export function requestOf({ policies, query }: Inquiry, target: Target, context: RecordValue): Request {
  return {
    principal: policies.principal(query.caller),
    action: policies.action(target),
    resource: policies.resource(target.resource, query.server),
    context,
  }
}

const ips = new Map<string, IpAddress | undefined>()
const MAX_IPS = 10_000

/** An address as Cedar's `ipaddr`; IPv4 in IPv6, as sockets report it, is IPv4. */
function ipOf(address: string): IpAddress | undefined {
  if (!ips.has(address)) {
    if (ips.size >= MAX_IPS) ips.clear()
    ips.set(address, parseIp(address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')))
  }
  return ips.get(address)
}
