/**
 * Reads the schema of a constraint as somebody wrote it, who may be the agent itself: only known keywords, bounded in
 * size, references written out, patterns of linear time. What comes out is small enough to be compiled at once.
 */
import { isObject, type JsonObject } from '../../model/message.ts'
import { err, ok, type Result } from '../../model/result.ts'
import { ABOUT, HOLDS_LIST, HOLDS_MAP, HOLDS_ONE, keywordFault, OWN } from './keywords.ts'
import { compilePattern, type Pattern, type Work } from './pattern.ts'

export type Schema = JsonObject | boolean

/** What all constraints of a tool may come to. */
const MAX_SCHEMAS = 256
const MAX_VALUES = 20_000
const MAX_DEPTH = 24

export class SchemaReader {
  /** By how they are written. */
  readonly patterns = new Map<string, Pattern>()
  /** What matching them may still cost. */
  readonly work: Work = { left: 0 }
  #schemas = 0
  #values = 0

  /** The schema of one argument. The error names the argument. */
  read(argument: string, written: JsonObject): Result<JsonObject, string> {
    const name = JSON.stringify(argument.slice(0, 200))
    if (argument === '__proto__') return err(`${name} is not a name that arguments can have here`)
    const large = this.#measure(written, 0)
    if (large !== undefined) return err(`the constraint on ${name} ${large}`)
    const one = new OneSchema(written, this)
    const schema = one.read(written, { path: [], tighten: true, following: [] })
    if (one.fault !== undefined) return err(`the constraint on ${name}: ${one.fault}`)
    return ok(isObject(schema) ? schema : {})
  }

  /** Counts a schema; false when there are too many. */
  count(): boolean {
    return ++this.#schemas <= MAX_SCHEMAS
  }

  #measure(value: unknown, depth: number): string | undefined {
    if (++this.#values > MAX_VALUES) return `is too large: all those of a tool may hold ${MAX_VALUES} values`
    if (typeof value !== 'object' || value === null) return undefined
    if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`
    for (const [name, member] of Object.entries(value)) {
      if (name === '__proto__') return 'has a member "__proto__", which is no name that values can have here'
      const large = this.#measure(member, depth + 1)
      if (large !== undefined) return large
    }
    return undefined
  }
}

interface Place {
  readonly path: readonly string[]
  /** What is asked of a value here only ever adds to what is asked, so it may be made stricter. */
  readonly tighten: boolean
  /** Below `not` or `if`, where what is refused is let through. */
  readonly turned?: boolean
  /** References on the way here. */
  readonly following: readonly string[]
}

class OneSchema {
  /** The first thing wrong with it. */
  fault: string | undefined
  readonly #root: JsonObject
  readonly #reader: SchemaReader

  constructor(root: JsonObject, reader: SchemaReader) {
    this.#root = root
    this.#reader = reader
  }

  read(written: unknown, place: Place): Schema {
    if (typeof written === 'boolean') return written
    if (!isObject(written)) return this.#fail(place, 'a schema must be a map of keywords, true or false')
    if (!this.#reader.count()) return this.#fail(place, 'there are too many schemas in it')
    const read: Record<string, unknown> = {}
    const also: Schema[] = []
    for (const [keyword, value] of Object.entries(written)) {
      const fault = keywordFault(keyword)
      if (fault !== undefined) return this.#fail(place, fault)
      if (place.turned === true && OWN.includes(keyword))
        return this.#fail(
          place,
          `${keyword} must not stand below not or if: whatever it cannot read for sure would count as elsewhere; say what is allowed`,
        )
      if (keyword === '$defs') continue
      if (keyword === '$ref') also.push(this.#follow(value, place))
      else if (keyword === 'flow') this.#checkFlow(value, place)
      else read[keyword] = this.#readMember([keyword, value], place, also)
      if (this.fault !== undefined) return false
    }
    if (place.tighten) addType(read)
    if (also.length > 0) read['allOf'] = [...((read['allOf'] as Schema[] | undefined) ?? []), ...also]
    return read
  }

  #readMember([keyword, value]: [string, unknown], place: Place, also: Schema[]): unknown {
    if (HOLDS_ONE.includes(keyword)) return this.read(value, this.#below(place, [keyword]))
    if (HOLDS_LIST.includes(keyword)) {
      if (!Array.isArray(value) || value.length === 0)
        return this.#fail(place, `${keyword} must be a list of schemas`)
      const readAll = (tighten: boolean) =>
        value.map((each, index) =>
          this.read(each, { ...this.#below(place, [keyword, String(index)]), tighten }),
        )
      if (keyword !== 'oneOf' || !place.tighten) return readAll(place.tighten)
      also.push({ anyOf: readAll(true) })
      return readAll(false)
    }
    if (HOLDS_MAP.includes(keyword)) return this.#readMap([keyword, value], place)
    if (keyword === 'pattern') this.#checkPattern(value, place)
    return value
  }

  #readMap([keyword, value]: [string, unknown], place: Place): unknown {
    if (!isObject(value)) return this.#fail(place, `${keyword} must be a map of names to schemas`)
    return Object.fromEntries(
      Object.entries(value).map(([name, schema]) => {
        if (keyword === 'patternProperties') this.#checkPattern(name, place)
        return [name, this.read(schema, this.#below(place, [keyword, name]))]
      }),
    )
  }

  #below(place: Place, steps: readonly string[]): Place {
    const [keyword = ''] = steps
    const tighten = place.tighten && !['not', 'if', 'contains', 'oneOf'].includes(keyword)
    const turned = place.turned === true || keyword === 'not' || keyword === 'if'
    return { ...place, path: [...place.path, ...steps], tighten, turned }
  }

  #follow(reference: unknown, place: Place): Schema {
    if (typeof reference !== 'string' || !/^#(\/|$)/.test(reference))
      return this.#fail(place, '$ref must lead to a place in the same schema, such as #/$defs/name')
    if (place.following.includes(reference))
      return this.#fail(place, `$ref ${JSON.stringify(reference)} leads to itself, which is not supported`)
    let target: unknown = this.#root
    for (const step of pointer(reference)) {
      const has = typeof target === 'object' && target !== null && Object.hasOwn(target, step)
      if (!has) return this.#fail(place, `$ref ${JSON.stringify(reference)} leads nowhere`)
      target = (target as JsonObject)[step]
    }
    return this.read(target, { ...place, following: [...place.following, reference] })
  }

  #checkPattern(pattern: unknown, place: Place): void {
    if (typeof pattern !== 'string') return void this.#fail(place, 'a pattern must be a text')
    if (this.#reader.patterns.has(pattern)) return
    const compiled = compilePattern(pattern, this.#reader.work)
    if (compiled.ok) this.#reader.patterns.set(pattern, compiled.value)
    else this.#fail(place, `the pattern ${JSON.stringify(pattern.slice(0, 100))} ${compiled.error}`)
  }

  #checkFlow(value: unknown, place: Place): void {
    if (place.path.length > 0) this.#fail(place, 'flow concerns a whole argument and stands at its top')
    else if (value !== 'off') this.#fail(place, 'flow can only be off here')
  }

  #fail({ path }: Place, message: string): false {
    this.fault ??= path.length === 0 ? message : `at ${path.join('.').slice(0, 200)}: ${message}`
    return false
  }
}

/** Steps of a JSON pointer in the fragment of a URI (RFC 6901, section 6). */
function pointer(reference: string): string[] {
  const steps = reference.split('/').slice(1)
  return steps.map((step) => decoded(step).replaceAll('~1', '/').replaceAll('~0', '~'))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function addType(schema: Record<string, unknown>): void {
  if (['type', 'const', 'enum'].some((keyword) => keyword in schema)) return
  const types = Object.entries(ABOUT).filter(([, keywords]) => keywords.some((each) => each in schema))
  const [first] = types
  if (first !== undefined) schema['type'] = types.length === 1 ? first[0] : types.map(([type]) => type)
}
