import { readFileSync } from 'node:fs'
import {
  checkEntity,
  checkRequest,
  type CedarType,
  parsePolicies,
  type Policy,
  resolveSchema,
  type Schema,
  type ToolDefinition,
} from '@tollgate/cedar'
import { describe, expect, test } from 'vitest'
import { createCaller, type EntityRef } from '../model/caller.ts'
import type { Query } from '../model/decision.ts'
import type { JsonObject, Message } from '../model/message.ts'
import { Policies } from './policies.ts'
import { serverRequestQuery, toQuery } from './query.ts'
import { contextOf, requestOf } from './request.ts'
import { type GatewaySchema, gatewaySchema } from './schema.ts'

const READ: ToolDefinition = {
  name: 'read',
  inputSchema: {
    type: 'object',
    properties: { path: { type: 'string' }, limit: { type: 'integer' }, filter: {} },
    required: ['path'],
  },
}

function parse(text: string): readonly Policy[] {
  const parsed = parsePolicies(text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors))
  return parsed.value
}

function build(
  text = '',
  servers: Record<string, readonly ToolDefinition[] | undefined> = { files: [READ] },
  counters: readonly string[] = [],
) {
  return gatewaySchema({ servers: new Map(Object.entries(servers)), policies: parse(text), counters })
}

function resolved({ fragment }: Pick<GatewaySchema, 'fragment'>): Schema {
  const schema = resolveSchema([fragment])
  if (!schema.ok) throw new Error(JSON.stringify(schema.errors))
  return schema.value
}

/** Ids of the actions that apply to something. */
function applicable({ actions }: Schema): string[] {
  return [...actions.values()].filter(({ principals }) => principals.size > 0).map(({ entity }) => entity.id)
}

describe('what the gateway asks of policies', () => {
  const facts = { readOnly: true, reads: ['private'], sends: true }
  const loaded = Policies.load([], {
    environment: 'prod',
    toolFacts: (tool) => (tool === 'files__read' ? facts : undefined),
  })
  if (!loaded.ok) throw new Error('no policies')
  const policies = loaded.value
  // The policy names what no server is asked about: the methods of extensions and the arguments of prompts.
  const made = build(
    'forbid (principal, action == Action::"com.example/do", resource) when { context.input has name };',
    { files: [READ], other: undefined },
  )
  const schema = resolved(made)

  const message = (method: string, params?: JsonObject, era: Message['era'] = 'legacy'): Message => {
    const common = { era, protocolVersion: '2025-11-25', paramHeaders: [], body: {} }
    return { ...common, kind: 'request', id: 1, method, params }
  }
  const ada = { type: 'User', id: 'corp/ada' }
  const bot = { type: 'Agent', id: 'bot' }
  const ask = (
    method: string,
    params?: JsonObject,
    more: { principal?: EntityRef; agent?: EntityRef; over?: Partial<Query>; server?: string } = {},
  ): Query => {
    const { principal = ada, agent, over, server = 'files' } = more
    const caller = createCaller(principal, { agent }, { method: 'api-key', credential: 'k' })
    const asked = toQuery(caller, server, message(method, params), {
      requestId: 'r',
      source: { transport: 'tcp', ip: '127.0.0.1' },
      sessionStartedAtMs: undefined,
      handleTool: 'read',
    })
    if (!asked.ok) throw new Error(asked.error.message)
    return { ...asked.value, ...over }
  }
  const uri = 'file:///a'
  const call = { name: 'read', arguments: { path: 'a', limit: 3, filter: [null, 1.5] } }
  const queries: readonly Query[] = [
    ask('tools/call', call),
    ask(
      'tools/call',
      { name: 'read', arguments: { path: 'a' } },
      { principal: { type: 'Service', id: 'ci' }, agent: bot },
    ),
    ask('tools/call', call, {
      principal: bot,
      over: { source: { transport: 'unix', ip: undefined }, sessionStartedAtMs: 0 },
    }),
    ask('tools/call', call, { over: { source: { transport: 'tcp', ip: '::ffff:10.0.0.1' } } }),
    ask('tools/call', call, { over: { source: { transport: 'tcp', ip: 'fe80::1%eth0' } } }),
    ask('tools/call', { name: '*', arguments: { anything: null } }, { server: 'other' }),
    ask('prompts/get', { name: 'hello', arguments: { name: 'x' } }),
    ask('prompts/get', { name: 'hello' }),
    ask('completion/complete', {
      ref: { type: 'ref/prompt', name: 'hello' },
      argument: { name: 'a', value: 'b' },
    }),
    ask('completion/complete', { ref: { type: 'ref/resource', uri }, argument: { name: 'a', value: 'b' } }),
    ...['resources/read', 'resources/subscribe', 'resources/unsubscribe'].map((method) =>
      ask(method, { uri }),
    ),
    ask('subscriptions/listen', { notifications: { resourceSubscriptions: [uri, 'file:///b'] } }),
    ask('subscriptions/listen', {}),
    ...['get', 'result', 'update', 'cancel'].map((method) => ask(`tasks/${method}`, { taskId: 't' })),
    ask('logging/setLevel', { level: 'info' }),
    ask('com.example/do', { it: 1 }),
    ...['initialize', 'server/discover', 'ping', 'session/stream', 'session/end', 'response'].map((method) =>
      ask(method),
    ),
    ...['tools', 'resources', 'resources/templates', 'prompts', 'tasks'].map((of) =>
      ask(`${of}/list`, { cursor: 'x' }),
    ),
    ...['initialized', 'cancelled', 'progress', 'roots/list_changed', 'tasks/status'].map((of) =>
      ask(`notifications/${of}`, {}),
    ),
    serverRequestQuery(ask('tools/call', call), 'sampling/createMessage', { maxTokens: 10, messages: [] }),
    serverRequestQuery(ask('tools/call', call), 'elicitation/create', { message: 'x' }),
    serverRequestQuery(ask('tools/call', call), 'roots/list', undefined),
    serverRequestQuery(ask('tools/call', call), 'roots/list', { _meta: {} }),
  ]

  test.each(queries.map((query) => [query.target.action, query] as const))(
    'is in the schema: %s',
    (_action, query) => {
      const inquiry = { policies, query, nowMs: Date.UTC(2026, 0, 1) }
      for (const target of [query.target, ...query.alsoTargets]) {
        const request = requestOf(inquiry, target, contextOf(inquiry))
        const mismatches = checkRequest(schema, request).filter(({ path: [, ...path] }) => {
          return made.unknown(target.action, path.map(String)) === undefined
        })
        expect(mismatches).toEqual([])
        const { principal, action, resource } = request
        for (const each of [principal, action, resource]) expect(checkEntity(schema, each)).toEqual([])
      }
    },
  )

  test('is all that the schema has', () => {
    const asked = queries.flatMap((query) => [query.target, ...query.alsoTargets]).map(({ action }) => action)
    // Asked when somebody approves, not by a message.
    expect(new Set([...asked, 'approvals/approve'])).toEqual(new Set(applicable(schema)))
    expect(schema.actions.has('Action::"tools/call"')).toBe(true)
  })

  test('is not in the schema where a request is about nothing but the server by mistake', () => {
    const { value } = toQuery(
      createCaller(ada, {}, { method: 'anonymous' }),
      'files',
      message('resources/subscribe', {}, 'modern'),
      {
        requestId: 'r',
        source: { transport: 'unix', ip: undefined },
        sessionStartedAtMs: undefined,
        handleTool: undefined,
      },
    ) as { value: Query }
    // Gone from the modern revisions: the server refuses it, and policies that read the resource do too.
    const inquiry = { policies, query: value, nowMs: 0 }
    const [mismatch] = checkRequest(schema, requestOf(inquiry, value.target, contextOf(inquiry)))
    expect(mismatch?.path).toEqual(['context', 'input'])
  })
})

describe('the reference page', () => {
  const page = readFileSync(new URL('../../../../docs/reference/policies.md', import.meta.url), 'utf8')
  const schema = resolved(build())
  const rows = (heading: string) => {
    const [, text = ''] = page.split(`\n## ${heading}\n`)
    const lines = (text.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'))
    return lines.slice(2).map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
  }
  const codes = (text = '') => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)

  test('lists the actions, what they apply to and which have an input', () => {
    const told = new Map<string, readonly [types: ReadonlySet<string>, hasInput: boolean]>()
    for (const [methods = '', resource = '', permit = ''] of rows('Actions')) {
      const types = ['Tool', 'Prompt', 'Resource', 'Server'].filter((type) =>
        resource.includes(type.toLowerCase()),
      )
      for (const method of codes(methods))
        told.set(method, [new Set(types), permit.includes('`context.input`')])
    }
    // Tools have actions of their own. What is watched is asked for by another action.
    told.delete('tools/call')
    told.set('subscriptions/listen', [new Set(['Server']), false])
    const all = applicable(schema).filter((id) => id !== 'files__read')
    const patterns = [...told.keys()].filter((method) => method.includes('*'))
    for (const id of all) {
      const [start = '', end = ''] =
        patterns
          .map((each) => each.split('*'))
          .find(([from = '', to = '']) => id.startsWith(from) && id.endsWith(to)) ?? []
      const action = schema.actions.get(`Action::"${id}"`)
      const is = [action?.resources, action?.context.members.has('input')]
      expect(told.get(id) ?? told.get(`${start}*${end}`), id).toEqual(is)
    }
    expect([...told.keys()].filter((method) => !method.includes('*') && !all.includes(method))).toEqual([])
  })

  test('lists the context', () => {
    const context = schema.actions.get('Action::"files__read"')?.context.members
    const told = rows('Context').map(([key]) => codes(key)[0])
    expect(new Set(told)).toEqual(new Set(context?.keys()))
    for (const [key, , set] of rows('Context')) {
      const member = context?.get(codes(key)[0] ?? '')
      expect(member?.required, key).toBe(set === 'always' || codes(key)[0] === 'input')
    }
  })

  test('lists the attributes', () => {
    const told = rows('Attributes').map(
      ([type, text]) => [codes(type)[0], codes(text?.split('. ')[0])] as const,
    )
    for (const [type = '', names] of told) {
      expect(new Set(names), type).toEqual(new Set(schema.entityTypes.get(type)?.attributes.members.keys()))
    }
    const having = [...schema.entityTypes.values()].filter(({ attributes }) => attributes.members.size > 0)
    expect(new Set(told.map(([type]) => type))).toEqual(new Set(having.map(({ name }) => name)))
  })
})

/** The type of an input in few words: `{ path: string, limit?: long }`. */
function show(type: CedarType | undefined): string {
  if (type === undefined) return 'nothing'
  if (type.kind === 'set') return `Set<${show(type.element)}>`
  if (type.kind !== 'record') return type.kind === 'extension' ? type.name : type.kind
  const members = [...type.members].map(
    ([name, { type: of, required }]) => `${name}${required ? '' : '?'}: ${show(of)}`,
  )
  return `{${members.join(', ')}}`
}

describe('what is not known of an input', () => {
  const inputOf = (text: string, tools?: readonly ToolDefinition[]) => {
    const { actions } = resolved(build(text, { files: [READ], db: tools }))
    return show(
      actions.get(`Action::"db__${tools === undefined ? '*' : 'q'}"`)?.context.members.get('input')?.type,
    )
  }

  test.each([
    ['context.input.a like "x*"', '{a: string}'],
    ['context.input.a < 3 && 1 + context.input.b == -context.input.c', '{a: long, b: long, c: long}'],
    [
      'context.input.a && (!context.input.b || (if context.input.c then true else context.input.d))',
      '{a: boolean, b: boolean, c: boolean, d: boolean}',
    ],
    [
      'context.input.a == "x" || 7 != context.input.b || context.input.c == decimal("1.0")',
      '{a: string, b: long, c: decimal}',
    ],
    ['context.input.a.lessThan(decimal("1.0"))', '{a: decimal}'],
    ['context.input.a.contains("x") && ["y"].contains(context.input.b)', '{a: Set<string>, b: string}'],
    [
      'context.input.a.containsAny([1, 2]) && [[1]].containsAll(context.input.b)',
      '{a: Set<long>, b: Set<Set<long>>}',
    ],
    ['context.input.a.isEmpty()', '{a: Set<string>}'],
    [
      'context.input.a == principal.getTag("x") && principal.hasTag(context.input.b)',
      '{a: string, b: string}',
    ],
    ['context.input has a', '{a?: string}'],
    ['context has input.a && context.input.a > 3', '{a?: long}'],
    ['context.input.a.b.c == 1 && context.input.a has d', '{a: {b: {c: long}, d?: string}}'],
    ['context.input has a.b && context.input.a.b', '{a?: {b?: boolean}}'],
    ['context.input["a b"] == 1', '{a b: long}'],
    ['["x", context.input.a].contains("y")', '{a: string}'],
    // Nobody can tell.
    ['context.input.a == context.input.b && context.input.c == resource.name', '{}'],
    [
      'context.input.a == 1 || context.input.a == "x" || context.input.b.c == 1 || context.input.b == 1',
      '{}',
    ],
    ['{ a: context.input } == context.input', '{}'],
  ])('is what policies take it for: %s', (condition, expected) => {
    expect(inputOf(`permit (principal, action, resource) when { ${condition} };`)).toBe(expected)
  })

  test('is optional when every policy tests for it', () => {
    const of = (condition: string) => `forbid (principal, action, resource) when { ${condition} };`
    const both =
      of('context.input has a && context.input.a like "x"') + of('context.input has a.b && context.input.a.b')
    expect(inputOf(of('context.input has a && context.input.a like "x"') + of('context.input has a'))).toBe(
      '{a?: string}',
    )
    expect(inputOf(of('context.input has a') + of('context.input.a like "x"'))).toBe('{a: string}')
    expect(inputOf(both)).toBe('{}')
  })

  test('is taken from policies about the server only', () => {
    const when = 'when { context.input.a == 1 };'
    expect(inputOf(`permit (principal, action == Action::"files__read", resource) ${when}`)).toBe('{}')
    expect(inputOf(`permit (principal, action, resource in Server::"files") ${when}`)).toBe('{}')
  })

  test('is added where a definition leaves room, and no name is close', () => {
    const properties = {
      path: { type: 'string' },
      filter: {},
      meta: { type: 'object' },
      fixed: { properties: {} },
    }
    const of = (name: string) =>
      `permit (principal, action in Action::"tools/call", resource) when { context.input.${name} == 1 };`
    const text = ['pathh', 'other', 'filter', 'meta.x', 'fixed.x'].map(of).join('')
    const closed = { name: 'q', inputSchema: { properties } }
    expect(inputOf(text, [closed])).toBe('{path?: string, meta?: {x: long}, fixed?: {}, filter?: long}')
    const open = { name: 'q', inputSchema: { properties, additionalProperties: true } }
    expect(inputOf(text, [open])).toBe(
      '{path?: string, meta?: {x: long}, fixed?: {}, other: long, filter?: long}',
    )
  })
})

describe('tools', () => {
  test('have the names, the groups and the inputs that policies use', () => {
    const { actions } = resolved(build())
    const read = actions.get('Action::"files__read"')
    expect(read?.entity.ancestors).toEqual(new Set(['Action::"tools/call"']))
    expect([read?.principals, read?.resources]).toEqual([
      new Set(['User', 'Service', 'Agent']),
      new Set(['Tool']),
    ])
    const input = read?.context.members.get('input')?.type
    expect(input).toMatchObject({
      kind: 'record',
      members: new Map([
        ['path', { required: true }],
        ['limit', { required: false }],
      ]),
    })
  })

  test('leave notes about what cannot be typed', () => {
    const made = build('', { files: [READ], db: undefined })
    expect(made.notes.map(({ message }) => message)).toEqual([
      'input.filter of files__read has a schema that any value fits',
      'the tools of db are not known: the arguments that policies read of them are taken for granted',
    ])
    expect(made.unknown('files__read', ['input', 'filter', 'x'])).toBe(
      'has input.filter, which has a schema that any value fits',
    )
    expect(made.unknown('files__read', ['input', 'pth'])).toBeUndefined()
    expect(made.unknown('files__read', ['inputs'])).toBeUndefined()
    expect(made.unknown('db__*', ['input', 'x'])).toBe('has an input that is not known')
    expect(made.unknown('db__*', ['source', 'x'])).toBeUndefined()
  })

  test('that are not known have the actions that policies name, and one for the rest', () => {
    const text = `permit (principal, action in [Action::"db__query", Action::"files__gone"], resource);
      forbid (principal, action, resource) when { action == Action::"db__drop" || [Action::"nowhere__x"].contains(action) };`
    const { actions } = resolved(build(text, { files: [READ], db: undefined }))
    const ids = [...actions.values()].map(({ entity }) => entity.id)
    expect(ids.filter((id) => id.includes('__'))).toEqual(['files__read', 'db__query', 'db__drop', 'db__*'])
  })

  test('of any definition make a schema', () => {
    const odd = ['', 'a/b', 'a"b', '__proto__', '*', 'read'].map((name) => ({
      name,
      inputSchema: { $ref: '#' },
    }))
    const made = build('', { files: [READ, ...odd] })
    expect(resolved(made).actions.has('Action::"files____proto__"')).toBe(true)
    // Twice there, so nobody knows which is meant.
    expect(made.unknown('files__read', ['input', 'path'])).toBe(
      'has an input that is that of several tools of this name',
    )
  })

  test('do not apply where the scope leaves out them or their server', () => {
    const text = `@id("one") permit (principal, action, resource in Server::"files");
      @id("another") permit (principal, action, resource is Tool in Server::"files");
      @id("all") permit (principal, action == Action::"db__read", resource);
      @id("none") permit (principal, action, resource in Server::"gone");
      @id("tool") permit (principal, action, resource == Tool::"db__read");
      @id("unknown") permit (principal, action in Action::"tools/call", resource == Tool::"silent__any");`
    const { checks } = build(text, {
      files: [READ],
      db: [READ, { ...READ, name: 'write' }],
      silent: undefined,
    })
    const told = checks.map(({ policies, fragment }) => {
      const tools = applicable(resolved({ fragment })).filter((id) => id.includes('__'))
      return [policies.map(({ id }) => id).join(' '), tools] as const
    })
    expect(told).toEqual([
      ['one another', ['files__read']],
      ['all', ['files__read', 'db__read', 'db__write', 'silent__*']],
      ['none', []],
      ['tool', ['db__read']],
      ['unknown', ['silent__*']],
    ])
    for (const { fragment } of checks)
      expect(resolved({ fragment }).actions.has('Action::"db__read"')).toBe(true)
  })
})

describe('the counters of context.history', () => {
  const historyOf = (counters: readonly string[]) => {
    const action = resolved(build('', { files: [READ] }, counters)).actions.get('Action::"files__read"')
    return action?.context?.kind === 'record' ? action.context.members.get('history') : undefined
  }

  test('are those that are configured, each a Long and always there', () => {
    const history = historyOf(['pushes', 'calls'])
    expect(history?.required).toBe(true)
    const type = history?.type as Extract<CedarType, { kind: 'record' }> | undefined
    expect([...(type?.members ?? [])]).toEqual([
      ['pushes', { required: true, type: { kind: 'long' } }],
      ['calls', { required: true, type: { kind: 'long' } }],
    ])
  })

  test('may be looked for where none are configured, and none is there', () => {
    expect(historyOf([])?.required).toBe(false)
    expect(historyOf([])?.type).toMatchObject({ kind: 'record' })
    expect(build().unknown('files__read', ['history', 'pushes'])).toBeUndefined()
  })
})
