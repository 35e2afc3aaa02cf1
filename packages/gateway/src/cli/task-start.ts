/** `tollgate task start`: a task from a template or a grant, and the key that is bound to it. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { Config } from '../config/config.ts'
import { isObject } from '../model/message.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { TaskGrant } from '../model/task.ts'
import type { Parameters } from '../tasks/templates/template.ts'
import { type ConfigOptions, type JsonOptions, requireConfig, takesConfig } from './command.ts'
import { parseLifetime } from './key.ts'
import { askTasks, principalOf } from './task-admin.ts'
import { EXIT, type ExitCode, harmless, print, printJson, say } from './terminal.ts'

export interface StartOptions extends ConfigOptions {
  readonly template?: string
  readonly grant?: string
  readonly set: Readonly<Record<string, string>>
  readonly for?: number
  readonly purpose?: string
  readonly prompt?: string
  readonly principal?: string
  readonly agent?: string
  readonly parent?: string
}

/** A task that was started, as the gateway answers. */
export interface StartedTask {
  readonly task: {
    readonly id: string
    readonly purpose: string
    readonly template: string | null
    readonly principal: string
    readonly agent: string | null
    readonly expiresAt: string
    readonly grant: TaskGrant
  }
  /** Of its MCP servers, by name; none where no URL leads to the gateway. */
  readonly urls: Readonly<Record<string, string>>
  readonly key: string
}

/** A template, as the gateway lists it. */
export interface ListedTemplate {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly file: string
  readonly parameters: Parameters
}

/** Adds the flags that say which task. */
export function takesStart(command: Command): Command {
  return takesConfig(command)
    .option('--template <name>', 'the template that it is made from; see tollgate task templates')
    .option('--set <name=value>', 'a parameter of the template; may be given again', addSetting, {})
    .option('--grant <file>', 'instead of a template: a grant, as YAML')
    .option('--for <duration>', 'how long it lasts at most: 20m, 1h, 2d', parseSeconds)
    .option('--purpose <text>', 'what the work is, for the agent, for approvers and the log')
    .option('--prompt <text>', 'what the agent is asked to do: values that stand in it may be sent')
    .option(
      '--principal <entity>',
      'whose work it is, such as User::"alice"; default: the person at this terminal',
    )
    .option('--agent <name>', 'the agent that works on it, such as claude-code')
    .option('--parent <task>', 'the task that it is a part of, and can do no more than')
}

function addSetting(
  text: string,
  before: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It is a name and a value, such as repo=.')
  const name = text.slice(0, at)
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`${name} is given twice.`)
  return { ...before, [name]: text.slice(at + 1) }
}

function parseSeconds(text: string): number {
  const lifetimeMs = parseLifetime(text)
  if (lifetimeMs === undefined || lifetimeMs === null)
    throw new InvalidArgumentError('It is a duration such as 20m, 1h or 2d.')
  return lifetimeMs / 1000
}

/** The command. */
export async function startTask(options: StartOptions & JsonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const started = await requestStart(options, config.value)
  if (!started.ok) return started.error
  if (options.json) {
    printJson(started.value)
    return EXIT.ok
  }
  tell(started.value)
  say('Its key is shown this once:')
  print(started.value.key)
  return EXIT.ok
}

/** Which task it is, for the person at the terminal. */
export function tell({ task, urls }: StartedTask): void {
  const { id, principal, agent, purpose, template, expiresAt, grant } = task
  const through = agent === null ? '' : ` through ${agent}`
  const from = template === null ? '' : `, from ${template}`
  say(harmless(`Task ${id} of ${principal}${through}, until ${expiresAt}${from}: ${purpose}`))
  const tools = Object.keys(grant.tools)
  if (grant.servers.length > 0) say(harmless(`It may use what is read-only of ${grant.servers.join(', ')}`))
  if (tools.length > 0) say(harmless(`It may call ${tools.join(', ')}`))
  for (const url of Object.values(urls)) say(harmless(`  ${url}`))
}

/** Has the gateway start the task that the flags describe; says why it did not. */
export async function requestStart(
  options: StartOptions,
  config: Config,
): Promise<Result<StartedTask, ExitCode>> {
  const { template, grant: file, purpose, prompt, agent, parent } = options
  if ((template === undefined) === (file === undefined))
    return misused(
      template === undefined
        ? 'name a template with --template, or a file with --grant; see: tollgate task templates'
        : 'give --template or --grant, not both',
    )
  if (template === undefined && Object.keys(options.set).length > 0)
    return misused('--set is for the parameters of a template')
  const principal = principalOf(options.principal, config)
  if (!principal.ok) return misused(principal.error)
  const grant = file === undefined ? ok(undefined) : await readGrantFile(file)
  if (!grant.ok) {
    for (const line of grant.error) say(harmless(line))
    return err(EXIT.failed)
  }
  const parameters = template === undefined ? ok(undefined) : await settings(template, options.set, config)
  if (!parameters.ok) return parameters
  return askTasks<StartedTask>(config, 'POST /api/v1/tasks', {
    principal: principal.value,
    agent,
    parent,
    template,
    parameters: parameters.value,
    grant: grant.value,
    purpose,
    prompt,
    expires_in: options.for,
  })
}

/** The parameters as given, paths resolved: what `.` is, only this side knows. */
async function settings(
  name: string,
  given: StartOptions['set'],
  config: Config,
): Promise<Result<Readonly<Record<string, string>>, ExitCode>> {
  const listed = await askTasks<{ readonly templates: readonly ListedTemplate[] }>(
    config,
    'GET /api/v1/templates',
  )
  if (!listed.ok) return listed
  const parameters = listed.value.templates.find((each) => each.name === name)?.parameters ?? {}
  const isPath = (parameter: string) =>
    Object.hasOwn(parameters, parameter) && parameters[parameter]?.type === 'path'
  return ok(
    Object.fromEntries(
      Object.entries(given).map(([parameter, value]) => [
        parameter,
        // An empty one is what a variable gives that is not set, not the folder we are in.
        isPath(parameter) && value !== '' ? resolve(value) : value,
      ]),
    ),
  )
}

/** A grant from a file; errors with file, line and column. */
async function readGrantFile(file: string): Promise<Result<unknown, readonly string[]>> {
  const { readYaml } = await import('../config/document.ts')
  const { readGrant } = await import('../tasks/grant.ts')
  const { showPath } = await import('../config/explain.ts')
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (problem) {
    return err([`${file} cannot be read (${(problem as NodeJS.ErrnoException).code ?? 'unknown error'})`])
  }
  const document = readYaml(text)
  const complaints = document.ok ? document.value.complaints : document.error
  if (!document.ok || complaints.length > 0)
    return err(
      complaints.map(({ position, message }) => `${file}:${position.line}:${position.column}: ${message}`),
    )
  const { value, positionOfValue } = document.value
  // A purpose may come by its flag.
  const written = isObject(value) ? { purpose: 'not said yet', ...value } : value
  const read = readGrant(written)
  if (read.ok) return ok(value)
  return err(
    read.error.map(({ path, message }) => {
      const { line, column } = positionOfValue(path)
      return `${file}:${line}:${column}: ${path.length === 0 ? 'the grant' : showPath(path)} ${message}`
    }),
  )
}

function misused(message: string): Result<never, ExitCode> {
  say(`error: ${message}`)
  return err(EXIT.usage)
}
