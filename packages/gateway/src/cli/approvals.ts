/** `tollgate approvals`: calls that wait for a person, asked of the running gateway. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { untilInterrupted } from './check.ts'
import {
  collect,
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { ok, type Result } from '../model/result.ts'
import { askTasks, tryTasks, principalOf } from './task-admin.ts'
import { EXIT, type ExitCode, harmless, paint, print, printJson, printTable, say } from './terminal.ts'

type CommonOptions = ConfigOptions & JsonOptions
interface AnswerOptions extends CommonOptions {
  readonly as?: string
  readonly group: readonly string[]
  readonly endorse?: readonly string[]
}

interface Shown {
  readonly id: string
  readonly state: string
  readonly principal: string
  readonly agent: string | null
  readonly task: { readonly id: string; readonly purpose: string } | null
  readonly action: string
  readonly resource: string
  readonly input: unknown
  readonly why: string
  readonly labels: readonly string[]
  readonly path: readonly { readonly at: string; readonly name: string; readonly reads: readonly string[] }[]
  readonly unaccounted: readonly { readonly argument: string; readonly value: string }[]
  readonly askedAt: string
  readonly goodUntil: string
  readonly decidedBy: string | null
  readonly url: string | null
}

const WATCH_MS = 1000

/** Registers the commands. */
export function addApprovals(program: Command): void {
  const approvals = program
    .command('approvals')
    .description('calls that wait for a person: look, approve, deny')
  takesJson(takesConfig(approvals.command('list')))
    .description('list what waits; --all lists what was decided, too')
    .option('--all', 'what was decided, used or forgotten, too')
    .action(leaving(list))
  takesJson(takesConfig(approvals.command('show')))
    .description('the exact call, and why a person is asked')
    .argument('<id>', 'as the list has it')
    .action(leaving(show))
  for (const verb of ['approve', 'deny'] as const) {
    const command = takesJson(takesConfig(approvals.command(verb)))
      .description(verb === 'approve' ? 'let exactly this call through, once' : 'say no to it')
      .argument('<id>', 'as the list has it')
      .option('--as <entity>', 'who decides, such as User::"bob"; default: whoever sits at this terminal')
      .option('--group <entity>', 'what they are in, such as Group::"leads"; can be repeated', collect, [])
    if (verb === 'approve')
      command.option(
        '--endorse <value>',
        'a value from nowhere that the task may send from now on; can be repeated',
        collect,
        [],
      )
    command.action(leaving((id: string, options: AnswerOptions) => answer(verb, id, options)))
  }
  takesJson(takesConfig(approvals.command('watch')))
    .description('show what comes, with a bell, until interrupted')
    .action(leaving(watch))
}

async function list(options: CommonOptions & { readonly all?: true }): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const known = await ask(config.value)
  if (!known.ok) return known.error
  const shown = known.value.filter(({ state }) => options.all === true || state === 'pending')
  if (options.json) printJson(shown)
  else if (shown.length === 0) say('Nothing waits for an approval.')
  else printTable(['APPROVAL', 'STATE', 'WHAT', 'FOR', 'THROUGH', 'UNTIL (UTC)'], shown.map(toRow))
  return EXIT.ok
}

const ALL = 'GET /api/v1/approvals'
interface Listed {
  readonly approvals: readonly Shown[]
}

async function ask(config: Config): Promise<Result<readonly Shown[], ExitCode>> {
  const listed = await askTasks<Listed>(config, ALL)
  return listed.ok ? ok(listed.value.approvals) : listed
}

function toRow({ id, state, action, principal, agent, goodUntil }: Shown): string[] {
  return [id, state, harmless(action), harmless(principal), harmless(agent ?? '-'), minuteOf(goodUntil)]
}

/** `2026-01-31 09:30`, of a time in UTC. */
function minuteOf(time: string): string {
  return time.slice(0, 16).replace('T', ' ')
}

async function show(id: string, options: CommonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const route = `GET /api/v1/approvals/${encodeURIComponent(id)}`
  const shown = await askTasks<{ readonly approval: Shown }>(config.value, route)
  if (!shown.ok) return shown.error
  if (options.json) printJson(shown.value.approval)
  else printApproval(shown.value.approval)
  return EXIT.ok
}

function printApproval(approval: Shown): void {
  const { id, state, principal, agent, task, action, resource, input, why, labels, unaccounted, path } =
    approval
  const { goodUntil, decidedBy, url } = approval
  const line = (name: string, value: string) => print(`${paint('dim', name.padEnd(12))} ${harmless(value)}`)
  line('approval', `${id} (${state})`)
  line('what', action)
  if (!resource.includes(action)) line('on', resource)
  line('for', agent === null ? principal : `${principal}, through ${agent}`)
  if (task !== null) line('task', `${task.purpose} (${task.id})`)
  line('why', why)
  if (labels.length > 0) line('has read', labels.join(', '))
  for (const { at, name, reads } of path)
    line(
      'after',
      `${at.slice(11, 19)} ${name}${reads.length === 0 ? '' : `, which reads ${reads.join(', ')}`}`,
    )
  for (const { argument, value } of unaccounted) line('from nowhere', `${argument}: ${JSON.stringify(value)}`)
  if (decidedBy !== null) line('decided by', decidedBy)
  if (state === 'pending' || state === 'approved')
    line(state === 'pending' ? 'waits until' : 'good until', `${minuteOf(goodUntil)} UTC`)
  if (state === 'pending' && url !== null) line('page', url)
  print('')
  for (const each of (JSON.stringify(input, undefined, 2) ?? 'null').split('\n')) print(`  ${harmless(each)}`)
}

async function answer(verb: 'approve' | 'deny', id: string, options: AnswerOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const who = principalOf(options.as, config.value)
  if (!who.ok) {
    say(`error: ${who.error.replace('--principal', '--as')}`)
    return EXIT.usage
  }
  const { group: groups, endorse = [] } = options
  const route = `POST /api/v1/approvals/${encodeURIComponent(id)}/${verb}`
  const body = { as: who.value, groups, endorse }
  const done = await askTasks<{ readonly approval: Shown }>(config.value, route, body)
  if (!done.ok) return done.error
  if (options.json) printJson(done.value.approval)
  else if (verb === 'deny') say(harmless(`${who.value} denied ${id}.`))
  else
    say(
      harmless(
        `${who.value} approved ${id}. The same call, made again within five minutes, goes through once.`,
      ),
    )
  return EXIT.ok
}

/** Until it is interrupted. A gateway that is there at first may be gone for a while, such as to be started anew. */
async function watch(options: CommonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const seen = new Set<string>()
  const tell = (waiting: readonly Shown[]) => {
    for (const each of waiting.filter(({ id, state }) => state === 'pending' && !seen.has(id)).reverse()) {
      seen.add(each.id)
      announce(each, options)
    }
  }
  const first = await ask(config.value)
  if (!first.ok) return first.error
  if (!options.json) say('Calls that wait for a person are shown here as they come. Ctrl-C stops.')
  await untilInterrupted(async (signal) => {
    tell(first.value)
    let isGone = false
    while (!signal.aborted) {
      await sleep(WATCH_MS, undefined, { signal }).catch(() => undefined)
      const known = await tryTasks<Listed>(config.value.admin.path, ALL)
      if (known.ok) tell(known.value.approvals)
      else if (!isGone) for (const line of known.error) say(line)
      if (known.ok && isGone) say('The gateway answers again.')
      isGone = !known.ok
    }
  })
  return EXIT.ok
}

function announce(approval: Shown, { json, config }: CommonOptions): void {
  if (process.stderr.isTTY) process.stderr.write('\u0007')
  if (json) return print(JSON.stringify(approval))
  const flag = config === undefined ? '' : ` --config ${config}`
  printApproval(approval)
  for (const verb of ['approve', 'deny']) print(`  tollgate approvals ${verb} ${approval.id}${flag}`)
  print('')
}
