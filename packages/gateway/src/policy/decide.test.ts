import { describe, expect, test } from 'vitest'
import { createCaller } from '../model/caller.ts'
import type { Query } from '../model/decision.ts'
import { decide } from './decide.ts'
import type { ToolFacts } from '../model/tool-facts.ts'
import { Policies } from './policies.ts'
import { fullName, promptTarget, resourceTarget, toolTarget } from './query.ts'
import { isReachable } from './reach.ts'
import { isVisible } from './visible.ts'

const nowMs = Date.UTC(2026, 0, 1)
const facts: Record<string, ToolFacts> = { files__read: { readOnly: true }, files__send: { sends: true } }

function load(text: string): Policies {
  const loaded = Policies.load([{ file: 'test.cedar', text }], {
    environment: 'prod',
    toolFacts: (tool) => facts[tool],
  })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  return loaded.value
}

function query(over: Partial<Query> = {}): Query {
  return {
    requestId: 'r',
    caller: createCaller(
      { type: 'User', id: 'alice' },
      { agent: { type: 'Agent', id: 'bot' } },
      { method: 'api-key', credential: 'k' },
    ),
    server: 'files',
    method: 'tools/call',
    manner: 'rule',
    target: toolTarget('files__read'),
    alsoTargets: [],
    subject: 'files__read',
    input: { path: 'docs/a' },
    source: { transport: 'tcp', ip: '127.0.0.1' },
    protocolVersion: '2026-07-28',
    sessionStartedAtMs: undefined,
    ...over,
  }
}

const connect = (method: string) =>
  query({ method, manner: 'connect', target: { action: method, resource: { type: 'Server', id: 'files' } } })
const PERMIT = '@id("p") permit (principal, action in Action::"tools/call", resource in Server::"files");'

describe('a call', () => {
  test.each([
    ['nothing permits it', '', 'deny', []],
    ['a permit covers it', PERMIT, 'allow', ['p']],
    [
      'its arguments fit',
      '@id("p") permit (principal, action, resource) when { context.input.path like "docs/*" };',
      'allow',
      ['p'],
    ],
    [
      'its arguments do not fit',
      '@id("p") permit (principal, action, resource) when { context.input.path == "x" };',
      'deny',
      [],
    ],
    ['a forbid wins', `${PERMIT} @id("f") forbid (principal, action, resource);`, 'deny', ['f']],
    [
      'the agent is the right one',
      '@id("p") permit (principal, action, resource) when { context.agent == Agent::"bot" };',
      'allow',
      ['p'],
    ],
    [
      'it is production',
      '@id("p") permit (principal, action, resource) when { context.environment.name == "prod" };',
      'allow',
      ['p'],
    ],
    [
      'it comes from this machine',
      '@id("p") permit (principal, action, resource) when { context.source.ip.isLoopback() };',
      'allow',
      ['p'],
    ],
    [
      'the tool is read-only',
      '@id("p") permit (principal, action, resource) when { resource.readOnly && !resource.destructive };',
      'allow',
      ['p'],
    ],
  ])('is judged when %s', (_name, text, effect, policies) => {
    expect(decide(load(text), query(), nowMs)).toMatchObject({ effect, policies })
  })

  test.each([
    ['a permit', '@id("e") permit (principal, action, resource) when { context.input.path + 1 == 1 };'],
    ['a forbid', '@id("e") forbid (principal, action, resource) when { context.input.limit + 1 > 2 };'],
  ])('is refused when %s cannot be evaluated, although another permit covers it', (_name, text) => {
    const decision = decide(load(`${PERMIT} ${text}`), query(), nowMs)
    expect(decision).toMatchObject({ effect: 'deny', refusal: { reason: 'not-permitted' } })
    expect(decision.detail).toMatch(/^"e" \(test\.cedar:1:\d+\): /)
  })

  test('arguments never become entities', () => {
    const text = '@id("p") permit (principal, action, resource) when { context.input.who == User::"alice" };'
    const forged = query({ input: { who: { __entity: { type: 'User', id: 'alice' } } } })
    expect(decide(load(text), forged, nowMs)).toMatchObject({ effect: 'deny' })
  })
})

describe('a refusal', () => {
  const reasonOf = (text: string, asked = query()) => decide(load(text), asked, nowMs).refusal
  const forbid = (remedy: string, extra = '') =>
    `@id("f") @remedy("${remedy}") forbid (principal, action, resource) ${extra};`

  test('says that the tool is unknown when no arguments would do', () => {
    const text = `@id("p") permit (principal, action == Action::"files__other", resource);`
    expect(reasonOf(text)).toMatchObject({ reason: 'unknown', what: 'name', message: 'Unknown tool: read' })
  })

  test('names the remedy that would lift the forbid', () => {
    expect(reasonOf(PERMIT + forbid('task'))).toMatchObject({
      reason: 'task-required',
      remedy: { kind: 'task' },
    })
    expect(reasonOf(PERMIT + forbid('approval'))).toMatchObject({
      reason: 'approval-required',
      remedy: { kind: 'approval' },
    })
  })

  test('does not promise that an approval helps when another forbid stands', () => {
    const text = `${PERMIT}${forbid('approval')} @id("g") forbid (principal, action, resource) when { context.input.path like "docs/*" };`
    expect(reasonOf(text)).toMatchObject({ reason: 'not-permitted' })
  })

  test('hides what an approval alone would not open', () => {
    expect(
      reasonOf(
        `@id("q") permit (principal, action == Action::"files__other", resource);${forbid('approval')}`,
      ),
    ).toMatchObject({
      reason: 'unknown',
    })
  })

  test('passes on the advice of a forbid', () => {
    expect(
      reasonOf(`${PERMIT}${forbid('Ask the data team.', 'when { context.input.path like "docs/*" }')}`),
    ).toMatchObject({
      reason: 'not-permitted',
      remedy: { kind: 'policy', hint: 'Ask the data team.' },
    })
  })
})

describe('connecting and listing', () => {
  test('is carried by any permit on the server', () => {
    expect(decide(load(PERMIT), connect('initialize'), nowMs)).toMatchObject({
      effect: 'allow',
      policies: ['p'],
    })
  })

  test.each([
    ['anything', PERMIT, true],
    ['one tool of it', '@id("p") permit (principal, action == Action::"files__x", resource);', true],
    ['a resource by its name', '@id("p") permit (principal, action, resource == Resource::"a");', true],
    ['something for somebody else', '@id("p") permit (principal == User::"bob", action, resource);', false],
    ['a tool of another server', '@id("p") permit (principal, action == Action::"db__x", resource);', false],
    ['another server', '@id("p") permit (principal, action, resource in Server::"db");', false],
    [
      'tools of another server',
      '@id("p") permit (principal, action, resource is Tool in Server::"db");',
      false,
    ],
  ])('reaches a server when a permit covers %s', (_name, text, reachable) => {
    expect(isReachable(load(text), query().caller, 'files')).toBe(reachable)
    expect(decide(load(text), connect('initialize'), nowMs).effect).toBe(reachable ? 'allow' : 'deny')
  })

  test('can be forbidden', () => {
    const text = `${PERMIT} @id("f") forbid (principal, action == Action::"initialize", resource);`
    expect(decide(load(text), connect('initialize'), nowMs)).toMatchObject({
      effect: 'deny',
      policies: ['f'],
    })
    expect(decide(load(text), connect('tools/list'), nowMs)).toMatchObject({ effect: 'allow' })
  })

  test('judges every resource that is watched', () => {
    const text =
      '@id("p") permit (principal, action == Action::"resources/subscribe", resource == Resource::"a");'
    const watch = (uris: string[]) => {
      return query({
        ...connect('subscriptions/listen'),
        alsoTargets: uris.map((uri) => resourceTarget(uri, 'resources/subscribe')),
      })
    }
    expect(decide(load(text), watch(['a']), nowMs)).toMatchObject({ effect: 'allow' })
    expect(decide(load(text), watch(['a', 'b']), nowMs)).toMatchObject({ effect: 'deny' })
  })
})

describe('following up a task', () => {
  const follow = query({
    method: 'tasks/get',
    manner: 'handle',
    target: { action: 'tasks/get', resource: { type: 'Tool', id: 'files__read' } },
  })

  test('needs the tool to be callable still', () => {
    expect(decide(load(PERMIT), follow, nowMs)).toMatchObject({ effect: 'allow' })
    const other = '@id("p") permit (principal, action == Action::"files__other", resource);'
    expect(decide(load(other), follow, nowMs)).toMatchObject({ effect: 'deny' })
  })

  test('can be forbidden', () => {
    expect(
      decide(
        load(`${PERMIT} @id("f") forbid (principal, action == Action::"tasks/get", resource);`),
        follow,
        nowMs,
      ),
    ).toMatchObject({
      effect: 'deny',
      policies: ['f'],
    })
  })
})

describe('what is visible', () => {
  const sees = (text: string, kind: 'tool' | 'prompt' | 'resource' | 'template', name: string) => {
    return isVisible({ policies: load(text), query: query(), nowMs }, kind, name)
  }

  test.each([
    [
      'allowed with some arguments',
      '@id("p") permit (principal, action, resource) when { context.input.path == "x" };',
      true,
    ],
    [
      'allowed with none',
      '@id("p") permit (principal, action, resource) when { resource.readOnly && context.input.path == "x" && 1 == 2 };',
      false,
    ],
    ['forbidden whatever the arguments', `${PERMIT} @id("f") forbid (principal, action, resource);`, false],
    [
      'forbidden with some arguments',
      `${PERMIT} @id("f") forbid (principal, action, resource) when { context.input.path == "x" };`,
      true,
    ],
    [
      'waiting for a task',
      `${PERMIT} @id("f") @remedy("task") forbid (principal, action, resource) unless { context has task };`,
      true,
    ],
    [
      'in error whatever the arguments',
      `${PERMIT} @id("e") permit (principal, action, resource) when { context.nothing };`,
      false,
    ],
  ])('a tool %s', (_name, text, seen) => {
    expect(sees(text, 'tool', 'read')).toBe(seen)
  })

  test('a prompt and a resource, by their own actions', () => {
    const text = `permit (principal, action == Action::"prompts/get", resource == Prompt::"${fullName('files', 'hello')}");
      permit (principal, action == Action::"resources/read", resource == Resource::"file:///a");`
    expect(sees(text, 'prompt', 'hello')).toBe(true)
    expect(sees(text, 'prompt', 'other')).toBe(false)
    expect(sees(text, 'resource', 'file:///a')).toBe(true)
    expect(sees(text, 'resource', 'file:///b')).toBe(false)
    expect(sees(text, 'tool', 'read')).toBe(false)
    expect(promptTarget('files__hello').resource.type).toBe('Prompt')
  })

  test('a template, when some resource could be read', () => {
    expect(
      sees(
        'permit (principal, action == Action::"resources/read", resource in Server::"files");',
        'template',
        'f:///{x}',
      ),
    ).toBe(true)
    expect(
      sees(
        'permit (principal, action == Action::"resources/read", resource in Server::"db");',
        'template',
        'f:///{x}',
      ),
    ).toBe(false)
    expect(sees(PERMIT, 'template', 'f:///{x}')).toBe(false)
  })
})
