/**
 * However grants are handed on, nobody gains by it: what a chain allows is allowed by each grant of it, taken alone, and by
 * an evaluator of the same few constraints that shares nothing with the gateway's.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import type { TaskGrant, TaskRecord } from '../../packages/gateway/src/model/task.ts'
import { parseGrant } from '../../packages/gateway/src/tasks/grant.ts'
import { Task } from '../../packages/gateway/src/tasks/task.ts'
import type { Use } from '../../packages/gateway/src/tasks/use.ts'
import { KnownValues } from '../../packages/gateway/src/tasks/values.ts'

const SERVERS = ['files', 'git']
const TOOLS = ['files__read', 'files__write', 'git__push', 'git__log']
const READ_ONLY = new Set(['files__read', 'git__log'])
const ARGUMENTS = ['path', 'branch', 'count']
const VALUES = ['/srv/a', '/srv/src/a', '/srv/src', '/etc/a', 'fix/a', 'main', 'x', 1, 5, 9, true, null]
const ROOTS = ['/srv', '/srv/src', '/etc']

const constraint: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.constant({}),
  fc.constantFrom(...VALUES).map((value) => ({ const: value })),
  fc
    .uniqueArray(fc.constantFrom(...VALUES), { minLength: 1, maxLength: 4 })
    .map((values) => ({ enum: values })),
  fc.constantFrom('fix/', '/srv', 'm').map((start) => ({ type: 'string', pattern: `^${start}` })),
  fc.constantFrom(1, 5, 8).map((maximum) => ({ type: 'number', maximum })),
  fc.uniqueArray(fc.constantFrom(...ROOTS), { minLength: 1, maxLength: 2 }).map((within) => ({ within })),
)
const grant = fc
  .record({
    servers: fc.subarray(SERVERS),
    tools: fc.dictionary(
      fc.constantFrom(...TOOLS),
      fc.dictionary(fc.constantFrom(...ARGUMENTS), constraint, { noNullPrototype: true }),
      { minKeys: 1, noNullPrototype: true },
    ),
    other_arguments: fc.constantFrom('allow', 'refuse'),
  })
  .map((written) => {
    const parsed = parseGrant({ purpose: 'p', ...written })
    if (!parsed.ok) throw new Error(parsed.error.join())
    return parsed.value
  })
const chain = fc.array(grant, { minLength: 1, maxLength: 5 })
const call = fc.record({
  name: fc.constantFrom(...TOOLS),
  input: fc.dictionary(fc.constantFrom(...ARGUMENTS), fc.constantFrom(...VALUES), { noNullPrototype: true }),
})

const record = (given: TaskGrant, index: number): TaskRecord => ({
  id: `t-${index}`,
  principal: { type: 'User', id: 'ada' },
  grant: given,
  startedAtMs: 0,
  expiresAtMs: 1,
})
/** Own first, as the gateway has them. */
function taskOf([own, ...above]: readonly TaskGrant[]): Task {
  if (own === undefined) throw new Error('a chain has a grant')
  const records = [record(own, 0), ...above.map((each, index) => record(each, index + 1))] as const
  const values = new KnownValues(new Uint8Array(32))
  return new Task({ chain: records, endorsed: [], values }, { sightOf: () => ({ placeOf: () => undefined }) })
}

function useOf({ name, input }: { name: string; input: JsonObject }): Use {
  const facts = { readOnly: READ_ONLY.has(name) }
  return { kind: 'tool', server: name.slice(0, name.indexOf('__')), name, facts, input }
}

/** What a grant allows, said again in the simplest words. */
function allows(given: TaskGrant, name: string, input: JsonObject): boolean {
  const [server = ''] = name.split('__')
  const constraints = given.tools[name]
  const isReadOnly = READ_ONLY.has(name)
  if (constraints === undefined && !(isReadOnly && given.servers.includes(server))) return false
  return Object.entries(input).every(([argument, value]) => {
    const schema = constraints?.[argument]
    if (schema === undefined) return isReadOnly && given.other_arguments === 'allow'
    if ('const' in schema) return schema['const'] === value
    if (Array.isArray(schema['enum'])) return schema['enum'].includes(value)
    if (typeof schema['pattern'] === 'string')
      return typeof value === 'string' && value.startsWith(schema['pattern'].slice(1))
    if (typeof schema['maximum'] === 'number') return typeof value === 'number' && value <= schema['maximum']
    const roots = schema['within'] as string[] | undefined
    return (
      roots === undefined ||
      (typeof value === 'string' && roots.some((root) => value === root || value.startsWith(`${root}/`)))
    )
  })
}

test('no chain allows what one of its grants refuses, in 100,000 calls', { timeout: 300_000 }, () => {
  let cases = 0
  let allowed = 0
  fc.assert(
    fc.property(chain, fc.array(call, { minLength: 100, maxLength: 100 }), (grants, calls) => {
      const whole = taskOf(grants)
      const alone = grants.map((each) => taskOf([each]))
      for (const each of calls) {
        const use = useOf(each)
        const isWithin = whole.outside(use) === undefined
        expect(isWithin).toBe(alone.every((task) => task.outside(use) === undefined))
        expect(isWithin).toBe(grants.every((given) => allows(given, each.name, each.input)))
        cases += 1
        if (isWithin) allowed += 1
      }
    }),
    { numRuns: 1000 },
  )
  expect(cases).toBe(100_000)
  // Neither answer is the only one there is.
  expect(allowed).toBeGreaterThan(1000)
  expect(cases - allowed).toBeGreaterThan(1000)
})

test('a tool is listed by a chain exactly when some arguments can be called with', () => {
  fc.assert(
    fc.property(chain, fc.constantFrom(...TOOLS), (grants, name) => {
      const { input: _, ...some } = useOf({ name, input: {} }) as Use & { kind: 'tool' }
      const isListed = taskOf(grants).outside(some) === undefined
      // No argument has to be there, so none at all is the call that is allowed whenever one is.
      expect(isListed).toBe(taskOf(grants).outside(useOf({ name, input: {} })) === undefined)
    }),
    { numRuns: 300 },
  )
})
