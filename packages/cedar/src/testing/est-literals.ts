// For tests: the JSON form of policies with constants written the other way it has for them, as one `Value`.

import type { Random } from './random.ts'
import type { Json } from './random-world.ts'

const FUNCTIONS = ['ip', 'decimal', 'datetime', 'duration']

/** The same policy, or part of one; some of its constant sets, records and extension values as `Value`. */
export function withLiterals(random: Random, json: Json): Json {
  if (typeof json !== 'object') return json
  if (Array.isArray(json)) return json.map((item) => withLiterals(random, item))
  const members = Object.entries(json)
  // Also a large integer, whose digits are no member that could be changed.
  if (members.length === 0 || 'rawJSON' in json) return json
  const whole = Object.fromEntries(members.map(([name, member]) => [name, withLiterals(random, member)]))
  const value = random.chance(0.5) ? literalOf(whole) : undefined
  return value === undefined ? whole : { Value: value }
}

/** What an expression of constants alone stands for. */
function literalOf(expression: { [name: string]: Json }): Json | undefined {
  const [[name, body] = ['', '']] = Object.entries(expression)
  if (name === 'Set' && Array.isArray(body)) {
    const values = body.map(valueOf)
    return values.every((value) => value !== undefined) ? values : undefined
  }
  if (name === 'Record' && typeof body === 'object' && !Array.isArray(body)) {
    const values = Object.entries(body).map(([key, member]) => [key, valueOf(member)] as const)
    if (values.some(([key, value]) => value === undefined || key.startsWith('__e'))) return undefined
    return Object.fromEntries(values) as Json
  }
  const [arg] = FUNCTIONS.includes(name) && Array.isArray(body) && body.length === 1 ? body.map(valueOf) : []
  return typeof arg === 'string' ? { __extn: { fn: name, arg } } : undefined
}

function valueOf(expression: Json): Json | undefined {
  return typeof expression === 'object' && 'Value' in expression ? expression['Value'] : undefined
}
