import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCaller } from '../model/caller.ts'
import type { CounterRule } from '../model/history.ts'
import type { Budget, TaskRecord } from '../model/task.ts'
import { type Counted, Ledger, type Reservation } from './ledger.ts'

const HOUR_MS = 3_600_000

function record(id: string, budget: Budget, parent?: string): TaskRecord {
  return {
    id,
    ...(parent === undefined ? {} : { parent }),
    principal: { type: 'User', id: 'alice' },
    grant: {
      type: 'tollgate_task',
      purpose: 'a test',
      servers: [],
      tools: {},
      other_arguments: 'refuse',
      budget,
      expires_in: 3600,
      flow: 'off',
    },
    startedAtMs: 0,
    expiresAtMs: HOUR_MS,
  }
}

function caller(principal = 'alice', agent?: string) {
  const as = agent === undefined ? undefined : { type: 'Agent', id: agent }
  return createCaller({ type: 'User', id: principal }, { agent: as }, { method: 'api-key' })
}

function call(task: readonly TaskRecord[], more: Partial<Counted> = {}): Counted {
  return {
    requestId: 'r',
    task,
    caller: caller(),
    tool: 'files__read',
    labels: [],
    argumentsDigest: null,
    ...more,
  }
}

/** A ledger whose clock stands still until it is told otherwise. */
function ledgerAt({
  counters,
  lease,
}: {
  counters?: CounterRule[]
  lease?: (task: string, bytes: number) => boolean
} = {}) {
  let nowMs = 1_000_000
  const ledger = new Ledger({
    now: () => nowMs,
    ...(counters === undefined ? {} : { counters }),
    ...(lease === undefined ? {} : { lease }),
  })
  return {
    ledger,
    begin: (counted: Counted) => ledger.begin(counted, nowMs),
    /** Fails the test where it is refused. */
    pass(counted: Counted): Reservation {
      const begun = ledger.begin(counted, nowMs)
      if (!begun.ok) throw new Error(begun.error.message)
      return begun.value
    },
    history: (counted: Counted) => ledger.historyOf(counted, nowMs),
    now: () => nowMs,
    pass_time(ms: number) {
      nowMs += ms
    },
  }
}

test('as many calls as the budget has are let through, and the refusal says what is spent', () => {
  const { begin, pass } = ledgerAt()
  const task = [record('t-a', { calls: 2 })]
  pass(call(task)).end()
  pass(call(task)).end()
  expect(begin(call(task))).toMatchObject({
    ok: false,
    error: {
      reason: 'limited',
      message: expect.stringContaining('2 of 2 calls were made'),
      remedy: { kind: 'task' },
    },
  })
})

test('calls of one tool have a budget of their own', () => {
  const { begin, pass } = ledgerAt()
  const task = [record('t-a', { calls_per_tool: { git__push: 1 } })]
  pass(call(task, { tool: 'git__push' })).end()
  expect(begin(call(task, { tool: 'git__push' }))).toMatchObject({
    error: { message: expect.stringContaining('1 of 1 call of git__push were made') },
  })
  pass(call(task, { tool: 'git__status' })).end()
  pass(call(task, { tool: 'constructor' })).end()
})

test('calls under way hold their places, and give them back when they end', () => {
  const { begin, pass } = ledgerAt()
  const task = [record('t-a', { concurrency: 2 })]
  const first = pass(call(task))
  pass(call(task))
  expect(begin(call(task))).toMatchObject({ error: { reason: 'limited', remedy: { kind: 'retry' } } })
  first.end()
  first.end() // a second time counts for nothing
  pass(call(task))
  expect(begin(call(task)).ok).toBe(false)
})

test('the time of calls counts while they run, and makes the next one wait for another task', () => {
  const { ledger, begin, pass, pass_time, now } = ledgerAt()
  const task = [record('t-a', { wall_seconds: 10 })]
  const one = pass(call(task))
  const two = pass(call(task))
  pass_time(4000)
  expect(ledger.spentBy('t-a').wallSeconds).toBe(8)
  one.end()
  pass_time(1999)
  expect(ledger.overtime(now())).toEqual({ over: new Map(), soonMs: now() + 1 })
  pass_time(1)
  expect(ledger.overtime(now()).over.get('t-a')).toMatchObject({
    reason: 'limited',
    remedy: { kind: 'task' },
  })
  expect(begin(call(task)).ok).toBe(false)
  two.end()
  expect(ledger.spentBy('t-a').wallSeconds).toBe(10)
})

test('bytes count as they go, and those that would be too many do not go', () => {
  const { ledger, begin, pass } = ledgerAt()
  const task = [record('t-a', { result_bytes: 100 })]
  const stream = pass(call(task))
  expect(stream.deliver(60)).toBeUndefined()
  expect(stream.deliver(41)).toMatchObject({
    reason: 'limited',
    message: expect.stringContaining('60 of 100 bytes'),
  })
  expect(stream.deliver(40)).toBeUndefined()
  stream.end()
  expect(ledger.spentBy('t-a').resultBytes).toBe(100)
  expect(begin(call(task)).ok).toBe(false)
})

test('what counts in a task counts in every task above it, in all of them or in none', () => {
  const { ledger, begin, pass } = ledgerAt()
  const root = record('t-root', { calls: 3, result_bytes: 100 })
  const left = [record('t-left', { calls: 2 }, 't-root'), root]
  const right = [record('t-right', { calls: 9 }, 't-root'), root]
  pass(call(left)).deliver(90)
  pass(call(left)).end()
  expect(begin(call(left))).toMatchObject({
    error: { message: expect.stringContaining('this task is spent') },
  })
  const last = pass(call(right))
  expect(last.deliver(11)).toMatchObject({ reason: 'limited' })
  expect(ledger.spentBy('t-right').resultBytes).toBe(0)
  expect(begin(call(right))).toMatchObject({ error: { message: expect.stringContaining('task t-root') } })
  expect(ledger.spentBy('t-right').calls).toBe(1)
  expect(ledger.spentBy('t-root')).toMatchObject({ calls: 3, resultBytes: 90 })
})

test('a call that was not let through after all leaves nothing behind', () => {
  const { ledger, pass } = ledgerAt({
    counters: [{ name: 'calls', count: 'calls', per: 'task', windowMs: 1000 }],
  })
  const task = [record('t-a', { calls: 1, same_call: 1 })]
  const reading = call(task, { labels: ['untrusted'], argumentsDigest: 'sha256:x' })
  pass(reading).cancel()
  expect(ledger.labelsOf('t-a')).toEqual(new Set())
  expect(ledger.historyOf(reading, 1_000_000)).toEqual({ calls: 0 })
  pass(reading)
})

test('what was read sticks to the task and those above it, whatever another call takes back', () => {
  const { ledger, pass } = ledgerAt()
  const root = record('t-root', {})
  const task = [record('t-a', {}, 't-root'), root]
  const first = pass(call(task, { labels: ['untrusted'] }))
  pass(call(task, { labels: ['untrusted', 'private'] })).end()
  first.cancel()
  expect(ledger.labelsOf('t-a')).toEqual(new Set(['untrusted', 'private']))
  expect(ledger.labelsOf('t-root')).toEqual(new Set(['untrusted', 'private']))
  expect(ledger.labelsOf('t-other').size).toBe(0)
})

test('the same call goes through a hundred times in ten minutes, unless the grant says otherwise', () => {
  const { begin, pass, pass_time } = ledgerAt()
  const task = [record('t-a', {})]
  const same = call(task, { argumentsDigest: 'sha256:same' })
  for (let made = 0; made < 100; made++) pass(same).end()
  expect(begin(same)).toMatchObject({
    error: { reason: 'limited', message: expect.stringContaining('100 times'), remedy: { kind: 'retry' } },
  })
  pass(call(task, { argumentsDigest: 'sha256:other' }))
  pass(call(task, { argumentsDigest: 'sha256:same', tool: 'files__write' }))
  pass_time(11.1 * 60_000)
  pass(same)

  const strict = [record('t-b', { same_call: 1 })]
  pass(call(strict, { argumentsDigest: 'sha256:same' }))
  expect(begin(call(strict, { argumentsDigest: 'sha256:same' })).ok).toBe(false)
})

test('a loop is noticed among any number of other calls', () => {
  const { begin, pass, pass_time } = ledgerAt()
  const task = [record('t-a', { same_call: 3 })]
  const looping = call(task, { argumentsDigest: 'sha256:loop' })
  for (let round = 0; round < 3; round++) {
    pass(looping).end()
    for (let other = 0; other < 1990; other++)
      begin(call(task, { argumentsDigest: `sha256:${round}-${other}` }))
    pass_time(1000)
  }
  expect(begin(looping).ok).toBe(false)
})

test('bytes are leased before they go, and do not go where the lease cannot be kept', () => {
  const leases: [string, number][] = []
  let works = true
  const { pass } = ledgerAt({
    lease(task, bytes) {
      leases.push([task, bytes])
      return works
    },
  })
  const task = [record('t-a', { result_bytes: 10_000_000 })]
  const stream = pass(call(task))
  expect(stream.deliver(10)).toBeUndefined()
  expect(leases).toEqual([['t-a', 156_260]])
  expect(stream.deliver(156_250)).toBeUndefined()
  expect(leases).toHaveLength(1)
  works = false
  expect(stream.deliver(1)).toMatchObject({ reason: 'unavailable' })
  works = true
  expect(stream.deliver(9_843_740)).toBeUndefined()
  expect(leases.at(-1)).toEqual(['t-a', 10_000_000])
})

test('without a task nothing is limited', () => {
  const { ledger, pass } = ledgerAt()
  const free = call([], { labels: ['untrusted'], argumentsDigest: 'sha256:same' })
  for (let made = 0; made < 200; made++) pass(free).end()
  expect(ledger.historyOf(free, 0)).toBeUndefined()
})

test('whatever calls come and go, no number of any task passes its budget', () => {
  const budget = fc.record(
    {
      calls: fc.integer({ min: 1, max: 8 }),
      calls_per_tool: fc.dictionary(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 4 })),
      concurrency: fc.integer({ min: 1, max: 3 }),
      result_bytes: fc.integer({ min: 1, max: 50 }),
      same_call: fc.integer({ min: 1, max: 3 }),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Budget>
  const step = fc.record({
    chain: fc.nat(2),
    tool: fc.constantFrom('a', 'b', 'c'),
    digest: fc.constantFrom('x', 'y'),
    what: fc.constantFrom('begin', 'end', 'cancel', 'deliver'),
    which: fc.nat(),
    bytes: fc.nat(30),
  })
  fc.assert(
    fc.property(budget, budget, budget, fc.array(step, { maxLength: 60 }), (of, ofLeft, ofRight, steps) => {
      const { ledger, begin } = ledgerAt()
      const root = record('t-root', of)
      const chains = [
        [root],
        [record('t-left', ofLeft, 't-root'), root],
        [record('t-right', ofRight, 't-root'), root],
      ]
      const open: Reservation[] = []
      for (const { chain, tool, digest, what, which, bytes } of steps) {
        if (what === 'begin') {
          const begun = begin(call(chains[chain] ?? [], { tool, argumentsDigest: digest }))
          if (begun.ok) open.push(begun.value)
        } else if (open.length > 0) {
          const at = which % open.length
          if (what === 'deliver') open[at]?.deliver(bytes)
          else if (what === 'end') open.splice(at, 1)[0]?.end()
          else open.splice(at, 1)[0]?.cancel()
        }
        for (const [{ id, grant } = root] of chains) {
          const spent = ledger.spentBy(id)
          expect(spent.calls).toBeLessThanOrEqual(grant.budget.calls ?? Infinity)
          expect(spent.underWay).toBeLessThanOrEqual(grant.budget.concurrency ?? Infinity)
          expect(spent.resultBytes).toBeLessThanOrEqual(grant.budget.result_bytes ?? Infinity)
          for (const [name, made] of spent.callsPerTool)
            expect(made).toBeLessThanOrEqual(grant.budget.calls_per_tool?.[name] ?? Infinity)
        }
      }
      // Nothing leaks: with every call taken back or ended, none is under way.
      for (const reservation of open) reservation.end()
      for (const [{ id } = root] of chains) expect(ledger.spentBy(id).underWay).toBe(0)
    }),
    { numRuns: 500 },
  )
})
