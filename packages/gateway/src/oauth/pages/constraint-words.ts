/** What a grant says, in words that a person reads on a page. */
import type { JsonObject } from '../../model/message.ts'
import type { Flow } from '../../model/task.ts'
import { type Html, html } from './html.ts'

/** What a tool may be called with; each constraint is about one argument. */
export function constraintList(constraints: Readonly<Record<string, JsonObject>>): Html | undefined {
  const all = Object.entries(constraints)
  if (all.length === 0) return undefined
  const item = ([argument, schema]: [string, JsonObject]) =>
    html`<li><code>${argument}</code> ${schemaWords(schema)}</li>`
  return html`<ul class="limits">${all.map(item)}</ul>`
}

/** Keywords that have words of their own; `value` follows them. */
const WORDS: Readonly<Record<string, string>> = {
  const: 'is exactly',
  enum: 'is one of',
  pattern: 'matches the pattern',
  within: 'lies within',
  hosts: 'is an address at',
  tables: 'uses only the tables',
  minimum: 'is at least',
  maximum: 'is at most',
  minLength: 'has at least so many characters:',
  maxLength: 'has at most so many characters:',
  minItems: 'has at least so many entries:',
  maxItems: 'has at most so many entries:',
  type: 'is of the type',
}

function schemaWords(schema: JsonObject): Html {
  const parts = Object.entries(schema).map(([keyword, value]) => keywordWords(keyword, value))
  if (parts.length === 0) return html`can be anything`
  return html`${parts.map((part, index) => html`${index === 0 ? '' : ', '}${part}`)}`
}

function keywordWords(keyword: string, value: unknown): Html {
  if (keyword === 'flow' && value === 'off') return html`may carry anything that was read`
  if (keyword === 'items' && typeof value === 'object' && value !== null)
    return html`holds entries of which each ${schemaWords(value as JsonObject)}`
  const words = Object.hasOwn(WORDS, keyword) ? WORDS[keyword] : undefined
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  const shown = values.map((each, index) => html`${index === 0 ? '' : ' or '}<code>${textOf(each)}</code>`)
  return words === undefined
    ? html`is as <code>${keyword}</code> says: <code>${textOf(value)}</code>`
    : html`${words} ${shown}`
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const UNITS = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const

/** `1 hour 30 minutes`. */
export function durationWords(seconds: number): string {
  const parts: string[] = []
  let left = seconds
  for (const [length, name] of UNITS) {
    const count = Math.floor(left / length)
    left -= count * length
    if (count > 0) parts.push(counted(count, name))
  }
  return parts.join(' ')
}

/** `1 call`, `2 calls`. */
export function counted(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

/** What happens once the task has read what anybody could have written. */
export const FLOW_WORDS: Readonly<Record<Flow, string>> = {
  strict: 'Send, change and delete only with what you or a trusted source gave; ask me about the rest',
  ask: 'Ask me before anything is sent out, if it has read private things, too',
  off: 'Go on as before: what it reads may lead it to send things out',
}

/** Lengths that a person may choose, the longest first: the one that was asked for, and shorter ones. */
export function shorterTimes(seconds: number): readonly number[] {
  const usual = [604_800, 86_400, 28_800, 14_400, 7200, 3600, 1800, 900, 300]
  return [seconds, ...usual.filter((each) => each < seconds)]
}
