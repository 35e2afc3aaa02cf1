// Tests of policies in the format of the Cedar command line's `run-tests`: a list of requests, each with the decision
// expected and the policies that should be behind it.

import type { Decision } from '../decide/decide.ts'
import { entitiesFromNode } from '../json/entities-json.ts'
import { withJson } from '../json/json.ts'
import type { JsonNode } from '../json/json.ts'
import { failAt, fieldsOf, itemsOf, membersOf, textOf } from '../json/json-access.ts'
import { recordFromNode } from '../json/value-json.ts'
import type { PolicyError, Position, Result, Source } from '../policy/result.ts'
import { ParseFailure } from '../text/cursor.ts'
import { entityFromText } from '../text/entity-text.ts'
import type { Entity, EntityStore } from '../values/entity.ts'
import { plain } from '../values/values.ts'
import type { RecordValue, Value } from '../values/values.ts'

export interface PolicyTest {
  /** As given, or `test 1`, `test 2` … by place. */
  readonly name: string
  readonly position: Position
  readonly principal: Entity
  readonly action: Entity
  readonly resource: Entity
  readonly context: RecordValue
  /** Those in the test itself, or the name of the file that holds them, relative to the test's. */
  readonly entities: EntityStore | string
  readonly expected: {
    readonly decision: Decision['decision']
    /** Ids of policies that must be among those behind the decision. */
    readonly reason: readonly string[]
    /** How many policies must fail. */
    readonly errors: number
  }
}

export interface PolicyTestOptions {
  /** Named in errors. Default `tests.json`. */
  readonly file?: string
  /** Members of the context that hold plain data, in which `__entity` and `__extn` are names like any other. */
  readonly plain?: readonly string[]
}

/** Reads a file of tests. Never throws. Errors: what cannot be read, one for each test that has any. */
export function policyTestsFromJson(json: string, options: PolicyTestOptions = {}): Result<PolicyTest[]> {
  const errors: PolicyError[] = []
  const read = withJson(json, options.file ?? 'tests.json', (root, source) =>
    itemsOf(root, 'a file of tests').flatMap((node, index) => {
      try {
        return [testFromNode(node, { source, plain: options.plain ?? [], number: index + 1, errors })]
      } catch (failure) {
        if (!(failure instanceof ParseFailure)) throw failure
        errors.push({ message: failure.message, ...source.locate(failure.at) })
        return []
      }
    }),
  )
  return read.ok && errors.length > 0 ? { ok: false, errors } : read
}

interface Place {
  readonly source: Source
  readonly plain: readonly string[]
  /** Counted from 1. */
  readonly number: number
  /** For what is wrong with the entities, of which several may be wrong at once. */
  readonly errors: PolicyError[]
}

function testFromNode(node: JsonNode, place: Place): PolicyTest {
  const { source, number } = place
  const required = ['request', 'entities', 'decision', 'reason', 'num_errors'] as const
  const test = fieldsOf(node, 'a test', required, ['name'])
  const request = fieldsOf(test.request, '"request"', ['principal', 'action', 'resource', 'context'])
  const decision = textOf(test.decision, '"decision"')
  if (decision !== 'allow' && decision !== 'deny')
    failAt(test.decision, '"decision" must be "allow" or "deny"')
  const { num_errors: errors } = test
  if (errors.kind !== 'integer' || errors.value < 0n)
    failAt(errors, '"num_errors" must be a number of errors')
  return {
    name: test.name === undefined ? `test ${number}` : textOf(test.name, '"name"'),
    position: source.locate(node.at),
    principal: namedBy(request.principal, '"principal"'),
    action: namedBy(request.action, '"action"'),
    resource: namedBy(request.resource, '"resource"'),
    context: contextFromNode(request.context, place),
    entities: test.entities.kind === 'string' ? test.entities.value : storeFromNode(test.entities, place),
    expected: {
      decision,
      reason: itemsOf(test.reason, '"reason"').map((id) => textOf(id, 'the id of a policy')),
      errors: Number(errors.value),
    },
  }
}

function namedBy(node: JsonNode, what: string): Entity {
  const named = entityFromText(textOf(node, what))
  return named.ok ? named.value : failAt(node, `${what}: ${named.errors[0]?.message ?? ''}`)
}

function storeFromNode(node: JsonNode, { source, errors }: Place): EntityStore {
  const store = entitiesFromNode(node, source)
  if (store.ok) return store.value
  errors.push(...store.errors)
  return new Map()
}

function contextFromNode(node: JsonNode, { source, plain: names }: Place): RecordValue {
  const members = new Map(membersOf(node, '"context"'))
  const data: { [name: string]: Value } = {}
  for (const name of names) {
    const member = members.get(name)
    if (member === undefined) continue
    data[name] = plain(JSON.parse(source.text.slice(member.at, member.end)))
    members.delete(name)
  }
  return { ...recordFromNode({ ...node, kind: 'object', members }, '"context"'), ...data }
}

/** What a decision lacks of what a test expects, as a sentence; undefined when the test passes. */
export function policyTestFault({ expected }: PolicyTest, decision: Decision): string | undefined {
  const { determining, errors } = decision
  const failed = errors.map(({ policy, message }) => `${JSON.stringify(policy)} (${message})`).join(', ')
  if (decision.decision !== expected.decision) {
    const behind = determining.length > 0 ? ` by ${list(determining)}` : ', no policy is behind it'
    const also = failed === '' ? '' : `; could not be evaluated: ${failed}`
    return `expected ${expected.decision}, got ${decision.decision}${behind}${also}`
  }
  const missing = expected.reason.filter((id) => !determining.includes(id))
  if (missing.length > 0) {
    const found = determining.length > 0 ? list(determining) : 'no policy'
    return `expected ${list(missing)} behind the ${expected.decision}, found ${found}`
  }
  if (errors.length === expected.errors) return undefined
  return `expected ${expected.errors} policies that cannot be evaluated, found ${failed === '' ? 'none' : failed}`
}

function list(ids: readonly string[]): string {
  return ids.map((id) => JSON.stringify(id)).join(', ')
}
