// Against the official engine: the same entities, contexts and requests conform to a schema, and their values are the same.

import type { Entities } from '@cedar-policy/cedar-wasm/nodejs'
import { describe, expect, it } from 'vitest'
import { compile } from '../compile/compile.ts'
import { decide } from '../decide/decide.ts'
import type { Request } from '../decide/evaluation.ts'
import { contextFromJson } from '../json/context-json.ts'
import { entitiesFromJson } from '../json/entities-json.ts'
import { recordFromNode } from '../json/value-json.ts'
import { withJson } from '../json/json.ts'
import type { PolicyError } from '../policy/result.ts'
import { checkEntity, checkRequest } from '../schema/conformance.ts'
import type { Schema } from '../schema/schema.ts'
import { parsePolicies } from '../text/parse.ts'
import { reference } from '../values/entity.ts'
import { mutateJson } from './mutate-json.ts'
import { loadOfficial } from './official.ts'
import { Random } from './random.ts'
import { randomConforming } from './random-conforming.ts'
import type { ConformingCase, ConformingRequest } from './random-conforming.ts'
import { randomSchema } from './random-schema.ts'
import type { EntityName } from './random-world.ts'

const CASES = Number(process.env['CEDAR_CASES'] ?? 150)
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)
const TIMEOUT_MS = 60 * CASES + 60_000
const official = loadOfficial()

const named = ({ type, id }: EntityName) => reference(type, id)

/** The request as read with the schema, whether or not it conforms. */
function readRequest(schema: Schema, request: ConformingRequest): Request | readonly PolicyError[] {
  const action = named(request.action)
  const type = schema.actions.get(action.uid)?.context
  const context = withJson(JSON.stringify(request.context), 'context.json', (root) =>
    recordFromNode(root, 'the context', type),
  )
  if (!context.ok) return context.errors
  return {
    principal: named(request.principal),
    action,
    resource: named(request.resource),
    context: context.value,
  }
}

function isRequest(read: Request | readonly PolicyError[]): read is Request {
  return 'context' in read
}

describe('what conforms to a schema', () => {
  it(`is read as the values it says, in ${CASES} random cases`, { timeout: TIMEOUT_MS }, () => {
    let facts = 0
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 31_000_003 + index)
      const { schema, text } = randomSchema(random)
      const made = randomConforming(random, schema)
      const entities = entitiesFromJson(JSON.stringify(made.entities), { schema })
      const request = readRequest(schema, made.request)
      if (!entities.ok || !isRequest(request))
        throw new Error(JSON.stringify({ entities, request, text, made }))
      expect(checkRequest(schema, request), text).toEqual([])
      const policies = made.facts.map((fact) => `permit (principal, action, resource) when { ${fact} };`)
      const parsed = parsePolicies(policies.join('\n'))
      const compiled = parsed.ok ? compile(parsed.value) : parsed
      if (!compiled.ok) throw new Error(JSON.stringify([compiled.errors, policies]))
      const all = policies.map((_, number) => `policy${number}`)
      const { determining } = decide(compiled.value, request, entities.value)
      expect(determining, `case ${index}`).toEqual(all)
      const answer = official.isAuthorized({
        ...made.request,
        entities: [...made.entities],
        schema: text,
        validateRequest: true,
        policies: {
          staticPolicies: Object.fromEntries(policies.map((policy, at) => [`policy${at}`, policy])),
        },
      })
      if (answer.type === 'failure') throw new Error(JSON.stringify([answer.errors, text, made]))
      expect(answer.response.diagnostics.reason.toSorted(), `case ${index}`).toEqual(all.toSorted())
      facts += all.length
    }
    expect(facts).toBeGreaterThan(CASES * 3)
  })

  it(`is the same for both, in ${CASES} cases that nearly do`, { timeout: TIMEOUT_MS }, () => {
    const seen = { entities: 0, noEntities: 0, requests: 0, noRequests: 0, contexts: 0, noContexts: 0 }
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 37_000_003 + index)
      const { schema, text } = randomSchema(random)
      const made = randomConforming(random, schema, 0.03)
      const what = `case ${index}\n${text}\n${JSON.stringify(made)}`
      const theirs = askOfficial(text, made)
      const entities = entitiesFromJson(JSON.stringify(made.entities), { schema })
      expect(entities.ok, `${what}\n${JSON.stringify(entities)}`).toBe(theirs.entities)
      const read = readRequest(schema, made.request)
      expect(isRequest(read) && checkRequest(schema, read).length === 0, what).toBe(theirs.request)
      const action = named(made.request.action)
      const context = contextFromJson(JSON.stringify(made.request.context), { schema, action })
      expect(context.ok, what).toBe(theirs.context)
      seen[theirs.entities ? 'entities' : 'noEntities']++
      seen[theirs.request ? 'requests' : 'noRequests']++
      seen[theirs.context ? 'contexts' : 'noContexts']++
      if (!entities.ok) continue
      for (const each of entities.value.values()) expect(checkEntity(schema, each), what).toEqual([])
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(CASES / 20)
  })
})

describe('mutated entities', () => {
  it('are accepted only where the official engine accepts them', { timeout: TIMEOUT_MS }, () => {
    const seen = { accepted: 0, refused: 0, stricter: 0 }
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 41_000_003 + index)
      const { schema, text } = randomSchema(random)
      const entities = mutateJson(random, randomConforming(random, schema).entities)
      const json = JSON.stringify(entities)
      const mine = entitiesFromJson(json, { schema })
      const theirs = official.checkParseEntities({ entities: entities as Entities, schema: text }).type
      if (mine.ok) expect(theirs, `${text}\n${json}`).toBe('success')
      seen[mine.ok ? 'accepted' : theirs === 'success' ? 'stricter' : 'refused']++
    }
    expect(seen.accepted).toBeGreaterThan(CASES / 30)
    expect(seen.refused).toBeGreaterThan(CASES / 10)
    // Members that mean nothing, as everywhere.
    expect(seen.stricter).toBeLessThan(CASES / 10)
  })
})

function askOfficial(
  schema: string,
  { entities, request }: ConformingCase,
): { entities: boolean; request: boolean; context: boolean } {
  const { action, context } = request
  return {
    entities: official.checkParseEntities({ entities: [...entities], schema }).type === 'success',
    context: official.checkParseContext({ context, schema, action }).type === 'success',
    request:
      official.isAuthorized({
        ...request,
        entities: [],
        schema,
        validateRequest: true,
        policies: { staticPolicies: {} },
      }).type === 'success',
  }
}
