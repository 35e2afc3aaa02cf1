/** The gateway's own server: what agents learn of their task, and what they can ask for, by both SDKs. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { postLegacy, postModern } from '../fixtures/raw-http.ts'
import { closeClients, connectClient, FLAVOURS, type ToolResult } from '../fixtures/sdk-clients.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

const policies = `
@id("work") permit (principal == User::"ada", action, resource in Server::"fixture");
@id("own") permit (principal == User::"ada", action, resource in Server::"tollgate");
`
const TEMPLATE = `description: Say one thing
parameters:
  what: { type: text, description: What to say }
grant:
  tools: { fixture__echo: { text: { const: '{{what}}' } } }
  budget: { calls: 5 }
`
const GRANT = {
  purpose: 'Say hello',
  servers: ['fixture'],
  tools: { fixture__echo: { text: { enum: ['hello', 'goodbye'] } } },
  budget: { calls: 3 },
}

let gateway: TestGateway

beforeAll(async () => {
  const command = JSON.stringify([process.execPath, SDK_SERVER])
  const config = `servers:
  fixture: { command: ${command}, tools: { whoami: { readOnly: true, reads: [private] } } }
  hidden: { command: ${command} }
`
  gateway = await startTestGateway({ config, policies })
  mkdirSync(join(gateway.folder, 'tasks'))
  writeFileSync(join(gateway.folder, 'tasks', 'say.yaml'), TEMPLATE)
})
afterEach(closeClients)
afterAll(() => gateway.close())

const text = (result: ToolResult) => (result.content as { text: string }[])[0]?.text ?? ''

describe.each(FLAVOURS)('to the %s client', (flavour) => {
  const own = (key: string) => connectClient(flavour, gateway.url('tollgate'), { key })
  const fixture = (key: string) => connectClient(flavour, gateway.url('fixture'), { key })

  test('it says what the task holds, what is left, what was read and what was refused', async () => {
    const { id, key } = gateway.task(GRANT)
    const work = await fixture(key)
    await work.callTool({ name: 'echo', arguments: { text: 'hello' } })
    await work.callTool({ name: 'whoami' })
    const refused = await work.callTool({ name: 'echo', arguments: { text: 'secret' } })
    expect(refused.isError).toBe(true)

    const client = await own(key)
    expect(await client.toolNames()).toEqual(['task_status', 'task_request'])
    const status = await client.callTool({ name: 'task_status' })
    expect(status.isError).toBeFalsy()
    expect(status.structuredContent).toMatchObject({
      task: {
        id,
        purpose: 'Say hello',
        servers: ['fixture'],
        tools: GRANT.tools,
        hasRead: ['private'],
        flow: 'strict',
        budget: { left: { calls: 1 }, spent: { calls: 2 } },
        partOf: [],
      },
      refused: [{ what: 'fixture__echo', reason: 'outside-task', arguments: ['text'] }],
      templates: [{ name: 'say', parameters: { what: { type: 'text' } } }],
    })
    expect(text(status)).toContain('You work on "Say hello"')
    expect(text(status)).toContain('Refused at')
  })

  test('a part is given at once, can do no more than the whole, and ends with it', async () => {
    const { id, key } = gateway.task(GRANT)
    const client = await own(key)
    const given = await client.callTool({
      name: 'task_request',
      arguments: { reason: 'for a sub-agent', template: 'say', parameters: { what: 'hello' } },
    })
    expect(given.isError).toBeFalsy()
    const part = given.structuredContent as {
      task: { id: string }
      key: string
      urls: Record<string, string>
    }
    expect(part).toMatchObject({ task: { parent: id }, urls: { fixture: gateway.url('fixture') } })
    expect(text(given)).toContain(part.key)

    const sub = await fixture(part.key)
    expect((await sub.callTool({ name: 'echo', arguments: { text: 'hello' } })).isError).toBeFalsy()
    // The whole allows it, the part does not; and the other way round.
    const status = await (await own(part.key)).callTool({ name: 'task_status' })
    expect(status.structuredContent).toMatchObject({ task: { id: part.task.id, partOf: [{ id }] } })
    expect(text(status)).toContain(
      'It is a part of "Say hello", and can do no more than that:\n- what is read-only of: fixture\n- fixture__echo with text: {"enum":["hello","goodbye"]}\n- left there: calls 2',
    )
    expect((await sub.callTool({ name: 'echo', arguments: { text: 'goodbye' } })).isError).toBe(true)
    const wider = await client.callTool({
      name: 'task_request',
      arguments: { reason: 'more', template: 'say', parameters: { what: 'secret' } },
    })
    const beyond = await fixture((wider.structuredContent as { key: string }).key)
    expect((await beyond.callTool({ name: 'echo', arguments: { text: 'secret' } })).isError).toBe(true)

    const entry = gateway.entries().find((each) => each.kind === 'event' && each.task === part.task.id)
    expect(entry).toMatchObject({ event: 'task', principal: 'User::"ada"' })
    gateway.endTask(id)
    await expect.poll(() => isAlive(part.key)).toBe(false)
  })

  test('more than that is for a person', async () => {
    const { key } = gateway.task(GRANT)
    const client = await own(key)
    const wider = await client.callTool({
      name: 'task_request',
      arguments: { kind: 'wider', reason: 'more', template: 'say', parameters: { what: 'secret' } },
    })
    expect(wider).toMatchObject({
      isError: true,
      _meta: { 'tollgate/refusal': { reason: 'approval-required' } },
    })
    expect(text(wider)).toContain('tollgate task start')
    const fresh = await own(gateway.key('ada'))
    const asked = await fresh.callTool({
      name: 'task_request',
      arguments: { reason: 'work', template: 'say', parameters: { what: 'hello' } },
    })
    expect(asked).toMatchObject({
      isError: true,
      _meta: { 'tollgate/refusal': { reason: 'approval-required' } },
    })
    expect(asked.structuredContent).toBeUndefined()
  })
})

async function isAlive(key: string): Promise<boolean> {
  const { status } = await postModern(gateway.url('tollgate'), { id: 1, method: 'tools/list' }, { key })
  return status !== 401
}

describe('on the wire', () => {
  const modern = (method: string, params = {}) =>
    postModern(gateway.url('tollgate'), { id: 1, method, params }, { key: gateway.key('ada') })

  test.each(['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '1999-01-01'])(
    'initialize of %s is answered with a revision that is spoken, and without a session',
    async (protocolVersion) => {
      const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
      const key = gateway.key('ada')
      const answer = await postLegacy(
        gateway.url('tollgate'),
        { id: 1, method: 'initialize', params },
        { key },
      )
      expect(answer.headers.get('mcp-session-id')).toBeNull()
      const spoken = protocolVersion.startsWith('19') ? '2025-11-25' : protocolVersion
      expect(await answer.json()).toMatchObject({
        result: { protocolVersion: spoken, capabilities: { tools: {} }, serverInfo: { name: 'tollgate' } },
      })
    },
  )

  test('server/discover tells what is spoken', async () => {
    expect(await (await modern('server/discover')).json()).toMatchObject({
      result: { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
    })
  })

  test('what it does not have is a method that is not found', async () => {
    const answer = await modern('prompts/list')
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ error: { code: -32601 } })
  })

  test('it has no streams', async () => {
    const headers = { authorization: `Bearer ${gateway.key('ada')}`, accept: 'text/event-stream' }
    expect((await fetch(gateway.url('tollgate'), { headers })).status).toBe(405)
  })

  test('who may use nothing of it meets no such server', async () => {
    const answer = await postModern(
      gateway.url('tollgate'),
      { id: 1, method: 'tools/list' },
      { key: gateway.key('eve') },
    )
    expect(answer.status).toBe(404)
  })
})

describe('a request', () => {
  const ask = async (args: object, key = gateway.task(GRANT).key) => {
    const client = await connectClient('v2 pinned', gateway.url('tollgate'), { key })
    return client.callTool({ name: 'task_request', arguments: { reason: 'work', ...args } })
  }

  test.each<[string, object, RegExp]>([
    ['neither template nor grant', {}, /give one of the two/],
    ['a template that is not there', { template: 'sya' }, /no template "sya"; did you mean say\?/],
    ['a parameter that is missing', { template: 'say' }, /^parameters.what is missing/],
    ['a grant that is none', { grant: { purpose: 'x' } }, /a task needs a tool or a server/],
    [
      'a constraint that cannot be read',
      { grant: { purpose: 'x', tools: { fixture__echo: { text: { pattern: '(' } } } } },
      /fixture__echo/,
    ],
    ['a member that is not known', { template: 'say', parent: 't-x' }, /parent/],
    [
      'a new task in a task',
      { kind: 'new', template: 'say', parameters: { what: 'x' } },
      /You work on a task/,
    ],
  ])('for %s is answered with what is wrong', async (_, args, message) => {
    const answer = await ask(args)
    expect(answer.isError).toBe(true)
    expect(text(answer)).toMatch(message)
    expect(answer._meta).not.toHaveProperty('tollgate/refusal')
  })

  test('does not tell which servers there are', async () => {
    const there = await ask({ grant: { purpose: 'x', servers: ['hidden'] } })
    const absent = await ask({ grant: { purpose: 'x', servers: ['nothing'] } })
    expect([there.isError, absent.isError]).toEqual([undefined, undefined])
  })

  test('of an unlimited number of parts is refused', async () => {
    const { key } = gateway.task(GRANT)
    let last: ToolResult | undefined
    const client = await connectClient('v2 pinned', gateway.url('tollgate'), { key })
    for (let count = 0; count <= 200; count++) {
      last = await client.callTool({
        name: 'task_request',
        arguments: { reason: 'again', template: 'say', parameters: { what: 'x' } },
      })
      if (last.isError === true) {
        expect(count).toBe(200)
        break
      }
    }
    expect(text(last ?? {})).toContain('has had 200 parts')
  })
})
