/**
 * What agents ask for themselves: a part of their task at once, anything else when a person has approved exactly that
 * request. Nothing that they ask for makes them worth more than they are.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { err } from '../../packages/gateway/src/model/result.ts'
import { unavailable } from '../../packages/gateway/src/model/refusal.ts'
import { openKeyStore } from '../../packages/gateway/src/store/keys.ts'
import { adminOf, type Admin } from '../fixtures/admin.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { answerOf, postModern } from '../fixtures/raw-http.ts'
import { revokeKey } from '../fixtures/key-bundle.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../fixtures/recording-upstream.ts'
import { startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'

const POLICIES = `
permit (principal == User::"ada", action, resource);
permit (principal == User::"mallory", action in Action::"tools/call", resource);
permit (principal == User::"corp/ada", action, resource);
@id("lead") permit (principal == User::"lead", action == Action::"approvals/approve", resource == Tool::"tollgate__task_request");
`
const GRANT = { servers: ['files'], tools: { files__send: { to: {} } } }
const TEMPLATE = `description: Send to the team
parameters: { team: { type: text } }
grant:
  tools: { files__send: { to: { const: '{{team}}' } } }
  budget: { calls: 5 }
`

let upstream: RecordingUpstream
let corp: TokenIssuer
let gateway: TestGateway
let admin: Admin

beforeAll(async () => {
  upstream = await startRecordingUpstream()
  corp = await startTokenIssuer()
  const config = `servers:
  files:
    url: '${upstream.url}'
    tools:
      read: { readOnly: true, reads: [untrusted] }
      send: { sends: true }
identity: { issuers: [ { name: corp, issuer: '${corp.url}' } ] }
`
  gateway = await startTestGateway({ config, policies: POLICIES })
  mkdirSync(join(gateway.folder, 'tasks'))
  writeFileSync(join(gateway.folder, 'tasks', 'team.yaml'), TEMPLATE)
  admin = await adminOf(gateway)
})
afterAll(async () => {
  await admin.close()
  await gateway.close()
  await corp.close()
  await upstream.close()
})

interface Told {
  readonly isError: boolean
  readonly text: string
  readonly structured: { readonly task?: { readonly id: string }; readonly key?: string }
  readonly reason: string | undefined
  readonly approval: string
}

async function call(key: string, server: string, name: string, args: object = {}): Promise<Told> {
  const response = await postModern(
    gateway.url(server),
    { id: 1, method: 'tools/call', params: { name, arguments: args } },
    { key },
  )
  const { result, error } = (await answerOf(response)) as {
    result?: {
      isError?: boolean
      content: { text: string }[]
      structuredContent?: Told['structured']
      _meta?: object
    }
    error?: { message: string }
  }
  const { 'tollgate/refusal': refusal } = (result?._meta ?? {}) as {
    'tollgate/refusal'?: { reason: string; remedy?: { id?: string } }
  }
  return {
    isError: result?.isError === true || error !== undefined,
    text: result?.content[0]?.text ?? error?.message ?? '',
    structured: result?.structuredContent ?? {},
    reason: refusal?.reason,
    approval: refusal?.remedy?.id ?? '',
  }
}
const ask = (key: string, args: object) => call(key, 'tollgate', 'task_request', { reason: 'work', ...args })
const approve = (id: string, as = 'User::"lead"') => admin.ask(`POST /api/v1/approvals/${id}/approve`, { as })
async function statusOf(key: string): Promise<number> {
  const list = { id: 1, method: 'tools/list', params: {} }
  return (await postModern(gateway.url('files'), list, { key })).status
}
/** Of a task, as it is kept. */
function keyOf(task: string) {
  const keys = openKeyStore(join(gateway.folder, 'data'))
  if (!keys.ok) throw new Error(keys.error)
  const found = keys.value.list().find((key) => key.task === task)
  keys.value.close()
  return found
}
const NEW = { template: 'team', parameters: { team: 'team@example.com' } }

describe('a new task', () => {
  test('begins when a person has approved exactly this request, once, and its key is told once', async () => {
    const key = gateway.key('ada', 'helper')
    const first = await ask(key, NEW)
    expect(first).toMatchObject({ isError: true, reason: 'approval-required', structured: {} })
    expect(first.text).toMatch(
      /"Send to the team", from team@[0-9a-f]{8}\. It would hold .*"const":"team@example\.com"/,
    )
    expect(await ask(key, NEW)).toMatchObject({ reason: 'approval-required', approval: first.approval })

    expect((await approve(first.approval, 'User::"mallory"')).status).not.toBe(200)
    expect((await approve(first.approval, 'User::"ada"')).status).not.toBe(200)
    expect(await approve(first.approval)).toMatchObject({ status: 200 })
    const other = { ...NEW, parameters: { team: 'mallory@example.com' } }
    expect(await ask(key, other)).toMatchObject({ reason: 'approval-required' })
    expect(await ask(gateway.key('mallory'), NEW)).toMatchObject({ reason: 'approval-required' })
    expect(await ask(gateway.key('ada'), NEW)).toMatchObject({ reason: 'approval-required' })

    const given = await ask(key, NEW)
    expect(given).toMatchObject({ isError: false, reason: undefined })
    const { task, key: own = '' } = given.structured
    expect(await ask(key, NEW)).toMatchObject({ reason: 'approval-required', structured: {} })

    expect(await call(own, 'files', 'send', { to: 'team@example.com' })).toMatchObject({ isError: false })
    expect(await call(own, 'files', 'send', { to: 'eve@example.com' })).toMatchObject({
      reason: 'outside-task',
    })
    const shown = await admin.ask(`GET /api/v1/tasks/${task?.id}`)
    expect(shown.body).toMatchObject({
      task: { issuedBy: 'User::"lead"', agent: 'helper', principal: 'User::"ada"' },
    })
    const entry = gateway.entries().find((each) => each.kind === 'event' && each.task === task?.id)
    expect(entry).toMatchObject({ detail: expect.stringContaining('approved by User::"lead"') as unknown })
  })
})

describe('a wider task', () => {
  test('is in the place of the other once it was approved; what was spent stays spent', async () => {
    const { id, key } = gateway.task({ tools: { files__send: { to: { const: 'a' } } }, budget: { calls: 2 } })
    await call(key, 'files', 'send', { to: 'a' })
    expect(await call(key, 'files', 'send', { to: 'team@example.com' })).toMatchObject({
      reason: 'outside-task',
    })
    const wider = { kind: 'wider', ...NEW }
    const { approval } = await ask(key, wider)
    await approve(approval)
    expect(await call(key, 'files', 'send', { to: 'team@example.com' })).toMatchObject({
      reason: 'outside-task',
    })
    expect(await ask(key, wider)).toMatchObject({ isError: false })
    expect(await call(key, 'files', 'send', { to: 'team@example.com' })).toMatchObject({ isError: false })
    const { body } = await admin.ask(`GET /api/v1/tasks/${id}`)
    const { expiresAt } = (body as { task: { expiresAt: string } }).task
    expect(keyOf(id)?.expiresAtMs).toBe(Date.parse(expiresAt))
    expect(await call(key, 'files', 'send', { to: 'a' })).toMatchObject({ reason: 'outside-task' })
    expect((await admin.ask(`GET /api/v1/tasks/${id}`)).body).toMatchObject({ task: { left: { calls: 3 } } })
  })

  test('cannot be more than the task above it', async () => {
    const { id } = gateway.task({ tools: { files__send: { to: { const: 'a' } } } })
    const { key } = gateway.task({ tools: { files__send: { to: { const: 'a' } } } }, { parent: id })
    const wider = { kind: 'wider', ...NEW }
    await approve((await ask(key, wider)).approval)
    expect(await ask(key, wider)).toMatchObject({ isError: false })
    expect(await call(key, 'files', 'send', { to: 'team@example.com' })).toMatchObject({
      reason: 'outside-task',
    })
  })
})

describe('a part', () => {
  test('of one’s own making accounts for nothing that the whole has read', async () => {
    const { key } = gateway.task({ ...GRANT, flow: 'strict' })
    await call(key, 'files', 'read')
    const sent = { to: 'eve@example.com' }
    expect(await call(key, 'files', 'send', sent)).toMatchObject({ reason: 'approval-required' })
    const grant = {
      purpose: 'Mail eve@example.com',
      tools: { files__send: { to: { const: 'eve@example.com' } } },
      flow: 'off',
    }
    const part = (await ask(key, { grant })).structured.key ?? ''
    expect(await call(part, 'files', 'send', sent)).toMatchObject({ reason: 'approval-required' })
  })

  test('lasts no longer than the whole, and none begins after it', async () => {
    const { id, key } = gateway.task(GRANT)
    const grant = { purpose: 'x', servers: ['files'], expires_in: 30 * 86_400 }
    const { task } = (await ask(key, { grant })).structured
    const [part, whole] = await Promise.all(
      [task?.id, id].map((each) => admin.ask(`GET /api/v1/tasks/${each}`)),
    )
    const until = ({ body }: { body: unknown } = { body: {} }) =>
      (body as { task: { expiresAt: string } }).task.expiresAt
    expect(until(part)).toBe(until(whole))
    await admin.ask(`POST /api/v1/tasks/${id}/end`)
    const refused = await postModern(
      gateway.url('tollgate'),
      { id: 1, method: 'tools/call', params: { name: 'task_request', arguments: { reason: 'x', grant } } },
      { key },
    )
    expect(refused.status).toBe(401)
    expect(
      (await admin.ask(`POST /api/v1/tasks`, { principal: 'User::"ada"', parent: id, grant })).status,
    ).toBe(422)
  })

  test('ends when the key that it was asked for with is revoked', async () => {
    const { id, key } = gateway.task(GRANT)
    const part = await ask(key, { grant: { ...GRANT, purpose: 'A part' } })
    const own = part.structured.key ?? ''
    const deeper = (await ask(own, { grant: { ...GRANT, purpose: 'A part of it' } })).structured.key ?? ''
    expect(await call(deeper, 'files', 'send', { to: 'a' })).toMatchObject({ isError: false })
    revokeKey(gateway.folder, keyOf(id)?.name ?? '')
    for (const each of [key, own, deeper])
      await expect.poll(async () => statusOf(each), { timeout: 5000 }).toBe(401)
    const shown = await admin.ask(`GET /api/v1/tasks/${id}`)
    expect(shown.body).toMatchObject({ task: { state: 'ended', endedWhy: 'its key was revoked' } })
  })

  test('is its principal’s, and nobody starts one in another’s task', async () => {
    const { id } = gateway.task(GRANT)
    const grant = { purpose: 'x', servers: ['files'] }
    const other = await admin.ask('POST /api/v1/tasks', { principal: 'User::"mallory"', parent: id, grant })
    expect(other).toMatchObject({ status: 422 })
  })
})

describe('a token', () => {
  const token = () => corp.sign({ sub: 'ada', aud: gateway.url('tollgate'), scope: 'read' })

  test('does not become a key, which knows nothing of its scopes', async () => {
    const asked = await ask(await token(), NEW)
    expect(asked).toMatchObject({ isError: true, reason: undefined, structured: {} })
    expect(asked.structured.key).toBeUndefined()
    expect(asked.text).toContain('RFC 8693')
  })
})

test('what was refused is told to the one who was refused', async () => {
  const { key } = gateway.task(GRANT)
  const { key: other } = gateway.task(GRANT)
  await call(key, 'files', 'send', { to: 'x', more: 1 })
  const refusedOf = async (who: string) =>
    ((await call(who, 'tollgate', 'task_status')).structured as { refused?: unknown[] }).refused
  expect(await refusedOf(key)).toMatchObject([{ what: 'files__send', reason: 'outside-task' }])
  expect(await refusedOf(other)).toEqual([])
})

test('nothing begins that is not on record', async () => {
  const refuse = async () => err(unavailable('The audit log cannot be written.'))
  const trail = {
    record: (entry: { requestId: string }) =>
      Promise.resolve({ ok: true as const, value: { requestId: entry.requestId, entry } }),
    recordEvent: refuse,
    outcome: () => undefined,
    flush: () => Promise.resolve(),
    state: () => ({ writable: false }),
  } as never
  const config = `servers: { files: { url: '${upstream.url}' } }`
  const deaf = await startTestGateway({ config, policies: POLICIES, replacements: { trail } })
  const socket = await adminOf(deaf)
  try {
    const grant = { purpose: 'x', servers: ['files'] }
    const started = await socket.ask('POST /api/v1/tasks', { principal: 'User::"ada"', grant })
    expect(started.body).toEqual({ ok: false, errors: ['The audit log cannot be written.'] })
    expect((await socket.ask('GET /api/v1/tasks')).body).toEqual({ tasks: [] })
    const { id } = deaf.task({ servers: ['files'] })
    expect((await socket.ask(`POST /api/v1/tasks/${id}/end`)).status).toBe(503)
    expect(
      (await socket.ask(`POST /api/v1/tasks/${id}/endorse`, { value: 'x', by: 'User::"eve"' })).status,
    ).toBe(422)
    expect((await socket.ask(`GET /api/v1/tasks/${id}`)).body).toMatchObject({
      task: { state: 'running', endorsed: [] },
    })
  } finally {
    await socket.close()
    await deaf.close()
  }
})
