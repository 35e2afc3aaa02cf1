/**
 * A made-up organisation, the same in every run: policies as a gateway for tools has them, and calls with ten arguments.
 * About one policy in eight asks about the arguments' paths, one in ten about tables, the rest about who calls what.
 */
import { Random } from '../src/testing/random.ts'

export interface NamedPolicy {
  readonly id: string
  /** Without the annotation of its id. */
  readonly text: string
}

/** Who calls, and what is known of them however often they call. */
export interface Agent {
  readonly id: string
  readonly groups: readonly string[]
  readonly risk: number
}

export interface Tool {
  readonly name: string
  readonly server: string
  /** Of the server and of its tools. */
  readonly trust: number
}

export interface Call {
  readonly agent: Agent
  readonly tool: Tool
  readonly sourceIp: string
  readonly nowMs: number
  readonly task: { readonly id: string; readonly expiresAtMs: number; readonly tools: readonly string[] }
  readonly depth: number
  /** Parsed JSON. */
  readonly input: { readonly [name: string]: unknown }
}

export interface Workload {
  readonly policies: readonly NamedPolicy[]
  readonly calls: readonly Call[]
}

const TOOLS =
  'read_file write_file list_dir query_sql search create_issue merge_pr send_mail deploy get_secret'.split(
    ' ',
  )
const FILE_TOOLS = TOOLS.slice(0, 3)
const TABLES = Array.from({ length: 60 }, (_, index) => `table_${index}`)
const FORBIDDEN = ['*/.ssh/*', '/etc/*', '*.pem', '*/.env', '/var/secrets/*']
const AGENTS = 80
const GROUPS_OF_AN_AGENT = 5
const DAY_MS = Date.UTC(2026, 10, 22)

/** Concern every call. */
const GUARDS = [
  'forbid (principal, action, resource) when { principal.risk > 80 };',
  'forbid (principal, action, resource) when { context.input has path && context.input.path like "*..*" };',
  'forbid (principal, action, resource) when { context.delegation.depth > 3 };',
  'forbid (principal, action, resource) when { resource.trust < 1 && context.environment.name == "prod" };',
  'forbid (principal, action in Action::"tools/call", resource) unless { context has task };',
]

const quoted = (text: string): string => JSON.stringify(text)

/** Policies and calls; the number of groups and servers grows with that of the policies. */
export function makeWorkload(policyCount: number, callCount: number): Workload {
  const random = new Random(policyCount)
  const servers = Math.max(3, Math.round(policyCount / 50))
  const groups = Math.max(12, Math.round(policyCount / 20))
  const group = (): string => `g${random.below(groups)}`
  const guards = GUARDS.slice(0, policyCount <= 10 ? 2 : GUARDS.length)
  const texts = [...guards]
  /** Which tools the policies about each group name. */
  const named = new Map<string, [server: number, tool: string][]>()
  while (texts.length < policyCount) {
    const about = group()
    const place: [number, string] = [random.below(servers), random.pick(TOOLS)]
    texts.push(policyText(random, texts.length, about, place))
    named.set(about, [...(named.get(about) ?? []), place])
  }
  const agents = Array.from({ length: AGENTS }, (_, index): Agent => {
    const own = new Set(Array.from({ length: GROUPS_OF_AN_AGENT }, group))
    return { id: `agent-${index}`, groups: [...own], risk: random.below(85) }
  })
  const tools = Array.from({ length: servers }, (_, index) => {
    const trust = 1 + random.below(3)
    return new Map(TOOLS.map((name): [string, Tool] => [name, { name, server: `s${index}`, trust }]))
  })
  const makeOne = (): Call => {
    const agent = random.pick(agents)
    // Most calls are what somebody has thought of.
    const known = named.get(random.pick(agent.groups)) ?? []
    const thoughtOf = known.length > 0 && random.chance(0.8)
    const [server, name] = thoughtOf
      ? random.pick(known)
      : ([random.below(servers), random.pick(TOOLS)] as const)
    const tool = tools[server]?.get(name)
    if (tool === undefined) throw new Error(`no tool ${name}`)
    return makeCall(random, agent, tool)
  }
  return {
    policies: texts.map((text, index) => ({ id: `p${index}`, text })),
    calls: Array.from({ length: callCount }, makeOne),
  }
}

function policyText(
  random: Random,
  index: number,
  group: string,
  [serverIndex, tool]: readonly [server: number, tool: string],
): string {
  const server = `s${serverIndex}`
  const fileTool = action(server, FILE_TOOLS.includes(tool) ? tool : random.pick(FILE_TOOLS))
  const members = `principal in Group::${quoted(group)}`
  const here = `resource in Server::${quoted(server)}`
  const roll = random.below(100)
  if (roll < 45) {
    return `permit (${members}, ${action(server, tool)}, resource == Tool::${quoted(`${server}/${tool}`)});`
  }
  if (roll < 60) {
    return `permit (${members}, ${fileTool}, ${here})
  when { context.input has path && context.input.path like "/repo/project-${index % 97}/*" };`
  }
  if (roll < 70) {
    return `forbid (principal, ${fileTool}, resource)
  when { context.input has path && context.input.path like ${quoted(random.pick(FORBIDDEN))} };`
  }
  if (roll < 80) {
    const tables = Array.from({ length: 8 }, () => quoted(random.pick(TABLES)))
    return `permit (${members}, ${action(server, 'query_sql')}, ${here})
  when { [${tables.join(', ')}].containsAll(context.input.tables) && context.input.limit <= 1000 };`
  }
  if (roll < 85) {
    return `forbid (${members}, action, ${here}) unless {
  context.environment.now.toTime() >= duration("${5 + random.below(3)}h") &&
  context.environment.now.toTime() < duration("${20 + random.below(4)}h") };`
  }
  if (roll < 90) {
    return `forbid (${members}, action, ${here})
  unless { context.source.ip.isInRange(ip("10.${random.below(4) * 64}.0.0/9")) };`
  }
  return `permit (principal, ${action(server, tool)}, ${here})
  when { context.task.expiresAt > context.environment.now && context.task.tools.contains(${quoted(`${server}__${tool}`)}) };`
}

function action(server: string, tool: string): string {
  return `action == Action::${quoted(`${server}__${tool}`)}`
}

function makeCall(random: Random, agent: Agent, tool: Tool): Call {
  const table = random.pick(TABLES)
  const paths = ['/repo/project-3/README.md', '/home/a/.ssh/id_rsa', '/repo/../x', '/data/report.csv']
  const input = {
    path: random.chance(0.6) ? `/repo/project-${random.below(97)}/src/index.ts` : random.pick(paths),
    query: `select a, b from ${table}`,
    tables: [table],
    limit: random.chance(0.9) ? 100 : 5000,
    recursive: false,
    format: 'json',
    options: { encoding: 'utf-8', depth: 2, follow: false },
    filter: { field: 'name', op: 'eq', value: `x${random.below(1000)}` },
    tags: ['a', 'b', 'c'],
    message: `hello ${random.below(1000)}`,
  }
  return {
    agent,
    tool,
    sourceIp: `10.${random.below(256)}.3.${1 + random.below(250)}`,
    nowMs: DAY_MS + random.below(86_400) * 1000,
    task: {
      id: `task-${random.below(1000)}`,
      expiresAtMs: DAY_MS + (random.chance(0.8) ? 86_400_000 : 0),
      tools: random.chance(0.6) ? [`${tool.server}__${tool.name}`] : ['other'],
    },
    depth: random.chance(0.95) ? random.below(3) : 5,
    // What a gateway has: parsed from a text of its own.
    input: JSON.parse(JSON.stringify(input)) as Call['input'],
  }
}
