// Test files in the format of the official integration tests: policies, entities, and requests with the answer expected.
// Files are read by whoever calls. Schemas are not read, so what only they tell is not checked: whether the policies
// are valid, actions within actions, and values written without their escape.

import { compile } from '../compile/compile.ts'
import type { PolicySet } from '../compile/compile.ts'
import { decide } from '../decide/decide.ts'
import type { Decision } from '../decide/decide.ts'
import { entitiesFromJson } from '../json/entities-json.ts'
import type { Entity, EntityStore } from '../values/entity.ts'
import { withJson } from '../json/json.ts'
import type { JsonNode } from '../json/json.ts'
import { failAt, fieldsOf, itemsOf, textOf } from '../json/json-access.ts'
import { parsePolicies } from '../text/parse.ts'
import { linkAll, policySetFromJson } from '../json/policy-set-json.ts'
import type { PolicyError, Result } from '../policy/result.ts'
import type { Policy } from '../policy/syntax.ts'
import { entityFromNode, recordFromNode } from '../json/value-json.ts'
import type { RecordValue } from '../values/values.ts'

/** How the requests of one test file went. */
export interface CorpusReport {
  readonly passed: number
  /** What differed, one text for each request; or why the file could not be run. */
  readonly failures: readonly string[]
  /** Whether the file says if its policies are valid; this is not checked. */
  readonly uncheckedValidations: number
}

/** Finds the text of a file by the path that a test gives; undefined when there is none. */
export type ReadFile = (path: string) => string | undefined

/** Whether a JSON text is a test of this format, and not one of the files that tests use. */
export function isCorpusTest(text: string): boolean {
  const test = withJson(text, '', (root) => root.kind === 'object' && root.members.has('requests'))
  return test.ok && test.value
}

/** Runs one test file. `file` is named in failures. Never throws, unless `read` does. */
export function runCorpusTest(text: string, file: string, read: ReadFile): CorpusReport {
  const test = withJson(text, file, testFromNode)
  const policies = test.ok ? load(test.value.policies, read, loadPolicies) : test
  const entities = test.ok
    ? load(test.value.entities, read, (json, path) => entitiesFromJson(json, { file: path }))
    : test
  if (!test.ok || !policies.ok || !entities.ok) {
    const errors = [test, policies, entities].flatMap((result) => (result.ok ? [] : result.errors))
    return { passed: 0, failures: [...new Set(errors.map(errorText))], uncheckedValidations: 0 }
  }
  const failures = test.value.requests.flatMap((request) =>
    failuresOf(request, policies.value, entities.value),
  )
  return { passed: test.value.requests.length - failures.length, failures, uncheckedValidations: 1 }
}

interface CorpusTest {
  readonly policies: string
  readonly entities: string
  readonly requests: readonly CorpusRequest[]
}

interface CorpusRequest {
  readonly description: string
  readonly principal: Entity
  readonly action: Entity
  readonly resource: Entity
  readonly context: RecordValue
  readonly expected: Answer
}

interface Answer {
  readonly decision: Decision['decision']
  readonly reason: readonly string[]
  readonly errors: readonly string[]
}

function testFromNode(node: JsonNode): CorpusTest {
  const required = ['policies', 'entities', 'schema', 'shouldValidate', 'requests'] as const
  // `policyFormat` says again what the name of the file says.
  const { policies, entities, requests } = fieldsOf(node, 'a test', required, ['policyFormat'])
  return {
    policies: textOf(policies, '"policies"'),
    entities: textOf(entities, '"entities"'),
    requests: itemsOf(requests, '"requests"').map(requestFromNode),
  }
}

function requestFromNode(node: JsonNode): CorpusRequest {
  const named = ['description', 'principal', 'action', 'resource', 'context'] as const
  const fields = fieldsOf(node, 'a request', [...named, 'decision', 'reason', 'errors'], ['validateRequest'])
  const decision = textOf(fields.decision, '"decision"')
  if (decision !== 'allow' && decision !== 'deny')
    failAt(fields.decision, '"decision" must be "allow" or "deny"')
  const ids = (list: JsonNode, what: string): string[] =>
    itemsOf(list, what)
      .map((id) => textOf(id, 'an id'))
      .sort()
  return {
    description: textOf(fields.description, '"description"'),
    principal: entityFromNode(fields.principal),
    action: entityFromNode(fields.action),
    resource: entityFromNode(fields.resource),
    context: recordFromNode(fields.context, '"context"'),
    expected: { decision, reason: ids(fields.reason, '"reason"'), errors: ids(fields.errors, '"errors"') },
  }
}

function load<T>(path: string, read: ReadFile, parse: (text: string, file: string) => Result<T>): Result<T> {
  const text = read(path)
  if (text !== undefined) return parse(text, path)
  return { ok: false, errors: [{ message: 'there is no such file', file: path, line: 1, column: 1 }] }
}

function loadPolicies(text: string, file: string): Result<PolicySet> {
  const policies = file.endsWith('.json') ? policiesFromJson(text, file) : policiesFromText(text, file)
  return policies.ok ? compile(policies.value) : policies
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

/** One text when the answer is not the one expected. */
function failuresOf(request: CorpusRequest, policies: PolicySet, entities: EntityStore): string[] {
  const { description, expected } = request
  const { decision, determining, errors } = decide(policies, request, entities)
  const failed = errors.map(({ policy }) => policy)
  const found = answerText({ decision, reason: determining.toSorted(), errors: failed.sort() })
  const wanted = answerText(expected)
  return found === wanted ? [] : [`${JSON.stringify(description)}: expected ${wanted}; got ${found}`]
}

function answerText({ decision, reason, errors }: Answer): string {
  const list = (ids: readonly string[]): string => (ids.length === 0 ? 'none' : [...new Set(ids)].join(', '))
  return `${decision}, reason ${list(reason)}, errors ${list(errors)}`
}

function errorText({ message, file, line, column }: PolicyError): string {
  return `${file}:${line}:${column}: ${message}`
}
