// Schemas, against the official engine and against what their generator meant: the same texts and JSON are accepted, and
// names stand for the same. CEDAR_SCHEMAS and CEDAR_SEED choose a longer or another run.

import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Result } from '../policy/result.ts'
import { parseSchema } from '../schema/parse-schema.ts'
import { readSchema } from '../schema/read-schema.ts'
import { resolveSchema } from '../schema/resolve.ts'
import { schemaFromJson } from '../schema/schema-json.ts'
import type { Schema } from '../schema/schema.ts'
import { schemaToJson } from '../schema/schema-to-json.ts'
import { schemaToText } from '../schema/schema-to-text.ts'
import { mutateSchema, mutateSchemaJson } from './mutate-schema.ts'
import { loadOfficial } from './official.ts'
import type { Official } from './official.ts'
import { schemaFromOfficial } from './official-schema.ts'
import { Random } from './random.ts'
import { randomSchema } from './random-schema.ts'

const official = loadOfficial()

const CASES = Number(process.env['CEDAR_SCHEMAS'] ?? 150)
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)
const TIMEOUT_MS = 30 * CASES + 60_000

/** What is refused here and taken there; see DIFFERENCES.md. */
const STRICTER = /^the attribute .* stands twice$|must be an object$/

describe('the official engine, the generator and this reader', () => {
  it(`agree on what ${CASES} random schemas say`, { timeout: TIMEOUT_MS }, () => {
    const seen = { namespaces: 0, enumerations: 0, tags: 0, hierarchies: 0, groups: 0, contexts: 0 }
    for (let index = 0; index < CASES; index++) {
      const { text, json, schema } = randomSchema(new Random(SEED * 1_000_003 + index))
      const types = [...schema.entityTypes.values()]
      const actions = [...schema.actions.values()]
      if (types.some(({ name }) => name.includes('::'))) seen.namespaces++
      if (types.some(({ ids }) => ids !== undefined)) seen.enumerations++
      if (types.some(({ tags }) => tags !== undefined)) seen.tags++
      if (types.some(({ ancestorTypes }) => ancestorTypes.size > 1)) seen.hierarchies++
      if (actions.some(({ entity }) => entity.ancestors.size > 0)) seen.groups++
      if (actions.some(({ context }) => context.members.size > 1)) seen.contexts++
      expectSame(valueOf(readSchema(text)), schema, text)
      expectSame(valueOf(readSchema(json)), schema, json)
      expect(accepts(JSON.parse(json)), json).toBe(true)
      const answer = official.schemaToJsonWithResolvedTypes(text)
      if (answer.type === 'failure') throw new Error(`${JSON.stringify(answer.errors)}\n${text}`)
      expectSame(schemaFromOfficial(answer.json), schema, text)
    }
    // The generator must reach everything often, or agreement says nothing.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(CASES / 10)
  })

  it(`agree on what is written of ${CASES} random schemas`, { timeout: TIMEOUT_MS }, () => {
    for (let index = 0; index < CASES; index++) {
      const { text, json, schema } = randomSchema(new Random(SEED * 3_000_017 + index))
      for (const read of [parseSchema(text), schemaFromJson(json)]) {
        const fragment = valueOf(read)
        const asText = valueOf(schemaToText(fragment))
        const again = valueOf(parseSchema(asText))
        expectSame(valueOf(resolveSchema([again])), schema, asText)
        expect(valueOf(schemaToText(again))).toBe(asText)
        expect(accepts(asText), asText).toBe(true)
        const asJson = schemaToJson(fragment)
        expectSame(valueOf(readSchema(asJson)), schema, asJson)
        expect(accepts(JSON.parse(asJson)), asJson).toBe(true)
      }
    }
  })

  it(`accept and refuse the same of ${4 * CASES} mutated texts`, { timeout: TIMEOUT_MS }, () => {
    let accepted = 0
    for (let index = 0; index < 4 * CASES; index++) {
      const random = new Random(SEED * 7_000_003 + index)
      const { text } = randomSchema(random)
      const mutated = mutateSchema(random, text)
      const mine = readSchema(mutated)
      if (!mine.ok && mine.errors.every(({ message }) => STRICTER.test(message))) continue
      expect(mine.ok, mutated).toBe(accepts(mutated))
      if (mine.ok) accepted++
    }
    expect(accepted).toBeGreaterThan(CASES / 10)
  })

  it(`accept and refuse the same of ${4 * CASES} mutated JSON texts`, { timeout: TIMEOUT_MS }, () => {
    let accepted = 0
    for (let index = 0; index < 4 * CASES; index++) {
      const random = new Random(SEED * 11_000_003 + index)
      const mutated = mutateSchemaJson(random, JSON.parse(randomSchema(random).json))
      const json = JSON.stringify(mutated)
      const mine = readSchema(json)
      if (!mine.ok && mine.errors.every(({ message }) => STRICTER.test(message))) continue
      expect(mine.ok, json).toBe(accepts(mutated))
      if (mine.ok) accepted++
    }
    expect(accepted).toBeGreaterThan(CASES / 10)
  })
})

/** As `toEqual`, which is slow. */
function expectSame(mine: Schema, expected: Schema, about: string): void {
  if (!isDeepStrictEqual(mine, expected)) expect(mine, about).toEqual(expected)
}

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.errors))
  return result.value
}

/** A JSON schema is given as a value, a schema in the human-readable syntax as text. */
function accepts(schema: unknown): boolean {
  return official.checkParseSchema(schema as Parameters<Official['checkParseSchema']>[0]).type === 'success'
}
