/**
 * What a task has read limits what it may send. Once something untrusted was read, an instruction in it may have
 * chosen the arguments of every later call; so a call that sends or destroys has to carry values that come from
 * elsewhere: the grant, the person's own words, what tools labelled `trusted` answered, what a person endorsed.
 * Anything else is for a person to approve. docs/reference/tasks.md says it exactly.
 */
import { isObject, type JsonObject } from '../model/message.ts'
import type { TaskGrant, TaskRecord } from '../model/task.ts'
import type { ToolFacts } from '../model/tool-facts.ts'
import { isCommonName } from './names.ts'
import { normalForm, standsIn, valueForm } from './occurrence.ts'
import { readingsOf } from './readings.ts'
import { comparable } from './spellings.ts'
import type { KnownValues } from './values.ts'

/** What a verdict needs to know of the task. */
export interface FlowState {
  /** Own task first, then its parent and so on. */
  readonly chain: readonly TaskRecord[]
  /** What was read by the task, by those below it, and by those above it. */
  readonly labels: ReadonlySet<string>
  /** One for the whole chain: of its last, the task that has no parent. */
  readonly values: KnownValues
}

/** Schemas by argument. */
type ToolConstraints = Readonly<Record<string, JsonObject>>

/** A call of a tool, or whatever else is asked of a server. */
export interface FlowCall {
  /** Full name. */
  readonly tool: string
  /** Schemas of its arguments, where grants have none for what it is. */
  readonly arguments?: ToolConstraints | undefined
  readonly facts: ToolFacts
  /** The arguments, as parsed. */
  readonly input: unknown
}

/** A value that would be sent and that nothing accounts for. */
export interface Unaccounted {
  /** Where it stands: `to[0]`, `a.b`; of a member's name, the object that it stands in. */
  readonly argument: string
  /** At most 200 characters of it. */
  readonly value: string
}

export interface FlowVerdict {
  /** At most 20; never empty. */
  readonly unaccounted: readonly Unaccounted[]
}

/** Most values of a call that need nothing to account for them, or that came before: many could spell something. */
const MAX_FREE = 32
const MAX_SHOWN = 20
const MAX_SHOWN_CHARACTERS = 200

/** What has to be approved before the call may go ahead; undefined where it may as it is. */
export function judgeFlow(state: FlowState, call: FlowCall): FlowVerdict | undefined {
  if (!state.labels.has('untrusted')) return undefined
  let found: Map<string, Unaccounted> | undefined
  for (let index = 0; index < state.chain.length; index++) {
    const { grant } = state.chain[index] as TaskRecord
    if (!isHeld(grant, state.labels, call.facts) || isAccounted(state.chain[index] as TaskRecord, call))
      continue
    for (const each of unaccounted(state, index, call)) {
      found ??= new Map()
      if (found.size < MAX_SHOWN) found.set(JSON.stringify([each.argument, each.value]), shown(each))
    }
  }
  return found === undefined ? undefined : { unaccounted: [...found.values()] }
}

/**
 * To be told of every call of a tool that is let through: what it carries to where it may be kept is not believed when
 * it comes back. Where no tool is trusted, nothing that comes back is, and it is enough to know that nobody watched.
 */
export function noteCall(state: FlowState, call: FlowCall, isAnyTrusted: boolean): void {
  if (!state.values.isListening || !state.labels.has('untrusted')) return
  if (!isWriting(call.facts) || !isFlowing(state)) return
  if (isAnyTrusted) state.values.suspect(brought(state, call))
  else state.values.stopListening()
}

/** To be told of every result: remembers it where the tool is trusted, but for what the call itself brought. */
export function noteResult(state: FlowState, call: FlowCall, result: unknown): void {
  if (!isTrusted(call.facts) || !isFlowing(state)) return
  if (isObject(result) && result['isError'] === true) return
  // Before anything untrusted was read, nobody but the person and the model could have chosen the arguments.
  state.values.remember(result, state.labels.has('untrusted') ? brought(state, call) : [])
}

/** Values of a call that not even the task above all others accounts for. */
function brought(state: FlowState, call: FlowCall): string[] {
  return unaccounted(state, state.chain.length - 1, call, true).map(({ value }) => value)
}

function isFlowing({ chain }: FlowState): boolean {
  return chain.some(({ grant }) => grant.flow !== 'off')
}

/** Whether a grant holds the values of this call against it. */
function isHeld({ flow }: TaskGrant, labels: ReadonlySet<string>, facts: ToolFacts): boolean {
  if (flow === 'strict') return facts.sends === true || isDestructive(facts)
  return flow === 'ask' && facts.sends === true && labels.has('private')
}

/** As the specification has it: what is not said to be read-only or harmless may destroy. */
function isDestructive({ destructive, readOnly }: ToolFacts): boolean {
  return destructive ?? readOnly !== true
}

function isWriting({ writes, readOnly }: ToolFacts): boolean {
  return writes ?? readOnly !== true
}

/** Whether what a tool answers is believed. */
export function isTrusted({ reads = [] }: ToolFacts): boolean {
  return reads.includes('trusted') && !reads.includes('untrusted')
}

/**
 * What `chain[index]` has to hold against a call. Its own words count and those of the tasks above it, never those of a
 * task below, which the agent may have written itself. `every` value is looked at when it is about where they come from,
 * else those that the grant leaves to the agent (`flow: off`, `within`) are let be.
 */
function unaccounted(state: FlowState, index: number, call: FlowCall, every = false): Unaccounted[] {
  const sources = state.chain.slice(index).map(sourceOf)
  const constraints = call.arguments ?? sources[0]?.tools.get(call.tool)
  const isKnown = (text: string): boolean =>
    sources.some((source) => accounts(source, text)) || state.values.has(text)
  const found: Unaccounted[] = []
  const seen = new Set<unknown>()
  let freeLeft = MAX_FREE
  const free = (argument: string, value: string) => {
    if (freeLeft-- === 0 && !every) found.push({ argument, value })
  }
  const check = (argument: string, text: string) => {
    if (!isKnown(text) && !readingsOf(text).some((parts) => parts.every(isKnown)))
      found.push({ argument, value: text })
  }
  const visit = (argument: string, value: unknown, schema: readonly JsonObject[]): void => {
    if (!every && schema.some(isLeftToAgent)) return
    if (isLeaf(value)) {
      if (value === null || typeof value === 'boolean' || value === '' || seen.has(value))
        free(argument, JSON.stringify(value))
      else seen.add(value)
      if (typeof value === 'number') check(argument, String(value))
      else if (typeof value === 'string' && (every || !schema.some(isOfPaths))) check(argument, value)
    } else if (Array.isArray(value)) {
      if (value.length === 0) free(argument, '[]')
      for (const [at, each] of value.entries()) visit(`${argument}[${at}]`, each, itemSchemas(schema, at))
    } else if (isObject(value)) members(argument, value, schema)
  }
  const members = (argument: string, value: JsonObject, schema: readonly JsonObject[]): void => {
    const entries = Object.entries(value)
    if (entries.length === 0) free(argument, '{}')
    for (const [name, each] of entries) {
      const under = memberSchemas(schema, name)
      const place = argument === '' ? name : argument
      if (under.length === 0 && isCommonName(name)) free(place, name)
      else if (under.length === 0) check(place, name) // a name that the grant does not have can say anything
      visit(argument === '' ? name : `${argument}.${name}`, each, under)
    }
  }
  members(
    '',
    isObject(call.input) ? call.input : {},
    constraints === undefined ? NO_SCHEMAS : rootOf(constraints),
  )
  return found
}

function isLeaf(value: unknown): boolean {
  return typeof value !== 'object' || value === null
}

/** Whether every argument is one that the grant names, with a value that was found in the task's own words before. */
function isAccounted(record: TaskRecord, { tool, input, arguments: given }: FlowCall): boolean {
  const { tools, found } = sourceOf(record)
  const constraints = tools.get(tool)
  if (given !== undefined || constraints === undefined || !isObject(input)) return false
  const names = Object.keys(input)
  if (names.length > MAX_FREE) return false
  for (const name of names) {
    const value = input[name]
    if (!Object.hasOwn(constraints, name) || typeof value !== 'string') return false
    if (found.get(value) !== true && !isOfPaths(constraints[name] as JsonObject)) return false
  }
  return true
}

function isLeftToAgent(schema: JsonObject): boolean {
  return schema['flow'] === 'off'
}

function isOfPaths(schema: JsonObject): boolean {
  return schema['within'] !== undefined
}

const NO_SCHEMAS: readonly JsonObject[] = []
/** Grants do not change, so what is found in one is found once. */
const roots = new WeakMap<object, readonly JsonObject[]>()
const held = new WeakMap<object, readonly JsonObject[]>()

/** The constraints of a tool, as the schema of its arguments. */
function rootOf(constraints: Readonly<Record<string, JsonObject>>): readonly JsonObject[] {
  const before = roots.get(constraints)
  if (before !== undefined) return before
  const root = [{ properties: constraints }]
  roots.set(constraints, root)
  return root
}

/** The schemas that all hold for a value: those of `allOf` too. */
function holding(schema: unknown): readonly JsonObject[] {
  if (!isObject(schema)) return NO_SCHEMAS
  const before = held.get(schema)
  if (before !== undefined) return before
  const all = schema['allOf']
  const found = Array.isArray(all) ? [schema, ...all.flatMap(holding)] : [schema]
  held.set(schema, found)
  return found
}

function memberSchemas(schemas: readonly JsonObject[], name: string): readonly JsonObject[] {
  const [first] = schemas
  if (schemas.length === 1 && first !== undefined) return memberSchema(first, name)
  return schemas.flatMap((each) => memberSchema(each, name))
}

function memberSchema({ properties }: JsonObject, name: string): readonly JsonObject[] {
  return isObject(properties) && Object.hasOwn(properties, name) ? holding(properties[name]) : NO_SCHEMAS
}

function itemSchemas(schemas: readonly JsonObject[], index: number): readonly JsonObject[] {
  return schemas.flatMap(({ prefixItems, items }) => {
    const first: readonly unknown[] = Array.isArray(prefixItems) ? prefixItems : []
    return holding(index < first.length ? first[index] : items)
  })
}

/** What a task says itself. */
interface Source {
  /** The purpose and the person's prompt, in normal form and as they are: any whole value in them counts. */
  readonly texts: readonly string[]
  /** What the grant says of arguments, by full name of the tool: finding a fresh text in a Map costs less than in an object. */
  readonly tools: ReadonlyMap<string, ToolConstraints>
  /** What the grant names as values. */
  readonly values: ReadonlySet<string>
  /** What was looked for before. */
  readonly found: Map<string, boolean>
}

const MAX_FOUND = 1000
const MAX_FOUND_CHARACTERS = 256
const read = new WeakMap<TaskRecord, Source>()

function sourceOf(record: TaskRecord): Source {
  const before = read.get(record)
  if (before !== undefined) return before
  const { grant, prompt = '' } = record
  const values = new Set<string>()
  for (const constraints of Object.values(grant.tools))
    for (const schema of Object.values(constraints)) collectValues(schema, values)
  const source = {
    texts: [...new Set([grant.purpose, prompt].flatMap((text) => [normalForm(text), text]))],
    tools: new Map(Object.entries(grant.tools)),
    values,
    found: new Map<string, boolean>(),
  }
  read.set(record, source)
  return source
}

function accounts({ texts, values, found }: Source, text: string): boolean {
  const before = found.get(text)
  if (before !== undefined) return before
  const value = valueForm(text)
  const isThere = value === '' || values.has(comparable(value)) || texts.some((each) => standsIn(each, value))
  if (found.size >= MAX_FOUND) found.clear()
  if (text.length <= MAX_FOUND_CHARACTERS) found.set(text, isThere)
  return isThere
}

/** Keywords of JSON Schema that a value has to satisfy too; of what follows `not` or `if`, nothing is vouched for. */
const applicators = ['allOf', 'anyOf', 'oneOf', 'items', 'prefixItems', 'contains', 'then', 'else'] as const

function collectValues(schema: unknown, into: Set<string>): void {
  if (Array.isArray(schema)) for (const each of schema) collectValues(each, into)
  if (!isObject(schema)) return
  collectLeaves([schema['const'], schema['enum']], into)
  for (const keyword of applicators) collectValues(schema[keyword], into)
  const { properties } = schema
  if (isObject(properties)) collectValues(Object.values(properties), into)
}

function collectLeaves(value: unknown, into: Set<string>): void {
  if (typeof value === 'string' || typeof value === 'number') into.add(comparable(valueForm(String(value))))
  else if (Array.isArray(value)) for (const each of value) collectLeaves(each, into)
  else if (isObject(value)) for (const each of Object.values(value)) collectLeaves(each, into)
}

function shown({ argument, value }: Unaccounted): Unaccounted {
  return { argument, value: value.slice(0, MAX_SHOWN_CHARACTERS) }
}
