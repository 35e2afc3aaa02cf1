import type { Client } from '@modelcontextprotocol/client'
import type { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startEverythingServer } from '../fixtures/everything-server.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { closeClients, connectV1, connectV2 } from '../fixtures/sdk-clients.ts'
import { LEGACY_SDK_SERVER } from '../fixtures/stdio-upstream.ts'

/** Everyone may call tools; only `trusted` may be asked something by a server. */
const policies = `
@id("calls") permit (principal, action in Action::"tools/call", resource);
@id("prompts") permit (principal, action == Action::"prompts/get", resource);
@id("questions") permit (
  principal == User::"trusted",
  action in [Action::"sampling/createMessage", Action::"elicitation/create", Action::"roots/list"],
  resource
);`

let everything: Awaited<ReturnType<typeof startEverythingServer>>
let gateway: TestGateway
let trusted: string
let plain: string

beforeAll(async () => {
  everything = await startEverythingServer()
  const command = JSON.stringify([process.execPath, LEGACY_SDK_SERVER])
  const config = `servers:
  own: { command: ${command}, sharing: per-session }
  shared: { command: ${command} }
  everything: { url: '${everything.url}' }
`
  gateway = await startTestGateway({ config, policies })
  trusted = gateway.key('trusted')
  plain = gateway.key('plain')
})

afterEach(closeClients)
afterAll(async () => {
  await gateway.close()
  await everything.close()
})

const capabilities = { sampling: {}, elicitation: {}, roots: {} }
const SAMPLE = { role: 'assistant' as const, content: { type: 'text' as const, text: 'Indeed.' }, model: 'm' }
const ANSWER = { answer: 'yes', username: 'ada', email: 'ada@example.com', name: 'Ada' }
const ELICITED = { action: 'accept' as const, content: ANSWER }
const ROOTS = { roots: [{ uri: 'file:///here', name: 'here' }] }

interface Asked {
  /** What the client was asked, in order. */
  readonly asked: string[]
}

/** Answers every kind of question, and notes that it was asked. */
function answerAll(client: Client): Client & Asked {
  const asked: string[] = []
  const noting =
    <T>(method: string, answer: T) =>
    async () => {
      asked.push(method)
      return answer
    }
  client.setRequestHandler('sampling/createMessage', noting('sampling/createMessage', SAMPLE))
  client.setRequestHandler('elicitation/create', noting('elicitation/create', ELICITED))
  client.setRequestHandler('roots/list', noting('roots/list', ROOTS))
  return Object.assign(client, { asked })
}

function formerAnswerAll(client: FormerClient): FormerClient & Asked {
  const asked: string[] = []
  const noting =
    <T>(method: string, answer: T) =>
    async () => {
      asked.push(method)
      return answer
    }
  client.setRequestHandler(CreateMessageRequestSchema, noting('sampling/createMessage', SAMPLE))
  client.setRequestHandler(ElicitRequestSchema, noting('elicitation/create', ELICITED))
  client.setRequestHandler(ListRootsRequestSchema, noting('roots/list', ROOTS))
  return Object.assign(client, { asked })
}

const SDKS = ['v1', 'v2 legacy'] as const

async function connect(sdk: (typeof SDKS)[number], server: string, key: string) {
  const options = { key, capabilities }
  return sdk === 'v1'
    ? formerAnswerAll(await connectV1(gateway.url(server), options))
    : answerAll(await connectV2(sdk, gateway.url(server), options))
}

/** The decisions on record about what a server asked. */
const decisions = (method: string, principal: string) =>
  gateway
    .entries()
    .filter((entry) => entry.kind === 'decision')
    .filter((entry) => entry.method === method && entry.principal === `User::"${principal}"`)

const QUESTIONS = [
  { kind: 'sampling', method: 'sampling/createMessage', told: 'Indeed.' },
  { kind: 'elicitation', method: 'elicitation/create', told: 'yes' },
  { kind: 'roots', method: 'roots/list', told: 'file:///here' },
]

describe.each(SDKS)('a question of a program with a process for each session, to a %s client', (sdk) => {
  test.each(QUESTIONS)(
    '$method reaches a client that may be asked, and the answer the server',
    async (question) => {
      const { kind, method, told } = question
      const client = await connect(sdk, 'own', trusted)
      const before = decisions(method, 'trusted').length
      const result = await client.callTool({ name: 'ask', arguments: { kind } })
      expect(JSON.stringify(result)).toContain(told)
      expect(client.asked).toEqual([method])
      expect(decisions(method, 'trusted').slice(before)).toMatchObject([
        { decision: 'allow', policies: ['questions'], server: 'own' },
      ])
    },
  )

  test.each(QUESTIONS)(
    '$method is refused to others: the server gets an error, the client nothing',
    async (question) => {
      const { kind, method } = question
      const client = await connect(sdk, 'own', plain)
      const before = decisions(method, 'plain').length
      const result = await client.callTool({ name: 'ask', arguments: { kind } })
      expect(result.isError).toBe(true)
      expect(JSON.stringify(result.content)).toContain(`Not permitted: ${method}`)
      expect(client.asked).toEqual([])
      expect(decisions(method, 'plain').slice(before)).toMatchObject([
        { decision: 'deny', reason: 'not-permitted' },
      ])
      // The session goes on as if nothing had happened.
      expect(JSON.stringify(await client.callTool({ name: 'echo', arguments: { text: 'on' } }))).toContain(
        'on',
      )
    },
  )
})

test('a program that callers share may ask nobody, for it could not say whom it asks', async () => {
  const client = await connect('v1', 'shared', trusted)
  const result = await client.callTool({ name: 'ask', arguments: { kind: 'sampling' } })
  expect(result.isError).toBe(true)
  expect(client.asked).toEqual([])
})

const OVER_HTTP = [
  { tool: 'test_sampling', args: { prompt: 'Well?' }, method: 'sampling/createMessage', told: 'Indeed.' },
  {
    tool: 'test_sampling_standalone',
    args: { prompt: 'Well?' },
    method: 'sampling/createMessage',
    told: 'Indeed.',
  },
  {
    tool: 'test_elicitation',
    args: { message: 'Who?' },
    method: 'elicitation/create',
    told: 'ada@example.com',
  },
  { tool: 'test_input_required_result_list_roots', args: {}, method: 'roots/list', told: 'file:///here' },
]

describe.each(SDKS)('a question of an HTTP server in a session, to a %s client', (sdk) => {
  test.each(OVER_HTTP)(
    '$tool: reaches a client that may be asked, and the answer the server',
    async (question) => {
      const { tool, args, method, told } = question
      const client = await connect(sdk, 'everything', trusted)
      const result = await client.callTool({ name: tool, arguments: args })
      expect(JSON.stringify(result)).toContain(told)
      expect(client.asked).toEqual([method])
    },
  )

  test.each(OVER_HTTP)(
    '$tool: is refused to others: the server gets an error, the client nothing',
    async (question) => {
      const { tool, args, method } = question
      const client = await connect(sdk, 'everything', plain)
      const before = decisions(method, 'plain').length
      const called = client.callTool({ name: tool, arguments: args })
      const result = await called.catch((problem: unknown) => ({ isError: true, content: String(problem) }))
      expect(result.isError).toBe(true)
      expect(JSON.stringify(result.content)).toContain(`Not permitted: ${method}`)
      expect(client.asked).toEqual([])
      expect(decisions(method, 'plain').slice(before)).toMatchObject([
        { decision: 'deny', reason: 'not-permitted' },
      ])
    },
  )

  test('on the stream of the session it is never lost, however early the call comes', async () => {
    for (let round = 0; round < 10; round++) {
      const client = await connect(sdk, 'everything', trusted)
      const result = await client.callTool({
        name: 'test_sampling_standalone',
        arguments: { prompt: 'Well?' },
      })
      expect(JSON.stringify(result)).toContain('Indeed.')
    }
  })
})

const MULTI_ROUND = [
  { tool: 'test_input_required_result_sampling', methods: ['sampling/createMessage'], told: 'Indeed.' },
  { tool: 'test_input_required_result_elicitation', methods: ['elicitation/create'], told: 'Hello, Ada!' },
  { tool: 'test_input_required_result_list_roots', methods: ['roots/list'], told: 'file:///here' },
]

describe('a result that wants input, to a client of the newest revision', () => {
  test.each(MULTI_ROUND)(
    '$tool: the client answers when it may be asked, and the call completes',
    async (round) => {
      const client = answerAll(
        await connectV2('v2 pinned', gateway.url('everything'), { key: trusted, capabilities }),
      )
      const result = await client.callTool({ name: round.tool })
      expect(JSON.stringify(result)).toContain(round.told)
      expect(client.asked).toEqual(round.methods)
    },
  )

  test.each(MULTI_ROUND)('$tool: others get a refusal in its place, and are asked nothing', async (round) => {
    const client = answerAll(
      await connectV2('v2 pinned', gateway.url('everything'), { key: plain, capabilities }),
    )
    const [method = ''] = round.methods
    const before = decisions(method, 'plain').length
    const result = await client.callTool({ name: round.tool })
    expect(result.isError).toBe(true)
    expect(result._meta).toMatchObject({ 'tollgate/refusal': { reason: 'not-permitted' } })
    expect(client.asked).toEqual([])
    expect(decisions(method, 'plain').slice(before)).toMatchObject([{ decision: 'deny' }])
  })

  test('a prompt that wants input is refused to others as an error', async () => {
    const client = answerAll(
      await connectV2('v2 pinned', gateway.url('everything'), { key: plain, capabilities }),
    )
    const got = client.getPrompt({ name: 'test_input_required_result_prompt' })
    await expect(got).rejects.toMatchObject({
      code: -31000,
      data: { 'tollgate/refusal': { reason: 'not-permitted' } },
    })
    expect(client.asked).toEqual([])
  })
})
