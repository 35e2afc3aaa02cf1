import { describe, expect, it } from 'vitest'
import { parseSchema } from './parse-schema.ts'
import { readSchema } from './read-schema.ts'
import { resolveSchema } from './resolve.ts'
import type { CedarType, Schema } from './schema.ts'
import type { SchemaFragment } from './syntax.ts'

function resolved(text: string): Schema {
  const result = readSchema(text)
  if (!result.ok) throw new Error(JSON.stringify(result.errors))
  return result.value
}

function complaints(text: string): string[] {
  const result = readSchema(text)
  return result.ok ? [] : result.errors.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

function fragment(text: string, file: string): SchemaFragment {
  const result = parseSchema(text, { file })
  if (!result.ok) throw new Error(JSON.stringify(result.errors))
  return result.value
}

function attribute(schema: Schema, type: string, name: string): CedarType | undefined {
  return schema.entityTypes.get(type)?.attributes.members.get(name)?.type
}

describe('resolving a schema', () => {
  it('reads a name in its namespace, then without one, then as a type of the language', () => {
    const schema = resolved(`
      namespace N { type T = Long; entity String; entity E = { t: T, s: String, u: U, b: Bool, c: M::T, i: __cedar::String }; }
      namespace M { type T = Set<Bool>; }
      type U = { x?: Long };
      entity Bool;`)
    expect(attribute(schema, 'N::E', 't')).toEqual({ kind: 'long' })
    expect(attribute(schema, 'N::E', 's')).toEqual({ kind: 'entity', type: 'N::String' })
    expect(attribute(schema, 'N::E', 'u')).toEqual({
      kind: 'record',
      members: new Map([['x', { type: { kind: 'long' }, required: false }]]),
    })
    expect(attribute(schema, 'N::E', 'b')).toEqual({ kind: 'entity', type: 'Bool' })
    // Written in M, where Bool is the same.
    expect(attribute(schema, 'N::E', 'c')).toEqual({ kind: 'set', element: { kind: 'entity', type: 'Bool' } })
    expect(attribute(schema, 'N::E', 'i')).toEqual({ kind: 'string' })
  })

  it('prefers a common type to an entity type of the same name, except where only an entity type may stand', () => {
    const schema = resolved(
      'entity T; type T = Long; entity E in T = { t: T }; action a appliesTo { principal: T, resource: E };',
    )
    expect(attribute(schema, 'E', 't')).toEqual({ kind: 'long' })
    expect(schema.actions.get('Action::"a"')?.principals).toEqual(new Set(['T']))
  })

  it('closes the hierarchy of types, which may have cycles', () => {
    const schema = resolved(
      'entity A in B; entity B in C; entity C in [C, D]; entity D; entity F in G; entity G in F;',
    )
    const ancestors = (name: string): string[] =>
      [...(schema.entityTypes.get(name)?.ancestorTypes ?? [])].toSorted()
    expect(ancestors('A')).toEqual(['B', 'C', 'D'])
    expect(ancestors('C')).toEqual(['C', 'D'])
    expect(ancestors('D')).toEqual([])
    expect(ancestors('F')).toEqual(['F', 'G'])
  })

  it('makes the actions entities with all their ancestors', () => {
    const schema = resolved(`
      entity U;
      namespace N { action read in ["some", M::Action::"any", "outside"] appliesTo { principal: U, resource: U }; action some in "most"; action "most"; }
      namespace M { action any; }
      action outside;`)
    const read = schema.actions.get('N::Action::"read"')
    expect(read?.entity.known).toBe(true)
    expect(read?.entity.ancestors).toEqual(
      new Set(['N::Action::"some"', 'N::Action::"most"', 'M::Action::"any"', 'Action::"outside"']),
    )
    const any = schema.actions.get('M::Action::"any"')
    expect([any?.principals.size, any?.resources.size, any?.context.members.size]).toEqual([0, 0, 0])
  })

  it('puts fragments together', () => {
    const one = fragment('namespace N { entity A in B = { t: T }; }', 'one')
    const other = fragment('namespace N { entity B; type T = Long; }', 'other')
    const together = resolveSchema([one, other])
    expect(together.ok && attribute(together.value, 'N::A', 't')).toEqual({ kind: 'long' })
    const twice = resolveSchema([one, other, fragment('namespace N {\n entity A;\n}', 'third')])
    expect(twice).toMatchObject({
      errors: [{ file: 'third', line: 2, column: 9, message: 'the entity type N::A is declared twice' }],
    })
  })

  it.each([
    ['entity User; entity A in Usr;', ['1:26 there is no entity type Usr; did you mean User?']],
    [
      'entity A = { a: Strin, b: Boolean };',
      [
        '1:17 there is no type Strin; did you mean String?',
        '1:27 there is no type Boolean; did you mean Bool?',
      ],
    ],
    [
      'namespace N { entity User; } entity A, B in User;',
      ['1:45 there is no entity type User; did you mean N::User?'],
    ],
    [
      'entity U; action a appliesTo { principal: U, resource: U, context: U };',
      ['1:68 U is an entity type; only a type that is declared may stand here'],
    ],
    [
      'entity U; type T = U; action a appliesTo { principal: U, resource: T };',
      ['1:68 T is no entity type; only an entity type may stand here'],
    ],
    [
      'type T = Long; entity U; action a appliesTo { principal: U, resource: U, context: T };',
      ['1:83 the context of Action::"a" must be a record'],
    ],
    [
      'action "read"; action "write" in "raed";',
      ['1:34 there is no action Action::"raed"; did you mean Action::"read"?'],
    ],
    [
      'namespace M { action a; } action b in M::"a";',
      ['1:39 M is no type of actions; those of M are M::Action::"a"'],
    ],
    ['action a in b; action b in c; action c in a;', ['1:8 the action Action::"a" is in itself']],
    ['type A = Set<B>; type B = { a?: A };', ['1:6 the type A is part of itself']],
    ['entity Action;', ['1:8 the entity type Action is that of the actions and cannot be declared']],
    [
      'entity A; namespace N { type A = Long; }',
      ['1:30 N::A hides A, which is declared without a namespace'],
    ],
    [
      'action a; namespace N { action a; }',
      ['1:32 N::Action::"a" hides Action::"a", which is declared without a namespace'],
    ],
  ])('refuses: %s', (text, expected) => {
    expect(complaints(text)).toEqual(expected)
  })

  it('stands long chains, and bounds how deep types nest by way of names', () => {
    const chain = (length: number, each: (n: number) => string): string =>
      Array.from({ length }, (_, n) => each(n)).join('\n')
    expect(complaints(`${chain(3000, (n) => `type T${n} = T${n + 1};`)} type T3000 = Long;`)).toEqual([])
    expect(complaints(`${chain(300, (n) => `action a${n} in a${n + 1};`)} action a300;`)).toEqual([])
    expect(complaints(`${chain(300, (n) => `type T${n} = Set<T${n + 1}>;`)} type T300 = Long;`)).toEqual([
      '100:12 nested too deeply, with the types it names',
    ])
  })
})
