/**
 * What is listed is what could be called (A9, invariant 4): over random policies, a tool is visible when some arguments
 * make its call allowed, or when only a task or an approval stands before it; and it is visible only then, except
 * where a permit and a forbid ask the same of the arguments, which is not worked out: such a tool is shown.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCaller } from '../../packages/gateway/src/model/caller.ts'
import type { Query } from '../../packages/gateway/src/model/decision.ts'
import { decide } from '../../packages/gateway/src/policy/decide.ts'
import { Policies } from '../../packages/gateway/src/policy/policies.ts'
import { toolTarget } from '../../packages/gateway/src/policy/query.ts'
import { isVisible } from '../../packages/gateway/src/policy/visible.ts'
import { PERMIT_ALL, startTestGateway } from '../fixtures/gateway.ts'
import { messagesOf, postModern, type RawRequest } from '../fixtures/raw-http.ts'
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts'

const tools = ['read', 'write', 'send']
const inputs = [
  {},
  { path: 'a' },
  { path: 'b' },
  { count: 1 },
  { path: 'a', count: 1 },
  { path: 'b', count: 2 },
]

// Every condition is decided by one of the inputs above, so that trying them all is trying everything.
const conditions = [
  '',
  'when { context.input has path && context.input.path == "a" }',
  'when { context.input has path }',
  'unless { context.input has path }',
  'when { context.input has count && context.input.count == 2 }',
  'when { resource.readOnly }',
  'unless { resource.readOnly }',
  'when { context has task }',
  'when { principal == User::"bob" }',
  'when { context.source.transport == "unix" }',
]
/** Of these the last five do not ask for arguments. */
const withoutArguments = ['', ...conditions.slice(-5)]

const policyOf = (forbidConditions: readonly string[]) =>
  fc
    .record({
      effect: fc.constantFrom('permit', 'permit', 'forbid'),
      remedy: fc.constantFrom('', '', '@remedy("task")', '@remedy("approval")', '@remedy("ask somebody")'),
      principal: fc.constantFrom('principal', 'principal == User::"alice"', 'principal == User::"bob"'),
      action: fc.constantFrom(
        'action',
        'action in Action::"tools/call"',
        ...tools.map((tool) => `action == Action::"files__${tool}"`),
      ),
      resource: fc.constantFrom(
        'resource',
        'resource in Server::"files"',
        'resource in Server::"db"',
        'resource == Tool::"files__read"',
      ),
      permitted: fc.constantFrom(...conditions),
      forbidden: fc.constantFrom(...forbidConditions),
    })
    .map(({ effect, remedy, principal, action, resource, permitted, forbidden }) => {
      const condition = effect === 'permit' ? permitted : forbidden
      return `${remedy} ${effect} (${principal}, ${action}, ${resource}) ${condition};`
    })

const alice = createCaller({ type: 'User', id: 'alice' }, {}, { method: 'anonymous' })
const nowMs = Date.UTC(2026, 0, 1)

function query(tool: string, input: unknown): Query {
  return {
    requestId: 'r',
    caller: alice,
    server: 'files',
    method: 'tools/call',
    manner: 'rule',
    target: toolTarget(`files__${tool}`),
    alsoTargets: [],
    subject: `files__${tool}`,
    input,
    source: { transport: 'tcp', ip: '127.0.0.1' },
    protocolVersion: '2026-07-28',
    sessionStartedAtMs: undefined,
  }
}

function load(texts: readonly string[]): Policies {
  const toolFacts = (name: string) => (name === 'files__read' ? { readOnly: true } : undefined)
  const loaded = Policies.load([{ file: 'random.cedar', text: texts.join('\n') }], {
    environment: 'test',
    toolFacts,
  })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  return loaded.value
}

const isCallable = (texts: readonly string[], tool: string) => {
  const policies = load(texts)
  return inputs.some((input) => decide(policies, query(tool, input), nowMs).effect === 'allow')
}

/** Whether the tool is shown, and whether it could be used with some arguments, once what can be lifted is lifted. */
function judge(texts: readonly string[], tool: string) {
  const policies = load(texts)
  const visible = isVisible({ policies, query: query(tool, {}), nowMs }, 'tool', tool)
  // Hidden means refused as unknown, whatever the arguments; visible means refused with a reason.
  for (const input of inputs) {
    const reason = decide(policies, query(tool, input), nowMs).refusal?.reason
    if (reason !== undefined) expect(reason === 'unknown', `${reason}: ${texts.join('\n')}`).toBe(!visible)
  }
  const lifted = texts.filter((text) => !/^@remedy\("(task|approval)"\) forbid/.test(text))
  return { visible, usable: isCallable(texts, tool) || isCallable(lifted, tool) }
}

test('exactly, where forbids do not ask for arguments', () => {
  const seen = { shown: 0, hidden: 0 }
  const policies = fc.array(policyOf(withoutArguments), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(policies, fc.constantFrom(...tools), (texts, tool) => {
      const { visible, usable } = judge(texts, tool)
      expect(visible, texts.join('\n')).toBe(usable)
      seen[visible ? 'shown' : 'hidden']++
    }),
    { numRuns: 2000 },
  )
  expect(Math.min(seen.shown, seen.hidden)).toBeGreaterThan(200)
})

test('always what is usable, and seldom more, where they do', () => {
  const seen = { usable: 0, shownForNothing: 0 }
  const policies = fc.array(policyOf(conditions), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(policies, fc.constantFrom(...tools), (texts, tool) => {
      const { visible, usable } = judge(texts, tool)
      if (usable) expect(visible, texts.join('\n')).toBe(true)
      if (usable) seen.usable++
      else if (visible) seen.shownForNothing++
    }),
    { numRuns: 2000 },
  )
  expect(seen.shownForNothing).toBeLessThan(seen.usable / 10)
})

test('a hidden tool is refused byte for byte like one that does not exist, and an unreachable server too', async () => {
  const upstream = await startRecordingUpstream()
  const gateway = await startTestGateway({
    config: `servers:\n  files: { url: '${upstream.url}' }\n  db: { url: '${upstream.url}' }\n`,
    policies: 'permit (principal == User::"alice", action == Action::"files__echo", resource);',
  })
  const key = gateway.key('alice')
  const ask = async (server: string, request: RawRequest) => {
    const response = await postModern(gateway.url(server), request, { key })
    const headers = [...response.headers.keys()].filter((name) => name !== 'date').toSorted()
    const messages = []
    for await (const message of messagesOf(response)) messages.push(message)
    return { status: response.status, headers, messages }
  }
  const call = (name: string) => ({ id: 1, method: 'tools/call', params: { name, arguments: {} } })
  expect((await ask('files', call('echo'))).messages[0], 'control').toMatchObject({ result: {} })
  const before = upstream.requests.length
  const [hidden, missing] = [await ask('files', call('whoami')), await ask('files', call('nobody'))]
  const text = (answer: unknown, name: string) => JSON.stringify(answer).replaceAll(name, 'NAME')
  expect(text(hidden, 'whoami')).toBe(text(missing, 'nobody'))
  expect(hidden.messages[0]).toEqual({
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32602, message: 'Unknown tool: whoami' },
  })
  const withoutIds = (answer: unknown) => JSON.stringify(answer).replace(/"requestId":"[^"]+"/, '')
  expect(withoutIds(await ask('db', call('echo')))).toBe(withoutIds(await ask('nothing', call('echo'))))
  expect(upstream.requests.length).toBe(before)
  await gateway.close()
  await upstream.close()
})

test('control: with everything permitted both tools are callable', async () => {
  const upstream = await startRecordingUpstream()
  const gateway = await startTestGateway({
    config: `servers:\n  files: { url: '${upstream.url}' }\n`,
    policies: PERMIT_ALL,
  })
  const request = { id: 1, method: 'tools/call', params: { name: 'whoami', arguments: {} } }
  const response = await postModern(gateway.url('files'), request, { key: gateway.key('alice') })
  for await (const message of messagesOf(response)) expect(message).toMatchObject({ result: {} })
  await gateway.close()
  await upstream.close()
})
