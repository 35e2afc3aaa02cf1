/** `tollgate task list`, `show`, `end` and `endorse`. */
import type { TaskGrant } from '../model/task.ts'
import { type ConfigOptions, type JsonOptions, requireConfig } from './command.ts'
import { askTasks, principalOf } from './task-admin.ts'
import { EXIT, type ExitCode, harmless, paint, print, printJson, printTable, say } from './terminal.ts'

type CommonOptions = ConfigOptions & JsonOptions

interface ListedTask {
  readonly id: string
  readonly state: 'running' | 'ended' | 'expired'
  readonly purpose: string
  readonly template: string | null
  readonly principal: string
  readonly agent: string | null
  readonly parent: string | null
  readonly startedAt: string
  readonly expiresAt: string
  readonly endedAt: string | null
  readonly endedWhy: string | null
}

interface ShownTask extends ListedTask {
  readonly issuedBy: string | null
  readonly prompt: string | null
  readonly grant: TaskGrant
  readonly parts: readonly string[]
  readonly labels: readonly string[]
  readonly endorsed: readonly string[]
  readonly spent: Readonly<Record<string, unknown>>
  readonly left: Readonly<Record<string, unknown>>
}

/** Lists them. */
export async function listTasks(options: CommonOptions & { readonly all?: true }): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const listed = await askTasks<{ readonly tasks: readonly ListedTask[] }>(config.value, 'GET /api/v1/tasks')
  if (!listed.ok) return listed.error
  const tasks = listed.value.tasks.filter(({ state }) => options.all === true || state === 'running')
  if (options.json) printJson(tasks)
  else if (tasks.length === 0) say('No task is running; start one with: tollgate task start')
  else printTable(['TASK', 'STATE', 'PRINCIPAL', 'AGENT', 'TEMPLATE', 'UNTIL', 'PURPOSE'], tasks.map(toRow))
  return EXIT.ok
}

/** Shows one. */
export async function showTask(id: string, options: CommonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const route = `GET /api/v1/tasks/${encodeURIComponent(id)}`
  const shown = await askTasks<{ readonly task: ShownTask }>(config.value, route)
  if (!shown.ok) return shown.error
  const { task } = shown.value
  if (options.json) printJson(task)
  else await show(task)
  return EXIT.ok
}

/** Ends one. */
export async function endTask(
  id: string,
  options: CommonOptions & { readonly why?: string },
): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const route = `POST /api/v1/tasks/${encodeURIComponent(id)}/end`
  const why = options.why === undefined ? {} : { why: options.why }
  const ended = await askTasks<{ readonly task: ListedTask }>(config.value, route, why)
  if (!ended.ok) return ended.error
  if (options.json) printJson(ended.value.task)
  else say(harmless(`Task ${id} is over, and so is whatever was started within it.`))
  return EXIT.ok
}

/** Vouches for a value. */
export async function endorseValue(
  id: string,
  value: string,
  options: CommonOptions & { readonly principal?: string },
): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const by = principalOf(options.principal, config.value)
  if (!by.ok) {
    say(`error: ${by.error}`)
    return EXIT.usage
  }
  const route = `POST /api/v1/tasks/${encodeURIComponent(id)}/endorse`
  const done = await askTasks<{ readonly task: ListedTask }>(config.value, route, { value, by: by.value })
  if (!done.ok) return done.error
  if (options.json) printJson(done.value.task)
  else say(harmless(`Task ${id} may send ${JSON.stringify(value)} from now on, within its grant.`))
  return EXIT.ok
}

function toRow(task: ListedTask): string[] {
  const { id, state, principal, agent, template, expiresAt, purpose } = task
  return [
    id,
    paintState(state),
    harmless(principal),
    harmless(agent ?? '-'),
    harmless(template ?? '-'),
    expiresAt.slice(0, 16).replace('T', ' '),
    harmless(purpose.length > 60 ? `${purpose.slice(0, 59)}…` : purpose),
  ]
}

function paintState(state: ListedTask['state']): string {
  return paint(state === 'running' ? 'green' : 'dim', state)
}

async function show(task: ShownTask): Promise<void> {
  const { stringify } = await import('yaml')
  const { id, state, principal, agent, startedAt, expiresAt, endedAt, endedWhy, parent } = task
  const through = agent === null ? '' : ` through ${agent}`
  const ended = endedAt === null ? '' : `, ended ${endedAt}: ${endedWhy ?? ''}`
  const facts: [string, string][] = [
    ['task', `${id}, ${state}`],
    ['purpose', task.purpose],
    ['whose', `${principal}${through}`],
    ['from', `${startedAt} until ${expiresAt}${ended}`],
    ...(parent === null ? [] : [['part of', parent] as [string, string]]),
    ...(task.parts.length === 0 ? [] : [['parts', task.parts.join(', ')] as [string, string]]),
    ['has read', task.labels.join(', ') || 'nothing with a label'],
    ['used', JSON.stringify(task.spent)],
    ['left', JSON.stringify(task.left)],
    ...task.endorsed.map((value) => ['endorsed', JSON.stringify(value)] as [string, string]),
    ...(task.prompt === null ? [] : [['prompt', task.prompt] as [string, string]]),
  ]
  for (const [name, value] of facts) print(`${paint('dim', name.padEnd(9))}  ${harmless(value)}`)
  for (const line of stringify({ grant: task.grant }).trimEnd().split('\n')) print(harmless(line))
}
