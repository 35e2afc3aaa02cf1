import { expect, test } from 'vitest'
import { parseGrant } from './grant.ts'

const LEAST = { purpose: 'Fix the failing date test', servers: ['files'] }

test('a grant that says little is filled in', () => {
  expect(parseGrant(LEAST)).toEqual({
    ok: true,
    value: {
      ...LEAST,
      type: 'tollgate_task',
      tools: {},
      other_arguments: 'allow',
      budget: {},
      expires_in: 3600,
      flow: 'strict',
    },
  })
})

test.each<[string, object, string]>([
  ['no purpose', { servers: ['files'] }, 'purpose: '],
  ['another type', { ...LEAST, type: 'payment_initiation' }, 'type: '],
  ['a member that is not known', { ...LEAST, tool: {} }, '"tool" is not known here'],
  ['a tool without its server', { ...LEAST, tools: { write_file: {} } }, 'tools.write_file: '],
  ['a budget of nothing', { ...LEAST, budget: { calls: 0 } }, 'budget.calls: '],
  ['a budget that is misspelt', { ...LEAST, budget: { call: 1 } }, 'budget: "call" is not known here'],
  ['no end', { ...LEAST, expires_in: 0 }, 'expires_in: '],
  ['a year', { ...LEAST, expires_in: 365 * 86_400 }, 'expires_in: '],
  ['another flow', { ...LEAST, flow: 'loose' }, 'flow: '],
  ['nothing to use', { purpose: 'Nothing' }, 'tools: a task needs a tool or a server'],
  ['an escape in the purpose', { ...LEAST, purpose: '\u001b[2J' }, 'purpose: '],
])('with %s it is refused, by the member’s name', (_, grant, message) => {
  const parsed = parseGrant(grant)
  expect(parsed.ok).toBe(false)
  expect(!parsed.ok && parsed.error.join('\n')).toContain(message)
})

test('a constraint on a name that would be lost is refused', () => {
  const tools = JSON.parse('{"files__read":{"__proto__":{"const":1}}}') as object
  expect(parseGrant({ ...LEAST, tools }).ok).toBe(false)
  expect(parseGrant({ ...LEAST, tools: { files__read: { proto: {} } } }).ok).toBe(true)
})
