// Against the official generator: the same tools, the same schema, wherever both can say it. Where they differ, both
// answers stand here, and why ours is another: arguments are plain JSON when a call is decided, and stay so.

import { createRequire } from 'node:module'
import type * as generator from '@cedar-policy/mcp-schema-generator-wasm'
import { describe, expect, it } from 'vitest'
import { parseSchema } from '../schema/parse-schema.ts'
import { readSchema } from '../schema/read-schema.ts'
import { resolveSchema } from '../schema/resolve.ts'
import type { CedarType, RecordType, Schema } from '../schema/schema.ts'
import { Random } from '../testing/random.ts'
import { schemaFromTools } from './schema-from-tools.ts'
import type { ToolDefinition } from './schema-from-tools.ts'

const official = createRequire(import.meta.url)('@cedar-policy/mcp-schema-generator-wasm') as typeof generator

const STUB = `namespace Desk {
  @mcp_principal entity User in [Team] = { name: String } tags String;
  @mcp_principal("bots") entity Bot;
  entity Team;
  @mcp_resource entity McpServer, Tool;
  @mcp_context("session") type Session = { ip: ipaddr, started?: datetime };
  @mcp_context("owner") entity Owner;
  @mcp_action("calls") action call in "any";
  @mcp_action action audited;
  action any;
  action look appliesTo { principal: User, resource: Tool, context: { all: Bool } };
}`

function ours(tools: readonly ToolDefinition[]): Schema {
  const base = parseSchema(STUB)
  const made = base.ok ? schemaFromTools(base.value, tools, { numbers: 'decimal' }) : base
  const schema = made.ok ? resolveSchema([made.value.fragment]) : made
  if (!schema.ok) throw new Error(JSON.stringify(schema.errors))
  return schema.value
}

function theirs(tools: readonly ToolDefinition[]): Schema {
  const described = tools.map((each) => ({ description: '', ...each }))
  const options = JSON.stringify({ objectsAsRecords: true, numbersAsDecimal: true })
  const answer = JSON.parse(official.generateSchema(STUB, JSON.stringify(described), options)) as {
    readonly schema: string | null
    readonly error: string | null
  }
  const schema = readSchema(answer.schema ?? '')
  if (answer.schema === null || !schema.ok) throw new Error(answer.error ?? JSON.stringify(schema))
  return schema.value
}

/** The actions without what identifies the objects that describe them. */
function actionsOf({ actions }: Schema) {
  return new Map(
    [...actions].map(([uid, { entity, principals, resources, context }]) => {
      return [uid, { ancestors: entity.ancestors, principals, resources, context }]
    }),
  )
}

function tool(name: string, properties: object, required: readonly string[] = []): ToolDefinition {
  return { name, inputSchema: { type: 'object', properties, required } }
}

describe('the official generator and this one', () => {
  it('agree on what the base says of tools', () => {
    const tools = [
      tool('read', { path: { type: 'string' }, head: { type: 'integer' } }, ['path']),
      tool('ping', {}),
      { name: 'list', inputSchema: { type: 'object' } },
    ]
    const schema = ours(tools)
    expect(actionsOf(schema)).toEqual(actionsOf(theirs(tools)))
    expect(schema.entityTypes).toEqual(theirs(tools).entityTypes)
    expect(schema.actions.get('Desk::Action::"read"')?.context.members.size).toBe(3)
  })

  it('agree on tools of types that both have', () => {
    let members = 0
    for (let seed = 1; seed <= 150; seed++) {
      const random = new Random(seed)
      const tools = Array.from({ length: 1 + random.below(3) }, (_, at) => randomTool(random, `tool_${at}`))
      const schema = ours(tools)
      expect(actionsOf(schema), JSON.stringify(tools)).toEqual(actionsOf(theirs(tools)))
      for (const { context } of schema.actions.values()) members += inputOf(context).members.size
    }
    expect(members).toBeGreaterThan(300)
  })

  const STRING: CedarType = { kind: 'string' }
  const LONG: CedarType = { kind: 'long' }
  const UNKNOWN: CedarType = { kind: 'entity', type: 'Desk::Unknown' }
  const NOTHING: CedarType = { kind: 'record', members: new Map() }
  const extension = (name: 'datetime' | 'ipaddr' | 'duration' | 'decimal'): CedarType => ({
    kind: 'extension',
    name,
  })
  const record = (members: Record<string, CedarType>, required: boolean): CedarType => {
    const all = Object.entries(members).map(([name, type]) => [name, { type, required }] as const)
    return { kind: 'record', members: new Map(all) }
  }
  const entity = (name: string): CedarType => ({ kind: 'entity', type: `Desk::tool::Input::${name}` })
  const choice = (...types: CedarType[]) =>
    record(Object.fromEntries(types.map((type, at) => [`typeChoice${at}`, type])), false)
  const NULL: CedarType = { kind: 'entity', type: 'Desk::Null' }

  it.each<[string, object, CedarType, CedarType | undefined]>([
    ['strings of a list are strings', { type: 'string', enum: ['a', 'b'] }, entity('it'), STRING],
    ['a date is a string', { type: 'string', format: 'date-time' }, extension('datetime'), STRING],
    ['an address is a string', { type: 'string', format: 'ipv4' }, extension('ipaddr'), STRING],
    ['a duration is a string', { type: 'string', format: 'duration' }, extension('duration'), STRING],
    ['a decimal is a string', { type: 'string', format: 'decimal' }, extension('decimal'), STRING],
    ['what may be null is what else it is', { type: ['string', 'null'] }, choice(STRING, NULL), STRING],
    [
      'one of several is told by its own type',
      { anyOf: [{ type: 'integer' }, { type: 'integer', minimum: 9 }] },
      choice(LONG, LONG),
      LONG,
    ],
    ['one of several types has none', { type: ['string', 'integer'] }, choice(STRING, LONG), undefined],
    ['anything has no type', {}, UNKNOWN, undefined],
    ['null has no type', { type: 'null' }, NULL, undefined],
    ['a constant is of its own type', { const: 'x' }, UNKNOWN, STRING],
    ['what several schemas say is put together', { allOf: [{ type: 'string' }] }, UNKNOWN, STRING],
    [
      'an object with other members is a record still',
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'string' } },
      entity('it'),
      record({ a: STRING }, false),
    ],
    [
      'a map is a record of members nobody knows',
      { type: 'object', additionalProperties: {} },
      entity('it'),
      NOTHING,
    ],
    ['an array of anything has no type', { type: 'array' }, { kind: 'set', element: UNKNOWN }, undefined],
    [
      'a list by position is a set',
      { type: 'array', prefixItems: [{ type: 'string' }] },
      { kind: 'set', element: UNKNOWN },
      { kind: 'set', element: STRING },
    ],
  ])('differ: %s', (_name, schema, theirType, ourType) => {
    const tools = [tool('tool', { it: schema })]
    expect(typeOfIt(theirs(tools))).toEqual(theirType)
    expect(typeOfIt(ours(tools))).toEqual(ourType)
  })
})

function inputOf(context: RecordType): RecordType {
  const type = context.members.get('input')?.type
  return type?.kind === 'record' ? type : { kind: 'record', members: new Map() }
}

function typeOfIt({ actions }: Schema): CedarType | undefined {
  const action = actions.get('Desk::Action::"tool"')
  if (action === undefined) throw new Error('no action')
  return inputOf(action.context).members.get('it')?.type
}

function randomTool(random: Random, name: string): ToolDefinition {
  let count = 0
  const fresh = () => `m${count++}`
  const object = (depth: number): object => {
    const names = random.some(4, fresh)
    const properties = Object.fromEntries(names.map((member) => [member, schema(depth + 1)]))
    return { type: 'object', properties, required: names.filter(() => random.chance(0.5)) }
  }
  const schema = (depth: number): object => {
    if (depth < 4 && random.chance(0.3)) return object(depth)
    if (depth < 4 && random.chance(0.3)) return { type: 'array', items: schema(depth + 1) }
    return { type: random.pick(['string', 'integer', 'boolean', 'number']), description: 'any' }
  }
  return { name, inputSchema: object(0) }
}
