// JSON Schema (2020-12, and what older drafts write differently) as a shape. The schema comes from whoever wrote the
// tool: anything may stand in it, nothing is thrown, and the work is bounded. Keywords that Cedar's types cannot
// express (formats, patterns, ranges, `not`) are passed over.

import {
  ARRAY,
  BOOLEAN,
  FRACTION,
  INTEGER,
  NULL,
  OBJECT,
  STRING,
  anything,
  intersection,
  ofKinds,
  union,
} from './shape.ts'
import type { ObjectShape, Shape } from './shape.ts'

/** Schemas looked at for one tool; a definition used in several places counts each time. */
const MAX_SCHEMAS = 20_000
/** Schemas within schemas. */
const MAX_DEPTH = 32

/** The shape of the values that a JSON Schema, as parsed JSON, accepts. */
export function readJsonSchema(schema: unknown): Shape {
  return new SchemaReader(schema).read(schema, 0)
}

interface JsonObject {
  readonly [name: string]: unknown
}

const KINDS: ReadonlyMap<unknown, number> = new Map([
  ['null', NULL],
  ['boolean', BOOLEAN],
  ['string', STRING],
  ['integer', INTEGER],
  ['number', INTEGER | FRACTION],
  ['array', ARRAY],
  ['object', OBJECT],
])

class SchemaReader {
  readonly #root: unknown
  #left = MAX_SCHEMAS
  /** References being followed. */
  readonly #following = new Set<unknown>()

  constructor(root: unknown) {
    this.#root = root
  }

  read(schema: unknown, depth: number): Shape {
    if (this.#left-- <= 0) return anything('stands in a schema that is too large')
    if (depth > MAX_DEPTH) return anything('stands too deep in the schema')
    if (schema === true) return anything()
    if (schema === false) return ofKinds(0)
    if (!isObject(schema)) return anything('has something that is not a JSON Schema for its schema')
    const shapes = [this.#own(schema, depth)]
    for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
      const reference = own(schema, keyword)
      if (reference !== undefined) shapes.push(this.#follow(reference, depth))
    }
    for (const part of list(own(schema, 'allOf'))) shapes.push(this.read(part, depth + 1))
    for (const branches of alternatives(schema)) {
      if (branches.length > 0) shapes.push(union(branches.map((branch) => this.read(branch, depth + 1))))
    }
    const values = own(schema, 'enum')
    if (Array.isArray(values)) shapes.push(union(values.map((value) => this.#value(value, depth + 1))))
    if (Object.hasOwn(schema, 'const')) shapes.push(this.#value(schema['const'], depth + 1))
    return intersection(shapes)
  }

  /** What the schema itself says, without the schemas it is combined with. */
  #own(schema: JsonObject, depth: number): Shape {
    const type = own(schema, 'type')
    const elements = this.#elements(schema, depth)
    const object = this.#object(schema, depth)
    if (type === undefined) {
      // Members or elements without a type mean an object or an array, though the letter of JSON Schema allows more.
      const kinds = Object.hasOwn(schema, 'properties') ? OBJECT : elements === undefined ? undefined : ARRAY
      return { ...(kinds === undefined ? anything() : ofKinds(kinds)), elements, object }
    }
    const kinds = (Array.isArray(type) ? type : [type]).map((name) => KINDS.get(name))
    if (kinds.includes(undefined)) return { ...anything('has a type that JSON Schema does not know') }
    const known = kinds.reduce<number>((all, kind) => all | (kind ?? 0), 0)
    const integers = Number.isInteger(own(schema, 'multipleOf'))
    return { kinds: integers ? known & ~FRACTION : known, elements, object }
  }

  #elements(schema: JsonObject, depth: number): Shape | undefined {
    const items = own(schema, 'items')
    const all = [...list(own(schema, 'prefixItems')), ...list(items)]
    const rest = Array.isArray(items) ? own(schema, 'additionalItems') : items
    if (rest !== undefined && rest !== false) all.push(rest)
    return all.length === 0 ? undefined : union(all.map((item) => this.read(item, depth + 1)))
  }

  #object(schema: JsonObject, depth: number): ObjectShape | undefined {
    const properties = own(schema, 'properties')
    const required = list(own(schema, 'required')).filter(isName)
    const rest = own(schema, 'additionalProperties') ?? own(schema, 'unevaluatedProperties')
    const hasPatterns = Object.hasOwn(schema, 'patternProperties')
    if (properties === undefined && required.length === 0 && rest === undefined && !hasPatterns)
      return undefined
    const named = Object.entries(isObject(properties) ? properties : {}).filter(([name]) => isName(name))
    const members = new Map<string, Shape>()
    for (const [name, member] of named) {
      if (this.#left <= 0) break
      members.set(name, this.read(member, depth + 1))
    }
    const isOpen = hasPatterns || (rest !== undefined && rest !== false) || members.size < named.length
    return {
      members,
      required: new Set(required.filter((name) => members.size === named.length || members.has(name))),
      open: isOpen || (properties === undefined && rest === undefined ? undefined : false),
    }
  }

  #follow(reference: unknown, depth: number): Shape {
    const target = typeof reference === 'string' ? find(this.#root, reference) : undefined
    if (target === undefined) return anything('refers to a schema that is not in the definition')
    if (this.#following.has(target)) return anything('refers to itself')
    this.#following.add(target)
    const shape = this.read(target, depth + 1)
    this.#following.delete(target)
    return shape
  }

  /** The shape of one value, of those that `enum` and `const` list. */
  #value(value: unknown, depth: number): Shape {
    if (this.#left-- <= 0 || depth > MAX_DEPTH) return anything('stands in a schema that is too large')
    if (typeof value === 'boolean') return ofKinds(BOOLEAN)
    if (typeof value === 'string') return ofKinds(STRING)
    if (typeof value === 'number') return ofKinds(Number.isInteger(value) ? INTEGER : FRACTION)
    if (Array.isArray(value)) {
      const elements =
        value.length === 0 ? undefined : union(value.map((item) => this.#value(item, depth + 1)))
      return { kinds: ARRAY, elements }
    }
    if (!isObject(value)) return ofKinds(NULL)
    const named = Object.entries(value).filter(([name]) => isName(name))
    const members = new Map(named.map(([name, member]) => [name, this.#value(member, depth + 1)]))
    return { kinds: OBJECT, object: { members, required: new Set(members.keys()), open: false } }
  }
}

/** Lists of schemas of which one at least holds. */
function alternatives(schema: JsonObject): readonly (readonly unknown[])[] {
  const dependent = own(schema, 'dependentSchemas')
  return [
    list(own(schema, 'anyOf')),
    list(own(schema, 'oneOf')),
    own(schema, 'if') === undefined ? [] : [own(schema, 'then') ?? true, own(schema, 'else') ?? true],
    ...(isObject(dependent) ? Object.values(dependent).map((then) => [true, then]) : []),
  ]
}

/** The schema that a reference into the same document means: `#` or `#/$defs/name`. */
function find(root: unknown, reference: string): unknown {
  if (reference === '#') return root
  if (!reference.startsWith('#/')) return undefined
  let found = root
  for (const part of reference.slice(2).split('/')) {
    const name = decode(part)
    if (name === undefined || typeof found !== 'object' || found === null) return undefined
    found = own(found as JsonObject, name)
  }
  return found
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Half a surrogate pair cannot stand in a policy, which therefore cannot name such a member. */
function isName(name: unknown): name is string {
  return typeof name === 'string' && name.isWellFormed()
}

function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
