/**
 * Tasks that callers have credentials for. A record is read when the first call of it comes and whenever the store has
 * changed; what its grant compiles to stays for as long as it is the same. That a task is over is found here, at every
 * call, and by `check` for what is open without anybody calling.
 */
import type { Caller } from '../model/caller.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { TaskRecord } from '../model/task.ts'
import type { TaskLookup } from './lookup.ts'
import { FirstSight } from './constraints/first-sight.ts'
import type { Sight } from './constraints/paths.ts'
import { Task } from './task.ts'
import { KnownValues } from './values.ts'

export interface TasksOptions {
  readonly sight: Sight
  readonly lookup: TaskLookup
  /** For the digests of values that tasks remember; it does not outlive the process. */
  readonly valueKey: Uint8Array
  now(): number
}

/** Nothing is handed on more often, so no chain is longer. */
export const MAX_CHAIN = 16
const MAX_REMEMBERED = 10_000
/** Chains, those used last: what they have learnt is kept; of others, it is asked about again. */
const MAX_WITH_VALUES = 250

export class Tasks {
  readonly #options: TasksOptions
  readonly #remembered = new Map<string, Task>()
  /**
   * By the id of the first task of a chain: what a part learns, the whole knows. One for as long as any task of it is
   * remembered, or a part would believe what came through another.
   */
  readonly #values = new Map<string, KnownValues>()
  /** Those that may have learnt something; the one used last comes last. */
  readonly #learnt = new Set<KnownValues>()
  #lastUsed: KnownValues | undefined
  /** By task: what the folders of its grant were at first holds for its parts, too. */
  readonly #sights = new Map<string, FirstSight>()
  /** How many values and sights there may be before those that are not used are dropped. */
  #dropAt = 4 * MAX_REMEMBERED
  /** The store has told of a change that not every remembered task was held against yet. */
  #pending = false
  #fault: string | undefined

  constructor(options: TasksOptions) {
    this.#options = options
  }

  /** The task that a call of this caller serves; undefined: none. Refused when it is over. */
  bind({ principal, agent, delegation, authentication }: Caller): Result<Task | undefined, Refusal> {
    const { task: id } = authentication
    if (id === undefined) return NO_TASK
    if (this.#fault !== undefined) return err(unavailable('Tasks cannot be looked up now.', this.#fault))
    let task: Task | undefined
    try {
      task = this.#find(id)
    } catch (problem) {
      return err(unavailable('Tasks cannot be looked up now.', messageOf(problem)))
    }
    if (task === undefined) return ended('The task of this credential is not known here.', `task ${id}`)
    const over = task.overAt(this.#options.now())
    if (over !== undefined) return ended(`The task of this credential is over: ${over}`, `task ${id}`)
    const { record } = task
    const isTheirs = record.principal.type === principal.type && record.principal.id === principal.id
    // Whom it was handed on to works on it for the agent that has it.
    const isTheirAgent =
      record.agent === undefined ||
      record.agent === agent?.id ||
      delegation?.chain.some(({ id: each }) => each === record.agent) === true
    if (!isTheirs || !isTheirAgent)
      return ended('The task of this credential is not the caller’s.', `task ${id}`)
    if (task.values !== this.#lastUsed) this.#use(task.values)
    return ok(task)
  }

  /** To be called twice a second: what was changed in the store holds from now on. */
  check(): void {
    try {
      if (this.#options.lookup.changed()) this.#pending = true
      if (this.#pending) this.#refresh()
      this.#pending = false
      this.#fault = undefined
    } catch (problem) {
      this.#fault = messageOf(problem)
    }
  }

  /** Whether a credential for this task is good no longer. */
  isOver(id: string): boolean {
    if (this.#fault !== undefined) return true
    try {
      const task = this.#find(id)
      return task === undefined || task.overAt(this.#options.now()) !== undefined
    } catch {
      return true
    }
  }

  #find(id: string): Task | undefined {
    const known = this.#remembered.get(id)
    if (known !== undefined) return known
    const chain = this.#chainOf(id)
    if (chain === undefined) return undefined
    const endorsed = this.#endorsedIn(chain)
    if (this.#values.size + this.#sights.size >= this.#dropAt) this.#dropUnused()
    const values = this.#valuesOf(chain, endorsed)
    const task = new Task({ chain, endorsed, values }, { sightOf: (record) => this.#sightOf(record) })
    if (this.#remembered.size >= MAX_REMEMBERED) {
      const [first] = this.#remembered.keys()
      if (first !== undefined) this.#remembered.delete(first)
    }
    this.#remembered.set(id, task)
    return task
  }

  /** The task, its parent, and so on; undefined when one of them is not there. */
  #chainOf(id: string): readonly [TaskRecord, ...TaskRecord[]] | undefined {
    const { lookup } = this.#options
    const own = lookup.find(id)
    if (own === undefined) return undefined
    const chain: [TaskRecord, ...TaskRecord[]] = [own]
    for (let next = own.parent; next !== undefined; next = chain.at(-1)?.parent) {
      const record = lookup.find(next)
      if (record === undefined || chain.length >= MAX_CHAIN) return undefined
      chain.push(record)
    }
    return chain
  }

  #valuesOf(chain: readonly TaskRecord[], endorsed: readonly string[]): KnownValues {
    const first = firstOf(chain)
    const values = this.#values.get(first) ?? new KnownValues(this.#options.valueKey)
    this.#values.set(first, values)
    for (const value of endorsed) values.endorse(value)
    return values
  }

  #sightOf({ id, grant }: TaskRecord): Sight {
    const sight = this.#sights.get(id) ?? new FirstSight(this.#options.sight)
    this.#sights.set(id, sight)
    sight.meet(grant.tools)
    return sight
  }

  /** What is known of tasks of which none is remembered. */
  #dropUnused(): void {
    const used = new Set([...this.#remembered.values()].flatMap(({ chain }) => chain.map(({ id }) => id)))
    for (const kept of [this.#values, this.#sights])
      for (const id of kept.keys()) if (!used.has(id)) kept.delete(id)
    this.#dropAt = Math.max(this.#dropAt, 2 * (this.#values.size + this.#sights.size))
  }

  #use(values: KnownValues): void {
    this.#lastUsed = values
    this.#learnt.delete(values)
    this.#learnt.add(values)
    if (this.#learnt.size <= MAX_WITH_VALUES) return
    for (const oldest of this.#learnt) {
      oldest.forget()
      this.#learnt.delete(oldest)
      return
    }
  }

  #endorsedIn(chain: readonly TaskRecord[]): readonly string[] {
    return chain.flatMap(({ id }) => this.#options.lookup.endorsedIn(id))
  }

  /** Those that are the same keep what they compiled to. */
  #refresh(): void {
    for (const [id, task] of this.#remembered) {
      const chain = this.#chainOf(id)
      const same =
        chain !== undefined &&
        JSON.stringify([chain, this.#endorsedIn(chain)]) === JSON.stringify([task.chain, task.endorsed])
      if (!same) this.#remembered.delete(id)
    }
  }
}

const NO_TASK = ok(undefined)

/** Its whole, of a task and those above it. */
function firstOf(chain: readonly TaskRecord[]): string {
  return chain.at(-1)?.id ?? ''
}

function ended(message: string, detail: string): Result<never, Refusal> {
  return err({ reason: 'unauthenticated', message, detail, remedy: { kind: 'task' } })
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem)
}
