import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import { ANONYMOUS, PERMIT_ALL } from '../fixtures/gateway.ts'
import { GatewayProgram } from '../fixtures/gateway-program.ts'
import { answerOf, postLegacy, postModern, resultOf, startSession } from '../fixtures/raw-http.ts'
import { alive, RAW_SERVER, SDK_SERVER, until } from '../fixtures/stdio-upstream.ts'

let program: GatewayProgram

const servers = `${ANONYMOUS}servers:
  legacy: { command: ${JSON.stringify([process.execPath, RAW_SERVER, 'legacy'])} }
  modern: { command: ${JSON.stringify([process.execPath, RAW_SERVER, 'modern'])} }
  sdk: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} }
`

async function start(more = ''): Promise<void> {
  program = await GatewayProgram.start({ config: more + servers, policies: PERMIT_ALL })
}

afterEach(() => program.close())

type Era = 'legacy' | 'modern'
type Caller = (name: string, args?: JsonObject) => Promise<Response>

/** Calls tools of a server in an era. */
async function callerOf(server: string, era: Era): Promise<Caller> {
  const url = program.url(server)
  const session = era === 'legacy' ? await startSession(url) : undefined
  return (name, args = {}) => {
    const call = { id: 1, method: 'tools/call', params: { name, arguments: args } }
    return era === 'legacy' ? postLegacy(url, call, { session }) : postModern(url, call)
  }
}

const structured = async (response: Promise<Response>) =>
  (await resultOf(await response))['structuredContent'] as JsonObject

describe.each(['legacy', 'modern'] as const)('a program that is killed, %s era', (era) => {
  test('fails the calls it was working on, and the next one works', async () => {
    await start()
    const call = await callerOf(era, era)
    const { pid } = await structured(call('pid'))
    const pending = Array.from({ length: 20 }, () => call('hang').then(answerOf))
    await structured(call('echo')) // the others have arrived
    process.kill(Number(pid), 'SIGKILL')
    for (const answer of await Promise.all(pending)) {
      expect(answer).toMatchObject({
        id: 1,
        result: { isError: true, _meta: { 'tollgate/refusal': { reason: 'unavailable' } } },
      })
    }
    const { pid: next } = await structured(call('pid'))
    expect(next).not.toBe(pid)
  })
})

describe('SIGTERM', () => {
  test('lets a call under way finish, takes no new ones, and leaves no process', async () => {
    await start()
    const call = await callerOf('sdk', 'modern')
    const slow = call('slow', { ms: 1500 })
    await structured(call('whoami')) // the slow one has arrived
    const children = program.descendants()
    expect(children).not.toEqual([])
    program.signal('SIGTERM')
    await until('it stops', () => program.log.includes('stopping'))
    await expect(call('whoami')).rejects.toThrow('fetch failed')
    expect(await structured(slow)).toMatchObject({ waitedMs: 1500 })
    expect(await program.ended).toEqual({ code: 0, signal: null })
    expect(children.filter(alive)).toEqual([])
  })

  test('tells the last callers that their connection ends, and does not wait for idle ones', async () => {
    // Long enough for the test to fail if the stop waited for it.
    await start('limits: { drainSeconds: 120 }\n')
    const idle = connect(Number(new URL(program.origin).port), '127.0.0.1')
    await new Promise((resolve) => idle.once('connect', resolve))
    const call = await callerOf('sdk', 'modern')
    const slow = call('slow', { ms: 1000 })
    await structured(call('whoami'))
    program.signal('SIGTERM')
    const answered = await slow
    expect(answered.headers.get('connection')).toBe('close')
    await answered.text()
    expect(await program.ended).toEqual({ code: 0, signal: null })
    idle.destroy()
  })

  test('does not cut an answer that is still being read', async () => {
    await start('limits: { drainSeconds: 60 }\n')
    const call = await callerOf('modern', 'modern')
    const response = await call('big', { bytes: 30_000_000 })
    program.signal('SIGTERM')
    await until('it stops', () => program.log.includes('stopping'))
    expect((await response.text()).length).toBeGreaterThan(30_000_000)
    expect(await program.ended).toEqual({ code: 0, signal: null })
  })

  test('ends open streams at once', async () => {
    await start('limits: { drainSeconds: 120 }\n')
    const listen = { id: 1, method: 'subscriptions/listen', params: { notifications: {} } }
    const response = await postModern(program.url('modern'), listen)
    program.signal('SIGTERM')
    await response.text()
    expect(await program.ended).toEqual({ code: 0, signal: null })
  })

  test('a second time ends at once, and still leaves no process', async () => {
    await start('limits: { drainSeconds: 120 }\n')
    const call = await callerOf('sdk', 'modern')
    const hanging = call('slow', { ms: 100_000 }).catch(() => undefined)
    await structured(call('whoami'))
    const children = program.descendants()
    program.signal('SIGTERM')
    await until('it stops', () => program.log.includes('stopping'))
    program.signal('SIGTERM')
    expect(await program.ended).toEqual({ code: 1, signal: null })
    await until('no process is left', () => !children.some(alive))
    await hanging
  })
})

test('SIGKILL leaves no child and no grandchild', async () => {
  await start()
  const calls = [await callerOf('legacy', 'legacy'), await callerOf('modern', 'modern')]
  const pids: number[] = []
  for (const call of calls) pids.push(...((await structured(call('grandchild')))['pids'] as number[]))
  const all = [...program.descendants(), ...pids]
  expect(pids.every(alive)).toBe(true)
  program.signal('SIGKILL')
  await program.ended
  await until('no process is left', () => !all.some(alive))
})

test('10,000 calls leave no more processes and files open than 10 did', async () => {
  await start()
  const ways = [await callerOf('legacy', 'legacy'), await callerOf('modern', 'modern')]
  const run = async (calls: number) => {
    let left = calls
    const one = async () => {
      while (left-- > 0) await structured(ways[left % 2]!('echo', { n: left }))
    }
    await Promise.all(Array.from({ length: 10 }, one))
  }
  const inUse = () => ({ files: program.openFiles(), processes: program.descendants().length })
  await run(10)
  const before = inUse()
  await run(10_000)
  await until('files and processes are as few as before', () => {
    const { files, processes } = inUse()
    return files <= before.files && processes <= before.processes
  })
})
