import { describe, expect, it } from 'vitest'
import { readSchema } from './read-schema.ts'
import { schemaFromJson } from './schema-json.ts'
import { schemaToJson } from './schema-to-json.ts'

function complaints(json: string): string[] {
  const result = readSchema(json)
  return result.ok ? [] : result.errors.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

/** A schema of one entity type, whose one attribute has this type. */
function withAttribute(type: unknown): string {
  const shape = { type: 'Record', attributes: { a: type } }
  return JSON.stringify({ '': { entityTypes: { U: { shape } }, actions: {} } })
}

const SHOP = {
  'Shop::Online': {
    commonTypes: { Size: { type: 'Record', attributes: {}, annotations: { unit: 'cm' } } },
    entityTypes: {
      User: {
        memberOfTypes: ['Group'],
        shape: {
          type: 'Record',
          attributes: {
            name: { type: 'String' },
            old: { type: 'Boolean', required: false, annotations: { since: '' } },
            size: { type: 'Size' },
            friends: { type: 'Set', element: { type: 'Entity', name: 'User' } },
            at: { type: 'Extension', name: 'ipaddr' },
            ['__proto__']: { type: 'EntityOrCommon', name: 'Long' },
          },
        },
        tags: { type: 'Long' },
        annotations: { doc: 'who' },
      },
      Group: {},
      Colour: { enum: ['red'] },
    },
    actions: {
      read: {
        memberOf: [{ id: 'all' }, { id: 'all', type: 'Shop::Online::Action' }],
        appliesTo: { principalTypes: ['User'], resourceTypes: [], context: { type: 'Size' } },
      },
      all: {},
    },
    annotations: { doc: 'shop' },
  },
}

describe('a schema as JSON', () => {
  it('is read and written without loss', () => {
    const read = schemaFromJson(JSON.stringify(SHOP))
    if (!read.ok) throw new Error(JSON.stringify(read.errors))
    expect(JSON.parse(schemaToJson(read.value))).toEqual(SHOP)
    const resolved = readSchema(JSON.stringify(SHOP))
    const user = resolved.ok ? resolved.value.entityTypes.get('Shop::Online::User') : undefined
    expect(user?.attributes.members.get('old')).toEqual({ type: { kind: 'boolean' }, required: false })
    expect([...(user?.attributes.members.keys() ?? [])]).toContain('__proto__')
  })

  it('may have null for what an action does not say', () => {
    const action = { memberOf: null, appliesTo: null, attributes: null }
    expect(complaints(JSON.stringify({ '': { entityTypes: {}, actions: { a: action } } }))).toEqual([])
  })

  it('has each declaration that is wrong reported, at its place', () => {
    expect(
      complaints(`{ "": {
  "entityTypes": { "A": { "shap": {} }, "B": {}, "B C": {} },
  "actions": { "a": { "appliesTo": { "principalTypes": ["B"] } } }
} }`),
    ).toEqual([
      '2:35 an entity type has no member "shap"',
      '2:57 "B C" cannot name a type',
      '3:36 "appliesTo" needs "resourceTypes"',
    ])
  })

  it.each([
    [{ type: 'Record' }, '1:69 a record needs "attributes"'],
    [{ type: 'Set' }, '1:69 a type "Set" needs "element"'],
    [{ type: 'Extension', name: 'ip' }, '1:96 there is no extension type ip; did you mean ipaddr?'],
    [{ type: 'Entity', name: 'V' }, '1:93 there is no entity type V'],
    [{ type: 'Long', required: null }, '1:95 "required" must be true or false'],
    [{ type: 'Long', name: 'Long' }, '1:91 a type "Long" has no member "name"'],
    [
      { type: 'Record', attributes: {}, additionalAttributes: true },
      '1:125 a record has the attributes it names and no others: "additionalAttributes" cannot be true',
    ],
  ])('is refused with the attribute %j', (type, complaint) => {
    expect(complaints(withAttribute(type))).toEqual([complaint])
  })

  it('cannot say anything twice', () => {
    expect(complaints('{ "": { "entityTypes": { "A": {}, "A": {} }, "actions": {} } }')).toEqual([
      '1:35 the name "A" stands twice in this object',
    ])
  })

  it('bounds how deep types nest', () => {
    const nested = (depth: number): string =>
      `{"":{"commonTypes":{"T":${'{"type":"Set","element":'.repeat(depth)}{"type":"Long"}${'}'.repeat(depth)}},"entityTypes":{},"actions":{}}}`
    expect(complaints(nested(200))).toEqual([])
    expect(complaints(nested(100_000))).toHaveLength(1)
  })
})
