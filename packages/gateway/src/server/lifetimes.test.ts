import { expect, test } from 'vitest'
import { type Authentication, createCaller } from '../model/caller.ts'
import type { Exchange } from '../model/exchange.ts'
import type { Permitted } from '../pipeline.ts'
import { Lifetimes } from './lifetimes.ts'

/** A call under way whose caller has the key of this name; `gone` is the caller leaving. */
function call(
  lifetimes: Lifetimes,
  credential: string,
  more: object = {},
): Permitted & { gone: AbortController } {
  const gone = new AbortController()
  const exchange = { signal: gone.signal, end: () => gone.abort() } as unknown as Exchange
  const authentication: Authentication = { method: 'api-key', credential, goodUntilMs: 1000 }
  const caller = createCaller({ type: 'User', id: 'ada' }, {}, authentication)
  lifetimes.began(exchange, caller.authentication)
  const message = { kind: 'request', method: 'tools/call' }
  return { exchange, caller, message, gone, ...more } as unknown as Permitted & { gone: AbortController }
}

/** Likewise, a subscription. */
const stream = (lifetimes: Lifetimes, credential: string, more: object = {}) =>
  call(lifetimes, credential, { message: { kind: 'request', method: 'subscriptions/listen' }, ...more })

test('what is under way ends when its key is revoked, and nothing else', () => {
  const lifetimes = new Lifetimes()
  const calls = [
    call(lifetimes, 'one'),
    stream(lifetimes, 'one'),
    call(lifetimes, 'two'),
    stream(lifetimes, 'two'),
  ]
  const signals = calls.map((each) => lifetimes.of(each))
  lifetimes.endWhere(({ credential }) => credential === 'one')
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false, false])
})

test('a call whose body is still on its way ends, too', () => {
  const lifetimes = new Lifetimes()
  const { exchange } = call(lifetimes, 'one')
  lifetimes.endWhere(() => true)
  expect(exchange.signal.aborted).toBe(true)
})

test('a stream ends with its caller, its session and the gateway', () => {
  const lifetimes = new Lifetimes()
  const left = stream(lifetimes, 'one')
  const session = { ended: new AbortController() }
  const streams = [left, stream(lifetimes, 'one', { session }), stream(lifetimes, 'one')]
  const signals = streams.map((each) => lifetimes.of(each))
  left.gone.abort()
  session.ended.abort()
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false])
  lifetimes.stop()
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true])
})

test('when the credential expires or the gateway stops, streams end and short calls go on', () => {
  const lifetimes = new Lifetimes()
  const [short, open] = [call(lifetimes, 'one'), stream(lifetimes, 'one')]
  expect(lifetimes.of(short)).toBe(short.exchange.signal)
  const signal = lifetimes.of(open)
  lifetimes.expire(999)
  expect(signal.aborted).toBe(false)
  lifetimes.expire(1000)
  lifetimes.stop()
  expect([short.exchange.signal.aborted, signal.aborted]).toEqual([false, true])
})

test('what has ended is forgotten, also when it ended well', () => {
  const lifetimes = new Lifetimes()
  const streams = Array.from({ length: 100 }, () => stream(lifetimes, 'one'))
  for (const each of streams) lifetimes.of(each)
  expect(lifetimes.open).toBe(100)
  for (const { exchange } of streams) lifetimes.ended(exchange)
  expect(lifetimes.open).toBe(0)
})

test('places are used again: however many calls there were, no more are kept than were under way at once', () => {
  const lifetimes = new Lifetimes()
  const long = call(lifetimes, 'long')
  for (let count = 0; count < 1000; count++) {
    const calls = [call(lifetimes, 'short'), call(lifetimes, 'short')]
    expect(Math.max(...calls.map(({ exchange }) => exchange.place ?? NaN))).toBeLessThanOrEqual(2)
    for (const { exchange } of calls) lifetimes.ended(exchange)
    for (const { exchange } of calls) lifetimes.ended(exchange) // twice frees no place twice
  }
  expect(lifetimes.open).toBe(1)
  lifetimes.endWhere(({ credential }) => credential === 'long')
  expect(long.exchange.signal.aborted).toBe(true)
})
