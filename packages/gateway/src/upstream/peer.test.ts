import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { all, call, modern, timers, withToken } from '../../../../test/fixtures/stdio-upstream.ts'
import type { JsonObject } from '../model/message.ts'
import type { ServerMessage } from '../model/upstream.ts'
import type { Channel, ChannelListener } from './channel.ts'
import { Peer } from './peer.ts'

/** A peer whose server is the test. */
function createPeer() {
  const written: JsonObject[] = []
  const unsolicited: ServerMessage[] = []
  const log: string[] = []
  let listener: ChannelListener | undefined
  const channel: Channel = {
    write: (line) => written.push(JSON.parse(line) as JsonObject) > 0,
    listen(given) {
      listener = given
    },
    close: () => Promise.resolve(),
    describe: () => 'test',
  }
  const limits = { maxQueuedEvents: 1000, maxMessageBytes: 1_000_000, requestTimeoutMs: 60_000 }
  const peer = new Peer({ channel, limits, timers, log: (text) => log.push(text) })
  peer.listener = {
    unsolicited: (message) => unsolicited.push(message),
    asked: (message) => unsolicited.push(message),
    closed: () => undefined,
  }
  return {
    peer,
    written,
    unsolicited,
    log,
    says: (text: string) => listener?.line(text),
    ends: () => listener?.closed('exited'),
  }
}

const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId'

describe('Peer', () => {
  it('gives a message to the one call that it names, or to none', async () => {
    const number = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constantFrom('1', null, 1.5, {}, [1]))
    const message = fc.oneof(
      fc.record({ id: number, result: fc.dictionary(fc.string(), fc.jsonValue()) }),
      fc.record({ id: number, error: fc.jsonValue() }),
      fc.record({
        method: fc.constant('notifications/progress'),
        params: fc.record({ progressToken: number, progress: fc.integer() }),
      }),
      fc.record({
        method: fc.string(),
        params: fc.record({ _meta: fc.record({ [SUBSCRIPTION_ID]: number }) }),
      }),
      fc.record({ method: fc.constant('notifications/cancelled'), params: fc.record({ requestId: number }) }),
      fc.record({ id: number, method: fc.string(), params: fc.jsonValue() }),
    )
    const named = (sent: JsonObject): unknown => {
      const params = sent['params'] as JsonObject | undefined
      if (!('method' in sent)) return sent['id']
      if ('id' in sent) return undefined
      const meta = params?.['_meta'] as JsonObject | undefined
      return params?.['progressToken'] ?? meta?.[SUBSCRIPTION_ID] ?? params?.['requestId']
    }
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 30 }), async (messages) => {
        const { peer, says, ends } = createPeer()
        const signal = new AbortController().signal
        // Every caller uses the same id and token; the canary in each message says whom it was for.
        const calls = Array.from({ length: 5 }, () =>
          peer.call(withToken(call('modern', 0, 'x'), 't'), { signal }),
        )
        messages.forEach((each, canary) => says(JSON.stringify({ jsonrpc: '2.0', ...each, canary })))
        ends()
        for (const [index, { reply }] of calls.entries()) {
          const value = await reply
          if (!value.ok || value.value.kind === 'empty') continue
          const got: JsonObject[] = []
          if (value.value.kind === 'single') got.push(value.value.message.body)
          else {
            const iterator = value.value.events[Symbol.asyncIterator]()
            for (;;) {
              const step = await iterator.next().catch(() => ({ done: true }) as const)
              if (step.done === true) break
              const { text, body } = step.value.message!
              expect(JSON.parse(text)).toEqual(body)
              got.push(body)
            }
          }
          for (const body of got) {
            expect(named(messages[body['canary'] as number] as JsonObject)).toBe(index + 1)
            if (!('method' in body)) expect(body['id']).toBe(0)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  it('survives any line', () => {
    const { peer, says } = createPeer()
    peer.call(modern(0, 'x'), { signal: new AbortController().signal })
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .jsonValue()
        .map((value) =>
          JSON.stringify({ jsonrpc: '2.0', id: 1, result: value, method: value, params: value }),
        ),
      fc.jsonValue().map((value) => JSON.stringify([{ jsonrpc: '2.0', id: 9, result: value }, value])),
    )
    fc.assert(
      fc.property(line, (text) => {
        says(text)
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['an array', '[', ']'],
    ['a result', '{"jsonrpc":"2.0","id":1,"result":[', ']}'],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"result":[', ']}]'],
  ])('survives %s that is a million levels deep', async (_, open, close) => {
    const { peer, says } = createPeer()
    const { reply } = peer.call(modern('mine', 'x'), { signal: new AbortController().signal })
    says(`${open}${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}${close}`)
    says('{"jsonrpc":"2.0","id":1,"result":{}}')
    const value = await reply
    expect(value.ok && value.value.kind === 'single' && value.value.message.body['id']).toBe('mine')
  })

  it('writes a request anew, under a number of its own', () => {
    const { peer, written } = createPeer()
    const { signal } = new AbortController()
    const odd = { ...modern('x', 'm', { __proto__: null, a: 1 }), params: undefined }
    peer.call(odd, { signal })
    peer.call(withToken(call('modern', 'x', 'y'), 'token'), { signal })
    expect(written.map((each) => each['id'])).toEqual([1, 2])
    expect((written[1]!['params'] as JsonObject)['_meta']).toMatchObject({ progressToken: 2 })
  })

  it('ends a stream with the reason when the connection is over', async () => {
    const { peer, says, ends } = createPeer()
    const { reply } = peer.call(withToken(call('modern', 0, 'x'), 't'), {
      signal: new AbortController().signal,
    })
    says('{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}')
    ends()
    const value = await reply
    if (!value.ok || value.value.kind !== 'events') throw new Error('a stream was expected')
    await expect(all(value.value.events[Symbol.asyncIterator]())).rejects.toThrow(
      'The server exited during the call.',
    )
  })
})
