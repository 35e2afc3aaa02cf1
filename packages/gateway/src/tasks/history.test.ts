import { expect, test } from 'vitest'
import type { CounterRule } from '../model/history.ts'
import { History, type Holder } from './history.ts'

const pushes: CounterRule = {
  name: 'pushes',
  count: 'calls',
  tools: new Set(['git__push']),
  per: 'task',
  windowMs: 60_000,
}
const bytes: CounterRule = { name: 'bytes', count: 'result_bytes', per: 'principal', windowMs: 60_000 }
const refusals: CounterRule = { name: 'refusals', count: 'refused', per: 'agent', windowMs: 60_000 }

const alice: Holder = { principal: 'User::"alice"', agent: 'claude', rootTask: 't-a' }
const bob: Holder = { principal: 'User::"bob"', agent: 'claude', rootTask: 't-b' }
const plain: Holder = { principal: 'User::"bob"', agent: undefined, rootTask: undefined }

function push(holder: Holder) {
  return { holder, tool: 'git__push', amount: 1 }
}

test('counts what it is told to, for whom it is told to', () => {
  const history = new History([pushes, bytes, refusals])
  history.add('calls', push(alice), 0)
  history.add('calls', { ...push(alice), tool: 'git__status' }, 0)
  history.add('result_bytes', { ...push(alice), amount: 500 }, 0)
  history.add('refused', push(bob), 0)
  expect(history.of(alice, 0)).toEqual({ pushes: 1, bytes: 500, refusals: 1 })
  expect(history.of(bob, 0)).toEqual({ pushes: 0, bytes: 0, refusals: 1 })
})

test('what is counted by task or agent is counted by principal where there is none', () => {
  const history = new History([pushes, refusals])
  history.add('calls', push(plain), 0)
  history.add('refused', push(plain), 0)
  expect(history.of(plain, 0)).toEqual({ pushes: 1, refusals: 1 })
  expect(history.of(bob, 0)).toEqual({ pushes: 0, refusals: 0 })
})

test('counts for a window, never for less, and for little more', () => {
  const history = new History([pushes])
  history.add('calls', push(alice), 10_500)
  expect(history.of(alice, 70_500)['pushes']).toBe(1)
  expect(history.of(alice, 72_000)['pushes']).toBe(0)
})

test('a clock that is set back forgets nothing', () => {
  const history = new History([pushes])
  history.add('calls', push(alice), 50_000)
  history.add('calls', push(alice), 20_000)
  expect(history.of(alice, 20_000)['pushes']).toBe(2)
  expect(history.of(alice, 50_000)['pushes']).toBe(2)
})

test('whoever has done nothing in the window is forgotten', () => {
  const history = new History([bytes])
  for (let user = 0; user < 100; user++) {
    const holder = { ...alice, principal: `User::"${user}"` }
    history.add('result_bytes', { holder, tool: undefined, amount: 1 }, 0)
  }
  expect(history.takeChanged()).toHaveLength(100)
  history.forget(120_000)
  expect(history.takeChanged().map(({ slots }) => slots)).toEqual(Array.from({ length: 100 }, () => []))
  history.forget(120_000)
  expect(history.takeChanged()).toEqual([])
})

test('other rules keep what the same ones have counted, and a changed one starts anew', () => {
  const history = new History([pushes, bytes])
  history.add('calls', push(alice), 0)
  history.add('result_bytes', { ...push(alice), amount: 7 }, 0)
  history.configure([{ ...bytes, windowMs: 120_000 }, pushes, refusals])
  expect(history.of(alice, 0)).toEqual({ bytes: 0, pushes: 1, refusals: 0 })
})
