/**
 * A task never gets more than its budget, and never forgets what it has read, whichever step of storage fails, before or
 * after it is done, and whether the gateway goes on or dies there. Calls are made, the gateway is lost without a word and
 * started again, and calls are made until the budget is spent; then all that had an effect is counted together.
 */
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decisionEntry, outcomeEntry } from '../../packages/gateway/src/audit/entries.ts'
import { Trail } from '../../packages/gateway/src/audit/trail.ts'
import { createCaller } from '../../packages/gateway/src/model/caller.ts'
import type { Query } from '../../packages/gateway/src/model/decision.ts'
import type { Exchange } from '../../packages/gateway/src/model/exchange.ts'
import type { TaskRecord } from '../../packages/gateway/src/model/task.ts'
import { TaskLedger } from '../../packages/gateway/src/server/task-ledger.ts'
import { AuditFile, auditFilePath } from '../../packages/gateway/src/store/audit-file.ts'
import { linesSince } from '../../packages/gateway/src/store/audit-since.ts'
import { realFiles } from '../../packages/gateway/src/store/file-port.ts'
import { type LedgerStore, openLedgerStore } from '../../packages/gateway/src/store/ledger.ts'
import { takeLock } from '../../packages/gateway/src/store/lock.ts'
import { openTaskStore, type TaskStore } from '../../packages/gateway/src/store/tasks.ts'
import { parseGrant } from '../../packages/gateway/src/tasks/grant.ts'
import { type FaultMode, StorageFaults } from '../fixtures/storage-faults.ts'

const CALLS = 12
const BYTES = 100_000
const RESULT_BYTES = 7000
const ADA = { type: 'User', id: 'ada' }
const COUNTERS = [{ name: 'calls', count: 'calls', per: 'principal', windowMs: 86_400_000 }] as const

let dataDir: string
let tasks: TaskStore
let chain: readonly TaskRecord[]
/** What really happened, over all lives of the gateway. */
let truth: { calls: number; bytes: number; labels: Set<string> }
const living: Life[] = []
let count = 0

function renew(): void {
  dataDir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tollgate-spent-'))
  const opened = openTaskStore(dataDir)
  if (!opened.ok) throw new Error(opened.error)
  tasks = opened.value
  const parent = start({ budget: { calls: CALLS, result_bytes: BYTES } })
  chain = [start({ budget: {} }, parent.id), parent]
  truth = { calls: 0, bytes: 0, labels: new Set() }
}

async function clear(): Promise<void> {
  for (const life of [...living]) await life.die()
  tasks.close()
  rmSync(dataDir, { recursive: true, force: true })
}

beforeEach(renew)
afterEach(clear)

function start(grant: object, parent?: string): TaskRecord {
  const parsed = parseGrant({ purpose: 'Some work', tools: { s__read: {} }, ...grant })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  const nowMs = Date.now()
  const started = tasks.start({
    principal: ADA,
    grant: parsed.value,
    nowMs,
    ...(parent === undefined ? {} : { parent }),
  })
  if (!started.ok) throw new Error(started.error)
  return started.value
}

/** One process: the trail, the log, the store and the ledger as the gateway has them. */
class Life {
  readonly faults: StorageFaults
  readonly notes: string[] = []
  readonly task: TaskLedger
  readonly #store: LedgerStore
  readonly #audit: AuditFile
  readonly #trail: Trail
  #nowMs = Date.now()
  #isOver = false

  constructor(faults = new StorageFaults()) {
    this.faults = faults
    const opened = openLedgerStore(dataDir)
    if (!opened.ok) throw new Error(opened.error)
    this.#store = opened.value
    const files = faults.wrap('file', realFiles, [
      'open',
      'read',
      'write',
      'fdatasync',
      'truncate',
      'syncDirectory',
    ])
    const lock = (file: string) => {
      if (this.#isOver) throw new Error('dead: lock')
      return takeLock(file)
    }
    this.#audit = new AuditFile({ dataDir, files, lock })
    this.#trail = new Trail({ store: this.#audit, now: Date.now })
    const log = faults.wrap(
      'log',
      {
        position: () => this.#audit.position(),
        since: (position: Parameters<typeof linesSince>[1]) => linesSince(dataDir, position),
      },
      ['since'],
    )
    this.task = new TaskLedger({
      store: faults.wrap('store', this.#store, ['load', 'recall', 'save', 'lease']),
      log,
      tasks: faults.wrap('tasks', tasks, ['find']),
      counters: COUNTERS,
      now: () => this.#nowMs,
      note: (text) => this.notes.push(text),
      endCalls: () => undefined,
    })
    living.push(this)
  }

  /** As the gateway starts: a log that cannot be opened may be later. */
  async begin(): Promise<void> {
    await this.#audit.open().catch(() => undefined)
    await this.task.restore()
  }

  /** Half a second, or more. */
  async passTime(ms: number): Promise<void> {
    this.#nowMs += ms
    this.task.check(() => false)
    await this.task.restore()
  }

  /** One call as the pipeline makes it; how far it got. */
  async call(labels: readonly string[], end: 'ends' | 'stays open'): Promise<string> {
    const { ledger } = this.task
    const requestId = `request-${count++}`
    const caller = createCaller(ADA, {}, { method: 'api-key', task: chain[0]?.id ?? '' })
    const counted = { requestId, task: chain, caller, tool: 's__read', labels, argumentsDigest: requestId }
    let begun: ReturnType<typeof ledger.begin>
    try {
      begun = ledger.begin(counted, this.#nowMs)
    } catch {
      return 'internal'
    }
    const exchange = { requestId, arrivedAtMs: this.#nowMs, peer: { transport: 'tcp' } } as Exchange
    const query = { caller, server: 's', method: 'tools/call', subject: 's__read' } as unknown as Query
    if (!begun.ok) {
      const denied = { effect: 'deny', policies: [], detail: undefined, refusal: begun.error } as const
      const told = { query, decision: denied, argumentsDigest: requestId }
      await this.#trail.record(decisionEntry(exchange, told, this.#nowMs))
      return begun.error.reason
    }
    const decision = { effect: 'allow', policies: [], detail: undefined, refusal: undefined } as const
    const decided = { query, decision, argumentsDigest: requestId, labels }
    const recorded = await this.#trail.record(decisionEntry(exchange, decided, this.#nowMs))
    if (!recorded.ok) {
      begun.value.cancel()
      return 'unavailable'
    }
    // Let through: this is what must never be forgotten.
    truth.calls++
    for (const label of labels) truth.labels.add(label)
    const withheld = begun.value.deliver(RESULT_BYTES)
    if (withheld === undefined) truth.bytes += RESULT_BYTES
    if (end === 'stays open') return 'let through'
    begun.value.end()
    const outcome = { status: 'ok', refusal: undefined, resultBytes: RESULT_BYTES } as const
    this.#trail.outcome(outcomeEntry(exchange, outcome, this.#nowMs))
    return 'let through'
  }

  /** The process is gone: nothing is saved, and what it held is free. */
  async die(): Promise<void> {
    const at = living.indexOf(this)
    if (at >= 0) living.splice(at, 1)
    this.faults.stop()
    await this.#trail.flush()
    this.#isOver = true
    await this.#audit.close().catch(() => undefined)
    this.#store.close()
  }

  /** As the gateway stops. */
  async stop(): Promise<void> {
    await this.#trail.flush()
    this.task.close()
    await this.die()
  }
}

/** Calls, saves and a call that never ends. */
async function work(life: Life): Promise<void> {
  await life.begin()
  await life.call([], 'ends')
  await life.passTime(6000)
  await life.call(['untrusted'], 'ends')
  await life.call([], 'stays open')
  await life.passTime(6000)
  await life.call(['private'], 'ends')
  await life.passTime(600)
  await life.call([], 'ends')
}

/** Calls until no more are let through. */
async function spendTheRest(): Promise<Life> {
  const life = new Life()
  await life.begin()
  expect(life.task.ledger.fault).toBeUndefined()
  for (let refused = 0; refused < 2; ) if ((await life.call([], 'ends')) !== 'let through') refused++
  return life
}

function expectNothingForgotten(life: Life): void {
  const { ledger } = life.task
  for (const { id, grant } of chain) {
    const spent = ledger.spentBy(id)
    expect(spent.calls).toBeGreaterThanOrEqual(truth.calls)
    // Nothing is leased where nothing limits them, so those of calls that were cut are not known.
    if (grant.budget.result_bytes !== undefined) expect(spent.resultBytes).toBeGreaterThanOrEqual(truth.bytes)
    expect([...ledger.labelsOf(id)]).toEqual(expect.arrayContaining([...truth.labels]))
  }
  const caller = createCaller(ADA, {}, { method: 'api-key' })
  expect(ledger.historyOf({ caller, task: chain }, Date.now())?.['calls']).toBeGreaterThanOrEqual(truth.calls)
}

const STEPS = [
  // Opening the log, reading what was saved, saving that it was read.
  ...['file.open', 'file.fdatasync', 'file.syncDirectory', 'file.read', 'store.load', 'store.save'],
  ...['store.recall', 'store.recall', 'file.write', 'store.lease', 'store.save'],
]

describe('a gateway that is lost without a word', () => {
  test('has the steps that are tried below', async () => {
    const life = new Life()
    await work(life)
    expect(life.faults.steps.slice(0, STEPS.length)).toEqual(STEPS)
    expect(truth.calls).toBe(5)
  })

  const modes: readonly FaultMode[] = ['fails', 'fails but is done']
  const ends = ['and it goes on', 'and it dies there'] as const
  const table = modes.flatMap((mode) => ends.map((end) => ({ mode, end })))
  test.each(table)('forgets nothing when any step $mode $end', { timeout: 60_000 }, async ({ mode, end }) => {
    for (let at = 0, last = 1; at < last; at++) {
      await clear()
      renew()
      const faults = new StorageFaults({ at, mode, isLast: end === 'and it dies there' })
      const life = new Life(faults)
      await work(life)
      last = faults.isDead ? at + 2 : faults.steps.length
      await life.die()
      const next = await spendTheRest()
      const where = `step ${at}, ${faults.steps[at]}`
      expectNothingForgotten(next)
      expect(truth.calls, where).toBeLessThanOrEqual(CALLS)
      expect(truth.calls, `${where}: most of the budget can still be spent`).toBeGreaterThanOrEqual(CALLS - 3)
      expect(truth.bytes, where).toBeLessThanOrEqual(BYTES)
      expect(tasks.find(chain[0]?.id ?? '')?.ended, where).toBeUndefined()
    }
  })
})

describe('the audit log', () => {
  test('may be moved within its folder while the gateway is down', async () => {
    const life = new Life()
    await work(life)
    await life.die()
    const log = auditFilePath(dataDir)
    renameSync(log, `${log}.1`)
    expectNothingForgotten(await spendTheRest())
    expect(truth.calls).toBe(CALLS)
  })

  test.each(['is removed', 'is cut', 'is damaged'])(
    '%s: tasks that were running are ended, and it is said',
    async (how) => {
      const life = new Life()
      await work(life)
      await life.die()
      const log = auditFilePath(dataDir)
      if (how === 'is removed') rmSync(log)
      else if (how === 'is cut') writeFileSync(log, '')
      else writeFileSync(log, '{"kind":"decision"\n', { flag: 'a' })
      const next = new Life()
      await next.begin()
      expect(next.notes.join()).toContain('2 tasks were ended')
      for (const { id } of chain)
        expect(tasks.find(id)?.ended?.why).toContain('a part of the audit log was lost')
    },
  )

  test('may be moved away while the gateway runs, half a second before it is lost', async () => {
    const life = new Life()
    await work(life)
    const log = auditFilePath(dataDir)
    renameSync(log, join(dataDir, 'elsewhere.jsonl'))
    await life.call(['moved'], 'ends')
    await life.passTime(500)
    await life.call(['after'], 'ends')
    await life.die()
    expectNothingForgotten(await spendTheRest())
    expect(truth.labels).toContain('moved')
    expect(tasks.find(chain[0]?.id ?? '')?.ended).toBeUndefined()
  })

  test('may be gone after a clean stop: everything was saved', async () => {
    const life = new Life()
    await work(life)
    await life.stop()
    rmSync(auditFilePath(dataDir))
    expectNothingForgotten(await spendTheRest())
    expect(truth.calls).toBe(CALLS)
    expect(tasks.find(chain[0]?.id ?? '')?.ended).toBeUndefined()
  })
})

test('what was leased is spent, since it may have been delivered', async () => {
  const life = new Life()
  await life.begin()
  await life.call([], 'stays open')
  await life.die()
  const next = new Life()
  await next.begin()
  const { resultBytes } = next.task.ledger.spentBy(chain[1]?.id ?? '')
  expect(resultBytes).toBe(RESULT_BYTES + 16 * 1024)
})

test('calls that were cut are taken to have lasted until the gateway was last seen, and a little longer', async () => {
  const life = new Life()
  await life.begin()
  await life.call([], 'stays open')
  await life.passTime(6000)
  await life.die()
  const next = new Life()
  await next.begin()
  expect(next.task.ledger.spentBy(chain[0]?.id ?? '').wallSeconds).toBe(16)
})
