import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import {
  answerOf,
  postLegacy,
  postModern,
  type RawRequest,
  resultOf,
  startSession,
} from '../fixtures/raw-http.ts'
import { closeClients, connectClient, connectV2, FLAVOURS, type Flavour } from '../fixtures/sdk-clients.ts'
import { LEGACY_SDK_SERVER, SDK_SERVER } from '../fixtures/stdio-upstream.ts'

/** Ada may do everything, Grace a part of it, Eve something elsewhere. */
const policies = `
@id("ada") permit (principal == User::"ada", action, resource);
@id("eve") permit (principal == User::"eve", action == Action::"other__echo", resource);

@id("tools") permit (
  principal == User::"grace",
  action in [Action::"both__echo", Action::"both__tell", Action::"both__big", Action::"both__slow"],
  resource
);
@id("greeting") permit (
  principal == User::"grace",
  action in [Action::"resources/read", Action::"resources/subscribe"],
  resource == Resource::"fixture://greeting"
);
@id("greet") permit (
  principal == User::"grace",
  action in [Action::"prompts/get", Action::"completion/complete"],
  resource == Prompt::"both__greet"
);
@id("all-of-own") permit (principal == User::"grace", action in Action::"tools/call", resource in Server::"own");

@id("small-amounts") forbid (principal == User::"grace", action == Action::"both__echo", resource)
when { context.input has amount && context.input.amount > 10 };
@id("not-root") @remedy("Use another name.")
forbid (principal == User::"grace", action == Action::"prompts/get", resource)
when { context.input has name && context.input.name == "root" };
@id("in-a-task") @remedy("task") forbid (principal == User::"grace", action == Action::"both__tell", resource);
@id("four-eyes") @remedy("approval") forbid (principal == User::"grace", action == Action::"both__big", resource);
@id("daytime") @remedy("Try again tomorrow.")
forbid (principal == User::"grace", action == Action::"both__slow", resource) when { context.input.ms > 100 };
`

let gateway: TestGateway
let ada: string
let grace: string
let eve: string

beforeAll(async () => {
  const command = (...args: string[]) => JSON.stringify([process.execPath, ...args])
  const config = `servers:
  both: { command: ${command(SDK_SERVER)} }
  other: { command: ${command(SDK_SERVER)} }
  own: { command: ${command(LEGACY_SDK_SERVER)}, sharing: per-session }
`
  gateway = await startTestGateway({ config, policies })
  ada = gateway.key('ada')
  grace = gateway.key('grace')
  eve = gateway.key('eve')
})

afterEach(closeClients)
afterAll(() => gateway.close())

const connect = (flavour: Flavour, key: string) => connectClient(flavour, gateway.url('both'), { key })
const modern = async (request: RawRequest, key: string) =>
  answerOf(await postModern(gateway.url('both'), request, { key }))
const legacy = async (request: RawRequest, key: string) => {
  const session = await startSession(gateway.url('both'), { key })
  return answerOf(await postLegacy(gateway.url('both'), request, { key, session }))
}
const call = (name: string, args: object = {}) => ({
  id: 1,
  method: 'tools/call',
  params: { name, arguments: args },
})

describe.each(FLAVOURS)('a %s client', (flavour) => {
  test('sees what its caller could use, and nothing else', async () => {
    const [all, some] = [await connect(flavour, ada), await connect(flavour, grace)]
    expect(await all.toolNames()).toEqual(expect.arrayContaining(['echo', 'env', 'crash', 'write']))
    expect((await some.toolNames()).toSorted()).toEqual(['big', 'echo', 'slow', 'tell'])
    expect(await some.resourceUris()).toEqual(['fixture://greeting'])
    expect(await some.promptNames()).toEqual(['greet'])
  })

  test('is told that a hidden tool is unknown, as if there were none', async () => {
    const client = await connect(flavour, grace)
    for (const name of ['crash', 'is-not-there']) {
      const refused = client.callTool({ name })
      await expect(refused).rejects.toMatchObject({ code: -32602 })
      await expect(refused).rejects.toThrow(`Unknown tool: ${name}`)
    }
  })

  test('is given the refusal of a visible tool, with its reason, request id and remedy', async () => {
    const client = await connect(flavour, grace)
    const refused = [
      { name: 'echo', arguments: { amount: 11 }, told: { reason: 'not-permitted' }, policy: 'small-amounts' },
      {
        name: 'tell',
        arguments: { text: '', steps: 0 },
        told: { reason: 'task-required', remedy: { kind: 'task' } },
        policy: 'in-a-task',
      },
      {
        name: 'big',
        arguments: { bytes: 1 },
        told: {
          reason: 'approval-required',
          remedy: {
            kind: 'approval',
            id: expect.stringMatching(/^a-[a-z2-7]{24}$/) as string,
            url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/approvals\/a-[a-z2-7]{24}$/) as string,
            expiresInSeconds: expect.closeTo(600, -1) as number,
          },
        },
        policy: 'four-eyes',
      },
      {
        name: 'slow',
        arguments: { ms: 101 },
        told: { reason: 'not-permitted', remedy: { kind: 'policy', hint: 'Try again tomorrow.' } },
        policy: 'daytime',
      },
    ]
    for (const { told, policy, ...wanted } of refused) {
      const result = await client.callTool(wanted)
      const meta = result._meta as { 'tollgate/refusal': { requestId: string } }
      const { requestId, ...rest } = meta['tollgate/refusal']
      expect(result.isError).toBe(true)
      expect(rest).toEqual(told)
      expect(JSON.stringify(result.content)).toContain(`Policy \\"${policy}\\" forbids this call.`)
      const decision = gateway
        .entries()
        .find((entry) => entry.kind === 'decision' && entry.requestId === requestId)
      expect(decision).toMatchObject({ decision: 'deny', policies: [policy], reason: told.reason })
    }
    expect((await client.callTool({ name: 'echo', arguments: { amount: 10 } })).isError).not.toBe(true)
    expect((await client.callTool({ name: 'slow', arguments: { ms: 10 } })).isError).not.toBe(true)
  })
})

describe('what is not for everyone', () => {
  test('is never marked as good for a shared cache', async () => {
    for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']) {
      const result = await resultOf(await postModern(gateway.url('both'), { id: 1, method }, { key: grace }))
      expect(result['cacheScope'], method).toBe('private')
    }
  })

  test('includes the server itself: for who may do nothing on it, it is not there', async () => {
    const nowhere = await postModern(
      gateway.url('nowhere'),
      { id: 1, method: 'server/discover' },
      { key: eve },
    )
    const said = await answerOf(nowhere)
    for (const method of ['server/discover', 'tools/list', 'ping', 'initialize']) {
      const response = await postModern(gateway.url('both'), { id: 1, method }, { key: eve })
      expect(response.status).toBe(nowhere.status)
      const { error } = (await answerOf(response)) as { error: { code: number; message: string } }
      expect(error).toMatchObject({ code: (said['error'] as { code: number }).code, message: 'Not found.' })
    }
    await resultOf(await postModern(gateway.url('other'), call('echo'), { key: eve }))
  })
})

const REFUSED = (reason: string, remedy?: object) => ({
  code: -31000,
  data: {
    'tollgate/refusal': {
      reason,
      requestId: expect.any(String),
      ...(remedy === undefined ? {} : { remedy }),
    },
  },
})

describe('other methods than tools/call are judged as well', () => {
  test('resources/read, by its URI', async () => {
    const read = (uri: string) => ({ id: 1, method: 'resources/read', params: { uri } })
    expect(await modern(read('fixture://greeting'), grace)).toHaveProperty('result')
    expect(await legacy(read('fixture://greeting'), grace)).toHaveProperty('result')
    const message = 'Resource not found: fixture://notes/ada'
    expect(await modern(read('fixture://notes/ada'), grace)).toMatchObject({
      error: { code: -32602, message },
    })
    expect(await legacy(read('fixture://notes/ada'), grace)).toMatchObject({
      error: { code: -32002, message },
    })
    expect(await modern(read('fixture://notes/ada'), ada)).toHaveProperty('result')
  })

  test('prompts/get, by its arguments', async () => {
    const get = (name: string, who: string) => ({
      id: 1,
      method: 'prompts/get',
      params: { name, arguments: { name: who } },
    })
    const remedy = { kind: 'policy', hint: 'Use another name.' }
    for (const send of [modern, legacy]) {
      expect(await send(get('greet', 'ada'), grace)).toHaveProperty('result')
      expect(await send(get('greet', 'root'), grace)).toMatchObject({
        error: REFUSED('not-permitted', remedy),
      })
      expect(await send(get('other', 'ada'), grace)).toMatchObject({
        error: { code: -32602, message: 'Unknown prompt: other' },
      })
    }
  })

  test('completion/complete, by what it completes', async () => {
    const complete = (ref: object) => ({
      id: 1,
      method: 'completion/complete',
      params: { ref, argument: { name: 'name', value: 'a' } },
    })
    const prompt = complete({ type: 'ref/prompt', name: 'greet' })
    const template = complete({ type: 'ref/resource', uri: 'fixture://notes/{name}' })
    for (const send of [modern, legacy]) {
      expect(await send(prompt, grace)).toMatchObject({ result: { completion: { values: ['ada', 'alan'] } } })
      expect(await send(template, grace)).toHaveProperty('error')
      expect(await send(template, ada)).toMatchObject({ result: { completion: { values: ['ada', 'alan'] } } })
    }
  })

  test('logging/setLevel, by its name', async () => {
    const level = { id: 1, method: 'logging/setLevel', params: { level: 'debug' } }
    const session = await startSession(gateway.url('own'), { key: grace })
    const answer = await answerOf(await postLegacy(gateway.url('own'), level, { key: grace, session }))
    expect(answer).toMatchObject({ error: REFUSED('not-permitted') })
    expect(await legacy(level, grace)).toMatchObject({ error: REFUSED('not-permitted') })
  })

  test('resources/subscribe and subscriptions/listen, by each resource', async () => {
    const listen = (...resourceSubscriptions: string[]) => ({
      id: 1,
      method: 'subscriptions/listen',
      params: { notifications: { resourceSubscriptions } },
    })
    const denied = await modern(listen('fixture://greeting', 'fixture://notes/ada'), grace)
    expect(denied).toMatchObject({
      error: { code: -32602, message: 'Resource not found: fixture://notes/ada' },
    })
    const subscribe = (uri: string) => ({ id: 1, method: 'resources/subscribe', params: { uri } })
    const refused = await legacy(subscribe('fixture://notes/ada'), grace)
    expect(refused).toMatchObject({
      error: { code: -32002, message: 'Resource not found: fixture://notes/ada' },
    })
  })

  test('a method nobody has heard of, by its name', async () => {
    const unheard = { id: 1, method: 'future/method', params: {} }
    expect(await modern(unheard, grace)).toMatchObject({ error: REFUSED('not-permitted') })
    expect(await modern(unheard, ada)).toMatchObject({ error: { code: -32601 } })
  })
})

test('a refused prompt reaches the handler of an SDK client with its reason', async () => {
  const client = await connectV2('v2 pinned', gateway.url('both'), { key: grace })
  const got = client.getPrompt({ name: 'greet', arguments: { name: 'root' } })
  await expect(got).rejects.toMatchObject(
    REFUSED('not-permitted', { kind: 'policy', hint: 'Use another name.' }),
  )
})
