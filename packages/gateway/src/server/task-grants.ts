/** From what somebody asks for, a template with values or a grant as written, to the grant of a task. */
import { suggest } from '@tollgate/cedar'
import type { Config } from '../config/config.ts'
import { isObject, type JsonObject } from '../model/message.ts'
import { OWN_SERVER } from '../model/names.ts'
import { err, type Result } from '../model/result.ts'
import type { TaskGrant } from '../model/task.ts'
import { compileConstraints } from '../tasks/constraints/compile.ts'
import { parseGrant } from '../tasks/grant.ts'
import { SIGHT } from './sight.ts'
import { readTemplates } from './templates.ts'

/** One of `template` and `grant`. */
export interface WantedGrant {
  readonly template?: string | undefined
  /** Of the template, by name. */
  readonly parameters?: JsonObject | undefined
  readonly grant?: unknown
  readonly purpose?: string | undefined
  /** Seconds, instead of what the template or grant says. */
  readonly expiresIn?: number | undefined
}

/** Who is told what is wrong: agents know neither files nor which servers there are. */
export type Audience = 'operator' | 'agent'

/** The grant that is meant; errors are sentences, those about a template with its file, line and column. */
export async function toGrant(
  wanted: WantedGrant,
  config: Config,
  audience: Audience = 'operator',
): Promise<Result<TaskGrant, readonly string[]>> {
  const { template, parameters = {}, grant, purpose } = wanted
  if ((template === undefined) === (grant === undefined))
    return err(['A task is started from a template or with a grant: give one of the two.'])
  const said = purpose === undefined ? {} : { purpose }
  const read =
    template === undefined
      ? readWritten(grant, parameters, said)
      : await readFromTemplate(template, { ...parameters, ...said }, { config, audience })
  if (!read.ok) return read
  const limited =
    wanted.expiresIn === undefined ? read : parseGrant({ ...read.value, expires_in: wanted.expiresIn })
  if (!limited.ok) return limited
  const faults = [
    ...constraintFaults(limited.value),
    ...(audience === 'operator' ? unknownServers(limited.value, config) : []),
  ]
  return faults.length === 0 ? limited : err(faults)
}

function readWritten(
  grant: unknown,
  parameters: JsonObject,
  said: { readonly purpose?: string },
): Result<TaskGrant, readonly string[]> {
  if (Object.keys(parameters).length > 0)
    return err(['Parameters are for templates; a grant is taken as it is.'])
  if (!isObject(grant)) return err(['The grant must be an object with purpose, servers and tools.'])
  if (said.purpose !== undefined && grant['purpose'] !== undefined)
    return err(['The grant says its purpose itself; leave out the other one.'])
  if (grant['template'] !== undefined) return err(['template: is only for grants that were made from one.'])
  return parseGrant({ ...grant, ...said })
}

async function readFromTemplate(
  name: string,
  given: JsonObject,
  { config: { taskDir }, audience }: { readonly config: Config; readonly audience: Audience },
): Promise<Result<TaskGrant, readonly string[]>> {
  const { templates, errors } = await readTemplates(taskDir)
  const found = templates.get(name)
  if (found !== undefined) return found.fill(given, audience)
  const isForOperator = audience === 'operator'
  const broken = errors.filter((error) => error.includes(`${name}.y`))
  if (isForOperator && broken.length > 0) return err(broken)
  const meant = suggest(name, templates.keys())
  const folder = isForOperator ? taskDir : 'the gateway'
  const known =
    templates.size === 0 ? `${folder} holds none` : `there are ${[...templates.keys()].join(', ')}`
  const mend = meant === undefined ? known : `did you mean ${meant}?`
  return err([`There is no template ${JSON.stringify(name)}; ${mend}`])
}

/** What cannot be read would refuse every call of the tool. */
function constraintFaults({ tools }: TaskGrant): string[] {
  return Object.entries(tools).flatMap(([tool, constraints]) => {
    const read = compileConstraints(constraints, { others: 'refuse', sight: SIGHT })
    return read.ok ? [] : [`${tool}: ${read.error}`]
  })
}

/** Nothing could come of them, so they are mistakes. */
function unknownServers(grant: TaskGrant, config: Config): string[] {
  return serversOf(grant)
    .filter((server) => !config.servers.has(server))
    .map((server) => {
      const meant = suggest(server, config.servers.keys())
      return `The grant names a server ${JSON.stringify(server)} that is not configured${meant === undefined ? '.' : `; did you mean ${meant}?`}`
    })
}

/** Servers that a task can use something of, the gateway's own aside. */
export function serversOf({ servers, tools }: TaskGrant): readonly string[] {
  const ofTools = Object.keys(tools).map((tool) => tool.slice(0, tool.indexOf('__')))
  return [...new Set([...servers, ...ofTools])].filter((server) => server !== OWN_SERVER)
}
