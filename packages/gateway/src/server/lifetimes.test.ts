import { expect, test } from 'vitest'
import { createCaller } from '../model/caller.ts'
import type { Exchange } from '../model/exchange.ts'
import type { Permitted } from '../pipeline.ts'
import { Lifetimes } from './lifetimes.ts'

/** A subscription opened with the key of this name. */
function stream(credential: string, more: object = {}): Permitted & { gone: AbortController } {
  const gone = new AbortController()
  const exchange = { signal: gone.signal } as Exchange
  const caller = createCaller({ type: 'User', id: 'ada' }, {}, { method: 'api-key', credential })
  const message = { kind: 'request', method: 'subscriptions/listen' }
  return { exchange, caller, message, gone, ...more } as unknown as Permitted & { gone: AbortController }
}

test('a stream ends when its key is revoked, and no other', () => {
  const lifetimes = new Lifetimes()
  const [one, two] = [lifetimes.of(stream('one')), lifetimes.of(stream('two'))]
  lifetimes.endWhere(({ credential }) => credential === 'one')
  expect([one.aborted, two.aborted]).toEqual([true, false])
})

test('a stream ends with its caller, its session and the gateway', () => {
  const lifetimes = new Lifetimes()
  const left = stream('one')
  const session = { ended: new AbortController() }
  const signals = [left, stream('one', { session }), stream('one')].map((each) => lifetimes.of(each))
  left.gone.abort()
  session.ended.abort()
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false])
  lifetimes.stop()
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true])
})

test('a short call ends with its exchange and with nothing else', () => {
  const lifetimes = new Lifetimes()
  const call = stream('one', { message: { kind: 'request', method: 'tools/call' } })
  expect(lifetimes.of(call)).toBe(call.exchange.signal)
  lifetimes.endWhere(() => true)
  lifetimes.stop()
  expect(call.exchange.signal.aborted).toBe(false)
})

test('what has ended is forgotten, also when it ended well', () => {
  const lifetimes = new Lifetimes()
  const streams = Array.from({ length: 100 }, () => stream('one'))
  for (const each of streams) lifetimes.of(each)
  expect(lifetimes.open).toBe(100)
  for (const { exchange } of streams) lifetimes.ended(exchange)
  expect(lifetimes.open).toBe(0)
})
