import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSchema } from '../schema/parse-schema.ts'
import { resolveSchema } from '../schema/resolve.ts'
import { schemaToText } from '../schema/schema-to-text.ts'
import type { CedarType, Schema } from '../schema/schema.ts'
import type { SchemaFragment } from '../schema/syntax.ts'
import type { NumberType } from './input-type.ts'
import { schemaFromTools } from './schema-from-tools.ts'
import type { ToolDefinition, ToolNote } from './schema-from-tools.ts'
import { loadOfficial } from '../testing/official.ts'

const official = loadOfficial()

const STUB =
  '@mcp_principal entity User; @mcp_resource entity Tool; @mcp_action action call; entity String; type decimal = Long;'

interface Made {
  readonly fragment: SchemaFragment
  readonly schema: Schema
  readonly notes: readonly ToolNote[]
}

function make(tools: readonly ToolDefinition[], numbers?: NumberType): Made {
  const base = parseSchema(STUB)
  const made = base.ok ? schemaFromTools(base.value, tools, numbers && { numbers }) : base
  if (!made.ok) throw new Error(JSON.stringify(made.errors))
  const schema = resolveSchema([made.value.fragment])
  if (!schema.ok) throw new Error(JSON.stringify(schema.errors))
  return { ...made.value, schema: schema.value }
}

/** A type in few words: `{ path: String, limit?: Long }`. */
function show(type: CedarType | undefined): string {
  if (type === undefined) return 'nothing'
  switch (type.kind) {
    case 'set':
      return `Set<${show(type.element)}>`
    case 'record': {
      const members = [...type.members].map(([name, { type: of, required }]) => {
        return `${name}${required ? '' : '?'}: ${show(of)}`
      })
      return `{${members.join(', ')}}`
    }
    case 'extension':
      return type.name
    default:
      return type.kind
  }
}

function officialAccepts({ fragment }: Made): boolean {
  const text = schemaToText(fragment)
  return text.ok && official.checkParseSchema(text.value).type === 'success'
}

function inputOf({ schema }: Made, tool = 't'): string {
  return show(schema.actions.get(`Action::"${tool}"`)?.context.members.get('input')?.type)
}

function notesOf({ notes }: Made): string[] {
  return notes.map(({ path, kind, message }) => `${path.join('.')} ${kind}: ${message}`)
}

/** The type of the member `it`, and the notes. */
function typed(schema: unknown, numbers?: NumberType): readonly [string, ...string[]] {
  const made = make([{ name: 't', inputSchema: { type: 'object', properties: { it: schema } } }], numbers)
  return [inputOf(made).replace(/^\{it\?: (.*)\}$/, '$1'), ...notesOf(made)]
}

describe('the type of a member', () => {
  it.each<[string, unknown, string, ...string[]]>([
    ['a string', { type: 'string', format: 'ipv4', pattern: '^1' }, 'string'],
    ['integers', { type: 'integer' }, 'long'],
    ['numbers in whole steps', { type: 'number', multipleOf: 5 }, 'long'],
    ['a list of strings', { enum: ['a', 'b'] }, 'string'],
    ['a list of integers', { type: 'number', enum: [1, 2] }, 'long'],
    ['a list of fractions', { enum: [0.5, 1.5] }, 'decimal'],
    ['a list of its type only', { type: 'string', enum: ['a', 1, null] }, 'string'],
    ['a constant object', { const: { a: [1, 2], b: { c: true } } }, '{a: Set<long>, b: {c: boolean}}'],
    ['an object without a type', { properties: { a: { type: 'string' } }, required: ['a'] }, '{a: string}'],
    ['an array without a type', { items: { type: 'boolean' } }, 'Set<boolean>'],
    ['a list by position', { type: 'array', items: [{ type: 'string' }, { const: 'x' }] }, 'Set<string>'],
    [
      'everything that all say',
      { allOf: [{ type: ['string', 'null'] }, { type: ['string', 'integer'] }] },
      'string',
    ],
    [
      'members that all say',
      {
        allOf: [
          { type: 'object', properties: { a: { type: 'string' } } },
          { properties: { b: { type: 'integer' } }, required: ['a', 'b'] },
        ],
      },
      '{a: string, b: long}',
    ],
    [
      'members that one of several has',
      {
        oneOf: [
          {
            type: 'object',
            properties: { kind: { const: 'a' }, a: { type: 'string' } },
            required: ['kind', 'a'],
          },
          { type: 'object', properties: { kind: { const: 'b' } }, required: ['kind'] },
        ],
      },
      '{kind: string, a?: string}',
    ],
    [
      'requirements that depend',
      {
        type: 'object',
        properties: { a: { type: 'string' }, b: { type: 'string' } },
        anyOf: [{ required: ['a'] }, { required: ['b'] }],
        dependentSchemas: { a: { properties: { c: { type: 'integer' } } } },
        if: { required: ['b'] },
        then: { properties: { d: { type: 'boolean' } } },
      },
      '{a?: string, b?: string, d?: boolean, c?: long}',
    ],
    [
      'perhaps null',
      { anyOf: [{ type: 'string' }, { type: 'null' }] },
      'string',
      'it narrowed: may be null, which no policy can read',
    ],
    [
      'numbers',
      { type: 'number' },
      'long',
      'it narrowed: is a number: taken for a Long, so policies that read it refuse fractions',
    ],
    ['several types', { type: ['string', 'array'] }, '{}', 'it unchecked: may be a string or an array'],
    ['anything', {}, '{}', 'it unchecked: has a schema that any value fits'],
    ['anything, in other words', true, '{}', 'it unchecked: has a schema that any value fits'],
    ['nothing', false, '{}', 'it unchecked: has a schema that no value fits'],
    ['null', { type: 'null' }, '{}', 'it unchecked: is always null'],
    [
      'a type that there is not',
      { type: 'float' },
      '{}',
      'it unchecked: has a type that JSON Schema does not know',
    ],
    ['no schema', 7, '{}', 'it unchecked: has something that is not a JSON Schema for its schema'],
    [
      'an array of anything',
      { type: 'array' },
      '{}',
      'it unchecked: is an array of which the elements are not said',
    ],
    [
      'an array of several types',
      { type: 'array', items: { type: ['string', 'integer'] } },
      '{}',
      'it unchecked: is an array, and each element may be a string or a number',
    ],
    [
      'a map',
      { type: 'object', additionalProperties: { type: 'string' } },
      '{}',
      'it unchecked: may have members that the schema does not name',
    ],
    [
      'an object of which nothing is said',
      { type: 'object' },
      '{}',
      'it unchecked: may have members that the schema does not name',
    ],
    [
      'a required member that is not described',
      { type: 'object', properties: {}, required: ['x'] },
      '{}',
      'it.x unchecked: is required, but nothing else is said of it',
    ],
    [
      'elsewhere',
      { $ref: 'https://example.com/s' },
      '{}',
      'it unchecked: refers to a schema that is not in the definition',
    ],
    [
      'nowhere',
      { $ref: '#/$defs/x%' },
      '{}',
      'it unchecked: refers to a schema that is not in the definition',
    ],
  ])('of %s', (_name, schema, type, ...notes) => {
    const [found, ...said] = typed(schema)
    expect(found.replace(/^\{it\?: /, '')).toBe(type)
    expect(said).toEqual(notes)
  })

  it('that is left out is said to be required or not', () => {
    const inputSchema = { properties: { a: {}, b: {} }, required: ['a', 'c'] }
    const { notes } = make([{ name: 't', inputSchema }])
    expect(notes.map(({ path, required }) => [path, required])).toEqual([
      [['a'], true],
      [['b'], false],
      [['c'], true],
    ])
  })

  it('of numbers can be a decimal instead', () => {
    expect(typed({ type: 'number' }, 'decimal')).toEqual([
      'decimal',
      'it narrowed: is a number: taken for a decimal, so policies that read it refuse whole numbers',
    ])
    expect(typed({ type: 'integer' }, 'decimal')).toEqual(['long'])
  })
})

describe('references', () => {
  const ofRefs = (properties: object, $defs: object): Made =>
    make([{ name: 't', inputSchema: { type: 'object', properties, $defs } }])

  it('are followed, also when their names are escaped', () => {
    const made = ofRefs(
      { a: { $ref: '#/$defs/a~1b%20c' }, b: { $ref: '#/$defs/list/0' }, c: { $ref: '#/properties/a' } },
      { 'a/b c': { type: 'string' }, list: [{ type: 'boolean' }] },
    )
    expect(inputOf(made)).toBe('{a?: string, b?: boolean, c?: string}')
    expect(made.notes).toEqual([])
  })

  it('end where they come back to themselves', () => {
    const made = ofRefs(
      { tree: { $ref: '#/$defs/node' }, same: { $ref: '#/$defs/same' }, all: { $ref: '#' } },
      {
        node: {
          type: 'object',
          properties: {
            name: { type: 'string' },
            children: { type: 'array', items: { $ref: '#/$defs/node' } },
          },
        },
        same: { $ref: '#/$defs/same' },
      },
    )
    expect(inputOf(made)).toBe('{tree?: {name?: string}, all?: {tree?: {name?: string}}}')
    expect(notesOf(made)).toEqual([
      'tree.children unchecked: is an array, and each element refers to itself',
      'same unchecked: refers to itself',
      'all.tree.children unchecked: is an array, and each element refers to itself',
      'all.same unchecked: refers to itself',
      'all.all unchecked: refers to itself',
    ])
  })
})

describe('the input', () => {
  it.each<[string, unknown, string, ...string[]]>([
    ['has no members when none are named', { type: 'object' }, '{}'],
    ['is an object, whatever its type', { properties: { a: { type: 'string' } } }, '{a?: string}'],
    [
      'may be open',
      { type: 'object', additionalProperties: true },
      '{}',
      ' unchecked: may have members that the schema does not name',
    ],
    ['may be unknown', undefined, '{}', ' unchecked: is not known'],
    ['may be no object', { type: 'array' }, '{}', ' unchecked: has a schema that no object fits'],
    [
      'may be no schema',
      'object',
      '{}',
      ' unchecked: has something that is not a JSON Schema for its schema',
    ],
  ])('%s', (_name, inputSchema, type, ...notes) => {
    const made = make([{ name: 't', inputSchema }])
    expect(inputOf(made)).toBe(type)
    expect(notesOf(made)).toEqual(notes)
  })

  it('has members of any name', () => {
    const names = [
      '__proto__',
      'constructor',
      '__cedar',
      '__entity',
      'in',
      '',
      'a"b',
      'a.b',
      '\u0000',
      '🙂',
      'String',
    ]
    const schema = `{"type":"object","properties":{${names.map((name) => `${JSON.stringify(name)}:{"type":"string"}`).join()}}}`
    const made = make([{ name: 't', inputSchema: JSON.parse(schema) }])
    expect(inputOf(made)).toBe(`{${names.map((name) => `${name}?: string`).join(', ')}}`)
    expect(made.notes).toEqual([])
    expect(officialAccepts(made)).toBe(true)
  })

  it('has no members that a policy could not name', () => {
    const made = make([
      { name: 't', inputSchema: { properties: { '\ud800': { type: 'string' } }, required: ['\ud800'] } },
    ])
    expect(inputOf(made)).toBe('{}')
  })

  it('takes what only its prototype has for absent', () => {
    const inherited = Object.create({ type: 'object', properties: { a: { type: 'string' } } }) as unknown
    expect(notesOf(make([{ name: 't', inputSchema: { properties: { it: inherited } } }]))).toHaveLength(1)
  })
})

describe('large and deep schemas', () => {
  it('may have many members', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, at) => [`m${at}`, { type: 'string' }]),
    )
    const made = make([{ name: 't', inputSchema: { type: 'object', properties } }])
    expect(inputOf(made).split(',')).toHaveLength(10_000)
    expect(made.notes).toEqual([])
  })

  it('are cut off where they are too large, and the rest is said to be open', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 50_000 }, (_, at) => [`m${at}`, { type: 'string' }]),
    )
    const made = make([{ name: 't', inputSchema: { type: 'object', properties } }])
    expect(inputOf(made).split(',').length).toBeGreaterThan(10_000)
    expect(notesOf(made)).toEqual([' unchecked: may have members that the schema does not name'])
  })

  it('do not grow by references that double', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 30 }, (_, at) => {
        const next = { $ref: `#/$defs/d${at + 1}` }
        return [`d${at}`, { type: 'object', properties: { a: next, b: next } }]
      }),
    )
    const made = make([
      { name: 't', inputSchema: { type: 'object', properties: { x: { $ref: '#/$defs/d0' } }, $defs } },
    ])
    expect(made.notes.length).toBeGreaterThan(0)
    expect(made.notes.length).toBeLessThan(200)
  })

  it('are not followed down for ever', () => {
    const deep = JSON.parse(`${'{"properties":{"a":'.repeat(5000)}true${'}}'.repeat(5000)}`) as unknown
    const made = make([{ name: 't', inputSchema: deep }])
    expect(notesOf(made).join()).toMatch(/^(a\.)+a unchecked: stands too deep in the schema$/)
    const list = JSON.parse(`${'{"allOf":['.repeat(5000)}true${']}'.repeat(5000)}`) as unknown
    expect(notesOf(make([{ name: 't', inputSchema: list }]))).toEqual([
      ' unchecked: stands too deep in the schema',
    ])
  })

  it('have one note for all that is beyond a hundred', () => {
    const properties = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`m${at}`, {}]))
    const made = make([{ name: 't', inputSchema: { type: 'object', properties } }])
    expect(made.notes).toHaveLength(101)
    expect(made.notes[0]).toMatchObject({ path: [], kind: 'unchecked' })
  })
})

describe('tools', () => {
  it('have an action each, whatever their names', () => {
    const names = ['a b', 'x"y', '__proto__', '日本', '']
    const { schema, notes } = make(names.map((name) => ({ name, inputSchema: { type: 'object' } })))
    expect([...schema.actions.values()].map(({ entity }) => entity.id)).toEqual(['call', ...names])
    expect(schema.actions.get('Action::"日本"')?.entity.ancestors).toEqual(new Set(['Action::"call"']))
    expect(notes).toEqual([])
  })

  it('of one name have one action, with an input that is not known', () => {
    const of = (type: string) => ({ name: 't', inputSchema: { properties: { a: { type } } } })
    const made = make([of('string'), of('integer')])
    expect(inputOf(made)).toBe('{}')
    expect(made.notes).toEqual([
      { tool: 't', path: [], kind: 'unchecked', message: 'is that of several tools of this name' },
    ])
  })

  it('never replace an action that is there, nor have one that no policy could name', () => {
    const { schema, notes } = make([
      { name: 'call', inputSchema: {} },
      { name: '\udfff', inputSchema: {} },
    ])
    expect([...schema.actions.keys()]).toEqual(['Action::"call"'])
    expect(notes.map(({ message }) => message)).toEqual([
      'has the name of an action that is there already',
      'has a name that is not Unicode: half a surrogate pair',
    ])
  })
})

describe('a base schema', () => {
  it('keeps all but the annotations that are for this', () => {
    const base = parseSchema(
      '@doc("who") @mcp_principal entity User; @mcp_resource entity Tool; namespace N { entity A; }',
    )
    const made = base.ok && schemaFromTools(base.value, [])
    if (!made || !made.ok) throw new Error('not made')
    const [unnamed, other] = made.value.fragment.namespaces
    expect(unnamed?.entities.get('User')?.annotations).toEqual(new Map([['doc', 'who']]))
    expect(other?.entities.has('A')).toBe(true)
  })

  it.each([
    ['entity A;', '1:1 no entity type has the annotation @mcp_principal; mark who calls tools with it'],
    [
      '@mcp_resource entity A;',
      '1:1 no entity type has the annotation @mcp_principal; mark who calls tools with it',
    ],
    [
      'namespace N { @mcp_principal entity A; }',
      '1:1 no entity type has the annotation @mcp_resource; mark what tools are called on with it',
    ],
    [
      '@mcp_principal entity A;\nnamespace N { @mcp_resource entity B; }',
      '2:1 annotations for tools stand in more than one namespace; keep them in one',
    ],
  ])('is refused: %s', (text, complaint) => {
    const base = parseSchema(text)
    const made = base.ok ? schemaFromTools(base.value, []) : base
    expect(
      made.ok ? [] : made.errors.map(({ line, column, message }) => `${line}:${column} ${message}`),
    ).toEqual([complaint])
  })
})

describe('whatever a server sends', () => {
  const KEYWORDS =
    'type properties required items prefixItems anyOf allOf oneOf enum const $ref $defs additionalProperties if then else'
  const VALUES = [
    'string',
    'object',
    'array',
    'number',
    'null',
    '#',
    '#/$defs/a',
    '#/properties/a',
    'a',
    1,
    1.5,
    true,
  ]

  it('becomes a schema, also to the official engine', () => {
    const { schema } = fc.letrec<{ schema: unknown; value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(...VALUES),
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), tie('schema'), { maxKeys: 3 }),
        tie('schema'),
      ),
      schema: fc.dictionary(fc.constantFrom(...KEYWORDS.split(' ')), tie('value'), { maxKeys: 4 }),
    }))
    let typedMembers = 0
    const property = fc.property(schema, fc.array(fc.string(), { maxLength: 3 }), (inputSchema, names) => {
      const made = make(names.concat('t').map((name) => ({ name, inputSchema })))
      if (inputOf(made) === '{}') return
      if (typedMembers++ % 4 > 0) return
      expect(officialAccepts(made), JSON.stringify(inputSchema)).toBe(true)
    })
    fc.assert(property, { numRuns: 2000, seed: 1 })
    expect(typedMembers).toBeGreaterThan(50)
  })
})
