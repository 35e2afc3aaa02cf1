/**
 * The limits of a grant on a tool's arguments, compiled into one check. Constraints are JSON Schema 2020-12 with keywords
 * of ours, and may come from agents that ask for a task: they are read by read-schema.ts before anything is made of them.
 */
import type { ErrorObject, FuncKeywordDefinition, ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { isObject, type JsonObject } from '../../model/message.ts'
import { err, ok, type Result } from '../../model/result.ts'
import { compileHosts } from './hosts.ts'
import { compileWithin, type PathCheck, type Sight } from './paths.ts'
import type { Pattern, Work } from './pattern.ts'
import { SchemaReader } from './read-schema.ts'
import { compileTables } from './tables.ts'
import { type Violation, violationOf } from './violations.ts'

export type { Sight } from './paths.ts'

/** The first argument that is not as it must be; undefined when all are. */
export type ArgumentCheck = (args: JsonObject) => Violation | undefined

export interface ConstraintsOptions {
  /** What becomes of arguments that are not mentioned. */
  readonly others: 'allow' | 'refuse'
  readonly sight: Sight
  /** Where relative paths start, where that is known. */
  readonly base?: string | undefined
}

/** One tool's constraints, by the names of arguments. The error names the argument and what is wrong with its schema. */
export function compileConstraints(
  constraints: Readonly<Record<string, JsonObject>>,
  { others, sight, base }: ConstraintsOptions,
): Result<ArgumentCheck, string> {
  const reader = new SchemaReader()
  const properties: [string, JsonObject][] = []
  for (const [argument, written] of Object.entries(constraints)) {
    const read = reader.read(argument, written)
    if (!read.ok) return read
    properties.push([argument, read.value])
  }
  const fault = shapeFault(properties)
  if (fault !== undefined) return err(fault)
  let compiling = ''
  try {
    const ajv = compiler(reader.patterns, (written) => compileWithin(written, sight, base))
    const checks = new Map<string, OneArgument>()
    for (const [name, schema] of properties) {
      compiling = name
      checks.set(name, new OneArgument(schema, ajv, reader.work))
    }
    const alike = new Map(properties.map(([name]) => [likeness(name), name]))
    return ok((args) => {
      reader.work.left = MAX_WORK
      for (const name of Object.keys(args)) {
        const check = checks.get(name)
        if (check === undefined && others === 'allow') {
          const limited = alike.get(likeness(name))
          if (limited === undefined) continue
          return { argument: name, message: `is not spelt as the grant does: ${JSON.stringify(limited)}` }
        }
        const errors = check === undefined ? notMentioned(name) : check.errorsOf(args[name], name)
        if (reader.work.left < 0) return TOO_MUCH
        if (errors !== undefined) return violationOf(errors, args)
      }
      return undefined
    })
  } catch (problem) {
    const message = problem instanceof Error ? problem.message : String(problem)
    return err(`the constraint on ${JSON.stringify(compiling)}: ${message}`)
  }
}

/** What servers may take for one name: many do not mind case, and some neither `_` nor width. */
function likeness(name: string): string {
  if (/^[a-z]+$/.test(name)) return name
  return (
    name
      .normalize('NFKC')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]/gu, '') || name
  )
}

const MAX_ACCEPTED = 256
const MAX_ACCEPTED_CHARACTERS = 512

/** The limits of one argument. Texts that were found to be fine are remembered: what a grant names comes again and again. */
class OneArgument {
  readonly #validate: ValidateFunction
  readonly #work: Work
  /** Undefined where the answer depends on more than the value: `within` looks at the file system. */
  readonly #accepted: Set<string> | undefined

  constructor(schema: JsonObject, ajv: Ajv2020, work: Work) {
    this.#validate = ajv.compile(schema)
    this.#work = work
    this.#accepted = JSON.stringify(schema).includes('"within"') ? undefined : new Set()
  }

  /** What is wrong with a value, if anything. */
  errorsOf(value: unknown, name: string): Partial<ErrorObject>[] | undefined {
    const accepted = this.#accepted
    if (typeof value !== 'string' || accepted === undefined || value.length > MAX_ACCEPTED_CHARACTERS)
      return this.#validate(value) ? undefined : this.#errors(name)
    if (accepted.has(value)) return undefined
    if (!this.#validate(value)) return this.#errors(name)
    // With no work left nothing matches, and what follows `not` is fine then without having been looked at.
    if (this.#work.left < 0) return undefined
    if (accepted.size >= MAX_ACCEPTED) accepted.clear()
    accepted.add(value)
    return undefined
  }

  #errors(name: string): Partial<ErrorObject>[] {
    const at = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    return (this.#validate.errors ?? []).map((error) => ({
      ...error,
      instancePath: `${at}${error.instancePath}`,
    }))
  }
}

function notMentioned(name: string): Partial<ErrorObject>[] {
  return [{ keyword: 'additionalProperties', instancePath: '', params: { additionalProperty: name } }]
}

/** Characters that patterns may look at in one call: about a second's work. */
const MAX_WORK = 20_000_000
const TOO_MUCH: Violation = {
  argument: '',
  message: 'are too long to be matched with the patterns of the grant',
}

/** Knows the schema of schemas; made once, since that is large. */
const shapes = new Ajv2020({ validateFormats: false, strict: false })

/** What is wrong with the values of keywords. */
function shapeFault(properties: readonly (readonly [string, JsonObject])[]): string | undefined {
  for (const [argument, schema] of properties) {
    if (shapes.validateSchema(schema) === true) continue
    const [{ instancePath, message } = { instancePath: '', message: 'is not a schema' }] = shapes.errors ?? []
    const at = instancePath.slice(1).replaceAll('/', '.')
    return `the constraint on ${JSON.stringify(argument.slice(0, 200))}: ${at} ${message}`
  }
  return undefined
}

/** For one schema: what it compiles to is kept nowhere else. */
function compiler(
  patterns: ReadonlyMap<string, Pattern>,
  within: (written: unknown) => Result<PathCheck, string>,
): Ajv2020 {
  const regExp = Object.assign((source: string) => patterns.get(source) ?? NEVER, { code: 'undefined' })
  const ajv = new Ajv2020({
    meta: false,
    validateSchema: false,
    ownProperties: true,
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allowMatchingProperties: true, // the check for them runs patterns as they are
    validateFormats: false,
    code: { regExp },
    logger: false,
  })
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword(textKeyword('within', within))
  ajv.addKeyword(textKeyword('hosts', compileHosts))
  ajv.addKeyword(textKeyword('tables', compileTables))
  ajv.addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', compile: uniqueItems })
  return ajv
}

const NEVER: Pattern = { test: () => false, toString: () => '' }

/** A keyword whose check says what is wrong with a value. */
function textKeyword(
  keyword: string,
  compile: (written: unknown) => Result<(value: unknown) => string | undefined, string>,
): FuncKeywordDefinition {
  return {
    keyword,
    errors: true,
    compile: (written: unknown) => {
      const compiled = compile(written)
      if (!compiled.ok) throw new Error(`${keyword} ${compiled.error}`)
      const validate: Check = (value) => {
        const message = compiled.value(value)
        validate.errors = message === undefined ? [] : [{ keyword, message }]
        return message === undefined
      }
      return validate
    },
  }
}

interface Check {
  (value: unknown): boolean
  errors?: Partial<ErrorObject>[]
}

/** Compares canonical texts, since comparing each with each takes too long. */
function uniqueItems(wanted: boolean): (items: unknown) => boolean {
  return (items) => !wanted || !Array.isArray(items) || new Set(items.map(canonical)).size === items.length
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    isObject(member) ? Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)) : member,
  )
}
