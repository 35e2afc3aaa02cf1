/**
 * Counting what the audit log holds beyond what was saved, after a crash as after a stop. A call whose end is not in the
 * log ended with the process: it is taken to have lasted until the process was last seen and a little longer. Its bytes
 * are what the lease says, so they need not be in the log.
 */
import type { DecisionEntry, Entry, OutcomeEntry } from '../model/entry.ts'
import type { TaskRecord } from '../model/task.ts'
import type { Account } from './budget.ts'
import type { Holder } from './history.ts'
import { type Ledger, sameCallOf } from './ledger.ts'
import type { UnderWayState } from './ledger-state.ts'

export interface Saved {
  readonly underWay: readonly UnderWayState[]
  readonly savedAtMs: number
  /** The task and those above it; none where it is not known. */
  chainOf(task: string): readonly TaskRecord[]
}

interface Open {
  readonly accounts: readonly Account[]
  /** Those of them that have no budget of bytes, and so no leases. */
  readonly unleased: readonly Account[]
  readonly beganMs: number
  readonly holder: Holder
  readonly tool: string | undefined
  /** Of its bytes so many were counted before. */
  readonly deliveredBytes: number
}

export class Replay {
  readonly #ledger: Ledger
  readonly #chainOf: Saved['chainOf']
  readonly #open = new Map<string, Open>()
  #lastSeenMs: number

  constructor(ledger: Ledger, { underWay, savedAtMs, chainOf }: Saved) {
    this.#ledger = ledger
    this.#chainOf = chainOf
    this.#lastSeenMs = savedAtMs
    for (const { requestId, tasks, tool, holder, deliveredBytes } of underWay) {
      const accounts = this.#accountsOf(tasks[0])
      for (const account of accounts.accounts) account.resume(savedAtMs)
      const known = holder ?? NOBODY
      this.#open.set(requestId, { ...accounts, beganMs: savedAtMs, holder: known, tool, deliveredBytes })
    }
  }

  /** The next entry of the log after the place up to which was saved. */
  apply(entry: Entry): void {
    const atMs = Date.parse(entry.time)
    this.#lastSeenMs = Math.max(this.#lastSeenMs, atMs)
    if (entry.kind === 'decision') this.#decided(entry, atMs)
    else if (entry.kind === 'outcome') this.#ended(entry, atMs)
  }

  /** After the last entry. `graceMs` is how much longer than it was seen the process may have lived. */
  finish(graceMs: number): void {
    for (const { accounts, beganMs } of this.#open.values())
      for (const account of accounts) account.end(beganMs, this.#lastSeenMs + graceMs)
    this.#open.clear()
  }

  #decided(entry: DecisionEntry, atMs: number): void {
    const { requestId, principal, agent, task, decision, argumentsDigest, labels = [] } = entry
    if (principal === null || this.#open.has(requestId)) return
    const chain = task === undefined ? [] : this.#chainOf(task)
    const holder: Holder = { principal, agent: agent ?? undefined, rootTask: chain.at(-1)?.id ?? task }
    const tool = toolOf(entry)
    if (decision === 'deny') {
      if (entry.tool !== null) this.#ledger.history.add('refused', { holder, tool, amount: 1 }, atMs)
      return
    }
    if (entry.counted !== true) return
    const accounts = this.#accountsOf(task)
    const countable = { tool, labels, sameCall: sameCallOf(tool, argumentsDigest) }
    for (const account of accounts.accounts) account.begin(countable, atMs)
    this.#ledger.history.add('calls', { holder, tool, amount: 1 }, atMs)
    this.#open.set(requestId, { ...accounts, beganMs: atMs, holder, tool, deliveredBytes: 0 })
  }

  #accountsOf(task: string | undefined): Pick<Open, 'accounts' | 'unleased'> {
    const chain = task === undefined ? [] : this.#chainOf(task)
    const accounts = chain.map(({ id }) => this.#ledger.account(id))
    const unleased = accounts.filter((_, at) => chain[at]?.grant.budget.result_bytes === undefined)
    return { accounts, unleased }
  }

  #ended({ requestId, resultBytes }: OutcomeEntry, atMs: number): void {
    const open = this.#open.get(requestId)
    if (open === undefined) return
    this.#open.delete(requestId)
    for (const account of open.accounts) account.end(open.beganMs, atMs)
    const amount = Math.max(0, resultBytes - open.deliveredBytes)
    const { holder, tool, unleased } = open
    for (const account of unleased) account.resultBytes += amount
    if (amount > 0) this.#ledger.history.add('result_bytes', { holder, tool, amount }, atMs)
  }
}

const NOBODY: Holder = { principal: '', agent: undefined, rootTask: undefined }

/** As the query had it: other things have names too. */
function toolOf({ method, tool }: DecisionEntry): string | undefined {
  const isOfTool = method === 'tools/call' || method?.startsWith('tasks/') === true
  return isOfTool && tool !== null ? tool : undefined
}
