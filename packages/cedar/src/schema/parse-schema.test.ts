import { describe, expect, it } from 'vitest'
import { parseSchema } from './parse-schema.ts'
import type { SchemaFragment } from './syntax.ts'

function parsed(text: string): SchemaFragment {
  const result = parseSchema(text)
  if (!result.ok) throw new Error(JSON.stringify(result.errors))
  return result.value
}

function complaints(text: string): string[] {
  const result = parseSchema(text)
  return result.ok ? [] : result.errors.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

describe('a schema in the human-readable syntax', () => {
  it('is read by namespace, with everything as written', () => {
    const { namespaces } = parsed(
      `
      @doc("shop")
      namespace Shop::Online {
        @kind("person") @old
        entity User, Guest in [Group, Corp::Team] = {
          name: String, "e-mail"?: Set<{ @note("x") kind: __cedar::Long }>,
        } tags Set<String>;
        entity Group;
        entity Colour enum ["red", "\\u{67}reen"];
        type Size = { width: Long };
        action read, "write it" in [all, Other::Action::"any"]
          appliesTo { context: Size, resource: [Group,], principal: User, };
      }
      entity Loose;`.replace('[Group,]', '[Group]'),
    )
    const [shop, loose] = namespaces
    expect(namespaces.map(({ name }) => name)).toEqual(['Shop::Online', ''])
    expect(shop?.annotations).toEqual(new Map([['doc', 'shop']]))
    expect([...(shop?.entities.keys() ?? [])]).toEqual(['User', 'Guest', 'Group', 'Colour'])
    const user = shop?.entities.get('User')
    expect(user?.annotations).toEqual(
      new Map([
        ['kind', 'person'],
        ['old', ''],
      ]),
    )
    expect(user?.parents.map(({ name }) => name)).toEqual(['Group', 'Corp::Team'])
    expect(user?.attributes).toMatchObject({
      kind: 'record',
      members: new Map([
        ['name', expect.objectContaining({ required: true })],
        [
          'e-mail',
          expect.objectContaining({
            required: false,
            type: expect.objectContaining({ kind: 'set' }),
          }),
        ],
      ]),
    })
    expect(user?.tags).toMatchObject({ kind: 'set', element: { kind: 'name', name: 'String' } })
    expect(shop?.entities.get('Colour')?.ids).toEqual(['red', 'green'])
    expect(shop?.commonTypes.get('Size')?.type.kind).toBe('record')
    const write = shop?.actions.get('write it')
    expect(write?.parents).toMatchObject([{ id: 'all' }, { type: 'Other::Action', id: 'any' }])
    expect(write?.appliesTo).toMatchObject({
      principals: [{ name: 'User' }],
      resources: [{ name: 'Group' }],
      context: { kind: 'name', name: 'Size', among: 'common' },
    })
    expect([...(loose?.entities.keys() ?? [])]).toEqual(['Loose'])
  })

  it('takes words of the language as names where nothing else can stand there', () => {
    const { namespaces } = parsed(
      'entity tags in entity tags Set; type type = { namespace: Long, enum?: in_ };',
    )
    expect([...(namespaces[0]?.entities.keys() ?? [])]).toEqual(['tags'])
    expect([...(namespaces[0]?.commonTypes.keys() ?? [])]).toEqual(['type'])
  })

  it('reports each declaration that is wrong, and nothing that follows from it', () => {
    const text = `entity A = { a: };
namespace N {
  entity B in [C,];
  entity Fine;
  type Long = String;
  action x appliesTo { principal: B };
}
entity A, A;
entity enum ["a"]`
    expect(complaints(text)).toEqual([
      '1:17 expected a type, found `}`',
      '3:18 expected an entity type, found `]`',
      '5:8 `Long` is a type of the language and cannot be declared',
      '6:22 this appliesTo needs `resource`',
      '8:11 the entity type A is declared twice',
      '9:13 expected ; at the end of the entity type, found `[`',
    ])
  })

  it.each([
    ['namespace N { entity A;', '1:11 the namespace N has no closing }'],
    ['namespace N {} namespace N {}', '1:26 the namespace N stands twice'],
    ['entity A; }', '1:11 expected entity, action, type or namespace, found `}`'],
    ['entity A = { a: Long, "a": Long };', '1:23 the attribute "a" stands twice'],
    ['entity in;', '1:8 `in` is reserved and cannot be the name of an entity type'],
    ['entity A # comment', '1:10 unexpected character "#"; comments begin with `//`'],
    ['@a @a entity A;', '1:5 @a stands twice here'],
    ['action a in Shop::read;', '1:13 expected `::` and the action in quotes after `Shop::read`'],
  ])('is refused: %s', (text, complaint) => {
    expect(complaints(text)).toEqual([complaint])
  })

  it('bounds how deep types nest', () => {
    const nested = (depth: number): string => `type T = ${'Set<'.repeat(depth)}Long${'>'.repeat(depth)};`
    expect(complaints(nested(200))).toEqual([])
    expect(complaints(nested(100_000))).toHaveLength(1)
  })
})
