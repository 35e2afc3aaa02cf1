/** A tool's own schema with the limits of a grant in it, so that the model sees them. */
import { isObject, type JsonObject } from '../../model/message.ts'
import { HOLDS_LIST, HOLDS_MAP, HOLDS_ONE, OWN } from './keywords.ts'
import { SchemaReader } from './read-schema.ts'

/**
 * The schema that arguments must meet to be let through, as far as JSON Schema can say it; the rest is told in
 * descriptions. It never takes what `schema` does not. Constraints that cannot be read leave no argument.
 */
export function narrowInputSchema(
  schema: JsonObject | undefined,
  constraints: Readonly<Record<string, JsonObject>>,
  others: 'allow' | 'refuse',
): JsonObject {
  const { properties, patternProperties, additionalProperties, ...rest } = schema ?? {}
  const known = isObject(properties) ? properties : {}
  // Where names have patterns, `before` below says what the tool takes.
  const ofOthers = patternProperties === undefined ? (additionalProperties ?? {}) : {}
  const reader = new SchemaReader()
  const narrowed: [string, unknown][] = others === 'refuse' ? [] : Object.entries(known)
  for (const [name, constraint] of Object.entries(constraints)) {
    const own = Object.hasOwn(known, name) ? known[name] : ofOthers
    if (own === false) continue
    const read = reader.read(name, constraint)
    narrowed.push([name, read.ok ? merged(own, told(read.value)) : false])
  }
  const before =
    patternProperties === undefined ? {} : { properties, patternProperties, additionalProperties }
  const ofTool = patternProperties === undefined ? additionalProperties : undefined
  const outer = others === 'refuse' ? false : ofTool
  return {
    ...rest,
    type: 'object',
    properties: Object.fromEntries(narrowed),
    ...(outer === undefined ? {} : { additionalProperties: outer }),
    ...(patternProperties === undefined ? {} : { allOf: [...list(rest['allOf']), withoutUndefined(before)] }),
  }
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function withoutUndefined(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
}

/** Both at once, flat where they say nothing of the same. */
function merged(own: unknown, limit: JsonObject): JsonObject {
  if (!isObject(own)) return limit
  const { description, ...rest } = limit
  const texts = [own['description'], description].filter((each) => typeof each === 'string')
  const said = texts.length === 0 ? {} : { description: texts.join(' ') }
  const clashes = Object.keys(rest).some(
    (keyword) =>
      Object.hasOwn(own, keyword) && JSON.stringify(own[keyword]) !== JSON.stringify(rest[keyword]),
  )
  // Before 2019-09, what stands beside a $ref counts for nothing.
  if (Object.hasOwn(own, '$ref')) return { allOf: [own, rest], ...said }
  if (clashes) return { ...own, ...said, allOf: [...list(own['allOf']), rest] }
  return { ...own, ...rest, ...said }
}

const WORDS: Readonly<Record<string, (value: unknown) => string>> = {
  within: (value) => `Must be within ${list(value).join(' or ')}.`,
  hosts: (value) => `Must be a URL of ${list(value).join(' or ')}.`,
  tables: (value) => {
    const { read, write } = isObject(value) ? value : { read: value }
    const reads = list(read).length > 0 ? `reads only ${list(read).join(', ')}` : 'reads no tables'
    return `Must be SQL that ${reads}${list(write).length > 0 ? ` and changes only ${list(write).join(', ')}` : ''}.`
  },
}
const OURS = /"(?:within|hosts|tables)":/
/** Where asking for less asks for more. */
const TURNS = ['oneOf', 'contains']

/** With our keywords told in descriptions; what cannot be said without them is left to the check. */
function told(schema: JsonObject): JsonObject {
  const said: string[] = typeof schema['description'] === 'string' ? [schema['description']] : []
  const members: [string, unknown][] = []
  const isLeftOut = (keyword: string) => TURNS.includes(keyword) && OURS.test(JSON.stringify(schema[keyword]))
  for (const [keyword, value] of Object.entries(schema)) {
    if (OWN.includes(keyword)) said.push(WORDS[keyword]?.(value) ?? '')
    else if (keyword !== 'description' && !isLeftOut(keyword))
      members.push([keyword, toldBelow(keyword, value)])
  }
  const isText = OWN.some((keyword) => Object.hasOwn(schema, keyword)) && !Object.hasOwn(schema, 'type')
  if (isText) members.push(['type', 'string'])
  if (said.length > 0) members.push(['description', said.join(' ')])
  return Object.fromEntries(members)
}

function toldBelow(keyword: string, value: unknown): unknown {
  const each = (below: unknown) => (isObject(below) ? told(below) : below)
  if (HOLDS_ONE.includes(keyword)) return each(value)
  if (HOLDS_LIST.includes(keyword)) return list(value).map(each)
  if (!HOLDS_MAP.includes(keyword) || !isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, below]) => [name, each(below)]))
}
