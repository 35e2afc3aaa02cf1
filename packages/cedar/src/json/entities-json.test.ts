import type * as cedarWasm from '@cedar-policy/cedar-wasm'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { compile } from '../compile/compile.ts'
import { decide } from '../decide/decide.ts'
import { contextFromJson } from './context-json.ts'
import { entitiesFromJson } from './entities-json.ts'
import { reference } from '../values/entity.ts'
import { parsePolicies } from '../text/parse.ts'
import { loadOfficial } from '../testing/official.ts'
import { mutateJson } from '../testing/mutate-json.ts'
import { Random } from '../testing/random.ts'
import { randomPolicy } from '../testing/random-policy.ts'
import { randomWorld } from '../testing/random-world.ts'
import { verdict } from '../testing/verdict.ts'

const official = loadOfficial()

const CASES = Number(process.env['CEDAR_CASES'] ?? 1000)
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)
const TIMEOUT_MS = 30 * CASES + 60_000

function officialAccepts(json: string): boolean {
  const entities = JSON.parse(json) as cedarWasm.Entities
  return official.checkParseEntities({ entities }).type === 'success'
}

describe('entities in JSON', () => {
  it(`are the same as those made by hand, in ${CASES} random cases`, { timeout: TIMEOUT_MS }, () => {
    const seen = { allow: 0, deny: 0, errors: 0 }
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 23_000_003 + index)
      const parsed = parsePolicies(Array.from({ length: 4 }, () => randomPolicy(random)).join('\n'))
      const compiled = parsed.ok ? compile(parsed.value) : parsed
      if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors))
      const world = randomWorld(random)
      // Children first as often as parents first.
      const listed = world.official.entities.toSorted(() => (random.chance(0.5) ? 1 : -1))
      const entities = entitiesFromJson(JSON.stringify(listed))
      const context = contextFromJson(JSON.stringify(world.official.context))
      if (!entities.ok || !context.ok) throw new Error(JSON.stringify({ entities, context }))
      for (const [uid, made] of world.entities)
        expect([...(entities.value.get(uid)?.ancestors ?? [])].sort()).toEqual([...made.ancestors].sort())
      const name = ({ type, id }: { type: string; id: string }) => reference(type, id)
      const request = {
        principal: name(world.official.principal),
        action: name(world.official.action),
        resource: name(world.official.resource),
        context: context.value,
      }
      const expected = decide(compiled.value, world.request, world.entities)
      expect(decide(compiled.value, request, entities.value), `case ${index}`).toEqual(expected)
      seen[expected.decision]++
      if (expected.errors.length > 0) seen.errors++
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(CASES / 20)
  })

  it('are accepted only where the official engine accepts them, mutated', { timeout: TIMEOUT_MS }, () => {
    const seen = { accepted: 0, refused: 0, stricter: 0 }
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 29_000_003 + index)
      const json = JSON.stringify(mutateJson(random, randomWorld(random).official.entities))
      const mine = entitiesFromJson(json)
      const theirs = officialAccepts(json)
      if (mine.ok) expect(theirs, json).toBe(true)
      seen[mine.ok ? 'accepted' : theirs ? 'stricter' : 'refused']++
    }
    expect(seen.accepted).toBeGreaterThan(CASES / 10)
    expect(seen.refused).toBeGreaterThan(CASES / 10)
    expect(seen.stricter).toBeLessThan(CASES / 4)
  })

  it('are in their parents and theirs, whatever comes first in the text', () => {
    const names = ['a', 'b', 'c', 'd']
    const json = JSON.stringify(
      names.map((id, index) => {
        const parents =
          index < 3 ? [{ __entity: { type: 'G', id: names[index + 1] } }] : [{ type: 'G', id: 'far' }]
        return { uid: { __entity: { type: 'G', id } }, attrs: {}, parents }
      }),
    )
    const entities = entitiesFromJson(json)
    if (!entities.ok) throw new Error(JSON.stringify(entities.errors))
    expect([...entities.value.keys()]).toEqual(['G::"a"', 'G::"b"', 'G::"c"', 'G::"d"'])
    expect([...(entities.value.get('G::"a"')?.ancestors ?? [])].sort()).toEqual([
      'G::"b"',
      'G::"c"',
      'G::"d"',
      'G::"far"',
    ])
  })

  it('may stand in a hierarchy higher than the stack', () => {
    const height = 3000
    const chain = Array.from({ length: height }, (_, index) => ({
      uid: { type: 'G', id: String(index) },
      attrs: {},
      parents: index + 1 < height ? [{ type: 'G', id: String(index + 1) }] : [],
    }))
    const entities = entitiesFromJson(JSON.stringify(chain))
    expect(entities.ok && entities.value.get('G::"0"')?.ancestors.size).toBe(height - 1)
  })
})

describe('what is wrong with entities', () => {
  const one = (members: string): string => `[{"uid": {"type": "U", "id": "x"}, "parents": [], ${members}}]`
  const linked = (...pairs: readonly string[]): string =>
    JSON.stringify(
      pairs.map(([id, parent]) => ({
        uid: { type: 'U', id },
        attrs: {},
        parents: [{ type: 'U', id: parent }],
      })),
    )

  test.each([
    ['the entities must be an array', '{}'],
    ['an entity needs "attrs"', '[{"uid": {"type": "U", "id": "x"}, "parents": []}]'],
    ['an entity has no member "attr"', one('"attrs": {}, "attr": {}')],
    ['"tags" must be an object', one('"attrs": {}, "tags": null')],
    ['an entity must be an object', '[{"uid": "U::\\"x\\"", "attrs": {}, "parents": []}]'],
    ['"a b" is not an entity type', '[{"uid": {"type": "a b", "id": "x"}, "attrs": {}, "parents": []}]'],
    ['Cedar has no null', one('"attrs": {"a": null}')],
    ['a number must be an integer of 64 bits', one('"attrs": {"a": 1.5}')],
    ['a number must be an integer of 64 bits', one('"attrs": {"a": 9223372036854775808}')],
    ['ip() cannot read this text', one('"attrs": {"a": {"__extn": {"fn": "ip", "arg": "x"}}}')],
    ['decimal() expects a string', one('"attrs": {"a": {"__extn": {"fn": "decimal", "arg": 1}}}')],
    [
      'ip() does not take 2 arguments',
      one('"attrs": {"a": {"__extn": {"fn": "ip", "args": ["::1", "::1"]}}}'),
    ],
    ['an entity has no member "x"', one('"attrs": {"a": {"__entity": {"type": "U", "id": "x"}, "x": 1}}')],
    ['the name "a" stands twice', one('"attrs": {"a": 1, "a": 1}')],
    ['nested too deeply', one(`"attrs": {"a": ${'['.repeat(300)}${']'.repeat(300)}}`)],
    ['the entity U::"a" stands twice', linked('ab', 'ab')],
    ['U::"a" is among its own ancestors', linked('aa')],
    ['U::"b" is among its own ancestors', linked('ab', 'bc', 'cb')],
    [
      'Action::"x" is an action, and its parent U::"x" is none',
      '[{"uid": {"type": "Action", "id": "x"}, "attrs": {}, "parents": [{"type": "U", "id": "x"}]}]',
    ],
  ])('%s', (message, json) => {
    const entities = entitiesFromJson(json, { file: 'e.json' })
    expect(entities.ok ? [] : entities.errors).toEqual([
      {
        message: expect.stringContaining(message) as string,
        file: 'e.json',
        line: 1,
        column: expect.any(Number) as number,
      },
    ])
  })

  it('is reported for each entity', () => {
    const entities = entitiesFromJson(`[
      {"uid": {"type": "U", "id": "x"}, "attrs": {"a": null}, "parents": []},
      {"uid": {"type": "U", "id": "y"}, "attrs": {}, "parents": []},
      {"uid": {"type": "U", "id": "y"}, "attrs": {}, "parents": []}]`)
    expect(entities.ok ? [] : entities.errors.map(({ line }) => line)).toEqual([2, 4])
  })

  it('is an error, never an exception', () => {
    const answers = (text: string): void => {
      expect(['boolean']).toContain(typeof entitiesFromJson(text).ok)
      expect(['boolean']).toContain(typeof contextFromJson(text).ok)
    }
    fc.assert(fc.property(fc.json({ stringUnit: 'binary' }), answers))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), answers))
  })
})

describe('a context in JSON', () => {
  const json = `{
    "who": {"__entity": {"type": "User", "id": "alice"}}, "ip": {"__extn": {"fn": "ip", "arg": "10.0.0.1"}},
    "big": 9223372036854775807, "__proto__": {"x": [1, {"a": 2}]},
    "later": {"__extn": {"fn": "offset", "args": [{"__extn": {"fn": "datetime", "arg": "2026-01-01"}},
      {"__extn": {"fn": "duration", "arg": "1d"}}]}}
  }`

  test.each([
    'context.who == principal && context.who.age == 42',
    'context.ip.isInRange(ip("10.0.0.0/8"))',
    'context.big == 9223372036854775807',
    'context has __proto__ && !(context has x) && context.__proto__.x.contains({a: 2})',
    'context.later == datetime("2026-01-02")',
  ])('%s', (expression) => {
    const context = contextFromJson(json)
    if (!context.ok) throw new Error(JSON.stringify(context.errors))
    expect(verdict(expression, context.value)).toBe('true')
  })

  it('is not an entity itself', () => {
    expect(contextFromJson('{"__entity": {"type": "User", "id": "alice"}}').ok).toBe(false)
  })
})
