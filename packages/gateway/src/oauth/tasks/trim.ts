/**
 * What a person leaves of a task before they say yes. A form can only take away: what it keeps is looked up in what was
 * asked for, and a name or a number that is not within that is an error, not an addition.
 */
import { err, type Result } from '../../model/result.ts'
import type { Budget, Flow, TaskGrant } from '../../model/task.ts'
import { parseGrant } from '../../tasks/grant.ts'

/** The strictest first. */
const FLOWS: readonly Flow[] = ['strict', 'ask', 'off']

/** Budgets that are one number each. */
const NUMBERS = ['calls', 'result_bytes', 'concurrency', 'wall_seconds', 'same_call'] as const

/** Name of the field for how often one tool may be called. */
export const callsField = (tool: string) => `calls of ${tool}`

/** Flows that are at least as strict. */
export function flowsWithin(flow: Flow): readonly Flow[] {
  return FLOWS.slice(0, FLOWS.indexOf(flow) + 1)
}

/** The grant that is left of `asked`. The error is a sentence for the person. */
export function trim(asked: TaskGrant, form: URLSearchParams): Result<TaskGrant, string> {
  const servers = kept(asked.servers, form.getAll('server'))
  const names = kept(Object.keys(asked.tools), form.getAll('tool'))
  if (servers === undefined || names === undefined) return err('The form holds more than what was asked for.')
  if (servers.length + names.length === 0)
    return err('Leave something that the program may use, or do not allow it at all.')
  const seconds = lowered(asked.expires_in, form.get('expires_in'))
  const flow = flowsWithin(asked.flow).find((each) => each === (form.get('flow') ?? asked.flow))
  const budget = budgetLeft(asked.budget, names, form)
  if (seconds === undefined || flow === undefined || budget === undefined)
    return err('Times and limits can be lowered here, to whole numbers above zero, and not raised.')
  const tools = Object.fromEntries(names.map((name) => [name, asked.tools[name]]))
  const left = parseGrant({ ...asked, servers, tools, expires_in: seconds, flow, budget })
  return left.ok ? left : err(`This cannot be allowed: ${left.error.join('; ')}.`)
}

/** Those of `all` that are named, in their order; undefined when others are named, too. */
function kept(all: readonly string[], named: readonly string[]): readonly string[] | undefined {
  return named.every((name) => all.includes(name)) ? all.filter((name) => named.includes(name)) : undefined
}

/** Undefined when it cannot be read, or is more. An empty field leaves it as it was. */
function lowered(limit: number, field: string | null): number | undefined {
  const text = (field ?? '').trim()
  if (text === '') return limit
  const value = /^\d{1,15}$/.test(text) ? Number(text) : 0
  return value >= 1 && value <= limit ? value : undefined
}

function budgetLeft(asked: Budget, tools: readonly string[], form: URLSearchParams): Budget | undefined {
  const left: [string, number | undefined][] = []
  for (const name of NUMBERS) {
    const limit = asked[name]
    // What was not limited may be, by any number.
    if (limit !== undefined || (form.get(name) ?? '').trim() !== '')
      left.push([name, lowered(limit ?? Number.MAX_SAFE_INTEGER, form.get(name))])
  }
  const perTool: [string, number | undefined][] = []
  for (const tool of tools) {
    const limit = ownOf(asked.calls_per_tool ?? {}, tool)
    if (limit === 0) perTool.push([tool, 0])
    else if (limit !== undefined) perTool.push([tool, lowered(limit, form.get(callsField(tool)))])
  }
  const perServer = Object.entries(asked.calls_per_tool ?? {}).filter(([tool]) => !tools.includes(tool))
  if ([...left, ...perTool].some(([, value]) => value === undefined)) return undefined
  const all = [...perServer, ...perTool]
  return {
    ...Object.fromEntries(left),
    ...(all.length === 0 ? {} : { calls_per_tool: Object.fromEntries(all) as Record<string, number> }),
  }
}

function ownOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
