import { setTimeout as sleep } from 'node:timers/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  all,
  call,
  closeAll,
  events,
  forward,
  modern,
  next,
  notification,
  overProcess,
  RAW_SERVER,
  refusal,
  scratchFolder,
  SDK_SERVER,
  single,
  structured,
  until,
  value,
  withToken,
} from '../../../../test/fixtures/stdio-upstream.ts'

afterEach(closeAll)

const RAW = [RAW_SERVER, 'modern']
const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId'

/** A server that writes down the notifications it gets. */
function withNotes() {
  const file = join(scratchFolder(), 'notes')
  const upstream = overProcess([RAW_SERVER, 'modern', file])
  return { upstream, notes: () => readFileSync(file, 'utf8') }
}

describe('a request of a modern caller', () => {
  it.each(['a', 0, 7, -1, '7', ''])('is answered under its own id, %j', async (id) => {
    const upstream = overProcess([SDK_SERVER])
    const message = single(await forward(upstream, call('modern', id, 'echo', { x: 1 })))
    expect(message.body['id']).toBe(id)
    expect(JSON.parse(message.text)).toEqual(message.body)
    expect(structured(message)['arguments']).toEqual({ x: 1 })
  })

  it('keeps every byte of the answer but the id', async () => {
    const upstream = overProcess(RAW)
    const text =
      '{ "jsonrpc":"2.0", "id": $ID ,"result":{"n":1.0,"big":12345678901234567890,"u":"\\u00e4","id":1}}'
    const message = single(await forward(upstream, modern('mine', 'test/raw', { text })))
    expect(message.text).toBe(text.replace('$ID', '"mine"'))
  })

  it('finds unknown methods and unsupported versions under the HTTP status that carries them', async () => {
    const upstream = overProcess([SDK_SERVER])
    const status = async (message: ReturnType<typeof modern>) => {
      const reply = value(await forward(upstream, message))
      return reply.kind === 'single' ? reply.status : reply.kind
    }
    expect(await status(modern(1, 'no/such'))).toBe(404)
    expect(await status(modern(1, 'tools/list'))).toBe(200)
    expect(await status(call('modern', 1, 'no-such-tool'))).toBe(200)
    expect(await status(modern(1, 'initialize'))).toBe(404)
  })

  it('reads progress under its own token, then the response, on one stream', async () => {
    const upstream = overProcess(RAW)
    const reply = await forward(upstream, withToken(call('modern', 'p', 'progress', { steps: 3 }), 'mine'))
    const messages = await all(events(reply))
    expect(messages.map((each) => (each['params'] as { progress?: number } | undefined)?.progress)).toEqual([
      1,
      2,
      3,
      undefined,
    ])
    expect(messages[0]?.['params']).toMatchObject({ progressToken: 'mine' })
    expect(messages[3]?.['id']).toBe('p')
  })

  it('gets no progress that it did not ask for', async () => {
    const upstream = overProcess(RAW)
    single(await forward(upstream, call('modern', 1, 'progress', { steps: 3 })))
  })

  it('is cancelled at the server when its caller goes', async () => {
    const { upstream, notes } = withNotes()
    const leaving = new AbortController()
    const reply = forward(upstream, call('modern', 0, 'hang'), { signal: leaving.signal })
    await sleep(300)
    leaving.abort()
    expect(refusal(await reply).reason).toBe('unavailable')
    await until('the server knows', () => notes().includes('notifications/cancelled {"requestId":2'))
    single(await forward(upstream, call('modern', 0, 'pid')))
  })

  it('is cancelled at the server when the reader leaves the stream early', async () => {
    const { upstream, notes } = withNotes()
    const message = withToken(call('modern', 0, 'progress', { steps: 1, pauseMs: 60_000 }), 1)
    const reply = value(await forward(upstream, message))
    if (reply.kind !== 'events') throw new Error('a stream was expected')
    for await (const event of reply.events) {
      expect(event.message?.body['method']).toBe('notifications/progress')
      break
    }
    await until('the server knows', () => notes().includes('notifications/cancelled'))
  })

  it('stops the work of a server on the SDK, too', async () => {
    const upstream = overProcess([SDK_SERVER])
    const leaving = new AbortController()
    const reply = forward(upstream, call('modern', 0, 'slow', { ms: 60_000 }), { signal: leaving.signal })
    await until('the call is under way', () => upstream.status().state === 'ready')
    await sleep(200)
    leaving.abort()
    refusal(await reply)
    await until('the tool has stopped', () => upstream.log.some((line) => line.includes('slow: cancelled')))
  })

  it('is not sent at all when the caller has gone before', async () => {
    const upstream = overProcess(RAW)
    expect(
      refusal(await forward(upstream, call('modern', 0, 'pid'), { signal: AbortSignal.abort() })).reason,
    ).toBe('unavailable')
  })
})

describe('a subscription', () => {
  it('carries the id of its caller in every message', async () => {
    const upstream = overProcess(RAW)
    const one = events(
      await forward(upstream, modern('listen:0', 'subscriptions/listen', { notifications: {} })),
    )
    const two = events(
      await forward(upstream, modern('listen:0', 'subscriptions/listen', { notifications: {} })),
    )
    for (const stream of [one, two]) {
      const acknowledged = await next(stream)
      expect(acknowledged).toMatchObject({
        method: 'notifications/subscriptions/acknowledged',
        params: { _meta: { [SUBSCRIPTION_ID]: 'listen:0' } },
      })
    }
    await forward(upstream, call('modern', 0, 'changed'))
    for (const stream of [one, two]) {
      const changed = await next(stream)
      expect(changed).toMatchObject({ params: { _meta: { [SUBSCRIPTION_ID]: 'listen:0' } } })
    }
  })

  it('outlives the request timeout, and ends at the server when its reader leaves', async () => {
    const file = join(scratchFolder(), 'notes')
    const upstream = overProcess([RAW_SERVER, 'modern', file], { limits: { requestTimeoutMs: 100 } })
    const listen = modern(5, 'subscriptions/listen', { notifications: {} })
    const stream = events(await forward(upstream, listen))
    await next(stream)
    await sleep(300)
    await forward(upstream, call('modern', 0, 'changed'))
    expect(await next(stream)).toMatchObject({ method: 'notifications/tools/list_changed' })
    await stream.return?.()
    await until('the server knows', () => readFileSync(file, 'utf8').includes('notifications/cancelled'))
  })

  it('reaches a server on the SDK, whose end of it is told under the id of the caller', async () => {
    const upstream = overProcess([SDK_SERVER])
    const filter = { notifications: { toolsListChanged: true } }
    const stream = events(await forward(upstream, modern('mine', 'subscriptions/listen', filter)))
    expect(await next(stream)).toMatchObject({ params: { _meta: { [SUBSCRIPTION_ID]: 'mine' } } })
    const closed = upstream.close()
    await expect(all(stream)).rejects.toThrow(/stopped/)
    await closed
  })

  it('ends with a response that carries the id of the caller twice', async () => {
    const upstream = overProcess([SDK_SERVER])
    // Nothing is asked for, so the server completes the subscription at once.
    const message = single(await forward(upstream, modern('mine', 'subscriptions/listen', {})))
    expect(message.body['id']).toBe('mine')
  })
})

describe('what a modern server says to nobody', () => {
  it('reaches nobody', async () => {
    const upstream = overProcess(RAW)
    const running = forward(upstream, call('modern', 1, 'progress', { steps: 0, pauseMs: 300 }))
    for (const name of ['log', 'updated', 'changed']) {
      single(await forward(upstream, call('modern', 0, name, { data: 'secret', uri: 'x://y' })))
    }
    single(await running)
  })

  it('and a request of it is answered with an error', async () => {
    const upstream = overProcess(RAW)
    const message = single(await forward(upstream, call('modern', 0, 'ask', { method: 'roots/list' })))
    expect(structured(message)).toMatchObject({ code: -32601 })
  })
})

describe('a notification of a modern caller', () => {
  it('about requests of one connection stays here, any other reaches the server', async () => {
    const { upstream, notes } = withNotes()
    for (const method of ['notifications/cancelled', 'notifications/other']) {
      const message = { ...notification(method, { requestId: 1 }), era: 'modern' } as const
      expect(value(await forward(upstream, message))).toEqual({ kind: 'empty', status: 202 })
    }
    await until('it has come', () => notes().includes('notifications/other'))
    expect(notes()).not.toContain('cancelled')
  })
})
