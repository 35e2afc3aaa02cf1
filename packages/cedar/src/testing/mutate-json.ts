// For tests: JSON that is nearly what it was.

import type { Random } from './random.ts'

/** What is put in. */
export interface JsonPool {
  readonly names: readonly string[]
  readonly strings: readonly string[]
  readonly values: readonly unknown[]
}

const NAMES = [
  'left',
  'right',
  'arg',
  'op',
  'entity',
  'slot',
  'Value',
  'Var',
  'attr',
  'type',
  'id',
  'x',
  'a::b',
]
const STRINGS = [
  'a',
  '',
  'principal',
  'context',
  '==',
  'in',
  'when',
  'User',
  'Action',
  'Wildcard',
  '?resource',
]
const VALUES: readonly unknown[] = [
  null,
  true,
  1,
  1.5,
  '',
  'principal',
  'All',
  'in',
  '?principal',
  'if',
  [],
  {},
  ['Wildcard'],
  { Value: 1 },
  { Var: 'context' },
  { type: 'User', id: 'x' },
  { __entity: { type: 'User', id: 'x' } },
  { __extn: { fn: 'ip', arg: 'x' } },
]

const POLICY_POOL: JsonPool = { names: NAMES, strings: STRINGS, values: VALUES }

/** The value with one place in it changed, more often far from the top. */
export function mutateJson(random: Random, value: unknown, pool = POLICY_POOL): unknown {
  const isContainer = typeof value === 'object' && value !== null && Object.keys(value).length > 0
  if (typeof value === 'string' && random.chance(0.7)) return random.pick(pool.strings)
  if (!isContainer || random.chance(0.08)) return random.pick(pool.values)
  if (Array.isArray(value)) {
    const at = random.below(value.length)
    return value.map((item: unknown, index) => (index === at ? mutateJson(random, item, pool) : item))
  }
  const members = Object.entries(value)
  // The largest member most often: there is most to change.
  const sizes = members.map(([, member]) => JSON.stringify(member).length)
  const at = random.chance(0.6) ? sizes.indexOf(Math.max(...sizes)) : random.below(members.length)
  const [name = '', member] = members[at] ?? []
  const kind = random.below(20)
  if (kind === 0) members.splice(at, 1)
  else if (kind === 1) members.splice(at, 1, [random.pick(pool.names), member])
  else if (kind === 2) members.push([random.pick(pool.names), random.pick(pool.values)])
  else members[at] = [name, mutateJson(random, member, pool)]
  return Object.fromEntries(members)
}
