/**
 * What is worth a second look in a template, by what the configuration says of the tools it names. An error is what
 * cannot be meant; a warning is what should be meant.
 */
import { suggest } from '@tollgate/cedar'
import { isObject, type JsonObject } from '../../model/message.ts'
import type { TaskGrant } from '../../model/task.ts'
import type { ToolFacts } from '../../model/tool-facts.ts'
import { samples } from './parameters.ts'
import type { Template, TemplateFault } from './template.ts'
import { fillTemplate } from './templates.ts'

export interface LintFinding extends TemplateFault {
  readonly severity: 'error' | 'warning'
  /** Stable, for those who filter: `untrusted-private-way-out`. */
  readonly rule: string
}

/** What the configuration says: by server, then by the server's own name of a tool. */
export type KnownTools = ReadonlyMap<string, ReadonlyMap<string, ToolFacts>>

/** Looks a template over, filled with its defaults and made-up values. */
export function lintTemplate(template: Template, known: KnownTools): readonly LintFinding[] {
  const filled = fillTemplate(template, samples(template.parameters))
  if (!filled.ok) return filled.error.map((fault) => ({ ...fault, severity: 'error', rule: 'not-a-grant' }))
  const grant = filled.value
  return [
    ...unknownNames(grant, known),
    ...togetherDangerous(grant, known),
    ...openSenders(grant, known),
    ...openPatterns(grant),
    ...unlimited(grant),
  ]
}

type Place = TemplateFault['path']

function find(
  severity: LintFinding['severity'],
  rule: string,
  [at, path]: readonly [TemplateFault['at'], Place],
  message: string,
): LintFinding {
  return { severity, rule, at, path: ['grant', ...path], message }
}

/** The server and the server's own name of a tool. */
function split(tool: string): readonly [server: string, own: string] {
  const at = tool.indexOf('__')
  return [tool.slice(0, at), tool.slice(at + 2)]
}

function unknownNames({ servers, tools }: TaskGrant, known: KnownTools): LintFinding[] {
  const named = (server: string) => {
    const meant = suggest(server, known.keys())
    return `names a server ${server} that is not configured${meant === undefined ? '' : `; did you mean ${meant}?`}`
  }
  const inServers = servers.flatMap((server, index) => {
    const place = ['value', ['servers', index]] as const
    const own = known.get(server)
    if (own === undefined) return find('error', 'unknown-server', place, named(server))
    if ([...own.values()].some(({ readOnly }) => readOnly)) return []
    const message = `lets no tool of ${server} through: none is readOnly under servers.${server}.tools in the configuration`
    return find('warning', 'nothing-read-only', place, message)
  })
  const inTools = Object.keys(tools).flatMap((tool) => {
    const place = ['key', ['tools', tool]] as const
    const [server, own] = split(tool)
    const configured = known.get(server)
    if (configured === undefined) return find('error', 'unknown-server', place, named(server))
    if (configured.has(own)) return []
    const meant = suggest(own, configured.keys())
    const mend = meant === undefined ? '' : `; did you mean ${server}__${meant}?`
    const message = `is a tool that the configuration says nothing of, so what it reads and sends is not known: write it under servers.${server}.tools${mend}`
    return find('warning', 'unknown-tool', place, message)
  })
  return [...inServers, ...inTools]
}

/** Every tool that the grant lets through, with what is known of it; the shorthand written out. */
function usable({ servers, tools }: TaskGrant, known: KnownTools): ReadonlyMap<string, ToolFacts> {
  const all = new Map<string, ToolFacts>()
  for (const server of servers) {
    for (const [own, facts] of known.get(server) ?? []) {
      if (facts.readOnly === true) all.set(`${server}__${own}`, facts)
    }
  }
  for (const tool of Object.keys(tools)) {
    const [server, own] = split(tool)
    const facts = known.get(server)?.get(own)
    if (facts !== undefined) all.set(tool, facts)
  }
  return all
}

function togetherDangerous(grant: TaskGrant, known: KnownTools): LintFinding[] {
  const all = [...usable(grant, known)]
  const whose = (has: (facts: ToolFacts) => boolean | undefined) =>
    all.filter(([, facts]) => has(facts)).map(([tool]) => tool)
  const untrusted = whose(({ reads }) => reads?.includes('untrusted'))
  const secret = whose(({ reads }) => reads?.includes('private'))
  const out = whose(({ sends }) => sends)
  if (untrusted.length === 0 || secret.length === 0 || out.length === 0) return []
  const held = `holds untrusted input (${few(untrusted)}), private data (${few(secret)}) and a way out (${few(out)}) together`
  const follows = 'an instruction planted in what it reads could have private data sent away'
  const mend =
    grant.flow === 'off'
      ? 'write flow: strict, or split the template'
      : `only flow: ${grant.flow} stands between them; split the template where the work allows it`
  const severity = grant.flow === 'off' ? 'error' : 'warning'
  return [find(severity, 'untrusted-private-way-out', ['value', []], `${held}: ${follows}; ${mend}`)]
}

function few(tools: readonly string[]): string {
  const shown = tools.slice(0, 3).join(', ')
  return tools.length > 3 ? `${shown} and ${tools.length - 3} more` : shown
}

function openSenders(grant: TaskGrant, known: KnownTools): LintFinding[] {
  return [...usable(grant, known)].flatMap(([tool, { sends, readOnly }]) => {
    if (sends !== true) return []
    const constraints = grant.tools[tool]
    const open = Object.entries(constraints ?? {}).filter(([, schema]) => !isBounded(schema))
    const faults = open.map(([argument, schema]) =>
      find(
        'warning',
        'open-argument',
        ['key', ['tools', tool, argument]],
        schema['flow'] === 'off'
          ? `is left to the agent (flow: off), so ${tool} can carry anything out in it; see that the other arguments say where to`
          : `can be anything, and ${tool} can carry it out; add const, enum, pattern, within or hosts`,
      ),
    )
    if (readOnly !== true || grant.other_arguments === 'refuse') return faults
    const place =
      constraints === undefined ? (['value', ['servers']] as const) : (['key', ['tools', tool]] as const)
    const message = `lets ${tool} send whatever stands in arguments that are not mentioned; write other_arguments: refuse`
    return [...faults, find('warning', 'open-argument', place, message)]
  })
}

const BOUNDING = new Set(['const', 'enum', 'pattern', 'within', 'hosts', 'tables'])
const CARRIES_NOTHING = new Set(['boolean', 'integer', 'number', 'null'])

/** Whether a schema says which texts are taken, somewhere in it. */
function isBounded(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.some(isBounded)
  if (!isObject(schema)) return false
  if (typeof schema['type'] === 'string' && CARRIES_NOTHING.has(schema['type'])) return true
  return Object.entries(schema).some(([keyword, value]) => BOUNDING.has(keyword) || isBounded(value))
}

function openPatterns({ tools }: TaskGrant): LintFinding[] {
  return Object.entries(tools).flatMap(([tool, constraints]) =>
    Object.entries(constraints).flatMap(([argument, schema]) =>
      patternsIn(schema, ['tools', tool, argument]).flatMap(({ path, pattern }) => {
        const missing = [
          ...(/^(\^|\\A)/.test(pattern) ? [] : ['"^" at its beginning']),
          // A prefix that ends with a separator is meant as one.
          ...(/(\$|\\z)$/.test(pattern) || /^\^.*[/:@]$/.test(pattern) ? [] : ['"$" at its end']),
        ]
        const message = `matches parts of a text: ${missing.join(' and ')} would hold it to the whole`
        return missing.length === 0 ? [] : find('warning', 'pattern-without-anchor', ['value', path], message)
      }),
    ),
  )
}

function patternsIn(schema: JsonObject, path: Place): { path: Place; pattern: string }[] {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const at = [...path, keyword]
    if (keyword === 'const' || keyword === 'enum') return []
    if (keyword === 'pattern' && typeof value === 'string') return [{ path: at, pattern: value }]
    if (Array.isArray(value))
      return value.flatMap((each, index) => (isObject(each) ? patternsIn(each, [...at, index]) : []))
    return isObject(value) ? patternsIn(value, at) : []
  })
}

function unlimited({ flow, budget }: TaskGrant): LintFinding[] {
  const findings: LintFinding[] = []
  if (flow === 'off') {
    const message = 'is off: nothing that was read limits what is sent; write strict or ask'
    findings.push(find('warning', 'flow-off', ['value', ['flow']], message))
  }
  if (budget.calls === undefined) {
    const message = 'limits no calls; write how many the work takes, such as budget: { calls: 200 }'
    findings.push(find('warning', 'no-budget', ['value', ['budget']], message))
  }
  return findings
}
