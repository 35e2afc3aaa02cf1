/** Arguments that look like what they are not: names that every object has, the escapes of Cedar’s JSON, great sizes (A8). */
import { afterAll, beforeAll, test } from 'vitest'
import {
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'

/** What a call with `"want": "<name>"` has to fulfil. */
const CONDITIONS = {
  constructor: 'context.input has constructor',
  toString: 'context.input.toString == "x"',
  hasOwnProperty: 'context.input has hasOwnProperty',
  length: 'context.input.a has length',
  user: 'context.input.a == User::"alice" || context.input.a is User',
  member: 'principal in context.input.a',
  address: 'context.input.a == ip("127.0.0.1")',
  decimal: 'context.input.a == decimal("1.5")',
  date: 'context.input.a == datetime("2024-01-01")',
  record:
    'context.input.a has "__entity" && context.input.a == {"__entity": {"type": "User", "id": "alice"}}',
  element: 'context.input.a.contains(9999)',
  attribute: 'context.input.a has k9999 && context.input.a.k9999 == 9999',
  equal: 'context.input.a == context.input.b',
  deep: 'context.input.a.a.a has a',
  present: 'context.input has a',
  one: 'context.input.a == 1',
} as const

let gateway: WatchedGateway
beforeAll(async () => {
  const policies = Object.entries(CONDITIONS).map(
    ([name, condition]) =>
      `@id("${name}") permit (principal, action, resource)\nwhen { context.input has want && context.input.want == "${name}" && (${condition}) };`,
  )
  gateway = await startWatchedGateway({ policies: policies.join('\n') })
})
afterAll(() => gateway.close())

type Condition = keyof typeof CONDITIONS

/** The members of the arguments beside `want`, as JSON. */
async function call(want: Condition, members: string) {
  const { body: written, ...request } = gateway.legacy({
    params: { name: 'echo', arguments: { want: 'IS', more: true } },
  })
  const body = String(written).replace('"IS","more":true', `${JSON.stringify(want)},${members}`)
  return gateway.send({ ...request, body })
}

const rows = (pairs: readonly (readonly [Condition, string])[]) =>
  pairs.map(([want, members]) => ({ want, members, shown: members.slice(0, 50) }))

const ENTITY = '{"__entity":{"type":"User","id":"alice"}}'
const extension = (fn: string, arg: string) => `{"__extn":{"fn":"${fn}","arg":"${arg}"}}`
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)
const list = (from: number, to: number) => `[${numbers(from, to).join()}]`
const record = (from: number, to: number) =>
  `{${numbers(from, to)
    .map((each) => `"k${each}":${each}`)
    .join()}}`
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

test.each(
  rows([
    ['constructor', '"constructor":1'],
    ['toString', '"toString":"x"'],
    ['hasOwnProperty', '"hasOwnProperty":null'],
    ['length', '"a":{"length":1}'],
    ['record', `"a":${ENTITY}`],
    ['decimal', '"a":1.5'],
    ['element', `"a":${list(0, 10_000)}`],
    ['attribute', `"a":${record(0, 10_000)}`],
    ['equal', `"a":${list(0, 9000)},"b":[${numbers(0, 9000).toReversed().join()}]`],
    ['deep', `"a":${nested(50)}`],
    ['present', '"a":null'],
  ]),
)('control: $want, $shown: permitted', async ({ want, members }) => {
  expectAllowed(await call(want, members))
})

test.each(
  rows([
    ['constructor', '"a":1'],
    ['toString', '"a":1'],
    ['hasOwnProperty', '"a":1'],
    ['length', '"a":[1,2]'],
    ['length', '"a":"text"'],
    ['user', `"a":${ENTITY}`],
    ['user', '"a":{"type":"User","id":"alice"}'],
    ['user', String.raw`"a":"User::\"alice\""`],
    ['member', `"a":${ENTITY}`],
    ['member', `"a":[${ENTITY}]`],
    ['address', `"a":${extension('ip', '127.0.0.1')}`],
    ['address', '"a":"127.0.0.1"'],
    ['decimal', `"a":${extension('decimal', '1.5')}`],
    ['date', `"a":${extension('datetime', '2024-01-01')}`],
    ['element', `"a":${list(0, 9999)}`],
    ['element', `"a":[${numbers(0, 9000).join()},null]`],
    ['attribute', `"a":${record(0, 9999)}`],
    ['equal', `"a":${list(0, 9000)},"b":${list(1, 9001)}`],
    ['present', `"b":${record(0, 10_000)}`],
    ['one', '"a":null'],
    ['one', '"a":"1"'],
    ['one', '"a":1.00001'],
  ]),
)('$want, $shown: refused', async ({ want, members }) => {
  expectRefused(await call(want, members), { status: 200, reason: 'not-permitted' })
})
