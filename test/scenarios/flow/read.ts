/** Reads sequences of calls, strictly: every fault is told with its line and how to mend it. */
import { suggest } from '@tollgate/cedar'
import * as z from 'zod'
import { isObject, type JsonObject } from '../../../packages/gateway/src/model/message.ts'
import { type Call, call, type Facts, FULL_NAME, header, SERVER_NAME, type Sequence } from './format.ts'

/** What is in a file: sequences, or what is wrong as `file:line: what, and how to mend it`. */
export function readSequences(
  file: string,
  text: string,
): { readonly sequences: readonly Sequence[]; readonly errors: readonly string[] } {
  const errors: string[] = []
  const drafts: Draft[] = []
  for (const [index, written] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = index + 1
    const complain = (message: string) => errors.push(`${file}:${line}: ${message}`)
    if (written.trim() === '') continue
    const value = parseLine(written, complain)
    if (value === undefined) continue
    const isCall = isAny(value, call.shape) && !isAny(value, header.shape)
    if (!isCall && !isAny(value, header.shape)) {
      complain('a line is a header, with "name" and "kind", or a call, with "call" and "expected"')
      continue
    }
    const read = isCall ? call.safeParse(value) : header.safeParse(value)
    if (!read.success) for (const issue of read.error.issues) complain(explain(issue, isCall))
    else if (!isCall) for (const fault of faultsOf(read.data as z.infer<typeof header>)) complain(fault)
    if (!isCall) {
      // A header with a fault still begins a sequence, so that its calls are not added to the one before.
      const head = read.success ? (read.data as z.infer<typeof header>) : undefined
      drafts.push({ head: head ?? FAULTY, line, calls: [] })
    } else if (drafts.length === 0)
      complain('a call stands before any header; write one first, with "name" and "kind"')
    else if (read.success) drafts.at(-1)?.calls.push([line, read.data as z.infer<typeof call>])
  }
  for (const { head, line, calls } of errors.length === 0 ? drafts : []) {
    const isAttacked = calls.some(([, { attack }]) => attack)
    if (calls.length === 0) errors.push(`${file}:${line}: no call follows this header`)
    else if (head.kind === 'attack' && !isAttacked)
      errors.push(`${file}:${line}: an attack needs a call with "attack": true, the one that was injected`)
    else if (head.kind === 'benign' && isAttacked)
      errors.push(`${file}:${line}: it is "benign", but a call has "attack": true; make it "kind": "attack"`)
  }
  if (drafts.length === 0 && errors.length === 0)
    errors.push(`${file}:1: the file is empty; a header comes first`)
  if (errors.length > 0) return { sequences: [], errors }
  return { sequences: drafts.map((draft) => complete(file, draft)), errors }
}

interface Draft {
  readonly head: z.infer<typeof header>
  readonly line: number
  readonly calls: [line: number, written: z.infer<typeof call>][]
}

const FAULTY = header.parse({ name: 'faulty', kind: 'benign' })

/** Whether it has a member that lines of this kind have. */
function isAny(value: JsonObject, shape: object): boolean {
  return Object.keys(value).some((name) => Object.hasOwn(shape, name))
}

/** What a header without a task says of one. */
function faultsOf({ task, prompt, parents }: z.infer<typeof header>): string[] {
  if (task !== undefined) return []
  const lost = [...(prompt === undefined ? [] : ['"prompt"']), ...(parents.length === 0 ? [] : ['"parents"'])]
  return lost.map((name) => `${name} belongs to a task; add "task", at least {"purpose": "…"}`)
}

function parseLine(text: string, complain: (message: string) => void): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
    complain('a line is one JSON object')
  } catch (problem) {
    complain(
      `not JSON, one object on one line: ${problem instanceof Error ? problem.message : String(problem)}`,
    )
  }
  return undefined
}

function explain(issue: z.core.$ZodIssue, isCall: boolean): string {
  const place = issue.path.map(String).join('.')
  const at = place === '' ? '' : `"${place}" `
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => JSON.stringify(key)).join(', ')
    const known = membersAt(isCall ? call : header, issue.path)
    const [meant] = issue.keys.flatMap((key) => suggest(key, known) ?? [])
    const hint = meant === undefined ? `it has ${known.join(', ')}` : `did you mean "${meant}"?`
    return `${at}does not take ${names}; ${hint}`
  }
  if (issue.code === 'invalid_value')
    return `${at}must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
  if (issue.code === 'invalid_union') {
    const all = issue.errors.flat()
    const inner = all.find((each) => each.code === 'custom')
    const unknown = all.find((each) => each.code === 'unrecognized_keys')
    if (unknown !== undefined) return explain({ ...unknown, path: issue.path }, isCall)
    return `${at}${inner?.message ?? 'must be a list of labels that the tool reads, or an object such as {"reads": ["untrusted"], "sends": true}'}`
  }
  return (
    at +
    issue.message
      .replace(/^Invalid input: expected (\w+), received undefined$/, 'is missing: $1')
      .replace(/^Invalid input: expected record/, 'must be object')
      .replace(/^Invalid input: expected/, 'must be')
  )
}

/** The members that there are at a place of a line. */
function membersAt(shape: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = shape
  for (const step of path) {
    at = unwrapped(at)
    if (at instanceof z.ZodObject) at = at.shape[String(step)]
    else if (at instanceof z.ZodRecord) at = at.valueType
    else if (at instanceof z.ZodArray) at = at.element
  }
  at = unwrapped(at)
  if (at instanceof z.ZodUnion) at = at.options.find((each) => each instanceof z.ZodObject)
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

function unwrapped(shape: unknown): unknown {
  return shape instanceof z.ZodOptional || shape instanceof z.ZodDefault ? unwrapped(shape.unwrap()) : shape
}

function complete(file: string, { head, line, calls }: Draft): Sequence {
  const schemas = new Map<string, JsonObject>()
  const first = new Map<string, Map<string, Facts>>()
  for (const [name, { tools }] of Object.entries(head.servers)) {
    const known = new Map<string, Facts>()
    first.set(name, known)
    for (const [own, { inputSchema, description: _, ...stated }] of Object.entries(tools)) {
      known.set(own, stated)
      if (inputSchema !== undefined) schemas.set(`${name}__${own}`, inputSchema)
    }
  }
  for (const { task } of [...head.parents, { task: head.task ?? {} }])
    for (const name of serversOf(task)) if (!first.has(name)) first.set(name, new Map())
  const now = new Map([...first].map(([name, tools]) => [name, new Map(tools)]))
  const made = calls.map(([at, { call: called, result, labels, ...rest }]): Call => {
    const [server, own] = splitName(called.name, first)
    const tools = now.get(server) ?? new Map<string, Facts>()
    now.set(server, tools)
    const before = tools.get(own)
    const stated =
      labels === undefined ? before : { ...before, ...(Array.isArray(labels) ? { reads: labels } : labels) }
    const known = stated ?? {}
    tools.set(own, known)
    const start = first.get(server) ?? new Map<string, Facts>()
    first.set(server, start)
    // Nothing was called before its first call, so what that says may hold from the beginning.
    if (!calls.some(([earlier, each]) => earlier < at && each.call.name === called.name))
      start.set(own, known)
    const { expected, attack, approve, endorse } = rest
    return {
      ...{ line: at, server, tool: own, arguments: called.arguments, result: toResult(result), facts: known },
      ...{ expected, attack, approve, endorse },
    }
  })
  return { ...head, file, line, servers: first, schemas, calls: made }
}

/** The servers that a grant names, as far as it is one. */
function serversOf({ servers, tools }: JsonObject): readonly string[] {
  const named: readonly unknown[] = Array.isArray(servers) ? servers : []
  const full = isObject(tools) ? Object.keys(tools).filter((name) => FULL_NAME.test(name)) : []
  const own = full.map((name) => name.slice(0, name.indexOf('__'))).filter((name) => name !== 'tollgate')
  return [...named.filter((name) => typeof name === 'string' && SERVER_NAME.test(name)), ...own] as string[]
}

function splitName(full: string, servers: ReadonlyMap<string, unknown>): [string, string] {
  const known = [...servers.keys()].find((name) => full.startsWith(`${name}__`))
  const at = known?.length ?? full.indexOf('__')
  return [full.slice(0, at), full.slice(at + 2)]
}

/** A text or any JSON stands for the result that carries it. */
function toResult(result: unknown): JsonObject {
  if (isResult(result)) return result
  const text = typeof result === 'string' ? result : JSON.stringify(result ?? 'done')
  const structured = typeof result === 'object' && result !== null && !Array.isArray(result)
  return { content: [{ type: 'text', text }], ...(structured ? { structuredContent: result } : {}) }
}

function isResult(result: unknown): result is JsonObject {
  if (typeof result !== 'object' || result === null) return false
  return ('content' in result && Array.isArray(result.content)) || 'structuredContent' in result
}
