// Test files of the official integration tests as written: names of files, and requests with the answer expected. The
// names that older versions gave their members are read too.

import type { Decision } from '../decide/decide.ts'
import type { Request } from '../decide/evaluation.ts'
import { withJson } from '../json/json.ts'
import type { JsonNode } from '../json/json.ts'
import { failAt, fieldsOf, itemsOf, textOf } from '../json/json-access.ts'
import { entityFromNode, recordFromNode } from '../json/value-json.ts'
import type { Result } from '../policy/result.ts'
import type { Schema } from '../schema/schema.ts'
import { reference } from '../values/entity.ts'
import type { Entity } from '../values/entity.ts'

export interface CorpusTest {
  /** Paths, as the test gives them. */
  readonly policies: string
  readonly entities: string
  /** Undefined in tests that have none; the official ones all do. */
  readonly schema: string | undefined
  /** Whether the policies are in JSON. */
  readonly jsonPolicies: boolean
  /** Whether the policies are valid against the schema; undefined when the test does not say. */
  readonly shouldValidate: boolean | undefined
  /** Not read yet, since that takes the schema. */
  readonly requests: readonly JsonNode[]
}

export interface CorpusRequest extends Request {
  readonly description: string
  /** Whether the request has to conform to the schema. */
  readonly validate: boolean
  readonly expected: Answer
}

export interface Answer {
  readonly decision: Decision['decision']
  readonly reason: readonly string[]
  readonly errors: readonly string[]
}

/** Each member and what it was called before. */
const FORMER = {
  shouldValidate: 'should_validate',
  requests: 'queries',
  description: 'desc',
  validateRequest: 'enable_request_validation',
  reason: 'reasons',
} as const

/** Reads a test; undefined when the text is some other JSON, such as entities or policies that tests use. */
export function corpusTestFromJson(text: string, file: string): Result<CorpusTest | undefined> {
  // Lists of entities can be long, and there are as many as tests.
  if (/^\s*\[/.test(text)) return { ok: true, value: undefined }
  return withJson(text, file, (root) => {
    const node = renamed(root)
    const isTest =
      node.kind === 'object' &&
      (node.members.has('requests') || (node.members.has('policies') && node.members.has('entities')))
    return isTest ? testFromNode(node) : undefined
  })
}

function testFromNode(node: JsonNode): CorpusTest {
  const optional = ['schema', 'shouldValidate', 'policyFormat', 'schemaFormat'] as const
  const test = fieldsOf(node, 'a test', ['policies', 'entities', 'requests'], optional)
  const policies = textOf(test.policies, '"policies"')
  const format = formatOf(test.policyFormat, '"policyFormat"')
  // That of a schema can be seen.
  formatOf(test.schemaFormat, '"schemaFormat"')
  return {
    policies,
    entities: textOf(test.entities, '"entities"'),
    schema: test.schema === undefined ? undefined : textOf(test.schema, '"schema"'),
    jsonPolicies: format === undefined ? policies.endsWith('.json') : format === 'json',
    shouldValidate:
      test.shouldValidate === undefined ? undefined : flagOf(test.shouldValidate, '"shouldValidate"'),
    requests: itemsOf(test.requests, '"requests"'),
  }
}

/** Reads a request, with the context of its action in the schema. Throws a `ParseFailure`. */
export function requestFromNode(given: JsonNode, schema: Schema | undefined): CorpusRequest {
  const required = ['description', 'context', 'decision', 'reason', 'errors'] as const
  const optional = ['principal', 'action', 'resource', 'validateRequest'] as const
  const node = fieldsOf(renamed(given), 'a request', required, optional)
  const action = partOf(node.action, 'action')
  return {
    description: textOf(node.description, '"description"'),
    principal: partOf(node.principal, 'principal'),
    action,
    resource: partOf(node.resource, 'resource'),
    context: recordFromNode(node.context, '"context"', schema?.actions.get(action.uid)?.context),
    validate: node.validateRequest === undefined || flagOf(node.validateRequest, '"validateRequest"'),
    expected: {
      decision: decisionOf(node.decision),
      reason: idsOf(node.reason, '"reason"'),
      errors: idsOf(node.errors, '"errors"'),
    },
  }
}

/** The object with its members called as they are now. */
function renamed(node: JsonNode): JsonNode {
  if (node.kind !== 'object') return node
  const members = new Map(node.members)
  for (const [name, former] of Object.entries(FORMER)) {
    const member = members.get(former)
    if (member === undefined || members.has(name)) continue
    members.delete(former)
    members.set(name, member)
  }
  return { ...node, members }
}

/** Older requests may leave a part unspecified: then it is an entity of a type that no policy can name. */
function partOf(node: JsonNode | undefined, part: string): Entity {
  return node === undefined || node.kind === 'null'
    ? reference('__cedar::Unspecified', part)
    : entityFromNode(node)
}

function formatOf(node: JsonNode | undefined, what: string): 'cedar' | 'json' | undefined {
  if (node === undefined) return undefined
  const format = textOf(node, what)
  return format === 'cedar' || format === 'json' ? format : failAt(node, `${what} must be "cedar" or "json"`)
}

function flagOf(node: JsonNode, what: string): boolean {
  return node.kind === 'boolean' ? node.value : failAt(node, `${what} must be true or false`)
}

function decisionOf(node: JsonNode): Decision['decision'] {
  const decision = textOf(node, '"decision"').toLowerCase()
  return decision === 'allow' || decision === 'deny'
    ? decision
    : failAt(node, '"decision" must be "allow" or "deny"')
}

function idsOf(node: JsonNode, what: string): string[] {
  return itemsOf(node, what)
    .map((id) => textOf(id, 'an id'))
    .sort()
}
