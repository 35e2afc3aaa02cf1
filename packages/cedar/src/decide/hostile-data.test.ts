// Data from anyone: names that JavaScript objects have by themselves, plain data in the shape of entities, of extension
// values and of this package's own classes, and very much of it. None of it decides anything that it should not.

import { describe, expect, it, test } from 'vitest'
import { compile } from '../compile/compile.ts'
import { contextFromJson } from '../json/context-json.ts'
import { entitiesFromJson } from '../json/entities-json.ts'
import { checkRequest } from '../schema/conformance.ts'
import { readSchema } from '../schema/read-schema.ts'
import { quote } from '../text/escapes.ts'
import { parsePolicies } from '../text/parse.ts'
import { loadOfficial } from '../testing/official.ts'
import { verdict } from '../testing/verdict.ts'
import { entity, reference } from '../values/entity.ts'
import { plain } from '../values/values.ts'
import type { RecordValue } from '../values/values.ts'
import { decide } from './decide.ts'
import { decidePartial } from './partial.ts'

const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'toJSON',
  'hasOwnProperty',
  'valueOf',
  'isPrototypeOf',
  '__defineGetter__',
  '__lookupGetter__',
  'length',
  'then',
  'get',
  'has',
  '',
  '0',
]

/** As untrusted data comes: `__proto__` is a member like any other. */
function parsed(json: string): RecordValue {
  return plain(JSON.parse(json)) as RecordValue
}

describe.each(NAMES)('the name %j', (name) => {
  const key = JSON.stringify(name)
  const literal = quote(name)
  const absent = parsed('{"x": {}}')
  const present = parsed(`{${key}: 1, "x": {${key}: {"y": true}}}`)

  it('is absent from a context until the context has it', () => {
    expect(verdict(`context has ${literal}`, absent)).toBe('false')
    expect(verdict(`context.x has ${literal}`, absent)).toBe('false')
    expect(verdict(`context[${literal}] == 1`, absent)).toBe('error')
    expect(verdict(`context.x[${literal}] == 1`, absent)).toBe('error')
    expect(verdict(`context has ${literal}`, present)).toBe('true')
    expect(verdict(`context[${literal}] == 1`, present)).toBe('true')
    expect(verdict(`context.x[${literal}].y`, present)).toBe('true')
    expect(verdict(`context.x[${literal}] has ${literal}`, present)).toBe('false')
  })

  it('is a member of records in policies, and tells them apart', () => {
    expect(verdict(`{${literal}: 1}[${literal}] == 1`)).toBe('true')
    expect(verdict(`{} has ${literal}`)).toBe('false')
    expect(verdict(`{"x": 1}[${literal}] == 1`)).toBe('error')
    expect(verdict(`{${literal}: 1} == {}`)).toBe('false')
    expect(verdict(`[{${literal}: 1}].contains({${literal}: 1})`)).toBe('true')
    expect(verdict(`[{${literal}: 1}].contains({})`)).toBe('false')
    expect(verdict(`context == {${literal}: 1, x: {${literal}: {y: true}}}`, present)).toBe('true')
    expect(verdict('context == {x: {}}', present)).toBe('false')
  })

  it('is an attribute or a tag of an entity only when it is given', () => {
    const bare = entity('User', 'bare')
    const members = parsed(`{${key}: "v"}`)
    const full = entity('User', 'full', { attrs: members, tags: members })
    const store = new Map([bare, full].map((each) => [each.uid, each]))
    const read = (who: string) => [
      verdict(`User::${quote(who)} has ${literal}`, {}, store),
      verdict(`User::${quote(who)}[${literal}] == "v"`, {}, store),
      verdict(`User::${quote(who)}.hasTag(${literal})`, {}, store),
      verdict(`User::${quote(who)}.getTag(${literal}) == "v"`, {}, store),
    ]
    expect(read('full')).toEqual(['true', 'true', 'true', 'true'])
    expect(read('bare')).toEqual(['false', 'error', 'false', 'error'])
    expect(read('nobody')).toEqual(['false', 'error', 'false', 'error'])
  })

  it('is the same in JSON with escapes', () => {
    const context = contextFromJson(`{${key}: {"__entity": {"type": "User", "id": "a"}}, "x": {}}`)
    const entities = entitiesFromJson(
      `[{"uid": {"type": "User", "id": "a"}, "attrs": {${key}: 1}, "tags": {${key}: 2}, "parents": []}]`,
    )
    if (!context.ok || !entities.ok) throw new Error(JSON.stringify([context, entities]))
    const read = `context[${literal}]`
    const held = `${read}[${literal}] == 1 && ${read}.getTag(${literal}) == 2 && !(context.x has ${literal})`
    expect(verdict(held, context.value, entities.value)).toBe('true')
  })

  it('may be demanded by a schema, and is then missing until it is given', () => {
    const schema = readSchema(
      `entity U { ${literal}: Long }; action a appliesTo { principal: U, resource: U, context: { ${literal}: Long } };`,
    )
    if (!schema.ok) throw new Error(JSON.stringify(schema.errors))
    const [who, action] = [reference('U', 'x'), reference('Action', 'a')]
    const faults = (context: RecordValue) =>
      checkRequest(schema.value, { principal: who, action, resource: who, context }).length
    expect(faults(parsed('{}'))).toBe(1)
    expect(faults(parsed(`{${key}: 1}`))).toBe(0)
    expect(faults(parsed(`{${key}: "1"}`))).toBe(1)
    const read = (attrs: string) =>
      entitiesFromJson(`[{"uid": {"type": "U", "id": "x"}, "attrs": ${attrs}, "parents": []}]`, {
        schema: schema.value,
      }).ok
    expect(read('{}')).toBe(false)
    expect(read(`{${key}: 1}`)).toBe(true)
  })

  it('may be unknown to a partial decision', () => {
    const policies = parsePolicies(`permit (principal, action, resource) when { context has ${literal} };`)
    const set = policies.ok ? compile(policies.value) : policies
    if (!set.ok) throw new Error(JSON.stringify(set.errors))
    const who = entity('User', 'a')
    const request = { principal: who, action: who, resource: who, context: absent }
    expect(decidePartial(set.value, request, { unknown: [] }).decision).toBe('deny')
    if (name !== '') {
      expect(decidePartial(set.value, request, { unknown: [`context.${name}`] }).decision).toBe('depends')
    }
  })
})

describe('plain data', () => {
  const input = {
    entity: { __entity: { type: 'User', id: 'alice' } },
    bare: { type: 'User', id: 'alice' },
    ip: { __extn: { fn: 'ip', arg: '127.0.0.1' } },
    decimal: { __extn: { fn: 'decimal', arg: '1.0' } },
    groups: [{ __entity: { type: 'Group', id: 'staff' } }],
    term: {
      type: 'User',
      id: 'alice',
      uid: 'User::"alice"',
      known: true,
      attrs: {},
      tags: {},
      ancestors: [],
    },
    set: { given: [1], members: [1] },
    long: { tenThousandths: 10_000, epochMs: 0, ms: 0, version: 4, bits: 1, prefix: 32 },
    boolean: { valueOf: true, toString: 'true' },
  }
  const context = parsed(JSON.stringify({ input }))

  test.each([
    ['context.input.entity == principal', 'false'],
    ['context.input.entity == User::"alice"', 'false'],
    ['[User::"alice"].contains(context.input.entity)', 'false'],
    ['context.input.entity is User', 'error'],
    ['context.input.entity in Group::"staff"', 'error'],
    ['principal in context.input.entity', 'error'],
    ['principal in context.input.groups', 'error'],
    ['principal in [context.input.entity]', 'error'],
    ['context.input.entity.age == 42', 'error'],
    ['context.input.entity.hasTag("department")', 'error'],
    ['context.input.entity has __entity', 'true'],
    ['context.input.entity == {"__entity": {"type": "User", "id": "alice"}}', 'true'],
    ['context.input.bare == principal', 'false'],
    ['context.input.bare is User', 'error'],
    ['context.input.term == principal', 'false'],
    ['context.input.term is User', 'error'],
    ['context.input.term in Group::"staff"', 'error'],
    ['context.input.term.id == "alice"', 'true'],
    ['context.input.ip == ip("127.0.0.1")', 'false'],
    ['context.input.ip.isLoopback()', 'error'],
    ['ip(context.input.ip).isLoopback()', 'error'],
    ['context.input.decimal.lessThan(decimal("2.0"))', 'error'],
    ['context.input.decimal == decimal("1.0")', 'false'],
    ['context.input.set.contains(1)', 'error'],
    ['context.input.set == [1]', 'false'],
    ['context.input.long == decimal("1.0")', 'false'],
    ['context.input.long < datetime("2026-01-01")', 'error'],
    ['context.input.boolean', 'error'],
    ['context.input.boolean == true', 'false'],
    ['context.input.boolean.toString == "true"', 'true'],
  ])('does not become what it looks like: %s is %s', (expression, expected) => {
    expect(verdict(expression, context)).toBe(expected)
  })

  it('decides by itself even where the official package is made to see an entity', () => {
    const policy = 'permit (principal, action, resource) when { context.input.entity == principal };'
    const uid = { type: 'User', id: 'alice' }
    const answer = loadOfficial().isAuthorized({
      principal: uid,
      action: { type: 'Action', id: 'read' },
      resource: uid,
      context: { input: { entity: input.entity } },
      entities: [],
      policies: { staticPolicies: policy },
    })
    expect(answer).toMatchObject({ response: { decision: 'allow' } })
    expect(verdict('context.input.entity == principal', context)).toBe('false')
  })
})

describe('very much data', () => {
  const COUNT = 10_000
  const names = Array.from({ length: COUNT }, (_, index) => `k${index}`)
  const many = Object.fromEntries(names.map((name, index) => [name, index]))
  const numbers = Array.from({ length: COUNT }, (_, index) => index)
  const records = numbers.map((index) => ({ id: index }))
  const context = parsed(
    JSON.stringify({ many, numbers, twice: [...numbers, ...numbers], records, limit: 1 }),
  )

  test.each([
    'context.limit == 1 && !(context has other)',
    'context.many.k0 == 0 && context.many.k9999 == 9999 && !(context.many has k10000)',
    'context.many == context.many && context.many != context',
    '[context.many].contains(context.many)',
    'context.numbers.contains(9999) && !context.numbers.contains(10000)',
    'context.numbers == context.twice && context.twice.containsAll(context.numbers)',
    'context.numbers.containsAll([0, 5000, 9999]) && !context.numbers.containsAll([0, -1])',
    'context.numbers.containsAny([-1, 9999]) && !context.numbers.containsAny(context.records)',
    'context.records.contains({id: 9999}) && !context.records.contains({id: 10000})',
    'context.records == context.records && context.records.containsAll([{id: 1}, {id: 2}])',
  ])('is read as it is: %s', (expression) => {
    expect(verdict(expression, context)).toBe('true')
  })

  it('beside what policies read changes no decision', () => {
    const policies = parsePolicies(`
      permit (principal, action, resource) when { context.limit <= 10 };
      forbid (principal, action, resource) when { context has danger && context.danger };
      forbid (principal, action, resource) unless { context.limit like "x" || true };`)
    const set = policies.ok ? compile(policies.value) : policies
    if (!set.ok) throw new Error(JSON.stringify(set.errors))
    const who = entity('User', 'alice', { attrs: many, tags: many })
    for (const own of [{ limit: 1 }, { limit: 11 }, { limit: 1, danger: true }, { limit: 'x' }, {}]) {
      const ask = (given: RecordValue) =>
        decide(set.value, { principal: who, action: who, resource: who, context: given })
      const noise = { ...many, ...Object.fromEntries(NAMES.map((name) => [name, 'noise'])) }
      expect(ask({ ...noise, ...own })).toEqual(ask(own))
    }
  })

  it('is read with the escapes too', () => {
    const elements = numbers.map((id) => `{"__entity": {"type": "User", "id": "${id}"}}`)
    const read = contextFromJson(`{"who": [${elements.join()}], "many": ${JSON.stringify(many)}}`)
    if (!read.ok) throw new Error(JSON.stringify(read.errors))
    expect(verdict('context.who.contains(User::"9999") && context.many.k9999 == 9999', read.value)).toBe(
      'true',
    )
    expect(verdict('principal in context.who', read.value)).toBe('false')
  })

  it('in a policy is taken too', () => {
    const set = `[${numbers.join()}]`
    const record = `{${names.map((name, index) => `${name}: ${index}`).join()}}`
    expect(
      verdict(`${set}.contains(9999) && ${record}.k9999 == 9999 && context.many == ${record}`, context),
    ).toBe('true')
  })
})

describe('very deep data', () => {
  const DEPTH = 50_000
  const arrays = `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`
  const records = `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`
  const context = parsed(`{"arrays": ${arrays}, "records": ${records}, "limit": 1}`)

  test.each([
    ['context.limit == 1 && context has arrays && context has records.a.a', 'true'],
    ['context.arrays.isEmpty() || context.records.a.a has b', 'false'],
    ['context.arrays == 1 || context.records == "x"', 'false'],
    ['context.arrays == context.arrays', 'error'],
    ['context.records == {a: 1}', 'error'],
    ['context.records != context.records.a', 'error'],
    ['context.arrays.contains(1)', 'error'],
    ['[context.records].contains(context.records)', 'error'],
    ['context == {}', 'error'],
  ])(
    'is an evaluation error where it is compared with what is like it, and nowhere else: %s is %s',
    (expression, expected) => {
      expect(verdict(expression, context)).toBe(expected)
    },
  )

  it('is refused where JSON is read with its escapes', () => {
    for (const json of [arrays, records]) expect(contextFromJson(`{"a": ${json}}`).ok).toBe(false)
  })
})
