/**
 * What one task has used up, by the budget of its grant. Its own calls count, and those of the tasks that are parts of
 * it. Calls under way are in every number.
 */
import type { Refusal } from '../model/refusal.ts'
import type { Budget } from '../model/task.ts'
import { Loops, type LoopsState } from './loops.ts'

const DEFAULT_SAME_CALL = 100
/** How soon a call may have ended, for one that waits for its place. */
const CONCURRENCY_RETRY_SECONDS = 1

/** What a task has used up, for people and for the agent. */
export interface Spent {
  readonly calls: number
  readonly callsPerTool: ReadonlyMap<string, number>
  readonly resultBytes: number
  readonly underWay: number
  readonly wallSeconds: number
}

/** For storage. */
export interface AccountState {
  readonly task: string
  readonly calls: number
  readonly callsPerTool: Readonly<Record<string, number>>
  readonly resultBytes: number
  /** Of all calls, until the state was taken. */
  readonly wallMs: number
  readonly labels: readonly string[]
  readonly loops?: LoopsState | undefined
}

export interface StoredAccount {
  /** Undefined where only a lease is known of. */
  readonly state: AccountState | undefined
  /** Bytes that may have been delivered since; 0 where none can have been. */
  readonly leasedBytes: number
}

/** A call by what budgets count. */
export interface Countable {
  readonly tool: string | undefined
  /** Tool and arguments; undefined where there is nothing that could loop. */
  readonly sameCall: string | undefined
  readonly labels: readonly string[]
}

export class Account {
  readonly task: string
  calls = 0
  readonly callsPerTool = new Map<string, number>()
  resultBytes = 0
  underWay = 0
  /** Bytes that are durably taken for spent, in advance (see Ledger). */
  leasedBytes = 0
  /** Changed since it was saved. */
  isChanged = false
  readonly labels = new Set<string>()
  /** How many of the calls that brought a label here can still be taken back, or were not. */
  readonly #labelCalls = new Map<string, number>()
  readonly #loops = new Loops()
  #wallMs = 0
  /** Sum of when the calls under way began. */
  #beganMs = 0

  constructor(task: string) {
    this.task = task
  }

  wallMs(nowMs: number): number {
    return this.#wallMs + Math.max(0, this.underWay * nowMs - this.#beganMs)
  }

  /** Why this call cannot be let through; undefined where it can. */
  refusal(budget: Budget, call: Countable, nowMs: number): Refusal | undefined {
    const { calls, calls_per_tool, concurrency, result_bytes, same_call = DEFAULT_SAME_CALL } = budget
    if (calls !== undefined && this.calls >= calls)
      return spent(`${this.calls} of ${counted(calls, 'call')} were made`)
    const ofTool = call.tool === undefined ? undefined : ownNumber(calls_per_tool, call.tool)
    if (ofTool !== undefined && call.tool !== undefined) {
      const made = this.callsPerTool.get(call.tool) ?? 0
      if (made >= ofTool) return spent(`${made} of ${counted(ofTool, 'call')} of ${call.tool} were made`)
    }
    if (result_bytes !== undefined && this.resultBytes >= result_bytes)
      return bytesSpent(this.resultBytes, result_bytes)
    const wall = this.wallRefusal(budget, nowMs)
    if (wall !== undefined) return wall
    if (concurrency !== undefined && this.underWay >= concurrency) {
      const message = `${this.underWay} of ${counted(concurrency, 'call')} that this task may have under way at once are. Wait until one has ended.`
      return limited(message, CONCURRENCY_RETRY_SECONDS)
    }
    if (call.sameCall === undefined) return undefined
    const same = this.#loops.countOf(call.sameCall, nowMs)
    if (same < same_call) return undefined
    const message = `This call was made ${same} times with the same arguments within ten minutes, as often as this task may. The answer will not change: do something else.`
    return limited(message, Math.max(1, Math.ceil((this.#loops.goneAt(call.sameCall, nowMs) - nowMs) / 1000)))
  }

  /** Calls may take no longer; also true of those under way. */
  wallRefusal({ wall_seconds }: Budget, nowMs: number): Refusal | undefined {
    if (wall_seconds === undefined) return undefined
    const seconds = this.wallMs(nowMs) / 1000
    if (seconds < wall_seconds) return undefined
    return spent(`calls took ${Math.round(seconds)} of ${counted(wall_seconds, 'second')}`)
  }

  begin({ tool, sameCall, labels }: Countable, nowMs: number): void {
    this.isChanged = true
    this.calls++
    if (tool !== undefined) this.callsPerTool.set(tool, (this.callsPerTool.get(tool) ?? 0) + 1)
    this.underWay++
    this.#beganMs += nowMs
    if (sameCall !== undefined) this.#loops.add(sameCall, nowMs)
    for (const label of labels) {
      this.labels.add(label)
      this.#labelCalls.set(label, (this.#labelCalls.get(label) ?? 0) + 1)
    }
  }

  /** `beganMs` as it was begun with. */
  end(beganMs: number, nowMs: number): void {
    this.isChanged = true
    this.underWay--
    this.#beganMs -= beganMs
    this.#wallMs += Math.max(0, nowMs - beganMs)
  }

  /** As if it had never begun. */
  cancel({ tool, sameCall, labels }: Countable, beganMs: number): void {
    this.isChanged = true
    this.calls--
    if (tool !== undefined) this.callsPerTool.set(tool, (this.callsPerTool.get(tool) ?? 1) - 1)
    this.underWay--
    this.#beganMs -= beganMs
    if (sameCall !== undefined) this.#loops.remove(sameCall)
    for (const label of labels) {
      const others = (this.#labelCalls.get(label) ?? 1) - 1
      this.#labelCalls.set(label, others)
      if (others === 0) this.labels.delete(label)
    }
  }

  spent(nowMs: number): Spent {
    return {
      calls: this.calls,
      callsPerTool: new Map([...this.callsPerTool].filter(([, made]) => made > 0)),
      resultBytes: this.resultBytes,
      underWay: this.underWay,
      wallSeconds: this.wallMs(nowMs) / 1000,
    }
  }

  /** For storage. */
  state(nowMs: number): AccountState {
    return {
      task: this.task,
      calls: this.calls,
      callsPerTool: Object.fromEntries(this.callsPerTool),
      resultBytes: this.resultBytes,
      wallMs: this.wallMs(nowMs),
      labels: [...this.labels],
      loops: this.#loops.state,
    }
  }

  /** A call was under way when the state was taken, and counts on from then. */
  resume(takenMs: number): void {
    this.underWay++
    this.#beganMs += takenMs
  }

  /** What was stored, before anything has begun. What is leased may be spent. */
  restore({ state, leasedBytes }: StoredAccount): void {
    this.resultBytes = Math.max(state?.resultBytes ?? 0, leasedBytes)
    this.isChanged = leasedBytes > 0
    if (state === undefined) return
    this.calls = state.calls
    for (const [tool, made] of Object.entries(state.callsPerTool)) this.callsPerTool.set(tool, made)
    this.#wallMs = state.wallMs
    for (const label of state.labels) {
      this.labels.add(label)
      this.#labelCalls.set(label, 1) // which no call that begins now can take back
    }
    if (state.loops !== undefined) this.#loops.restore(state.loops)
  }
}

/** The bytes of a result would be too many, or are. */
export function bytesSpent(spentBytes: number, budget: number): Refusal {
  return spent(`${spentBytes} of ${counted(budget, 'byte')} of results were delivered`)
}

function spent(what: string): Refusal {
  const message = `A budget of this task is spent: ${what}. Ask for another task if the work is not done.`
  return { reason: 'limited', message, remedy: { kind: 'task' } }
}

function limited(message: string, afterSeconds: number): Refusal {
  return { reason: 'limited', message, remedy: { kind: 'retry', afterSeconds } }
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

function ownNumber(numbers: Readonly<Record<string, number>> | undefined, name: string): number | undefined {
  return numbers !== undefined && Object.hasOwn(numbers, name) ? numbers[name] : undefined
}
