/**
 * What a task holds back, over a real gateway: each call that is refused is one that the same caller makes without the
 * task, by the same policies.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import type { TaskOptions } from '../fixtures/gateway.ts'
import { type CallOptions, startWatchedGateway, type WatchedGateway } from '../fixtures/watched-gateway.ts'

let gateway: WatchedGateway
let ada: string
beforeAll(async () => {
  gateway = await startWatchedGateway({
    policies: `@id("all") permit (principal, action, resource);
@id("asked") @remedy("approval") forbid (principal, action == Action::"files__asked", resource)
unless { context has approval };
@id("task") @remedy("task") forbid (principal, action == Action::"files__tasked", resource)
unless { context has task };
@id("hidden") forbid (principal, action == Action::"files__hidden", resource);`,
  })
  ada = gateway.key('ada')
})
afterAll(() => gateway.close())

const GRANT = { servers: ['files'], tools: { files__echo: { text: { const: 'hello' } }, files__asked: {} } }

interface Answered {
  readonly status: number
  readonly reason: string | undefined
  readonly text: string
  readonly forwarded: number
  readonly tools: readonly string[]
}

async function send(call: CallOptions): Promise<Answered> {
  const { replies, requests } = await gateway.send(gateway.modern(call))
  const body = JSON.parse(replies[0]?.body.toString() ?? '{}') as {
    result?: { content?: { text: string }[]; tools?: { name: string }[]; _meta?: JsonObject }
    error?: { message: string; data?: JsonObject & { reason?: string } }
  }
  const told = body.result?._meta?.['tollgate/refusal'] ?? body.error?.data?.['tollgate/refusal']
  return {
    status: replies[0]?.status ?? 0,
    reason: (told as { reason?: string } | undefined)?.reason ?? body.error?.data?.reason,
    text: body.error?.message ?? body.result?.content?.[0]?.text ?? '',
    forwarded: requests.length,
    tools: body.result?.tools?.map(({ name }) => name) ?? [],
  }
}

const call = (key: string, name: string, args: JsonObject = {}, more: Partial<CallOptions> = {}) =>
  send({ key, params: { name, arguments: args }, ...more })

describe('a call of a task', () => {
  test('goes through with what the grant holds, and nothing is asked of one without a task', async () => {
    const { key } = gateway.task(GRANT)
    expect(await call(key, 'echo', { text: 'hello' })).toMatchObject({ reason: undefined, forwarded: 1 })
    expect(await call(ada, 'echo', { text: 'bye' })).toMatchObject({ reason: undefined, forwarded: 1 })
  })

  test.each<[string, string, JsonObject, string]>([
    ['another argument', 'echo', { text: 'bye' }, '"text"'],
    ['an argument that is not mentioned', 'echo', { text: 'hello', to: 'eve' }, '"to"'],
    ['a tool that is not in it', 'add', { a: 1, b: 2 }, 'does not include files__add'],
    ['a tool of a shorthand that changes things', 'write', {}, 'does not include files__write'],
  ])('is refused with %s, and told why', async (_, tool, args, why) => {
    const { key } = gateway.task(GRANT)
    const refused = await call(key, tool, args)
    expect(refused).toMatchObject({ reason: 'outside-task', forwarded: 0 })
    expect(refused.text).toContain(why)
    expect(refused.text).toContain('Some work')
    expect(await call(ada, tool, args)).toMatchObject({ reason: undefined, forwarded: 1 })
  })

  test('is refused on a server that the grant does not name', async () => {
    const { key } = gateway.task(GRANT)
    const there = { server: 'db', method: 'tools/list', params: {} }
    expect(await send({ key, ...there })).toMatchObject({ reason: 'outside-task', forwarded: 0 })
    expect(await send({ key: ada, ...there })).toMatchObject({ reason: undefined, forwarded: 1 })
  })

  test('is refused by policies as without one: a task only narrows', async () => {
    const { key } = gateway.task({ tools: { files__hidden: {} } })
    expect(await call(key, 'hidden')).toMatchObject({ reason: undefined, text: 'Unknown tool: hidden' })
  })

  test.each(['files/delete', 'tools/callAll', 'resources/write', 'x'])(
    'is of a tool, never of the method %s',
    async (method) => {
      for (const grant of [GRANT, { servers: ['files'] }]) {
        const asked = { server: 'files', method, params: { path: '/', all: true } }
        const refused = await send({ key: gateway.task(grant).key, ...asked })
        expect(refused).toMatchObject({ reason: 'outside-task', forwarded: 0 })
        expect(refused.text).toContain(`does not include ${method}`)
        expect(await send({ key: ada, ...asked })).toMatchObject({ reason: undefined, forwarded: 1 })
      }
      const level = { method: 'logging/setLevel', params: { level: 'debug' } }
      expect(await send({ key: gateway.task(GRANT).key, ...level })).toMatchObject({ forwarded: 1 })
    },
  )

  test('that it may make no times is not one that it holds', async () => {
    const never = gateway.task({ ...GRANT, budget: { calls_per_tool: { files__echo: 0 } } })
    const part = gateway.task(GRANT, { parent: never.id })
    for (const { key } of [never, part]) {
      expect(await call(key, 'echo', { text: 'hello' })).toMatchObject({
        reason: 'outside-task',
        forwarded: 0,
      })
      expect((await send({ key, method: 'tools/list', params: {} })).tools).toEqual([])
    }
  })

  test('is what a policy can ask for', async () => {
    const { key } = gateway.task({ tools: { files__tasked: {} } })
    expect(await call(key, 'tasked')).toMatchObject({ reason: undefined, forwarded: 1 })
    expect(await call(ada, 'tasked')).toMatchObject({ reason: 'task-required', forwarded: 0 })
  })

  test('is not put before a person when the task does not hold it', async () => {
    expect(await call(gateway.task(GRANT).key, 'asked')).toMatchObject({ reason: 'approval-required' })
    const { key } = gateway.task({ tools: { files__echo: {} } })
    expect(await call(key, 'asked')).toMatchObject({ reason: 'outside-task' })
  })
})

describe('the task of a call', () => {
  test.each(['x-tollgate-task', 'tollgate-task', 'mcp-task', 'task'])(
    'is not chosen or shed by the header %s',
    async (name) => {
      const narrow = gateway.task(GRANT)
      const wide = gateway.task({ tools: { files__add: {} } })
      for (const value of [wide.id, '', 'none']) {
        const request = gateway.modern({ key: narrow.key, params: { name: 'add', arguments: {} } })
        const lines = [...request.headers, [name, value] as const]
        const { requests } = await gateway.send({ ...request, headers: lines })
        expect(requests).toEqual([])
      }
    },
  )

  test.each(['task', 'taskId', 'tollgate/task'])('is not chosen by %s in _meta', async (name) => {
    const wide = gateway.task({ tools: { files__add: {} } })
    const params = { name: 'add', arguments: {}, _meta: { [name]: wide.id } }
    expect(await send({ key: gateway.task(GRANT).key, params })).toMatchObject({ forwarded: 0 })
  })

  test('is listed as narrow as it is', async () => {
    const { key } = gateway.task(GRANT)
    const all = await send({ key: ada, method: 'tools/list', params: {} })
    const listed = await send({ key, method: 'tools/list', params: {} })
    expect(all.tools.length).toBeGreaterThan(listed.tools.length)
    expect(listed.tools).toEqual(['echo'])
  })

  test('ends for all its keys, with 401', async () => {
    const { id, key } = gateway.task(GRANT)
    await call(key, 'echo', { text: 'hello' })
    gateway.endTask(id)
    await expect
      .poll(async () => (await call(key, 'echo', { text: 'hello' })).status, { timeout: 5000 })
      .toBe(401)
  })

  test('is over when its time is', async () => {
    const { key } = gateway.task({ ...GRANT, expires_in: 1 })
    expect(await call(key, 'echo', { text: 'hello' })).toMatchObject({ status: 200 })
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(await call(key, 'echo', { text: 'hello' })).toMatchObject({ status: 401, forwarded: 0 })
  })
})

describe('a part of a task', () => {
  const part = (parent: string, grant: object, more: TaskOptions = {}) =>
    gateway.task(grant, { parent, ...more })

  test('can do nothing that the whole cannot', async () => {
    const whole = gateway.task(GRANT)
    const { key } = part(whole.id, {
      servers: ['files', 'db'],
      tools: { files__echo: { text: {} }, files__add: {} },
    })
    expect(await call(key, 'echo', { text: 'hello' })).toMatchObject({ reason: undefined })
    expect(await call(key, 'echo', { text: 'bye' })).toMatchObject({ reason: 'outside-task', forwarded: 0 })
    const other = await call(key, 'add')
    expect(other).toMatchObject({ reason: 'outside-task', forwarded: 0 })
    expect(other.text).toContain('that this one is a part of')
  })

  test('can do no more than its own grant', async () => {
    const whole = gateway.task({ tools: { files__echo: { text: {} }, files__add: {} } })
    const { key } = part(whole.id, { tools: { files__add: {} } })
    expect(await call(key, 'echo', { text: 'hello' })).toMatchObject({ reason: 'outside-task' })
    expect(await call(key, 'add')).toMatchObject({ reason: undefined })
  })

  test('ends with the whole', async () => {
    const whole = gateway.task(GRANT)
    const { key } = part(part(whole.id, GRANT).id, GRANT)
    expect(await call(key, 'echo', { text: 'hello' })).toMatchObject({ status: 200 })
    gateway.endTask(whole.id)
    await expect.poll(async () => (await call(key, 'echo')).status, { timeout: 5000 }).toBe(401)
  })
})

test('a session of one task is not there for a key of another, of the same person', async () => {
  const initialize = {
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  }
  const { key } = gateway.task(GRANT)
  const opened = await gateway.send(gateway.legacy({ key, ...initialize }))
  const session = opened.replies[0]?.headers['mcp-session-id'] ?? ''
  expect(session).not.toBe('')
  const listing = { session, method: 'tools/list', params: {} }
  const own = await gateway.send(gateway.legacy({ key, ...listing }))
  expect(own.replies[0]?.status).toBe(200)
  for (const other of [gateway.task(GRANT).key, ada]) {
    const { replies } = await gateway.send(gateway.legacy({ key: other, ...listing }))
    expect(replies[0]?.status).toBe(404)
  }
})
