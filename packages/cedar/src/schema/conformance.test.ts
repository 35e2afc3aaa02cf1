import { describe, expect, it, test } from 'vitest'
import { contextFromJson } from '../json/context-json.ts'
import { entitiesFromJson } from '../json/entities-json.ts'
import { entity, reference } from '../values/entity.ts'
import { plain } from '../values/values.ts'
import type { Value } from '../values/values.ts'
import { checkEntity, checkRequest } from './conformance.ts'
import type { CedarType, RecordType, Schema } from './schema.ts'

const LONG: CedarType = { kind: 'long' }
const STRING: CedarType = { kind: 'string' }
const extension = (name: 'ipaddr' | 'decimal' | 'datetime' | 'duration'): CedarType => ({
  kind: 'extension',
  name,
})
const user: CedarType = { kind: 'entity', type: 'User' }
const setOf = (element: CedarType): CedarType => ({ kind: 'set', element })

/** A name that ends in `?` is optional. */
function record(members: Readonly<Record<string, CedarType>>): RecordType {
  const named = Object.entries(members).map(
    ([name, type]) => [name.replace('?', ''), { type, required: !name.endsWith('?') }] as const,
  )
  return { kind: 'record', members: new Map(named) }
}

function entityType(name: string, ancestors: readonly string[] = [], attributes = record({})) {
  const tags = name === 'User' ? setOf(STRING) : undefined
  const ids = name === 'Color' ? new Set(['red', 'green']) : undefined
  return [name, { name, ids, ancestorTypes: new Set(ancestors), attributes, tags }] as const
}

const all = entity('Action', 'all')
const read = entity('Action', 'read', { parents: [all] })
const context = record({
  'input?': record({ limit: LONG, 'path?': STRING }),
  'ip?': extension('ipaddr'),
  'price?': extension('decimal'),
  'who?': setOf(user),
  'color?': { kind: 'entity', type: 'Color' },
})
const SCHEMA: Schema = {
  entityTypes: new Map([
    entityType('Color'),
    entityType('File'),
    entityType('Group', ['Group']),
    entityType(
      'User',
      ['Group'],
      record({
        name: STRING,
        'manager?': user,
        'home?': extension('ipaddr'),
        'since?': extension('datetime'),
        'limits?': setOf(record({ 'daily?': extension('decimal'), 'span?': extension('duration') })),
      }),
    ),
  ]),
  actions: new Map([
    [all.uid, { entity: all, principals: new Set(), resources: new Set(), context: record({}) }],
    [read.uid, { entity: read, principals: new Set(['User']), resources: new Set(['File']), context }],
  ]),
}

const alice = { uid: { type: 'User', id: 'alice' }, attrs: { name: 'Alice' }, parents: [] }
const withAttrs = (attrs: object): object => ({ ...alice, attrs: { ...alice.attrs, ...attrs } })

function errorsOf(...entities: readonly object[]): string[] {
  const json = `[\n${entities.map((each) => JSON.stringify(each)).join(',\n')}\n]`
  const made = entitiesFromJson(json, { file: 'e.json', schema: SCHEMA })
  return made.ok ? [] : made.errors.map(({ line, message }) => `${line}: ${message}`)
}

describe('entities read with a schema', () => {
  it('may leave out the escapes', () => {
    const attrs = {
      name: 'x',
      manager: { type: 'User', id: 'bob' },
      home: '10.0.0.1',
      since: { fn: 'offset', args: ['2026-01-01', { fn: 'duration', arg: '1d' }] },
      limits: [{ daily: '1.5' }, { daily: { __extn: { fn: 'decimal', arg: '2.0' } }, span: '1h' }],
    }
    const escaped = {
      name: 'x',
      manager: { __entity: { type: 'User', id: 'bob' } },
      home: { __extn: { fn: 'ip', arg: '10.0.0.1' } },
      since: { __extn: { fn: 'datetime', arg: '2026-01-02' } },
      limits: [
        { daily: { __extn: { fn: 'decimal', arg: '1.5' } } },
        { daily: { __extn: { fn: 'decimal', arg: '2.0' } }, span: { __extn: { fn: 'duration', arg: '1h' } } },
      ],
    }
    const short = entitiesFromJson(JSON.stringify([{ ...alice, attrs }]), { schema: SCHEMA })
    const long = entitiesFromJson(JSON.stringify([{ ...alice, attrs: escaped }]))
    if (!short.ok || !long.ok) throw new Error(JSON.stringify([short, long]))
    expect(short.value.get('User::"alice"')).toEqual(long.value.get('User::"alice"'))
  })

  it('are joined by the actions of the schema', () => {
    const entities = entitiesFromJson('[]', { schema: SCHEMA })
    expect(entities.ok && entities.value.get('Action::"read"')?.ancestors.has('Action::"all"')).toBe(true)
  })

  it('may say the same twice', () => {
    expect(errorsOf(alice, alice)).toEqual([])
    expect(errorsOf(alice, withAttrs({ home: '::1' }))).toEqual(['3: the entity User::"alice" stands twice'])
  })

  test.each([
    [{ ...alice, attrs: {} }, '2: attrs needs "name"'],
    [withAttrs({ manger: 1 }), '2: attrs.manger is not in the schema; did you mean manager?'],
    [withAttrs({ manager: { type: 'File', id: 'x' } }), '2: attrs.manager must be User, not File'],
    [withAttrs({ manager: 'bob' }), '2: attrs.manager must be User, not String'],
    [withAttrs({ limits: [{ daily: true }] }), '2: attrs.limits.daily must be decimal, not Bool'],
    [withAttrs({ limits: {} }), '2: attrs.limits must be Set<a record>, not a record'],
    [withAttrs({ home: '10.0.0' }), '2: ip() cannot read this text'],
    [{ ...alice, tags: { a: ['x'], b: 'y' } }, '2: tags.b must be Set<String>, not String'],
    [
      { ...alice, parents: [{ type: 'File', id: 'x' }] },
      '2: User::"alice" cannot be in File::"x": User is never in File',
    ],
    [
      { ...alice, uid: { type: 'Usr', id: 'x' } },
      '2: the schema does not declare the type of Usr::"x"; did you mean User?',
    ],
    [
      { uid: { type: 'Color', id: 'gren' }, attrs: {}, parents: [] },
      '2: uid: the enumeration Color has no "gren"; did you mean green?',
    ],
    [{ uid: { type: 'File', id: 'x' }, attrs: {}, parents: [], tags: { a: 1 } }, '2: File has no tags'],
    [
      { uid: { type: 'Action', id: 'red' }, attrs: {}, parents: [] },
      '2: the schema does not declare the action Action::"red"; did you mean Action::"read"?',
    ],
    [
      { uid: { type: 'Action', id: 'read' }, attrs: {}, parents: [] },
      '2: the schema says that Action::"read" is in Action::"all"',
    ],
  ])('%j', (given, message) => {
    expect(errorsOf(given)).toEqual([message])
  })

  it('have errors at their place', () => {
    const json = JSON.stringify([withAttrs({ limits: [{}, { daily: 1, span: true }] })], null, 1)
    const made = entitiesFromJson(json.replaceAll('1,', '"1.0",'), { schema: SCHEMA })
    const [error] = made.ok ? [] : made.errors
    expect(json.split('\n')[(error?.line ?? 0) - 1]).toContain('"span"')
  })
})

describe('a context read with a schema', () => {
  const errors = (json: string, action = read): unknown => {
    const made = contextFromJson(json, { schema: SCHEMA, action })
    return made.ok || made.errors.map(({ column, message }) => `${column}: ${message}`)
  }

  test.each([
    ['{"ip": "::1", "price": "1.0", "who": [{"type": "User", "id": "x"}]}', true],
    ['{"ipp": "::1"}', ['9: context.ipp is not in the schema; did you mean ip?']],
    ['{"input": {"path": "x"}}', ['11: context.input needs "limit"']],
    ['{"color": {"type": "Color", "id": "x"}}', ['11: context.color: the enumeration Color has no "x"']],
    ['[]', ['1: the context must be an object']],
  ])('%s', (json, expected) => {
    expect(errors(json)).toEqual(expected)
  })

  it('needs an action', () => {
    expect(errors('{}', reference('Action', 'reed'))).toEqual([
      '1: the schema does not declare the action Action::"reed"; did you mean Action::"read"?',
    ])
  })
})

describe('a request', () => {
  const request = { principal: reference('User', 'x'), action: read, resource: reference('File', 'x') }
  const messages = (change: object): string[] =>
    checkRequest(SCHEMA, { ...request, context: {}, ...change }).map(({ message }) => message)

  it('conforms', () => {
    expect(messages({})).toEqual([])
  })

  test.each([
    [
      { principal: reference('Group', 'x') },
      'the action applies to a principal of type User, not to Group::"x"',
    ],
    [
      { resource: reference('Flie', 'x') },
      'the schema does not declare the type of Flie::"x"; did you mean File?',
    ],
    [{ action: reference('Action', 'rd') }, 'the schema does not declare the action Action::"rd"'],
  ])('%j does not', (change, message) => {
    expect(messages(change)[0]).toContain(message)
  })

  it('for an action that only groups others never conforms', () => {
    expect(messages({ action: all })).toEqual([
      'the action applies to no principal, not to User::"x"',
      'the action applies to no resource, not to File::"x"',
    ])
  })

  test.each<[Value, string | undefined]>([
    [{ input: plain(JSON.parse('{"limit": 10}')) }, undefined],
    [{ input: { limit: 2n ** 62n } }, undefined],
    [{ price: 1.25 }, undefined],
    [{ input: { limit: 1, path: undefined } }, undefined],
    [{ price: 1 }, 'context.price must be decimal, not Long'],
    [{ price: 0.00001 }, 'context.price must be decimal, not a number that is neither Long nor decimal'],
    [{ input: { limit: null } }, 'context.input.limit must be Long, not null'],
    [{ input: { limit: 1.5 } }, 'context.input.limit must be Long, not decimal'],
    [{ who: [reference('User', 'x'), 'x'] }, 'context.who must be User, not String'],
    [
      { input: plain(JSON.parse('{"limit": 1, "__proto__": 2}')) },
      'context.input.__proto__ is not in the schema',
    ],
    [{ input: [] }, 'context.input must be a record, not a set'],
  ])('with the context %o', (given, message) => {
    expect(messages({ context: given })).toEqual(message === undefined ? [] : [message])
  })

  it('with a thousand errors has twenty reported', () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`name${index}`, 1]))
    expect(messages({ context: many })).toHaveLength(20)
  })
})

describe('an entity', () => {
  it('is checked as it is', () => {
    const made = entity('User', 'x', { attrs: { name: 1 }, tags: { a: ['x'], b: [1] }, parents: [all] })
    expect(checkEntity(SCHEMA, made)).toEqual([
      { path: ['parents'], message: 'User::"x" cannot be in Action::"all": User is never in Action' },
      { path: ['attrs', 'name'], message: 'attrs.name must be String, not Long' },
      { path: ['tags', 'b', 0], message: 'tags.b must be String, not Long' },
    ])
  })
})
