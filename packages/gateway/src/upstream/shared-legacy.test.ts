import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
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
  single,
  STREAM,
  structured,
  type TestUpstream,
  until,
  value,
} from '../../../../test/fixtures/stdio-upstream.ts'

afterEach(closeAll)

function withNotes(settings: Parameters<typeof overProcess>[1] = {}) {
  const file = join(scratchFolder(), 'notes')
  const upstream = overProcess([RAW_SERVER, 'legacy', file], settings)
  return { upstream, notes: () => readFileSync(file, 'utf8') }
}

const raw = (settings = {}) => overProcess([RAW_SERVER, 'legacy'], settings)

async function pidOf(upstream: TestUpstream, session: UpstreamSession): Promise<number> {
  return structured(single(await forward(upstream, call('legacy', 0, 'pid'), { session })))['pid'] as number
}

async function subscribe(upstream: TestUpstream, session: UpstreamSession, uri: string) {
  return single(await forward(upstream, legacy(1, 'resources/subscribe', { uri }), { session }))
}

async function open(upstream: TestUpstream, session: UpstreamSession) {
  return events(await forward(upstream, STREAM, { session }))
}

describe('initialize on a shared server', () => {
  it('is answered for every caller with what the server told the gateway, less its log messages', async () => {
    const upstream = raw()
    const one = await initialize(upstream)
    const two = await initialize(upstream)
    expect(one.session).not.toBe(two.session)
    expect(await pidOf(upstream, one.session)).toBe(await pidOf(upstream, two.session))
    expect(one.result).toMatchObject({ serverInfo: { name: 'raw' }, instructions: 'Be kind.' })
    expect(one.result['capabilities']).toEqual({
      tools: { listChanged: true },
      resources: { subscribe: true },
      'x-big': 1,
    })
    expect(one.message.body['id']).toBe(0)
    expect(JSON.parse(one.message.text)).toEqual(one.message.body)
  })

  it.each([
    ['2025-11-25', '2025-11-25'],
    ['2025-06-18', '2025-06-18'],
    ['2024-11-05', '2024-11-05'],
    ['2099-01-01', '2025-11-25'],
    ['2026-07-28', '2025-11-25'],
    [undefined, '2025-11-25'],
  ])('agrees on a revision with a caller that wants %s', async (protocolVersion, agreed) => {
    const { result } = await initialize(raw(), { protocolVersion })
    expect(result['protocolVersion']).toBe(agreed)
  })

  it('declares nothing of the client, so that the server asks nothing of it', async () => {
    const upstream = overProcess([LEGACY_SDK_SERVER])
    const { session } = await initialize(upstream, { capabilities: { sampling: {}, roots: {} } })
    const reply = await forward(upstream, call('legacy', 1, 'ask', { kind: 'sampling' }), { session })
    expect(single(reply).text).toMatch(/Method not found/)
  })
})

describe('a session on a shared server', () => {
  it('has its pings, log levels and notifications of the handshake answered here', async () => {
    const { upstream, notes } = withNotes()
    const { session } = await initialize(upstream)
    expect(single(await forward(upstream, legacy('p', 'ping'), { session })).text).toBe(
      '{"jsonrpc":"2.0","id":"p","result":{}}',
    )
    const level = single(
      await forward(upstream, legacy(1, 'logging/setLevel', { level: 'debug' }), { session }),
    )
    expect(level.body['error']).toMatchObject({ code: -32601 })
    for (const method of ['notifications/initialized', 'notifications/roots/list_changed']) {
      expect(value(await forward(upstream, notification(method), { session }))).toEqual({
        kind: 'empty',
        status: 202,
      })
    }
    await forward(upstream, notification('notifications/custom', { a: 1 }), { session })
    await until('the custom one has come', () => notes().includes('custom {"a":1}'))
    expect(notes().match(/notifications\/initialized/g)).toHaveLength(1)
  })

  it('can cancel its own requests and nobody else’s', async () => {
    const { upstream, notes } = withNotes()
    const one = await initialize(upstream)
    const two = await initialize(upstream)
    const hanging = forward(upstream, call('legacy', 7, 'hang'), { session: one.session })
    const cancel = notification('notifications/cancelled', { requestId: 7, reason: 'enough' })
    for (const session of [two.session, undefined]) {
      expect(value(await forward(upstream, cancel, { session }))).toEqual({ kind: 'empty', status: 202 })
    }
    const wrongType = notification('notifications/cancelled', { requestId: '7' })
    await forward(upstream, wrongType, { session: one.session })
    await sleep(100)
    expect(notes()).not.toContain('cancelled')
    await forward(upstream, cancel, { session: one.session })
    expect(refusal(await hanging)).toMatchObject({
      reason: 'unavailable',
      message: 'The request was cancelled.',
    })
    await until('the server knows', () => /cancelled {"requestId":\d+,"reason":"enough"}/.test(notes()))
  })

  it('does not cancel anything by hanging up', async () => {
    const { upstream, notes } = withNotes()
    const { session } = await initialize(upstream)
    const leaving = new AbortController()
    const hanging = forward(upstream, call('legacy', 7, 'hang'), { session, signal: leaving.signal })
    await sleep(50)
    leaving.abort()
    refusal(await hanging)
    await pidOf(upstream, session)
    expect(notes()).not.toContain('cancelled')
  })

  it('takes its calls with it when it ends', async () => {
    const { upstream, notes } = withNotes()
    const { session } = await initialize(upstream)
    const hanging = forward(upstream, call('legacy', 7, 'hang'), { session })
    await sleep(50)
    expect(value(await forward(upstream, END, { session }))).toEqual({ kind: 'empty', status: 200 })
    expect(refusal(await hanging).message).toBe('The session has ended.')
    await until('the server knows', () => notes().includes('cancelled'))
    expect(refusal(await forward(upstream, call('legacy', 7, 'pid'), { session }))).toMatchObject({
      reason: 'unknown',
      what: 'session',
    })
  })

  it('of another server is unknown', async () => {
    const own = await initialize(raw({ sharing: 'per-session' }))
    const other = raw()
    const shared = await initialize(raw())
    for (const foreign of [{ close() {} }, own.session, shared.session]) {
      expect(refusal(await forward(other, call('legacy', 1, 'pid'), { session: foreign })).reason).toBe(
        'unknown',
      )
    }
  })

  it('may not answer what was not asked', async () => {
    const upstream = raw()
    const { session } = await initialize(upstream)
    expect(refusal(await forward(upstream, response(1, {}), { session })).reason).toBe('invalid')
  })

  it('is not needed for a plain call', async () => {
    expect(structured(single(await forward(raw(), call('legacy', 'x', 'echo', { a: 1 }))))).toEqual({ a: 1 })
  })
})

describe('what a shared server says unasked', () => {
  it('reaches every session when a list has changed, once', async () => {
    const upstream = raw()
    const one = await initialize(upstream)
    const two = await initialize(upstream)
    const early = await open(upstream, one.session)
    await forward(upstream, call('legacy', 1, 'changed'), { session: one.session })
    const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }
    expect(await next(early)).toEqual(changed)
    expect(await next(early)).toEqual(changed)
    // Two of the same that waited are one.
    const late = await open(upstream, two.session)
    expect(await next(late)).toEqual(changed)
    for (const session of [one.session, two.session]) session.close()
    expect(await all(early)).toEqual([])
    expect(await all(late)).toEqual([])
  })

  it('reaches those who subscribed to the resource, and nobody else', async () => {
    const { upstream, notes } = withNotes()
    const [a, b, c] = [await initialize(upstream), await initialize(upstream), await initialize(upstream)]
    await subscribe(upstream, a.session, 'x://one')
    await subscribe(upstream, b.session, 'x://one')
    await subscribe(upstream, c.session, 'x://two')
    const streams = [
      await open(upstream, a.session),
      await open(upstream, b.session),
      await open(upstream, c.session),
    ]
    const update = (uri: string) =>
      forward(upstream, call('legacy', 1, 'updated', { uri }), { session: c.session })
    await update('x://one')
    await update('x://one/below')
    await update('x://onemore')
    await update('x://two')
    const uri = async (stream: (typeof streams)[number]) =>
      ((await next(stream))['params'] as { uri: string }).uri
    for (const stream of streams.slice(0, 2)) {
      expect([await uri(stream), await uri(stream)]).toEqual(['x://one', 'x://one/below'])
    }
    expect(await uri(streams[2]!)).toBe('x://two')

    // The server hears of it when the last one leaves, and not before.
    const unsubscribe = legacy(2, 'resources/unsubscribe', { uri: 'x://one' })
    expect(single(await forward(upstream, unsubscribe, { session: a.session })).body['result']).toEqual({})
    single(await forward(upstream, unsubscribe, { session: c.session }))
    expect(notes()).not.toContain('unsubscribe x://one')
    b.session.close()
    await until('the server knows', () => notes().includes('unsubscribe x://one'))
    single(
      await forward(upstream, legacy(3, 'resources/unsubscribe', { uri: 'x://two' }), { session: c.session }),
    )
    expect(notes()).toContain('unsubscribe x://two')
  })

  it('does not count a subscription that the server has refused', async () => {
    const { upstream } = withNotes()
    const { session } = await initialize(upstream)
    expect((await subscribe(upstream, session, 'x://missing')).body['error']).toMatchObject({ code: -32002 })
    await forward(upstream, call('legacy', 1, 'updated', { uri: 'x://missing' }), { session })
    const stream = await open(upstream, session)
    session.close()
    expect(await all(stream)).toEqual([])
  })

  it('reaches nobody when it could be about anybody', async () => {
    const upstream = raw()
    const { session } = await initialize(upstream)
    const stream = await open(upstream, session)
    single(await forward(upstream, call('legacy', 1, 'log', { data: 'secret' }), { session }))
    const asked = single(
      await forward(upstream, call('legacy', 1, 'ask', { method: 'roots/list' }), { session }),
    )
    expect(structured(asked)).toMatchObject({ code: -32601 })
    const pinged = single(await forward(upstream, call('legacy', 1, 'ask', { method: 'ping' }), { session }))
    expect(structured(pinged)).toEqual({})
    session.close()
    expect(await all(stream)).toEqual([])
  })
})

describe('the stream of a session', () => {
  it('has one reader at a time, and loses nothing between two', async () => {
    const upstream = raw()
    const { session } = await initialize(upstream)
    expect(refusal(await forward(upstream, STREAM))).toMatchObject({ protocol: { status: 405 } })
    const first = await open(upstream, session)
    expect(refusal(await forward(upstream, STREAM, { session }))).toMatchObject({ protocol: { status: 409 } })
    await forward(upstream, call('legacy', 1, 'changed'), { session })
    await next(first)
    await first.return?.()
    const leaving = new AbortController()
    const second = events(await forward(upstream, STREAM, { session, signal: leaving.signal }))
    expect(await next(second)).toMatchObject({ method: 'notifications/tools/list_changed' })
    leaving.abort()
    expect(await all(second)).toEqual([])
    await open(upstream, session)
  })

  it('ends for a reader that is too slow, who finds the rest on the next one', async () => {
    const upstream = raw({ limits: { maxQueuedEvents: 4 } })
    const { session } = await initialize(upstream)
    const slow = await open(upstream, session)
    for (let times = 0; times < 3; times++) await forward(upstream, call('legacy', 1, 'changed'), { session })
    expect(await all(slow)).toEqual([])
    const again = await open(upstream, session)
    expect(await next(again)).toMatchObject({ method: 'notifications/tools/list_changed' })
  })
})

describe('a shared server that dies', () => {
  it('fails the calls in flight at once, and leaves sessions and subscriptions alive', async () => {
    const { upstream, notes } = withNotes()
    const { session } = await initialize(upstream)
    await subscribe(upstream, session, 'x://one')
    const stream = await open(upstream, session)
    const before = await pidOf(upstream, session)
    const hanging = forward(upstream, call('legacy', 5, 'hang'), { session })
    const failed = refusal(await forward(upstream, call('legacy', 6, 'crash', { code: 1 }), { session }))
    const message = 'The server exited (exit code 1) during the call.'
    expect(failed).toMatchObject({ reason: 'unavailable', message })
    expect(refusal(await hanging).message).toBe(message)
    const after = await pidOf(upstream, session)
    expect(after).not.toBe(before)
    expect(alive(before)).toBe(false)
    await until('it is subscribed again', () => notes().match(/^subscribe/gm)?.length === 2)
    await forward(upstream, call('legacy', 1, 'updated', { uri: 'x://one' }), { session })
    expect(await next(stream)).toMatchObject({ method: 'notifications/resources/updated' })
  })

  it('is started again without a call while someone waits for updates', async () => {
    const { upstream, notes } = withNotes()
    const { session } = await initialize(upstream)
    await subscribe(upstream, session, 'x://one')
    process.kill(await pidOf(upstream, session), 'SIGKILL')
    await until('it is subscribed again', () => notes().match(/^subscribe/gm)?.length === 2)
  })
})
