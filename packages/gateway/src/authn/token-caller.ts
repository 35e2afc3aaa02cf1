/**
 * The claims of a verified token → who is calling. Everyone's name begins with that of the issuer, which has no `/`, so
 * two issuers cannot tell of the same principal, whatever they write. What is not as expected is refused, not left out:
 * a group that is lost would let a `forbid` on it pass.
 */
import { type Authentication, type Caller, createCaller, type EntityRef } from '../model/caller.ts'
import { LOCAL_ISSUER, type TokenIssuer } from '../model/issuer.ts'
import { isObject } from '../model/message.ts'
import { err, ok, type Result } from '../model/result.ts'
import { TASK_TYPE } from '../model/task.ts'
import type { Binding } from './binding.ts'
import { claimAt, hasAll, isName, textOf } from './claims.ts'
import { agentNamed, delegationOf } from './delegation.ts'
import type { Members } from './jwt.ts'

const MAX_GROUPS = 1000
const MAX_SCOPES = 1000
const TYPES = { user: 'User', service: 'Service', agent: 'Agent' } as const

/** Whose person it is, where that is not the gateway itself; `sub` is then their whole name. A claim of our own tokens. */
export const PRINCIPAL_ISSUER_CLAIM = 'principal_issuer'

/** Clocks of issuers may be this wrong. */
export const LEEWAY_SECONDS = 30

/** What is known of a token besides its claims. */
interface Known {
  /** Names tokens that have no `jti`. */
  readonly fallbackId: string
  readonly binding?: Binding | undefined
}

/** The caller, by claims that have `exp`; the error is for the log. */
export function callerOf(claims: Members, issuer: TokenIssuer, token: Known): Result<Caller, string> {
  const subject = subjectOf(claims, issuer)
  if (!subject.ok) return subject
  const home = homeOf(claims, issuer, subject.value)
  if (!home.ok) return home
  const groups = groupsOf(claims, issuer, home.value)
  if (!groups.ok) return groups
  const tags = tagsOf(claims, issuer)
  if (!tags.ok) return tags
  const client = issuer.clients.map((path) => claimAt(claims, path)).find((value) => value !== undefined)
  if (client !== undefined && !isName(client)) return err('the claim that names the client is not a name')

  const delegation = delegationOf(claims, issuer)
  if (!delegation.ok) return delegation
  const acts = delegation.value !== undefined
  const kind = kindOf(claims, issuer, client)
  // Nobody stands behind a client on its own, and it is known by its name; a client that acts for a service is another.
  const isItself = kind !== issuer.kind && client !== undefined && !acts
  const name =
    home.value === issuer.name ? `${issuer.name}/${isItself ? client : subject.value}` : subject.value
  const principal = { type: TYPES[kind], id: name }
  const last = delegation.value?.chain.at(-1)
  const agent = client !== undefined && (kind === 'user' || acts) ? agentNamed(issuer, client) : last
  const known = { groups: groups.value, tags: tags.value }
  const scopes = scopesOf(claims)
  if (!scopes.ok) return scopes
  const task = taskOf(claims, issuer)
  if (!task.ok) return task
  const proof = { ...proofOf(claims, issuer, { client, ...token }), ...scopes.value, ...task.value }
  return ok(createCaller(principal, { agent, delegation: delegation.value, known }, proof))
}

function kindOf(claims: Members, issuer: TokenIssuer, client: string | undefined): TokenIssuer['kind'] {
  const { agents, services, kind } = issuer
  if (agents.size > 0 && hasAll(claims, agents)) return 'agent'
  if (services.size > 0 && hasAll(claims, services)) return 'service'
  // Our own tokens say so of every client on its own; a person may have the name of a client.
  if (issuer.name === LOCAL_ISSUER) return kind
  // A client whose subject is the client itself (RFC 9068, 2.2).
  return kind === 'user' && client !== undefined && client === claims['sub'] ? 'service' : kind
}

function subjectOf(claims: Members, { subject, subjectPrefix }: TokenIssuer): Result<string, string> {
  const value = claimAt(claims, subject)
  if (!isName(value)) return err(`the claim ${subject} does not name anyone`)
  if (!value.startsWith(subjectPrefix))
    return err(`the claim ${subject} does not begin with ${subjectPrefix}`)
  // Whoever may write any address into a profile would be whoever they like.
  if (subject === 'email' && claims['email_verified'] !== true)
    return err('the email address is not verified')
  return ok(value)
}

/** Name of the issuer whose principal it is: of a person whom another one vouched for, that one's. */
function homeOf(claims: Members, { name }: TokenIssuer, subject: string): Result<string, string> {
  const home = name === LOCAL_ISSUER ? (claims[PRINCIPAL_ISSUER_CLAIM] ?? name) : name
  if (home === name) return ok(name)
  const isWhole = isName(home) && !home.includes('/') && subject.startsWith(`${home}/`)
  return isWhole && claims['principal_type'] === undefined
    ? ok(home)
    : err(`the claim ${PRINCIPAL_ISSUER_CLAIM} does not go with the others`)
}

function groupsOf(claims: Members, issuer: TokenIssuer, home: string): Result<readonly EntityRef[], string> {
  const { groups: path } = issuer
  if (path === undefined) return ok([])
  // More groups than fit: they would have to be fetched (OpenID Connect Core, 5.6.2; Entra ID, overage).
  const elsewhere = claims['_claim_names']
  const isElsewhere = typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, path)
  if (isElsewhere || claims['hasgroups'] !== undefined) return err('the groups are not in the token')
  const value = claimAt(claims, path) ?? []
  const names: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (names.length > MAX_GROUPS) return err(`the claim ${path} has more than ${MAX_GROUPS} groups`)
  if (!names.every(isName)) return err(`the claim ${path} is not a list of groups`)
  return ok([...new Set(names)].map((group) => ({ type: 'Group', id: `${home}/${group}` })))
}

function tagsOf(claims: Members, issuer: TokenIssuer): Result<Readonly<Record<string, string>>, string> {
  const tags: Record<string, string> = {}
  for (const [tag, path] of issuer.tags) {
    const value = claimAt(claims, path)
    if (value === undefined || value === null) continue
    const text = textOf(value)
    if (text?.isWellFormed() !== true) return err(`the claim ${path} is not a text`)
    tags[tag] = text
  }
  return ok(tags)
}

/** The task that a token of our own is for (RFC 9396, 9.1); what others write of tasks is not taken for less than it says. */
function taskOf(claims: Members, { name }: TokenIssuer): Result<Pick<Authentication, 'task'>, string> {
  const details = claims['authorization_details'] ?? []
  if (!Array.isArray(details)) return err('the claim authorization_details is not a list')
  const tasks = details.filter((each: unknown) => isObject(each) && each['type'] === TASK_TYPE)
  if (tasks.length === 0) return ok({})
  const [task] = tasks as readonly Members[]
  if (name !== LOCAL_ISSUER) return err('it is for a task, and tasks are started by this gateway alone')
  const id = task?.['id']
  if (tasks.length > 1 || !isName(id)) return err('the claim authorization_details does not name one task')
  return ok({ task: id })
}

/** A text with spaces (RFC 8693, 4.2), or a list as some issuers write it. */
function scopesOf({ scope, scp }: Members): Result<Pick<Authentication, 'scopes'>, string> {
  const written = scope ?? scp ?? []
  const names: readonly unknown[] = typeof written === 'string' ? written.split(' ') : [written].flat()
  if (names.length > MAX_SCOPES || !names.every((name) => typeof name === 'string'))
    return err(`the claim ${scope === undefined ? 'scp' : 'scope'} is not a list of scopes`)
  const scopes = [...new Set(names.filter((name) => name !== ''))]
  return ok(scopes.length === 0 ? {} : { scopes })
}

function proofOf(
  claims: Members,
  { name, clientProof }: TokenIssuer,
  { client, fallbackId, binding }: Known & { client: string | undefined },
): Authentication {
  const { jti, auth_time: at, acr } = claims
  const id = isName(jti) && jti.length <= 128 ? jti : fallbackId
  const proved = clientProof === undefined ? undefined : textOf(claimAt(claims, clientProof))
  return {
    method: 'token',
    credential: `${name}/${id}`,
    issuer: name,
    goodUntilMs: (Number(claims['exp']) + LEEWAY_SECONDS) * 1000,
    ...(typeof at === 'number' && Math.abs(at) <= MAX_SECONDS ? { atMs: Math.trunc(at * 1000) } : {}),
    ...(isName(acr) ? { strength: acr } : {}),
    ...binding,
    ...(client === undefined ? {} : { client }),
    ...(isName(proved) ? { clientProof: proved } : {}),
  }
}

/** Of dates that can be written with four digits of a year. */
const MAX_SECONDS = 253_402_300_799
