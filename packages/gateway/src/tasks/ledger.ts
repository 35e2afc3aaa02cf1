/**
 * What tasks have used up: budgets, labels, loops, and counters for policies. Counted in one step when a call is decided,
 * in its task and in every task above, in all or in none, so that calls under way can never overrun a budget together.
 *
 * It lives in memory and is a reading of the audit log, where every call that was let through stands before it has an
 * effect: takeState() says what was counted so far, and replay.ts counts what the log holds beyond that. Bytes are not in
 * the log before they are delivered: of a budget of bytes a piece is made durable as if it were spent, a lease, before
 * any of it is delivered. Saving ends leases, as it makes the true number durable.
 */
import { type Caller, showEntity } from '../model/caller.ts'
import type { CounterRule } from '../model/history.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { TaskRecord } from '../model/task.ts'
import { Account, bytesSpent, type Countable, type Spent, type StoredAccount } from './budget.ts'
import { History, type Holder } from './history.ts'
import type { LedgerState, UnderWayState } from './ledger-state.ts'

/** A call that is to be let through. */
export interface Counted {
  /** As in its audit entry. */
  readonly requestId: string
  /** The task and those above it, its own first; empty without a task. */
  readonly task: readonly TaskRecord[]
  readonly caller: Caller
  /** Full name; undefined for what is not about a tool. */
  readonly tool: string | undefined
  /** What it brings into the task. */
  readonly labels: readonly string[]
  readonly argumentsDigest: string | null
}

/** What a call holds of its budgets. */
export interface Reservation {
  /** The call has ended. */
  end(): void
  /** It was not let through after all. */
  cancel(): void
  /**
   * Counts bytes that are about to go to the agent, what the gateway itself has to say left out. A refusal where they
   * would overrun a budget: then none of them may go.
   */
  deliver(bytes: number): Refusal | undefined
}

export interface LedgerOptions {
  /** Wall clock, milliseconds. */
  now(): number
  readonly counters?: readonly CounterRule[]
  /** Makes durable that a task may have spent so many bytes. False where that cannot be. */
  lease?(task: string, bytes: number): boolean
  /** What was saved of a task; throws where that cannot be told. */
  recall?(task: string): StoredAccount | undefined
}

/** Pieces of a budget of bytes that are leased at once; what is leased is lost when the gateway is killed. */
const LEASES = 64
const MIN_LEASE_BYTES = 16 * 1024

export class Ledger {
  readonly #options: LedgerOptions
  readonly #accounts = new Map<string, Account>()
  /** Calls in places that are used again: a Set that comes and goes by the thousand is slow to collect. */
  readonly #underWay: (Begun | undefined)[] = []
  readonly #free: number[] = []
  readonly history: History
  /** Why nothing can be counted now, and so nothing that has to be counted is let through. */
  fault: string | undefined

  constructor(options: LedgerOptions) {
    this.#options = options
    this.history = new History(options.counters)
  }

  /** Counts the call, or says which budget does not let it through. */
  begin(call: Counted, nowMs: number): Result<Reservation, Refusal> {
    const { task: chain, tool } = call
    if (chain.length === 0 && this.history.isEmpty) return COUNTS_NOWHERE
    if (this.fault !== undefined) return notCounting(this.fault)
    const holder = this.#holderOf(call)
    const begun = new Begun(this, call, holder, nowMs)
    const { accounts } = begun
    for (const { id, grant } of chain) {
      const account = this.account(id)
      const refusal = account.refusal(grant.budget, begun, nowMs)
      if (refusal !== undefined) return err(accounts.length === 0 ? refusal : above(refusal, id))
      accounts.push(account)
    }
    for (const account of accounts) account.begin(begun, nowMs)
    if (holder !== undefined) this.history.add('calls', { holder, tool, amount: 1 }, nowMs)
    begun.place = this.#free.pop() ?? this.#underWay.length
    this.#underWay[begun.place] = begun
    return ok(begun)
  }

  /** What is no call but may bring bytes: connecting, listing, following up. It is refused when those are spent. */
  beginAside(call: Counted): Result<Reservation, Refusal> {
    const { task: chain } = call
    if (chain.length === 0 && this.history.isEmpty) return COUNTS_NOWHERE
    if (this.fault !== undefined) return notCounting(this.fault)
    const accounts = chain.map(({ id }) => this.account(id))
    for (const [at, account] of accounts.entries()) {
      const budget = chain[at]?.grant.budget.result_bytes
      if (budget === undefined || account.resultBytes < budget) continue
      const refusal = bytesSpent(account.resultBytes, budget)
      return err(at === 0 ? refusal : above(refusal, account.task))
    }
    const holder = this.#holderOf(call)
    return ok({ end() {}, cancel() {}, deliver: (bytes) => this.deliver({ call, accounts, holder }, bytes) })
  }

  /** A call that was refused, for the counters. */
  refused(call: Pick<Counted, 'caller' | 'task' | 'tool'>, nowMs: number): void {
    const holder = this.#holderOf(call)
    // Without counting there is a log to be read first, and it will be in there.
    if (holder === undefined || this.fault !== undefined) return
    this.history.add('refused', { holder, tool: call.tool, amount: 1 }, nowMs)
  }

  /** What has flowed into a task. */
  labelsOf(task: string): ReadonlySet<string> {
    return this.account(task).labels
  }

  /** Calls that were let through, those under way included. */
  callsOf(task: string): number {
    return this.account(task).calls
  }

  /** All that is counted, for people and agents to see. */
  spentBy(task: string): Spent {
    return this.account(task).spent(this.#options.now())
  }

  /** `context.history`; undefined where no counters are configured. */
  historyOf(
    call: Pick<Counted, 'caller' | 'task'>,
    nowMs: number,
  ): Readonly<Record<string, number>> | undefined {
    const holder = this.#holderOf(call)
    return holder === undefined ? undefined : this.history.of(holder, nowMs)
  }

  /**
   * Tasks with calls under way that may take no more time, and why; by the id that those calls belong to.
   * `soonMs`: when the next one will be, if nothing begins or ends.
   */
  overtime(nowMs: number): { readonly over: ReadonlyMap<string, Refusal>; readonly soonMs: number } {
    const over = new Map<string, Refusal>()
    let soonMs = Number.POSITIVE_INFINITY
    for (const begun of this.#underWay) {
      if (begun === undefined) continue
      const { call, accounts } = begun
      for (const [at, account] of accounts.entries()) {
        const { wall_seconds } = call.task[at]?.grant.budget ?? {}
        if (wall_seconds === undefined) continue
        const restMs = wall_seconds * 1000 - account.wallMs(nowMs)
        soonMs = Math.min(soonMs, nowMs + restMs / account.underWay)
        const refusal = account.wallRefusal({ wall_seconds }, nowMs)
        const own = call.task[0]?.id ?? ''
        if (refusal !== undefined) over.set(own, at === 0 ? refusal : above(refusal, account.task))
      }
    }
    return { over, soonMs }
  }

  /** Forgets tasks that are saved and over. */
  forgetWhere(isOver: (task: string) => boolean): void {
    for (const [task, account] of this.#accounts)
      if (!account.isChanged && account.underWay === 0 && isOver(task)) this.#accounts.delete(task)
  }

  /** Forgets everything, to begin again from what was saved. */
  reset(): void {
    this.#accounts.clear()
    this.history.reset()
  }

  /** Whether a save would change anything. */
  get isChanged(): boolean {
    if (this.#underWay.length > this.#free.length || this.history.isChanged) return true
    for (const account of this.#accounts.values()) if (account.isChanged) return true
    return false
  }

  /** What has changed since it was last taken. To be saved, all at once, or put back. Ends all leases of what is in it. */
  takeState(nowMs: number): LedgerState {
    const accounts = [...this.#accounts.values()].filter(
      ({ isChanged, underWay }) => isChanged || underWay > 0,
    )
    const states = accounts.map((account) => account.state(nowMs))
    for (const account of accounts) {
      account.isChanged = false
      account.leasedBytes = 0
    }
    const underWay = this.#underWay.flatMap((begun) => (begun === undefined ? [] : begun.state))
    return { accounts: states, underWay, counts: this.history.takeChanged() }
  }

  /** It could not be saved, or may not have been. */
  putBack({ accounts, counts }: LedgerState): void {
    for (const { task } of accounts) {
      const account = this.#accounts.get(task)
      if (account !== undefined) account.isChanged = true
    }
    this.history.putBack(counts)
  }

  /** What is known of a task, as it was saved where it was not asked for before. */
  account(task: string): Account {
    const known = this.#accounts.get(task)
    if (known !== undefined) return known
    const account = new Account(task)
    const stored = this.#options.recall?.(task)
    if (stored !== undefined) account.restore(stored)
    this.#accounts.set(task, account)
    return account
  }

  /** See Reservation. */
  deliver(
    { call, accounts, holder }: Pick<Begun, 'call' | 'accounts' | 'holder'>,
    bytes: number,
  ): Refusal | undefined {
    for (let at = 0; at < accounts.length; at++) {
      const account = accounts[at] as Account
      const budget = call.task[at]?.grant.budget.result_bytes
      if (budget === undefined) continue
      const refusal = this.#bytesRefusal(account, account.resultBytes + bytes, budget)
      if (refusal !== undefined) return at === 0 ? refusal : above(refusal, account.task)
    }
    for (const account of accounts) {
      account.resultBytes += bytes
      account.isChanged = true
    }
    if (holder !== undefined)
      this.history.add('result_bytes', { holder, tool: call.tool, amount: bytes }, this.#options.now())
    return undefined
  }

  ended(begun: Begun, how: 'ended' | 'cancelled'): void {
    const { call, accounts, holder, beganMs, place } = begun
    this.#underWay[place] = undefined
    this.#free.push(place)
    if (how === 'ended') {
      const nowMs = this.#options.now()
      for (const account of accounts) account.end(beganMs, nowMs)
      return
    }
    for (const account of accounts) account.cancel(begun, beganMs)
    if (holder !== undefined) this.history.remove('calls', { holder, tool: call.tool, amount: 1 })
  }

  #bytesRefusal(account: Account, total: number, budget: number): Refusal | undefined {
    if (total > budget) return bytesSpent(account.resultBytes, budget)
    if (total <= account.leasedBytes || this.#options.lease === undefined) return undefined
    const piece = Math.max(MIN_LEASE_BYTES, Math.ceil(budget / LEASES))
    const leased = Math.min(budget, total + piece)
    if (!this.#options.lease(account.task, leased))
      return unavailable('What this task has used up cannot be recorded, so nothing is delivered to it.')
    account.leasedBytes = leased
    return undefined
  }

  /** Undefined where nothing is counted. */
  #holderOf({ caller, task }: Pick<Counted, 'caller' | 'task'>): Holder | undefined {
    if (this.history.isEmpty) return undefined
    const { principal, agent } = caller
    return { principal: showEntity(principal), agent: agent?.id, rootTask: task.at(-1)?.id }
  }
}

/** A call under way. */
class Begun implements Reservation, Countable {
  readonly #ledger: Ledger
  readonly call: Counted
  readonly tool: string | undefined
  readonly labels: readonly string[]
  readonly sameCall: string | undefined
  /** Of the tasks of `call`, in their order. */
  readonly accounts: Account[] = []
  readonly holder: Holder | undefined
  readonly beganMs: number
  /** Among the calls under way. */
  place = -1
  #deliveredBytes = 0
  #isOver = false

  constructor(ledger: Ledger, call: Counted, holder: Holder | undefined, beganMs: number) {
    this.#ledger = ledger
    this.call = call
    this.tool = call.tool
    this.labels = call.labels
    this.sameCall = sameCallOf(call.tool, call.argumentsDigest)
    this.holder = holder
    this.beganMs = beganMs
  }

  deliver(bytes: number): Refusal | undefined {
    const refusal = this.#ledger.deliver(this, bytes)
    if (refusal === undefined) this.#deliveredBytes += bytes
    return refusal
  }

  end(): void {
    this.#over('ended')
  }

  cancel(): void {
    this.#over('cancelled')
  }

  get state(): UnderWayState {
    const { call, holder } = this
    const tasks = call.task.map(({ id }) => id)
    return { requestId: call.requestId, tasks, tool: call.tool, holder, deliveredBytes: this.#deliveredBytes }
  }

  #over(how: 'ended' | 'cancelled'): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#ledger.ended(this, how)
  }
}

/** Of calls that nothing is counted for. */
const COUNTS_NOWHERE: Result<Reservation, never> = ok({ end() {}, cancel() {}, deliver: () => undefined })

function notCounting(fault: string): Result<never, Refusal> {
  return err(
    unavailable('What this call counts towards cannot be counted now, so it is not let through.', fault),
  )
}

/** A tool with its arguments; undefined where there is nothing that could loop. */
export function sameCallOf(tool: string | undefined, digest: string | null): string | undefined {
  return tool === undefined || digest === null ? undefined : `${digest} ${tool}`
}

/** The same of a task further up, which the agent may not know of by another name. */
function above(refusal: Refusal, task: string): Refusal {
  const message = refusal.message.replaceAll('this task', `task ${task}, which this one is part of,`)
  return { ...refusal, message }
}
