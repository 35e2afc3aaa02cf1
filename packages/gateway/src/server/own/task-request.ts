/**
 * `task_request`: an agent asks for a task. A part of its own is given at once, since it can only narrow; anything else a
 * person decides, by an approval of exactly this call. A key is given only to those who have one: it knows nothing of the
 * scopes, the proof and the claims of a token, and would be worth more than that.
 */
import * as z from 'zod'
import { showEntity } from '../../model/caller.ts'
import type { JsonObject } from '../../model/message.ts'
import type { Permit } from '../../model/permit.ts'
import type { Refusal } from '../../model/refusal.ts'
import { err, ok, type Result } from '../../model/result.ts'
import type { TaskGrant, TaskRecord } from '../../model/task.ts'
import type { By, Started, TaskDesk } from '../task-desk.ts'
import { toGrant } from '../task-grants.ts'
import { timeOf } from '../task-shape.ts'
import { KINDS } from './definitions.ts'
import type { OwnTool, ToolAnswer } from './own-server.ts'

const argumentsSchema = z.strictObject({
  kind: z.enum(KINDS).optional(),
  reason: z.string().min(1).max(2000),
  purpose: z.string().min(1).max(2000).optional(),
  template: z.string().optional(),
  parameters: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  grant: z.record(z.string(), z.unknown()).optional(),
  expires_in: z.int().min(1).optional(),
})

type Answer = Promise<Result<ToolAnswer, Refusal>>

interface Asked {
  readonly permit: Permit
  readonly own: TaskRecord | undefined
  readonly grant: TaskGrant
  readonly reason: string
}

/** The tool. */
export function taskRequest(desk: TaskDesk): OwnTool {
  return async (args, permit) => {
    const read = argumentsSchema.safeParse(args)
    if (!read.success)
      return no(read.error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`))
    const { task: id } = permit.caller.authentication
    const own = id === undefined ? undefined : desk.find(id)
    const { kind = own === undefined ? 'new' : 'part', reason } = read.data
    if (kind === 'new' && own !== undefined)
      return no(['You work on a task: ask for a "part" of it, or for a "wider" one in its place.'])
    if (kind !== 'new' && own === undefined) return no(['You work on no task: ask for a "new" one.'])
    if (kind !== 'wider' && !canHoldKey(permit)) return no([NO_KEY])
    const grant = await toGrant({ ...read.data, expiresIn: read.data.expires_in }, desk.config, 'agent')
    if (!grant.ok) return no(grant.error)
    const asked = { permit, own, grant: grant.value, reason }
    if (kind === 'part') return startPart(asked, desk)
    if (permit.approval === undefined) return err(askAPerson(asked))
    return kind === 'new' ? startNew(asked, desk) : widen(asked, desk)
  }
}

const NO_KEY =
  'You call with a token or a certificate, and a task of yours needs one of its own: exchange the token for one (RFC 8693) or ask for one, with authorization_details of type "tollgate_task".'

function canHoldKey({ caller }: Permit): boolean {
  const { method } = caller.authentication
  return (method === 'api-key' || method === 'anonymous') && caller.delegation === undefined
}

const MAX_SHOWN_CHARACTERS = 4000

/** What a person is asked, and what is told to the agent until they have answered: the grant as it would be. */
function askAPerson({ own, grant }: Asked): Refusal {
  const which = own === undefined ? 'A task' : 'A wider task'
  const { purpose, template, type: _, ...holds } = grant
  const from = template === undefined ? '' : `, from ${template}`
  const shown = JSON.stringify(holds)
  const cut = shown.length > MAX_SHOWN_CHARACTERS ? `${shown.slice(0, MAX_SHOWN_CHARACTERS)}…` : shown
  return {
    reason: 'approval-required',
    message: `${which} is for a person to decide: "${purpose}"${from}. It would hold ${cut}. An operator can start one as well, with: tollgate task start.`,
    detail: JSON.stringify(grant),
    remedy: { kind: 'approval' },
  }
}

async function startPart({ permit, own, grant, reason }: Asked, desk: TaskDesk): Answer {
  if (own === undefined) return no(['You work on no task.'])
  const { principal, agent } = own
  const by = byAgent(permit, reason)
  const started = await desk.start({
    principal,
    agent: agent ?? permit.caller.agent?.id,
    parent: own,
    grant,
    by,
  })
  return started.ok ? given(started.value, desk) : no(started.error)
}

async function startNew({ permit, grant, reason }: Asked, desk: TaskDesk): Answer {
  const { principal, agent } = permit.caller
  const [issuedBy] = permit.approval?.approvers ?? []
  const by = byAgent(permit, reason)
  const started = await desk.start({ principal, agent: agent?.id, grant, by, issuedBy })
  return started.ok ? given(started.value, desk) : no(started.error)
}

async function widen({ permit, own, grant, reason }: Asked, desk: TaskDesk): Answer {
  if (own === undefined) return no(['You work on no task.'])
  const widened = await desk.widen(own, grant, byAgent(permit, reason))
  if (!widened.ok) return no(widened.error)
  const { id, expiresAtMs } = widened.value
  const structured = { task: { id, purpose: grant.purpose, expiresAt: timeOf(expiresAtMs), grant } }
  return ok({
    structured,
    text: `Your task ${id} has the grant that was approved, until ${timeOf(expiresAtMs)}.`,
  })
}

function given({ task, key }: Started, desk: TaskDesk): Result<ToolAnswer, never> {
  const { id, grant, parent, expiresAtMs } = task
  const urls = desk.urlsOf(task)
  const expiresAt = timeOf(expiresAtMs)
  const structured = {
    task: { id, parent: parent ?? null, purpose: grant.purpose, expiresAt, grant },
    key,
    urls,
  }
  const places = Object.entries(urls).map(([server, url]) => `${server} at ${url}`)
  const where = places.length === 0 ? '' : ` It is for ${places.join(', ')}.`
  const text = `Task ${id} has begun, until ${expiresAt}. Its key, shown this once, goes into "Authorization: Bearer …": ${key}${where}`
  return ok({ structured, text })
}

/** For the log. */
function byAgent({ caller, entry, approval }: Permit, reason: string): By {
  const { requestId, entry: decided } = entry
  const through = caller.agent === undefined ? '' : ` through ${caller.agent.id}`
  const approved =
    approval === undefined ? '' : `, approved by ${approval.approvers.map(showEntity).join(', ')}`
  return {
    who: `${showEntity(caller.principal)}${through} (${JSON.stringify(reason)}${approved})`,
    requestId,
    source: decided.source,
  }
}

function no(errors: readonly string[]): Result<ToolAnswer, never> {
  const structured: JsonObject = { errors }
  return ok({ text: errors.join('\n'), structured, isError: true })
}
