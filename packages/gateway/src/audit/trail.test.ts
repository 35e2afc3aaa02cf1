import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DecisionEntry, EventEntry, OutcomeEntry } from '../model/entry.ts'
import { type EntryStore, Trail, type TrailOptions } from './trail.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('record', () => {
  it('resolves only when the store has the entry on stable storage', async () => {
    const { store, trail } = create()
    const recorded = watch(trail.record(decision('a')))
    await vi.advanceTimersByTimeAsync(100)
    expect(recorded.value).toBeUndefined()
    expect(ids(store.appends[0])).toEqual(['a'])
    store.finish()
    await vi.advanceTimersByTimeAsync(0)
    expect(recorded.value).toEqual({ ok: true, value: { requestId: 'a', entry: decision('a') } })
  })

  it('commits together what arrives while an append is under way, in order', async () => {
    const { store, trail } = create()
    const all = ['a', 'b', 'c', 'd'].map((id) => trail.record(decision(id)))
    store.finish()
    await vi.advanceTimersByTimeAsync(1)
    store.finish()
    expect((await Promise.all(all)).every((result) => result.ok)).toBe(true)
    expect(store.appends.map(ids)).toEqual([['a'], ['b', 'c', 'd']])
    expect(store.maxAtOnce).toBe(1)
  })

  it('refuses exactly the calls of an append that failed', async () => {
    const { store, trail } = create()
    const first = trail.record(decision('a'))
    const second = trail.record(decision('b'))
    store.fail('ENOSPC: no space left on device, write')
    expect(await first).toEqual({
      ok: false,
      error: {
        reason: 'unavailable',
        message: 'The audit log cannot be written, so nothing is let through.',
        detail: 'ENOSPC: no space left on device, write',
        remedy: { kind: 'retry', afterSeconds: 1 },
      },
    })
    await vi.advanceTimersByTimeAsync(1)
    store.finish()
    expect((await second).ok).toBe(true)
    expect(ids(store.appends[1])).toEqual(['gap', 'b'])
  })

  it('holds events back in the same way, and says when they cannot be recorded', async () => {
    const { store, trail } = create()
    const about = { principal: 'User::"local/ada"', client: null, source: '127.0.0.1', detail: null }
    const event: EventEntry = {
      kind: 'event',
      requestId: 'e',
      time: '',
      event: 'sign-in',
      result: 'done',
      ...about,
    }
    const recorded = watch(trail.recordEvent(event))
    await vi.advanceTimersByTimeAsync(100)
    expect(recorded.value).toBeUndefined()
    expect(ids(store.appends[0])).toEqual(['e'])
    store.finish()
    await vi.advanceTimersByTimeAsync(0)
    expect(recorded.value).toEqual({ ok: true, value: undefined })
    const second = trail.recordEvent(event)
    await vi.advanceTimersByTimeAsync(1)
    store.fail('ENOSPC')
    expect(await second).toMatchObject({ ok: false, error: { reason: 'unavailable' } })
  })

  it('refuses when the store throws instead of rejecting', async () => {
    const store: EntryStore = {
      append() {
        throw new Error('broken')
      },
    }
    const trail = new Trail({ store, now: () => 0 })
    expect(await trail.record(decision('a'))).toMatchObject({ ok: false, error: { reason: 'unavailable' } })
  })

  it('refuses an entry that cannot be encoded, and no other', async () => {
    const { store, trail } = create()
    const bad = { ...decision('a'), durationMs: 1n, decision: 1n } as unknown as DecisionEntry
    expect(await trail.record(bad)).toMatchObject({ ok: false, error: { reason: 'unavailable' } })
    const good = trail.record(decision('b'))
    store.finish()
    expect((await good).ok).toBe(true)
  })

  it('refuses beyond its bound while the store is slow', async () => {
    const { store, trail } = create({ maxWaitingRecords: 2 })
    const all = ['a', 'b', 'c', 'd', 'e'].map((id) => trail.record(decision(id)))
    const refused = await Promise.all(all.slice(3))
    expect(refused.map((result) => !result.ok && result.error.detail)).toEqual([
      '2 decisions are waiting to be recorded',
      '2 decisions are waiting to be recorded',
    ])
    store.finish()
    await vi.advanceTimersByTimeAsync(1)
    store.finish()
    expect((await Promise.all(all.slice(0, 3))).every((result) => result.ok)).toBe(true)
    expect(gapOf(store.appends[1])).toMatchObject({ refusedCalls: 2 })
  })

  it('refuses all who wait when the store does not answer, at once while it does not, and resumes when it does', async () => {
    const { store, trail, seen } = create({ maxWaitMs: 2000 })
    const waiting = [trail.record(decision('a')), trail.record(decision('b'))]
    await vi.advanceTimersByTimeAsync(2000)
    expect((await Promise.all(waiting)).map((result) => result.ok)).toEqual([false, false])
    expect(await trail.record(decision('c'))).toMatchObject({
      error: { detail: 'the storage does not answer' },
    })
    expect(trail.state()).toMatchObject({ writable: false, waitingRecords: 0, refusedCalls: 3 })
    store.finish()
    await vi.advanceTimersByTimeAsync(0)
    const next = trail.record(decision('d'))
    await vi.advanceTimersByTimeAsync(0)
    store.finish()
    expect((await next).ok).toBe(true)
    expect(gapOf(store.appends[1])).toMatchObject({
      refusedCalls: 3,
      cause: 'the storage has not answered for 2000 ms',
    })
    expect(seen).toEqual(['failed: the storage has not answered for 2000 ms', 'recovered'])
  })

  it('does not take a store that answered in time for one that does not', async () => {
    const { store, trail, seen } = create()
    const recorded = trail.record(decision('a'))
    store.finish()
    await recorded
    await vi.advanceTimersByTimeAsync(60_000)
    expect(trail.state().writable).toBe(true)
    expect(seen).toEqual([])
  })

  it('survives observers that throw', async () => {
    const { store, trail } = create({
      onFailure() {
        throw new Error('observer')
      },
    })
    const first = trail.record(decision('a'))
    store.fail('EIO')
    expect((await first).ok).toBe(false)
    const second = trail.record(decision('b'))
    await vi.advanceTimersByTimeAsync(0)
    store.finish()
    expect((await second).ok).toBe(true)
  })
})

describe('an outage', () => {
  it('is reported once, ends by itself without calls, and is told in the log', async () => {
    const { store, trail, seen, clock } = create()
    for (const id of ['a', 'b']) {
      const refused = trail.record(decision(id))
      await vi.advanceTimersByTimeAsync(0)
      store.fail('EROFS: read-only file system')
      expect((await refused).ok).toBe(false)
    }
    expect(trail.state()).toMatchObject({
      writable: false,
      outage: { sinceMs: 0, cause: 'EROFS: read-only file system' },
    })
    clock.nowMs = 5000
    await vi.advanceTimersByTimeAsync(1000)
    store.finish()
    await vi.advanceTimersByTimeAsync(0)
    expect(store.appends[2]).toBe(
      '{"kind":"gap","time":"1970-01-01T00:00:05.000Z","since":"1970-01-01T00:00:00.000Z",' +
        '"cause":"EROFS: read-only file system","refusedCalls":2,"lostOutcomes":0}\n',
    )
    expect(trail.state()).toMatchObject({ writable: true, refusedCalls: 2 })
    expect(trail.state()).not.toHaveProperty('outage')
    expect(seen).toEqual(['failed: EROFS: read-only file system', 'recovered'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(store.appends.length).toBe(3)
  })

  it('counts the calls of each append that fails, and those refused meanwhile', async () => {
    const { store, trail } = create({ maxWaitingRecords: 1 })
    void trail.record(decision('a'))
    await vi.advanceTimersByTimeAsync(0)
    store.fail('EIO')
    await vi.advanceTimersByTimeAsync(0)
    for (const id of ['b', 'c', 'd', 'e']) void trail.record(decision(id))
    store.fail('EIO')
    await vi.advanceTimersByTimeAsync(0)
    store.finish()
    await vi.advanceTimersByTimeAsync(0)
    expect(store.appends.map(ids)).toEqual([['a'], ['gap', 'b'], ['gap', 'c']])
    expect(gapOf(store.appends[2])).toMatchObject({ refusedCalls: 4 })
  })

  it('is tried again every second while it lasts', async () => {
    const { store, trail } = create()
    trail.outcome(outcome('a'))
    for (let attempt = 1; attempt <= 5; attempt++) {
      await vi.advanceTimersByTimeAsync(1000)
      expect(store.appends.length).toBe(attempt)
      store.fail('EIO')
      await vi.advanceTimersByTimeAsync(0)
    }
  })

  it('keeps outcomes, and writes decisions before them when it ends', async () => {
    const { store, trail } = create()
    trail.outcome(outcome('a'))
    await vi.advanceTimersByTimeAsync(50)
    store.fail('ENOSPC')
    await vi.advanceTimersByTimeAsync(0)
    const recorded = trail.record(decision('b'))
    await vi.advanceTimersByTimeAsync(0)
    store.finish()
    expect((await recorded).ok).toBe(true)
    await vi.advanceTimersByTimeAsync(50)
    store.finish()
    expect(store.appends.map(ids)).toEqual([['a'], ['gap', 'b'], ['a']])
  })
})

describe('outcome', () => {
  it('shares the commit of the next decision', async () => {
    const { store, trail } = create()
    trail.outcome(outcome('a'))
    await vi.advanceTimersByTimeAsync(10)
    void trail.record(decision('b'))
    expect(store.appends.map(ids)).toEqual([['a', 'b']])
  })

  it('is written alone soon when no decision comes', async () => {
    const { store, trail } = create()
    trail.outcome(outcome('a'))
    await vi.advanceTimersByTimeAsync(49)
    expect(store.appends).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(store.appends.map(ids)).toEqual([['a']])
  })

  it('is lost beyond the bound, counted, and the count is written', async () => {
    const { store, trail } = create({ maxOutcomeCharacters: 400 })
    for (const id of ['a', 'b', 'c', 'd', 'e']) trail.outcome(outcome(id))
    expect(trail.state()).toMatchObject({ queuedOutcomes: 2, lostOutcomes: 3 })
    await vi.advanceTimersByTimeAsync(50)
    expect(ids(store.appends[0])).toEqual(['gap', 'a', 'b'])
    expect(gapOf(store.appends[0])).toMatchObject({ lostOutcomes: 3, refusedCalls: 0 })
  })

  it('stays within its bound when an append fails while more arrive', async () => {
    const { store, trail } = create({ maxOutcomeCharacters: 400 })
    for (const id of ['a', 'b']) trail.outcome(outcome(id))
    await vi.advanceTimersByTimeAsync(50)
    for (const id of ['c', 'd']) trail.outcome(outcome(id))
    store.fail('EIO')
    await vi.advanceTimersByTimeAsync(1000)
    store.finish()
    await vi.advanceTimersByTimeAsync(50)
    expect(store.appends.slice(1).map(ids)).toEqual([['gap'], ['a', 'b']])
    expect(trail.state()).toMatchObject({ lostOutcomes: 2 })
  })

  it('that cannot be encoded is counted', () => {
    const { trail } = create()
    trail.outcome({ ...outcome('a'), durationMs: 1n } as unknown as OutcomeEntry)
    expect(trail.state().lostOutcomes).toBe(1)
  })
})

describe('flush', () => {
  it('resolves when decisions and outcomes are written', async () => {
    const { store, trail } = create({}, 'at once')
    void trail.record(decision('a'))
    void trail.record(decision('b'))
    trail.outcome(outcome('c'))
    await settled(trail.flush())
    expect(store.appends.flatMap(ids).toSorted()).toEqual(['a', 'b', 'c'])
  })

  it('writes what an outage left behind, once it has ended', async () => {
    const { store, trail } = create()
    trail.outcome(outcome('a'))
    await vi.advanceTimersByTimeAsync(50)
    store.fail('EIO')
    await vi.advanceTimersByTimeAsync(0)
    store.answer = 'at once'
    await settled(trail.flush())
    expect(store.appends.map(ids)).toEqual([['a'], ['gap'], ['a']])
  })

  it('gives up when the store does not answer', async () => {
    const { trail } = create({ maxWaitMs: 2000 })
    void trail.record(decision('a'))
    const flushed = watch(trail.flush().then(() => 'flushed'))
    await vi.advanceTimersByTimeAsync(1999)
    expect(flushed.value).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(flushed.value).toBe('flushed')
    await trail.flush()
  })

  it('gives up when the log cannot be written', async () => {
    const { store, trail } = create()
    store.answer = 'fail'
    void trail.record(decision('a'))
    trail.outcome(outcome('b'))
    await settled(trail.flush())
    expect(trail.state()).toMatchObject({ writable: false, queuedOutcomes: 1 })
  })
})

/** A store whose appends end when the test says so. */
class FakeStore implements EntryStore {
  readonly appends: string[] = []
  answer: 'when told' | 'at once' | 'fail' = 'when told'
  maxAtOnce = 0
  #atOnce = 0
  #settle: { resolve: () => void; reject: (error: Error) => void } | undefined

  append(lines: string): Promise<void> {
    this.appends.push(lines)
    this.maxAtOnce = Math.max(this.maxAtOnce, ++this.#atOnce)
    if (this.answer !== 'when told') this.#atOnce--
    if (this.answer === 'at once') return Promise.resolve()
    if (this.answer === 'fail') return Promise.reject(new Error('EIO'))
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  finish(): void {
    this.#take().resolve()
  }

  fail(message: string): void {
    this.#take().reject(new Error(message))
  }

  #take() {
    const settle = this.#settle
    if (settle === undefined) throw new Error('no append is under way')
    this.#settle = undefined
    this.#atOnce--
    return settle
  }
}

function create(options: Partial<TrailOptions> = {}, answer: FakeStore['answer'] = 'when told') {
  const store = new FakeStore()
  store.answer = answer
  const clock = { nowMs: 0 }
  const seen: string[] = []
  const trail = new Trail({
    store,
    now: () => clock.nowMs,
    onFailure: (cause) => seen.push(`failed: ${cause}`),
    onRecovery: () => seen.push('recovered'),
    ...options,
  })
  return { store, trail, clock, seen }
}

function watch<T>(promise: Promise<T>): { value: T | undefined } {
  const watched: { value: T | undefined } = { value: undefined }
  void promise.then((value) => {
    watched.value = value
  })
  return watched
}

async function settled(promise: Promise<void>): Promise<void> {
  await vi.advanceTimersByTimeAsync(10)
  await promise
}

/** Request ids of the lines of an append; `gap` for a gap entry. */
function ids(lines: string | undefined): string[] {
  const entries = (lines ?? '')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  return entries.map((entry) => entry.requestId ?? entry.kind)
}

function gapOf(lines: string | undefined): unknown {
  return JSON.parse((lines ?? '').split('\n')[0] ?? '')
}

function decision(requestId: string): DecisionEntry {
  return {
    kind: 'decision',
    requestId,
    time: '2026-01-02T03:04:05.678Z',
    principal: 'User::"alice"',
    agent: null,
    credential: 'laptop',
    source: '127.0.0.1',
    server: 'files',
    method: 'tools/call',
    tool: 'files__read',
    argumentsDigest: null,
    decision: 'allow',
    policies: ['policy0'],
    reason: null,
    detail: null,
  }
}

function outcome(requestId: string): OutcomeEntry {
  return {
    kind: 'outcome',
    requestId,
    time: '2026-01-02T03:04:05.679Z',
    status: 'ok',
    reason: null,
    detail: null,
    durationMs: 1,
    resultBytes: 20,
  }
}
