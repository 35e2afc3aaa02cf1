// For tests: the answers of both engines to a case, and where they differ.

import { compile } from '../compile/compile.ts'
import type { PolicySet } from '../compile/compile.ts'
import { matchesScope } from '../compile/scope.ts'
import { decide } from '../decide/decide.ts'
import { Evaluation } from '../decide/evaluation.ts'
import type { Request } from '../decide/evaluation.ts'
import { Interpreter } from '../decide/interpret.ts'
import { FAILS, HOLDS, LACKS } from '../decide/outcomes.ts'
import { contextFromJson } from '../json/context-json.ts'
import { entitiesFromJson } from '../json/entities-json.ts'
import { linkAll, policySetFromJson } from '../json/policy-set-json.ts'
import type { PolicyError, Result } from '../policy/result.ts'
import { checkRequest } from '../schema/conformance.ts'
import { readSchema } from '../schema/read-schema.ts'
import type { Schema } from '../schema/schema.ts'
import { reference } from '../values/entity.ts'
import type { Entity, EntityStore } from '../values/entity.ts'
import { isTrap, officialSchema } from './official.ts'
import type { Official } from './official.ts'
import type { Case } from './random-case.ts'
import type { EntityName } from './random-world.ts'
import type { RequestJson } from './schema-world.ts'

/** What an engine says to one request. */
export type Answer =
  | {
      readonly decision: string
      /** Ids in alphabetical order, as are those of the policies that failed. */
      readonly determining: readonly string[]
      readonly errors: readonly string[]
    }
  | { readonly refused: string }
  /** Never right. */
  | { readonly thrown: string }

/** Ours, for each request of a case. */
export function ask(asked: Case): Answer[] {
  try {
    return answersTo(asked)
  } catch (error) {
    return asked.requests.map(() => ({ thrown: error instanceof Error ? String(error.stack) : 'something' }))
  }
}

function answersTo({ schema: schemaText, policies, entities: listed, requests }: Case): Answer[] {
  const read = schemaText === undefined ? undefined : readSchema(schemaText)
  if (read?.ok === false) return requests.map(() => refused(read))
  const schema = read?.value
  const parts = policySetFromJson(JSON.stringify(policies))
  const linked = parts.ok ? linkAll(parts.value) : parts
  const set = linked.ok ? compile(linked.value) : linked
  const entities = entitiesFromJson(JSON.stringify(listed), schema === undefined ? {} : { schema })
  return requests.map((given) => {
    const request = readRequest(given, schema)
    if (!set.ok) return refused(set)
    if (!entities.ok) return refused(entities)
    if (!request.ok) return refused(request)
    const unfit = schema === undefined ? [] : checkRequest(schema, request.value)
    if (unfit.length > 0) return { refused: JSON.stringify(unfit) }
    return answer(set.value, request.value, entities.value)
  })
}

function refused({ errors }: { readonly errors: readonly PolicyError[] }): Answer {
  return { refused: JSON.stringify(errors) }
}

function readRequest(
  { principal, action, resource, context }: RequestJson,
  schema: Schema | undefined,
): Result<Request> {
  const named = ({ type, id }: EntityName): Entity => reference(type, id)
  const options = schema === undefined ? {} : { schema, action: named(action) }
  const read = contextFromJson(JSON.stringify(context), options)
  if (!read.ok) return read
  const parties = { principal: named(principal), action: named(action), resource: named(resource) }
  return { ok: true, value: { ...parties, context: read.value } }
}

/** Asked of the generated code; throws when the interpreter does not agree. */
export function answer(set: PolicySet, request: Request, entities: EntityStore): Answer {
  const { decision, determining, errors } = decide(set, request, entities)
  const failing = errors.map(({ policy }) => policy)
  const evaluation = new Evaluation(request, entities)
  const { principal, action, resource } = evaluation
  for (const policy of set.policies) {
    if (!matchesScope(policy.scope, principal, action, resource)) continue
    const { outcomes } = new Interpreter(evaluation).judge(policy)
    const satisfied = determining.includes(policy.id)
    const generated = failing.includes(policy.id) ? FAILS : satisfied ? HOLDS : LACKS
    // A permit that holds is not named when a forbid decided.
    const hidden = outcomes === HOLDS && policy.effect === 'permit' && decision === 'deny'
    if (!hidden && outcomes !== generated) throw new Error(`interpreted otherwise: ${policy.id}`)
  }
  return { decision, determining: determining.toSorted(), errors: failing.sort() }
}

/** Those of the official engine. */
export function askOfficial(official: Official, asked: Case): Answer[] {
  try {
    return officialAnswersTo(official, asked)
  } catch (error) {
    if (isTrap(error)) throw error
    return asked.requests.map(() => ({ refused: String(error) }))
  }
}

function officialAnswersTo(official: Official, { schema, policies, entities, requests }: Case): Answer[] {
  const parsed = [
    official.preparsePolicySet('case', policies as Parameters<Official['preparsePolicySet']>[1]),
    ...(schema === undefined ? [] : [official.preparseSchema('case', officialSchema(schema))]),
  ]
  const failed = parsed.find(({ type }) => type === 'failure')
  if (failed !== undefined) return requests.map(() => ({ refused: JSON.stringify(failed) }))
  return requests.map((request): Answer => {
    const given = official.statefulIsAuthorized({
      ...request,
      entities: entities as Parameters<Official['statefulIsAuthorized']>[0]['entities'],
      preparsedPolicySetId: 'case',
      ...(schema !== undefined && { preparsedSchemaName: 'case', validateRequest: true }),
    })
    if (given.type === 'failure') return { refused: JSON.stringify(given.errors) }
    const { decision, diagnostics } = given.response
    return {
      decision,
      determining: diagnostics.reason.toSorted(),
      errors: diagnostics.errors.map(({ policyId }) => policyId).sort(),
    }
  })
}

/** Whether two answers say the same; why something was refused may be said in other words. */
export function agree(a: Answer | undefined, b: Answer | undefined): boolean {
  if (a === undefined || b === undefined || 'thrown' in a || 'thrown' in b) return false
  if ('refused' in a || 'refused' in b) return 'refused' in a && 'refused' in b
  return JSON.stringify(a) === JSON.stringify(b)
}
