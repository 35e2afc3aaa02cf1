// For tests: what both engines are given to read, mutated. They have to accept and refuse the same, but for what is
// refused here on purpose.

import { contextFromJson } from '../json/context-json.ts'
import { entitiesFromJson } from '../json/entities-json.ts'
import { policyFromJson } from '../json/est-read.ts'
import { policyToJson } from '../json/est-write.ts'
import { linkAll, policySetFromJson } from '../json/policy-set-json.ts'
import type { Context, Entities, PolicyJson, PolicySet, Schema } from '@cedar-policy/cedar-wasm/nodejs'
import type { Result } from '../policy/result.ts'
import type { Policy } from '../policy/syntax.ts'
import { readSchema } from '../schema/read-schema.ts'
import { parsePolicies } from '../text/parse.ts'
import { reference } from '../values/entity.ts'
import { parseExactly } from './exact-json.ts'
import { mutate } from './mutate.ts'
import { mutateJson } from './mutate-json.ts'
import { mutateSchema, mutateSchemaJson } from './mutate-schema.ts'
import { officialSchema } from './official.ts'
import type { Official } from './official.ts'
import { randomCase } from './random-case.ts'
import type { Random } from './random.ts'
import { randomPolicy, randomTemplate } from './random-policy.ts'
import { randomSchema } from './random-schema.ts'
import type { Json } from './random-world.ts'

/** One way of reading something. */
export interface Reading {
  readonly name: string
  readonly make: (random: Random) => Mutated
}

export interface Mutated {
  /** A text as it is, anything else as a JSON value. */
  readonly input: Json
  readonly here: (input: Json) => Result<unknown>
  readonly there: (official: Official, input: Json) => { readonly type: string }
}

/** What is refused here though the official package takes it, by the message. Each has a row in DIFFERENCES.md. */
const STRICTER: readonly RegExp[] = [
  / has no member "/, // members that mean nothing
  /^(an entity|an extension value) (needs |must be an object)/, // escapes that are malformed, as are the next
  /^(an entity type|the id of an entity|"fn") must be a string$/,
  /^("args" must be an array|("attrs"|"tags"|the context) must be a record)$/,
  /^the entity .* stands twice$/,
  /^an id must not be empty$/,
  /^there is no extension function /,
  /^the method .* needs a value to be called on$/,
  /must be an object$/, // an array or `null` in place of an object
  /^"(principal|resource)" needs "entity" or "slot"$/, // both are there
  /^the attribute .* stands twice$/,
]

/** What follows from it. */
const CONSEQUENCE = /^there is no template /

/** Whether something was refused only for reasons that the official package does not share. */
export function isStricter(read: Result<unknown>): boolean {
  const messages = read.ok ? [] : read.errors.map(({ message }) => message)
  const known = messages.filter((message) => STRICTER.some((reason) => reason.test(message)))
  const other = messages.filter((message) => !known.includes(message))
  return known.length > 0 && other.every((message) => CONSEQUENCE.test(message))
}

const SCHEMA: Omit<Mutated, 'input'> = {
  here: (input) => readSchema(typeof input === 'string' ? input : JSON.stringify(input)),
  there: (official, input) => official.checkParseSchema(input as Schema),
}

export const READINGS: readonly Reading[] = [
  {
    name: 'policy texts',
    make: (random) => ({
      input: mutate(random, random.chance(0.8) ? randomPolicy(random) : randomTemplate(random)),
      here: (input) => static_(parsePolicies(input as string)),
      there: (official, input) => official.checkParsePolicySet({ staticPolicies: input as string }),
    }),
  },
  {
    name: 'policies in JSON',
    make: (random) => ({
      input: mutateJson(random, parseExactly(policyToJson(parseOne(randomPolicy(random))))) as Json,
      here: (input) => one(policyFromJson(JSON.stringify(input), 'p')),
      there: (official, input) =>
        official.checkParsePolicySet({ staticPolicies: { p: input as unknown as PolicyJson } }),
    }),
  },
  {
    name: 'sets of policies',
    make: (random) => ({
      input: mutateJson(random, randomCase(seedOf(random), { requests: 0, schema: false }).policies) as Json,
      here(input) {
        const parts = policySetFromJson(JSON.stringify(input))
        return parts.ok ? linkAll(parts.value) : parts
      },
      there: (official, input) => official.checkParsePolicySet(input as unknown as PolicySet),
    }),
  },
  {
    name: 'entities',
    make(random) {
      const { schema, entities } = randomCase(seedOf(random), { requests: 0, schema: random.chance(0.5) })
      const known = schema === undefined ? {} : { schema: valueOf(readSchema(schema)) }
      return {
        input: mutateJson(random, entities) as Json,
        here: (input) => entitiesFromJson(JSON.stringify(input), known),
        there: (official, input) =>
          official.checkParseEntities({
            entities: input as unknown as Entities,
            ...(schema !== undefined && { schema: officialSchema(schema) }),
          }),
      }
    },
  },
  {
    name: 'contexts',
    make(random) {
      const { schema, requests } = randomCase(seedOf(random), { requests: 1, schema: random.chance(0.5) })
      const { action, context } = requests[0] ?? fail('no request')
      const uid = reference(action.type, action.id)
      const known = schema === undefined ? {} : { schema: valueOf(readSchema(schema)), action: uid }
      return {
        input: mutateJson(random, context) as Json,
        here: (input) => contextFromJson(JSON.stringify(input), known),
        there: (official, input) =>
          official.checkParseContext({
            context: input as Context,
            ...(schema !== undefined && { schema: officialSchema(schema), action }),
          }),
      }
    },
  },
  {
    name: 'schema texts',
    make: (random) => ({ input: mutateSchema(random, randomSchema(random).text), ...SCHEMA }),
  },
  {
    name: 'schemas in JSON',
    make: (random) => ({
      input: mutateSchemaJson(random, JSON.parse(randomSchema(random).json)) as Json,
      ...SCHEMA,
    }),
  },
]

/** Only policies: a template counts as refused where policies are offered. */
function static_(read: Result<readonly Policy[]>): Result<unknown> {
  if (!read.ok || read.value.every(({ slots }) => slots.length === 0)) return read
  return { ok: false, errors: [] }
}

function one(read: Result<Policy>): Result<unknown> {
  return static_(read.ok ? { ok: true, value: [read.value] } : read)
}

function parseOne(text: string): Policy {
  return valueOf(parsePolicies(text))[0] ?? fail(text)
}

function seedOf(random: Random): number {
  return random.below(2 ** 32)
}

function valueOf<T>(result: Result<T>): T {
  return result.ok ? result.value : fail(JSON.stringify(result.errors))
}

function fail(message: string): never {
  throw new Error(message)
}
