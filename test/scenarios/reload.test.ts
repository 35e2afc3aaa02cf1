import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Entry } from '../../packages/gateway/src/model/entry.ts'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import { GatewayProgram } from '../fixtures/gateway-program.ts'
import { createKeys } from '../fixtures/key-bundle.ts'
import {
  getStream,
  messagesOf,
  postLegacy,
  postModern,
  resultOf,
  startSession,
} from '../fixtures/raw-http.ts'
import { closeClients } from '../fixtures/sdk-clients.ts'
import { alive, RAW_SERVER, until } from '../fixtures/stdio-upstream.ts'

const command = (era: string) => `{ command: ${JSON.stringify([process.execPath, RAW_SERVER, era])} }`
const OLD = `servers:\n  kept: ${command('modern')}\n  dropped: ${command('legacy')}\n`

/** Configuration and policies that only permit anything together. */
const world = (name: string) => ({
  config: `environment: ${name}\nlimits: { drainSeconds: 1 }\n${OLD}`,
  policies: `@id("${name}") permit (principal, action, resource) when { context.environment.name == "${name}" };`,
})

let program: GatewayProgram
let key: string

beforeAll(async () => {
  program = await GatewayProgram.start(world('red'))
  key = createKeys(program.folder, 'caller-', 1)[0]!
})

afterEach(closeClients)
afterAll(() => program.close())

const call = (name: string, args: JsonObject = {}) => ({
  id: 1,
  method: 'tools/call',
  params: { name, arguments: args },
})
const pidOf = async (server: string) => {
  const result = await resultOf(await postModern(program.url(server), call('pid'), { key }))
  return Number((result['structuredContent'] as JsonObject)['pid'])
}
const times = (text: string) => program.log.split(text).length - 1

/** Reloads and waits until it is done. */
const RELOADS = {
  SIGHUP: async () => {
    const before = times('reloaded')
    program.signal('SIGHUP')
    await until('it has reloaded', () => times('reloaded') > before)
  },
  'the admin socket': async () => {
    expect(await program.admin('POST /api/v1/reload')).toEqual({ status: 200, body: { ok: true } })
  },
}

function entries(): Entry[] {
  const text = readFileSync(join(program.folder, 'data', 'audit', 'audit.jsonl'), 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1) // the last line may be half written
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry)
}

describe.each(Object.entries(RELOADS))('a reload by %s', (_, reload) => {
  test('swaps configuration and policies at once: no call under load is judged by a mixture', async () => {
    const before = entries().length
    const over = new AbortController()
    const statuses = new Set<string>()
    const load = async () => {
      while (!over.signal.aborted) {
        const answer = await resultOf(await postModern(program.url('kept'), call('echo'), { key }))
        statuses.add(JSON.stringify(answer['isError'] ?? false))
      }
    }
    const pid = await pidOf('kept')
    const loads = Array.from({ length: 8 }, load)
    for (let round = 0; round < 10; round++) {
      program.write(world(round % 2 === 0 ? 'green' : 'red'))
      await reload()
    }
    over.abort()
    await Promise.all(loads)
    expect([...statuses]).toEqual(['false'])
    const decisions = entries()
      .slice(before)
      .filter((entry) => entry.kind === 'decision')
    expect(new Set(decisions.map(({ policies }) => policies.join()))).toEqual(new Set(['red', 'green']))
    // A server whose own configuration did not change kept its process.
    expect(await pidOf('kept')).toBe(pid)
  })
})

describe('what is wrong', () => {
  const { config, policies } = world('red')
  const wrong = [
    ['a policy', { policies: `${policies}\npermit (principal, action resource);` }, /test\.cedar:2:\d+: /],
    ['a key of the configuration', { config: `${config}serverz: {}\n` }, /tollgate\.yaml:\d+:1: .*serverz/],
    ['the YAML', { config: `${config}servers: [\n` }, /tollgate\.yaml:\d+:\d+: /],
    [
      'a listener that needs a restart',
      { config: `${config}admin: { listen: 'unix:/tmp/other.sock' }\n` },
      /restart/,
    ],
  ] as const

  test.each(wrong)('with %s is said, with its place, and the old stays', async (_, files, said) => {
    program.write({ ...world('red'), ...files })
    const { status, body } = await program.admin('POST /api/v1/reload')
    expect(status).toBe(422)
    expect((body as { errors: string[] }).errors.join('\n')).toMatch(said)
    const before = times('kept the configuration as it was')
    program.signal('SIGHUP')
    await until('it says so', () => times('kept the configuration as it was') > before)
    expect(program.log).toMatch(said)
    await pidOf('kept')
    program.write(world('red'))
    await RELOADS['the admin socket']()
  })
})

test('a removed server ends its sessions, streams and processes; the others do not notice', async () => {
  program.write(world('red'))
  await RELOADS['the admin socket']()
  const url = program.url('dropped')
  const session = await startSession(url, { key })
  const result = await resultOf(await postLegacy(url, call('pid'), { key, session }))
  const pid = Number((result['structuredContent'] as JsonObject)['pid'])
  const stream = await getStream(url, { key, session })
  const kept = messagesOf(await postModern(program.url('kept'), LISTEN, { key }))
  await kept.next()
  program.write({
    config: `environment: red\nlimits: { drainSeconds: 1 }\nservers: { kept: ${command('modern')} }\n`,
  })
  await RELOADS['the admin socket']()
  await stream.text() // it has ended
  expect((await postLegacy(url, call('pid'), { key, session })).status).toBe(404)
  await until('its process is gone', () => !alive(pid))
  await resultOf(await postModern(program.url('kept'), call('changed'), { key }))
  expect((await kept.next()).value).toMatchObject({ method: 'notifications/tools/list_changed' })
  await kept.return(undefined)
  // Back again, it has forgotten the session.
  program.write(world('red'))
  await RELOADS['the admin socket']()
  expect((await postLegacy(url, call('pid'), { key, session })).status).toBe(404)
})

const LISTEN = {
  id: 1,
  method: 'subscriptions/listen',
  params: { notifications: { toolsListChanged: true } },
}
