/**
 * Tasks over the admin API: who may open its socket is the operator, and may start a task for anyone. Bodies are strict:
 * a member that is misspelt would be a limit that does not hold.
 */
import * as z from 'zod'
import { parseEntity } from '../config/entity.ts'
import { parsed } from '../config/fields.ts'
import { showEntity } from '../model/caller.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { TaskRecord } from '../model/task.ts'
import { type AdminAnswer, type AdminRoutes, refused } from './admin-request.ts'
import { OPERATOR, type TaskDesk } from './task-desk.ts'
import { toGrant } from './task-grants.ts'
import { budgetOf, type Counts, stateOf, summaryOf } from './task-shape.ts'
import type { TemplateFile } from './templates.ts'

const startBody = z.strictObject({
  principal: parsed(parseEntity),
  agent: z.string().min(1).max(128).optional(),
  parent: z.string().optional(),
  template: z.string().optional(),
  parameters: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  grant: z.unknown().optional(),
  purpose: z.string().optional(),
  prompt: z.string().max(100_000).optional(),
  expires_in: z.number().optional(),
})
const endBody = z.strictObject({ why: z.string().min(1).max(500).optional() })
const endorseBody = z.strictObject({
  value: z.string().min(1).max(10_000),
  by: parsed(parseEntity),
})

/** `/api/v1/tasks` and `/api/v1/templates`. */
export function taskRoutes(desk: TaskDesk, counts: Counts): AdminRoutes {
  return (request) => {
    const { method, path, body } = request
    const [what, id, verb, ...more] = path
    if (more.length > 0) return undefined
    if (what === 'templates' && id === undefined && method === 'GET') return listTemplates(desk)
    if (what !== 'tasks') return undefined
    if (id === undefined) {
      if (method === 'GET')
        return { status: 200, body: { tasks: desk.list().map((task) => inList(task, desk)) } }
      return method === 'POST' ? start(body, desk) : undefined
    }
    switch (`${method} ${verb ?? ''}`) {
      case 'GET ':
        return show(id, desk, counts)
      case 'POST end':
        return end(id, body, desk)
      case 'POST hold':
        return hold(id, desk)
      case 'POST endorse':
        return endorse(id, body, desk)
      default:
        return undefined
    }
  }
}

async function start(body: unknown, desk: TaskDesk): Promise<AdminAnswer> {
  const asked = readBody(startBody, body)
  if (!asked.ok) return refused(400, ...asked.error)
  const { principal, agent, prompt, parent: above, expires_in: expiresIn } = asked.value
  const parent = above === undefined ? undefined : desk.find(above)
  if (above !== undefined && parent === undefined) return refused(404, noTask(above))
  if (parent !== undefined && showEntity(parent.principal) !== showEntity(principal))
    return refused(
      422,
      `The task ${parent.id} is ${showEntity(parent.principal)}'s, so is what is a part of it: name that principal, and not ${showEntity(principal)}.`,
    )
  const grant = await toGrant({ ...asked.value, expiresIn }, desk.config)
  if (!grant.ok) return refused(422, ...grant.error)
  const started = await desk.start({ principal, agent, parent, prompt, grant: grant.value, by: OPERATOR })
  if (!started.ok) return refused(422, ...started.error)
  const { task, key } = started.value
  return {
    status: 201,
    body: { task: { ...inList(task, desk), grant: task.grant }, urls: desk.urlsOf(task), key },
  }
}

async function end(id: string, body: unknown, desk: TaskDesk): Promise<AdminAnswer> {
  const asked = readBody(endBody, body ?? {})
  if (!asked.ok) return refused(400, ...asked.error)
  if (desk.find(id) === undefined) return refused(404, noTask(id))
  const ended = await desk.end(id, asked.value.why ?? 'it is done', OPERATOR)
  return ended.ok ? { status: 200, body: { task: inList(ended.value, desk) } } : refused(503, ...ended.error)
}

/** The task lasts for as long as whoever asks this stays: `tollgate task run`, whatever becomes of it. */
function hold(id: string, desk: TaskDesk): AdminAnswer {
  const task = desk.find(id)
  if (task === undefined) return refused(404, noTask(id))
  if (desk.isOver(task)) return refused(409, `The task ${id} is over.`)
  return {
    status: 200,
    body: { task: inList(task, desk) },
    left: () => void desk.end(id, 'what it was started for has ended', OPERATOR),
  }
}

async function endorse(id: string, body: unknown, desk: TaskDesk): Promise<AdminAnswer> {
  const asked = readBody(endorseBody, body)
  if (!asked.ok) return refused(400, ...asked.error)
  if (desk.find(id) === undefined) return refused(404, noTask(id))
  const endorsed = await desk.endorse(id, asked.value.value, asked.value.by)
  return endorsed.ok
    ? { status: 200, body: { task: inList(endorsed.value, desk) } }
    : refused(422, ...endorsed.error)
}

function show(id: string, desk: TaskDesk, counts: Counts): AdminAnswer {
  const task = desk.find(id)
  if (task === undefined) return refused(404, noTask(id))
  const { grant, prompt, issuedBy } = task
  const body = {
    ...inList(task, desk),
    issuedBy: issuedBy === undefined ? null : showEntity(issuedBy),
    prompt: prompt ?? null,
    grant,
    parts: desk.partsOf(id),
    labels: [...counts.labelsOf(id)],
    endorsed: desk.endorsedIn(id),
    ...budgetOf(task, counts),
  }
  return { status: 200, body: { task: body } }
}

function inList(task: TaskRecord, desk: TaskDesk) {
  return summaryOf(task, stateOf(task, desk.isOver(task), desk.now()))
}

async function listTemplates(desk: TaskDesk): Promise<AdminAnswer> {
  const { templates, errors } = await desk.templates()
  return { status: 200, body: { templates: [...templates.values()].map(describeTemplate), errors } }
}

/** A template as it is listed. */
function describeTemplate({ file, template }: TemplateFile) {
  const { name, version, description, parameters } = template
  return { name, version, description, file, parameters }
}

function readBody<T>(schema: z.ZodType<T>, body: unknown): Result<T, readonly string[]> {
  const read = schema.safeParse(body)
  if (read.success) return ok(read.data)
  return err(
    read.error.issues.map((issue) => {
      const place = issue.path.length === 0 ? 'The body' : issue.path.map(String).join('.')
      const what =
        issue.code === 'unrecognized_keys' ? `does not take ${issue.keys.join(', ')}` : lower(issue.message)
      return `${place} ${what}`
    }),
  )
}

/** Messages of the schema library begin with "Invalid input: expected …". */
function lower(message: string): string {
  return message
    .replace(/^Invalid input: expected /, 'must be ')
    .replace(/, received undefined$/, ', and is missing')
}

function noTask(id: string): string {
  return `There is no task ${JSON.stringify(id)}.`
}
