// Runs tests in the format of the official integration tests: policies, entities, a schema, and requests with the answer
// expected. Files are read by whoever calls.

import { compile } from '../compile/compile.ts'
import type { PolicySet } from '../compile/compile.ts'
import { decide } from '../decide/decide.ts'
import { entitiesFromJson } from '../json/entities-json.ts'
import type { JsonNode } from '../json/json.ts'
import { linkAll, policySetFromJson } from '../json/policy-set-json.ts'
import { Source } from '../policy/result.ts'
import type { PolicyError, Result } from '../policy/result.ts'
import type { Policy } from '../policy/syntax.ts'
import { checkRequest } from '../schema/conformance.ts'
import { readSchema } from '../schema/read-schema.ts'
import type { Schema } from '../schema/schema.ts'
import { ParseFailure } from '../text/cursor.ts'
import { parsePolicies } from '../text/parse.ts'
import type { EntityStore } from '../values/entity.ts'
import { corpusTestFromJson, requestFromNode } from './corpus-format.ts'
import type { Answer, CorpusRequest, CorpusTest } from './corpus-format.ts'

/** How the requests of one test file went. */
export interface CorpusReport {
  readonly passed: number
  /** What differed, one text for each request; or why the file could not be run. */
  readonly failures: readonly string[]
  /** What the file says of its policies; not checked here. */
  readonly validation: CorpusValidation | undefined
}

/** That policies are valid against a schema, or that they are not. */
export interface CorpusValidation {
  /** Paths, as the test gives them. */
  readonly policies: string
  readonly schema: string
  /** Whether the policies are in JSON. */
  readonly jsonPolicies: boolean
  readonly valid: boolean
}

/** Finds the text of a file by the path that a test gives; undefined when there is none. */
export type ReadFile = (path: string) => string | undefined

/** Schemas kept, in case the next tests have the same. */
const SCHEMAS_KEPT = 1000

/** Runs test files one after the other. Never throws, unless `read` does. */
export class CorpusRunner {
  readonly #read: ReadFile
  readonly #schemas = new Map<string, Schema>()

  constructor(read: ReadFile) {
    this.#read = read
  }

  /** Runs the test in a JSON text; undefined when it holds none. `file` is named in failures. */
  run(text: string, file: string): CorpusReport | undefined {
    const test = corpusTestFromJson(text, file)
    if (!test.ok) return notRun(test.errors)
    if (test.value === undefined) return undefined
    const { requests, policies, schema, jsonPolicies, shouldValidate: valid } = test.value
    const world = this.#load(test.value)
    if (!world.ok) return notRun(world.errors)
    const source = new Source(text, file)
    const failures = requests.flatMap((node) => failuresOf(node, source, world.value))
    const isChecked = schema !== undefined && valid !== undefined
    return {
      passed: requests.length - failures.length,
      failures,
      validation: isChecked ? { policies, schema, jsonPolicies, valid } : undefined,
    }
  }

  #load(test: CorpusTest): Result<World> {
    const schema = test.schema === undefined ? undefined : this.#schema(test.schema)
    // What entities have to be is not known where the schema is wrong.
    if (schema?.ok === false) return schema
    const policies = this.#parsed(test.policies, test.jsonPolicies ? policiesFromJson : policiesFromText)
    const entities = this.#parsed(test.entities, (text, file) =>
      entitiesFromJson(text, schema === undefined ? { file } : { file, schema: schema.value }),
    )
    const compiled = policies.ok ? compile(policies.value) : policies
    if (compiled.ok && entities.ok)
      return {
        ok: true,
        value: { policies: compiled.value, entities: entities.value, schema: schema?.value },
      }
    return { ok: false, errors: [compiled, entities].flatMap((each) => (each.ok ? [] : each.errors)) }
  }

  #parsed<T>(file: string, parse: (text: string, file: string) => Result<T>): Result<T> {
    const text = this.#read(file)
    if (text !== undefined) return parse(text, file)
    return { ok: false, errors: [{ message: 'there is no such file', file, line: 1, column: 1 }] }
  }

  #schema(path: string): Result<Schema> {
    return this.#parsed(path, (text, file) => {
      const known = this.#schemas.get(text)
      if (known !== undefined) return { ok: true, value: known }
      const schema = readSchema(text, { file })
      if (this.#schemas.size >= SCHEMAS_KEPT) this.#schemas.clear()
      if (schema.ok) this.#schemas.set(text, schema.value)
      return schema
    })
  }
}

interface World {
  readonly policies: PolicySet
  readonly entities: EntityStore
  readonly schema: Schema | undefined
}

function notRun(errors: readonly PolicyError[]): CorpusReport {
  return { passed: 0, failures: [...new Set(errors.map(errorText))], validation: undefined }
}

function policiesFromText(text: string, file: string): Result<Policy[]> {
  const parsed = parsePolicies(text, { file, ids: 'position' })
  // A template that nobody links decides nothing.
  return parsed.ok ? { ok: true, value: parsed.value.filter(({ slots }) => slots.length === 0) } : parsed
}

function policiesFromJson(text: string, file: string): Result<Policy[]> {
  const parts = policySetFromJson(text, { file })
  return parts.ok ? linkAll(parts.value) : parts
}

/** One text when the request cannot be read or the answer is not the one expected. */
function failuresOf(node: JsonNode, source: Source, world: World): string[] {
  try {
    const request = requestFromNode(node, world.schema)
    const failure = failureOf(request, world)
    return failure === undefined ? [] : [`${JSON.stringify(request.description)}: ${failure}`]
  } catch (failure) {
    if (!(failure instanceof ParseFailure)) throw failure
    return [errorText({ message: failure.message, ...source.locate(failure.at) })]
  }
}

function failureOf(request: CorpusRequest, { policies, entities, schema }: World): string | undefined {
  const mismatches = schema === undefined || !request.validate ? [] : checkRequest(schema, request)
  if (mismatches.length > 0) return mismatches.map(({ message }) => message).join('; ')
  const { decision, determining, errors } = decide(policies, request, entities)
  const failed = errors.map(({ policy }) => policy)
  const found = answerText({ decision, reason: determining.toSorted(), errors: failed.sort() })
  const wanted = answerText(request.expected)
  return found === wanted ? undefined : `expected ${wanted}; got ${found}`
}

function answerText({ decision, reason, errors }: Answer): string {
  const list = (ids: readonly string[]): string => (ids.length === 0 ? 'none' : [...new Set(ids)].join(', '))
  return `${decision}, reason ${list(reason)}, errors ${list(errors)}`
}

function errorText({ message, file, line, column }: PolicyError): string {
  return `${file}:${line}:${column}: ${message}`
}
