/** `task_status`: what the caller's task lets it do, what is left of it, and why not, as its agent may know it. */
import type { JsonObject } from '../../model/message.ts'
import type { Permit } from '../../model/permit.ts'
import { ok } from '../../model/result.ts'
import type { TaskGrant, TaskRecord } from '../../model/task.ts'
import type { TaskDesk } from '../task-desk.ts'
import { budgetOf, type Counts, timeOf } from '../task-shape.ts'
import type { LastRefusals } from './last-refusals.ts'
import type { OwnTool } from './own-server.ts'

export interface TaskStatusParts {
  readonly desk: TaskDesk
  readonly counts: Counts
  readonly refusals: LastRefusals
}

/** The tool. */
export function taskStatus(parts: TaskStatusParts): OwnTool {
  return async (_args, permit) => {
    const structured = await statusOf(permit, parts)
    return ok({ structured, text: inWords(structured) })
  }
}

type Status = Awaited<ReturnType<typeof statusOf>>

async function statusOf({ caller }: Permit, { desk, counts, refusals }: TaskStatusParts) {
  const { task: id } = caller.authentication
  const task = id === undefined ? undefined : desk.find(id)
  const { templates } = await desk.templates()
  return {
    task: task === undefined ? null : describe(task, desk, counts),
    refused: refusals.of(caller.bindingKey),
    templates: [...templates.values()].map(({ template: { name, version, description, parameters } }) => ({
      name,
      version,
      description,
      parameters,
    })),
  }
}

function describe(task: TaskRecord, desk: TaskDesk, counts: Counts) {
  const { id, parent, startedAtMs, grant } = task
  const chain = desk.chainOf(task)
  const expiresAtMs = Math.min(...chain.map((each) => each.expiresAtMs))
  return {
    id,
    parent: parent ?? null,
    purpose: grant.purpose,
    template: grant.template ?? null,
    startedAt: timeOf(startedAtMs),
    expiresAt: timeOf(expiresAtMs),
    secondsLeft: Math.max(0, Math.floor((expiresAtMs - desk.now()) / 1000)),
    ...holds(grant),
    flow: grant.flow,
    hasRead: [...counts.labelsOf(id)],
    budget: budgetOf(task, counts),
    /** It can do no more than each of these. */
    partOf: chain.slice(1).map((above) => ({
      id: above.id,
      purpose: above.grant.purpose,
      ...holds(above.grant),
      budget: budgetOf(above, counts),
    })),
  }
}

function holds({ servers, tools, other_arguments }: TaskGrant) {
  return { servers, tools, otherArguments: other_arguments }
}

function inWords({ task, refused, templates }: Status): string {
  const lines: string[] = []
  if (task === null) lines.push('You work on no task: what you may do is what policies allow.')
  else {
    lines.push(`You work on "${task.purpose}" (${task.id}) for another ${task.secondsLeft} s.`)
    if (task.servers.length > 0) lines.push(`You may use what is read-only of: ${task.servers.join(', ')}.`)
    for (const [tool, constraints] of Object.entries(task.tools))
      lines.push(`You may call ${toolInWords(tool, constraints)}.`)
    const left = leftInWords(task.budget.left)
    if (left !== '') lines.push(`Left: ${left}.`)
    for (const { purpose, servers, tools, budget } of task.partOf) {
      lines.push(`It is a part of "${purpose}", and can do no more than that:`)
      if (servers.length > 0) lines.push(`- what is read-only of: ${servers.join(', ')}`)
      for (const [tool, constraints] of Object.entries(tools))
        lines.push(`- ${toolInWords(tool, constraints)}`)
      const leftThere = leftInWords(budget.left)
      if (leftThere !== '') lines.push(`- left there: ${leftThere}`)
    }
    if (task.hasRead.length > 0)
      lines.push(`You have read what is ${task.hasRead.join(' and ')}; flow is ${task.flow}.`)
  }
  for (const { at, what, reason, message } of refused)
    lines.push(`Refused at ${at}: ${what}: ${message} (${reason})`)
  if (templates.length > 0)
    lines.push(
      `Templates: ${templates.map(({ name, description }) => `${name} (${description})`).join('; ')}.`,
    )
  return lines.join('\n')
}

function leftInWords(left: object): string {
  return Object.entries(left)
    .map(([what, value]) => `${what} ${JSON.stringify(value)}`)
    .join(', ')
}

function toolInWords(tool: string, constraints: Readonly<Record<string, JsonObject>>): string {
  const limits = Object.entries(constraints).map(
    ([argument, schema]) => `${argument}: ${JSON.stringify(schema)}`,
  )
  return limits.length === 0 ? tool : `${tool} with ${limits.join(', ')}`
}
