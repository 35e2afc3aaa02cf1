import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../model/message.ts'
import type { UpstreamSession } from '../model/upstream.ts'
import {
  all,
  alive,
  call,
  closeAll,
  END,
  events,
  forward,
  initialize,
  legacy,
  LEGACY_SDK_SERVER,
  next,
  notification,
  overProcess,
  RAW_SERVER,
  refusal,
  response,
  scratchFolder,
  SDK_SERVER,
  single,
  STREAM,
  structured,
  type TestUpstream,
  until,
  value,
} from '../../../../test/fixtures/stdio-upstream.ts'

afterEach(closeAll)

type Settings = Parameters<typeof overProcess>[1]

const raw = (settings: Settings = {}) =>
  overProcess([RAW_SERVER, 'legacy'], { sharing: 'per-session', ...settings })

async function pidOf(upstream: TestUpstream, session: UpstreamSession): Promise<number> {
  return structured(single(await forward(upstream, call('legacy', 0, 'pid'), { session })))['pid'] as number
}

describe('a session of its own', () => {
  it('has its own process from initialize to its end', async () => {
    const upstream = raw()
    const one = await initialize(upstream)
    const two = await initialize(upstream)
    const pids = [await pidOf(upstream, one.session), await pidOf(upstream, two.session)]
    expect(new Set(pids).size).toBe(2)
    expect(value(await forward(upstream, END, { session: one.session }))).toEqual({
      kind: 'empty',
      status: 200,
    })
    await until('its process is gone', () => !alive(pids[0]!))
    expect(alive(pids[1]!)).toBe(true)
    two.session.close()
    await until('the other is gone', () => !alive(pids[1]!))
  })

  it('is initialized by its client, as it is', async () => {
    const upstream = raw()
    const { result, message } = await initialize(upstream, { protocolVersion: '2025-03-26' })
    expect(result).toMatchObject({ protocolVersion: '2025-03-26', capabilities: { logging: {} } })
    expect(message.text).toContain('"id":0')
  })

  it('keeps its process when another one dies, and is unknown when its own does', async () => {
    const upstream = raw()
    const one = await initialize(upstream)
    const two = await initialize(upstream)
    const failed = refusal(await forward(upstream, call('legacy', 1, 'crash'), { session: one.session }))
    expect(failed.message).toBe('The server exited (exit code 1) during the call.')
    expect(
      refusal(await forward(upstream, call('legacy', 1, 'pid'), { session: one.session })),
    ).toMatchObject({
      reason: 'unknown',
      what: 'session',
    })
    await pidOf(upstream, two.session)
  })

  it('can be begun at once whatever others have done to theirs', async () => {
    const upstream = raw()
    for (let times = 0; times < 10; times++) {
      const { session } = await initialize(upstream)
      refusal(await forward(upstream, call('legacy', 1, 'crash'), { session }))
    }
    await initialize(upstream)
  })

  it('is one of so many at most', async () => {
    const upstream = raw({ limits: { maxSessions: 2 } })
    const opened = await Promise.allSettled([
      initialize(upstream),
      initialize(upstream),
      initialize(upstream),
    ])
    expect(opened.map((each) => each.status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'c', version: '1' },
    }
    expect(refusal(await forward(upstream, legacy(1, 'initialize', params))).reason).toBe('limited')
    const first = opened.find((each) => each.status === 'fulfilled')
    first?.value.session.close()
    await initialize(upstream)
  })

  it('is not there when the server has refused to initialize', async () => {
    const upstream = overProcess([RAW_SERVER, 'modern'], { sharing: 'per-session' })
    const reply = value(await forward(upstream, legacy(1, 'initialize', { protocolVersion: '2025-11-25' })))
    expect(reply).toMatchObject({ kind: 'single', message: { body: { error: { code: -32022 } } } })
    expect(reply).not.toHaveProperty('session')
    await until('its process is gone', () => upstream.status().state !== 'ready')
  })

  it('is needed for every request, and serves modern callers beside it', async () => {
    const upstream = overProcess([SDK_SERVER], { sharing: 'per-session' })
    expect(refusal(await forward(upstream, legacy(1, 'tools/list'))).reason).toBe('unknown')
    const { session } = await initialize(upstream)
    const [one, two] = await Promise.all([
      forward(upstream, call('modern', 0, 'whoami')),
      forward(upstream, call('legacy', 0, 'whoami'), { session }),
    ])
    expect(structured(single(one))['era']).toBe('modern')
    expect(structured(single(two))['era']).toBe('legacy')
  })

  it('may start with the process that a modern caller was refused by', async () => {
    const file = join(scratchFolder(), 'notes')
    const upstream = overProcess([RAW_SERVER, 'legacy', file], { sharing: 'per-session' })
    refusal(await forward(upstream, call('modern', 0, 'pid')))
    await initialize(upstream)
    expect(readFileSync(file, 'utf8').match(/^pid/gm)).toHaveLength(1)
    await initialize(upstream)
    expect(readFileSync(file, 'utf8').match(/^pid/gm)).toHaveLength(2)
  })
})

describe('what passes through a session of its own', () => {
  it('is everything a server on the SDK asks, and what the client answers', async () => {
    const upstream = overProcess([LEGACY_SDK_SERVER], { sharing: 'per-session' })
    const { session } = await initialize(upstream, { capabilities: { sampling: {}, elicitation: {} } })
    await forward(upstream, notification('notifications/initialized'), { session })
    const stream = events(
      await forward(upstream, call('legacy', 9, 'ask', { kind: 'sampling' }), { session }),
    )
    const asked = await next(stream)
    expect(asked).toMatchObject({ method: 'sampling/createMessage' })
    const answer = { model: 'm', role: 'assistant', content: { type: 'text', text: 'Well!' } }
    const id = asked['id'] as number
    expect(value(await forward(upstream, response(id, answer), { session }))).toEqual({
      kind: 'empty',
      status: 202,
    })
    const rest = await all(stream)
    expect(rest).toHaveLength(1)
    expect(rest[0]).toMatchObject({ id: 9, result: { structuredContent: { content: { text: 'Well!' } } } })
  })

  it('is an answer to each request of the server, once', async () => {
    const upstream = raw()
    const { session } = await initialize(upstream)
    const stream = events(
      await forward(upstream, call('legacy', 1, 'ask', { method: 'roots/list' }), { session }),
    )
    const id = (await next(stream))['id'] as string
    expect(refusal(await forward(upstream, response('other', {}), { session })).reason).toBe('invalid')
    value(await forward(upstream, response(id, { roots: [] }), { session }))
    expect(refusal(await forward(upstream, response(id, { roots: [] }), { session })).reason).toBe('invalid')
    expect(await all(stream)).toMatchObject([{ id: 1, result: { structuredContent: { roots: [] } } }])
  })

  it('does not run out of time while the server waits for the client', async () => {
    const upstream = raw({ limits: { requestTimeoutMs: 150 } })
    const { session } = await initialize(upstream)
    const stream = events(
      await forward(upstream, call('legacy', 1, 'ask', { method: 'roots/list' }), { session }),
    )
    const id = (await next(stream))['id'] as string
    await sleep(500)
    value(await forward(upstream, response(id, {}), { session }))
    expect(await all(stream)).toMatchObject([{ id: 1 }])
  })

  it('is a message for the call in flight, else for the stream, else for the stream that will be opened', async () => {
    const upstream = raw()
    const { session } = await initialize(upstream)
    const log = (data: string) => forward(upstream, call('legacy', 1, 'log', { data }), { session })
    const data = (message: JsonObject) => (message['params'] as JsonObject | undefined)?.['data']

    const messages = await all(events(await log('to the call')))
    expect(messages.map(data)).toEqual(['to the call', undefined])

    // Nobody listens on the call, so the message waits for the stream.
    const leaving = new AbortController()
    const hanging = forward(upstream, call('legacy', 2, 'hang'), { session, signal: leaving.signal })
    await sleep(50)
    leaving.abort()
    refusal(await hanging)
    const changed = await forward(upstream, call('legacy', 3, 'pid'), { session })
    single(changed)
    const stream = events(await forward(upstream, STREAM, { session }))
    single(await forward(upstream, call('legacy', 4, 'changed'), { session }))
    expect(await next(stream)).toMatchObject({ method: 'notifications/tools/list_changed' })
    expect(await next(stream)).toMatchObject({ method: 'notifications/tools/list_changed' })
    session.close()
    expect(await all(stream)).toEqual([])
  })

  it('is cancellation under the id that the server knows', async () => {
    const file = join(scratchFolder(), 'notes')
    const upstream = overProcess([RAW_SERVER, 'legacy', file], { sharing: 'per-session' })
    const { session } = await initialize(upstream)
    const hanging = forward(upstream, call('legacy', 'mine', 'hang'), { session })
    await sleep(50)
    await forward(upstream, notification('notifications/cancelled', { requestId: 'mine' }), { session })
    refusal(await hanging)
    await until('the server knows', () => /cancelled {"requestId":2}/.test(readFileSync(file, 'utf8')))
  })

  it('is refused to the server when it piles up unread', async () => {
    const upstream = raw({ limits: { maxQueuedEvents: 3 } })
    const { session } = await initialize(upstream)
    const leaving = new AbortController()
    const asking = Array.from({ length: 5 }, (_, id) =>
      forward(upstream, call('legacy', id, 'ask', { method: 'roots/list' }), {
        session,
        signal: leaving.signal,
      }),
    )
    leaving.abort()
    await Promise.all(asking)
    await sleep(200)
    await pidOf(upstream, session)
    const stream = events(await forward(upstream, STREAM, { session }))
    const asked = [await next(stream), await next(stream), await next(stream)]
    for (const message of asked) {
      value(await forward(upstream, response(message['id'] as string, {}), { session }))
    }
  })
})
