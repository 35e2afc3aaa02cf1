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
import type { Caller, Delegation } from '../model/caller.ts'
import type { Query, Target } from '../model/decision.ts'
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
  }
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

function authenticationOf({ authentication }: Caller): RecordValue {
  const { method, issuer, atMs, strength, bound, clientProof, scopes } = authentication
  if (issuer === undefined) return { method }
  return {
    method,
    issuer,
    at: atMs === undefined ? undefined : datetimeFromMs(atMs),
    strength,
    bound,
    clientProof,
    scopes: method === 'token' ? scopeSet(scopes ?? NO_SCOPES) : undefined,
  }
}

const NO_SCOPES: readonly string[] = []
/** Remembered like delegations: a set costs more than most of what is asked of it. */
const scopeSets = new WeakMap<readonly string[], Value>()

function scopeSet(scopes: readonly string[]): Value {
  const known = scopeSets.get(scopes) ?? set([...scopes])
  scopeSets.set(scopes, known)
  return known
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
