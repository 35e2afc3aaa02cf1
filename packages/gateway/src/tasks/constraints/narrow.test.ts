import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../model/message.ts'
import { compileConstraints } from './compile.ts'
import { narrowInputSchema } from './narrow.ts'

const BLIND = { placeOf: () => undefined }

describe('the schema of a tool within a task', () => {
  const schema = {
    type: 'object',
    properties: {
      path: { type: 'string', description: 'Where.' },
      mode: { type: 'string', enum: ['r', 'w'] },
      text: { type: 'string' },
    },
    required: ['path'],
  }

  test('shows the limits, and not what is refused', () => {
    const constraints = { path: { within: ['/w/src', '/w/test'] }, mode: { const: 'r' } }
    expect(narrowInputSchema(schema, constraints, 'refuse')).toEqual({
      type: 'object',
      properties: {
        path: { type: 'string', description: 'Where. Must be within /w/src or /w/test.' },
        mode: { type: 'string', enum: ['r', 'w'], const: 'r' },
      },
      required: ['path'],
      additionalProperties: false,
    })
  })

  test('keeps the other arguments where they are allowed', () => {
    expect(narrowInputSchema(schema, { path: { pattern: '^/w/' } }, 'allow')).toEqual({
      ...schema,
      properties: { ...schema.properties, path: { type: 'string', description: 'Where.', pattern: '^/w/' } },
    })
  })

  test('tells of limits inside lists and maps, and asks for both where the tool limits the same', () => {
    const tool = {
      properties: { to: { type: 'array', maxItems: 5 }, n: { maximum: 5 } },
      additionalProperties: false,
    }
    const limits = {
      to: { items: { hosts: ['a.example'] }, maxItems: 9 },
      n: { maximum: 9 },
      not: { const: 1 },
    }
    expect(narrowInputSchema(tool, limits, 'refuse')).toEqual({
      type: 'object',
      properties: {
        to: {
          type: 'array',
          maxItems: 5,
          allOf: [
            {
              type: 'array',
              maxItems: 9,
              items: { type: 'string', description: 'Must be a URL of a.example.' },
            },
          ],
        },
        n: { maximum: 5, allOf: [{ maximum: 9, type: 'number' }] },
      },
      additionalProperties: false,
    })
  })

  test('says which tables', () => {
    const limits = { sql: { tables: { read: ['a', 'b'], write: ['c'] } } }
    expect(narrowInputSchema(undefined, limits, 'refuse')).toMatchObject({
      properties: { sql: { description: 'Must be SQL that reads only a, b and changes only c.' } },
    })
  })

  const value: fc.Arbitrary<unknown> = fc.oneof(
    fc.constantFrom<unknown>(
      'a',
      'ab',
      'b',
      '',
      1,
      5,
      9,
      null,
      true,
      [],
      ['a'],
      ['b', 'b'],
      [1],
      {},
      { a: 'a' },
      { b: 1 },
    ),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom<unknown>('a', 1, ['a']), { maxKeys: 2 }),
  )
  const limit: fc.Arbitrary<JsonObject> = fc.letrec<{ limit: JsonObject }>((tie) => ({
    limit: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<JsonObject>(
        {},
        { const: 'a' },
        { enum: ['a', 1] },
        { pattern: '^a' },
        { minLength: 2 },
        { maximum: 5 },
        { type: 'string' },
        { type: ['string', 'number'], pattern: 'b', minimum: 2 },
        { minItems: 1 },
        { uniqueItems: true },
        { required: ['a'] },
        { within: ['/w'] },
      ),
      tie('limit').map((items) => ({ items })),
      tie('limit').map((a) => ({ properties: { a } })),
      fc
        .tuple(tie('limit'), tie('limit'))
        .chain((both) => fc.constantFrom<JsonObject>({ anyOf: both }, { allOf: both }, { oneOf: both })),
      tie('limit').map((not) => ({ not: plain(not) })),
      fc.tuple(tie('limit'), tie('limit')).map(([first, then]) => ({ if: plain(first), then })),
    ),
  })).limit
  const NAMES = ['a', 'b', 'x-c', 'constructor']
  const tools: fc.Arbitrary<JsonObject> = fc.record(
    {
      properties: fc.dictionary(
        fc.constantFrom(...NAMES),
        fc.oneof(limit.map(plain), fc.constantFrom(true, false)),
        { maxKeys: 3 },
      ),
      additionalProperties: fc.constantFrom<unknown>(true, false, { type: 'string' }),
      patternProperties: fc.constantFrom({ '^x-': { type: 'number' } }, { a: { minLength: 2 } }),
      required: fc.constantFrom([], ['a']),
    },
    { requiredKeys: [] },
  )
  /** Without our keywords: tools do not know them, and nothing turns them round. */
  function plain(own: JsonObject): JsonObject {
    return JSON.parse(JSON.stringify(own).replaceAll('"within":["/w"]', '"minLength":1')) as JsonObject
  }
  const options = { strict: false, ownProperties: true, validateFormats: false } as const

  test('takes nothing that the tool does not take or the check does not let through, and all the rest', () => {
    fc.assert(
      fc.property(
        tools,
        fc.dictionary(fc.constantFrom(...NAMES), limit, { maxKeys: 3 }),
        fc.constantFrom<'allow' | 'refuse'>('allow', 'refuse'),
        fc.array(fc.dictionary(fc.constantFrom(...NAMES, 'other'), value, { maxKeys: 3 }), {
          minLength: 8,
          maxLength: 8,
        }),
        (tool, constraints, others, calls) => {
          const narrowed = narrowInputSchema(tool, constraints, others)
          const ofTool = new Ajv2020(options).compile(tool)
          const shown = new Ajv2020(options).compile(narrowed)
          const check = compileConstraints(constraints, { others, sight: BLIND })
          if (!check.ok) throw new Error(check.error)
          // `within` is told in words only.
          const isWhole = !JSON.stringify(constraints).includes('within')
          for (const args of calls) {
            const both = ofTool(args) && check.value(args) === undefined
            const says = `${JSON.stringify(args)} to ${JSON.stringify(narrowed)}`
            if (isWhole) expect(shown(args), says).toBe(both)
            else if (!hasChoice(constraints)) expect(shown(args) || !both, says).toBe(true)
            if (shown(args)) expect(ofTool(args), says).toBe(true)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  /** Of one of several, what is told in words turns round. */
  function hasChoice(constraints: object): boolean {
    return JSON.stringify(constraints).includes('"oneOf"')
  }

  test('is taken by validators that take no keyword they do not know', () => {
    const limits = {
      path: { within: ['/w'], flow: 'off' },
      list: { items: { hosts: ['a.example'] } },
      sql: { tables: ['a'] },
      name: { pattern: '^a', minLength: 2 },
      deep: { $ref: '#/$defs/x', $defs: { x: { properties: { a: { within: ['/w'] } } } } },
    }
    const narrowed = narrowInputSchema(
      { type: 'object', properties: { path: { type: 'string' } } },
      limits,
      'refuse',
    )
    for (const ajv of [new Ajv2020({ strict: true }), new Ajv({ strict: true })]) ajv.compile(narrowed)
  })

  test('has no argument whose limit cannot be read', () => {
    const narrowed = narrowInputSchema(schema, { path: { patern: 'x' } }, 'refuse')
    expect(narrowed).toMatchObject({ properties: { path: false } })
  })
})
