/**
 * Named counters over windows, for policies: what a task, a principal or an agent has done lately. A call counts from the
 * moment it is let through, so that calls under way are in the number that the next one is judged by.
 */
import type { CounterRule } from '../model/history.ts'
import { SlidingCount, Window } from './sliding.ts'

const SLOTS = 60

/** Whose call it is, by what may be counted: see `holderOf`. */
export interface Holder {
  /** `User::"alice"`. */
  readonly principal: string
  readonly agent: string | undefined
  /** The first task of the chain, whose budget all of its parts share. */
  readonly rootTask: string | undefined
}

/** For storage: one number of one holder. */
export interface CountState {
  readonly counter: string
  readonly holder: string
  readonly slots: readonly number[]
}

interface Counter {
  readonly rule: CounterRule
  readonly window: Window
  readonly byHolder: Map<string, SlidingCount>
  /** Changed since they were saved. */
  readonly changed: Set<string>
}

export class History {
  #counters: readonly Counter[]

  constructor(rules: readonly CounterRule[] = []) {
    this.#counters = rules.map(createCounter)
  }

  get isEmpty(): boolean {
    return this.#counters.length === 0
  }

  /** Other counters; those that are as before keep what they have counted. */
  configure(rules: readonly CounterRule[]): void {
    const before = this.#counters
    this.#counters = rules.map((rule) => {
      const same = before.find((counter) => isSame(counter.rule, rule))
      return same ?? createCounter(rule)
    })
  }

  /** A call that was let through, or refused, or bytes that go to the agent. */
  add(count: CounterRule['count'], { holder, tool, amount }: Event, nowMs: number): void {
    for (const counter of this.#counters) {
      if (counter.rule.count !== count || !concerns(counter.rule, tool)) continue
      const key = keyOf(counter.rule, holder)
      let number = counter.byHolder.get(key)
      if (number === undefined) counter.byHolder.set(key, (number = new SlidingCount()))
      number.add(counter.window.slotAt(nowMs), amount)
      counter.changed.add(key)
    }
  }

  /** Takes back a call that was not let through after all. */
  remove(count: CounterRule['count'], { holder, tool, amount }: Event): void {
    for (const { rule, byHolder, changed } of this.#counters) {
      if (rule.count !== count || !concerns(rule, tool)) continue
      const key = keyOf(rule, holder)
      byHolder.get(key)?.remove(amount)
      changed.add(key)
    }
  }

  /** Every counter by its name. */
  of(holder: Holder, nowMs: number): Readonly<Record<string, number>> {
    const numbers: Record<string, number> = {}
    for (const { rule, window, byHolder } of this.#counters)
      numbers[rule.name] = byHolder.get(keyOf(rule, holder))?.since(window.firstAt(nowMs)) ?? 0
    return numbers
  }

  /** Forgets whoever has done nothing within a window. */
  forget(nowMs: number): void {
    for (const { window, byHolder, changed } of this.#counters) {
      const first = window.firstAt(nowMs)
      for (const [key, number] of byHolder) {
        if (number.since(first) !== 0) continue
        byHolder.delete(key)
        changed.add(key)
      }
    }
  }

  get isChanged(): boolean {
    return this.#counters.some(({ changed }) => changed.size > 0)
  }

  /** Forgets all numbers. */
  reset(): void {
    this.#counters = this.#counters.map(({ rule }) => createCounter(rule))
  }

  /** What has changed since this was last asked; without slots where it is to be forgotten. */
  takeChanged(): CountState[] {
    return this.#counters.flatMap(({ rule, byHolder, changed }) => {
      const states = [...changed].map((holder) => {
        return { counter: storedName(rule), holder, slots: [...(byHolder.get(holder)?.slots ?? [])] }
      })
      changed.clear()
      return states
    })
  }

  /** These could not be saved after all. */
  putBack(states: readonly CountState[]): void {
    for (const { counter, holder } of states)
      this.#counters.find(({ rule }) => storedName(rule) === counter)?.changed.add(holder)
  }

  restore(states: Iterable<CountState>): void {
    const byName = new Map(this.#counters.map((counter) => [storedName(counter.rule), counter]))
    for (const { counter, holder, slots } of states)
      byName.get(counter)?.byHolder.set(holder, new SlidingCount(slots))
  }
}

interface Event {
  readonly holder: Holder
  readonly tool: string | undefined
  readonly amount: number
}

function createCounter(rule: CounterRule): Counter {
  return { rule, window: new Window(rule.windowMs, SLOTS), byHolder: new Map(), changed: new Set() }
}

function concerns({ tools }: CounterRule, tool: string | undefined): boolean {
  return tools === undefined || (tool !== undefined && tools.has(tool))
}

/**
 * Of a call without a task or agent what would be counted for it is counted for the principal: nobody gets away from a
 * counter by leaving out what it goes by.
 */
function keyOf({ per }: CounterRule, { principal, agent, rootTask }: Holder): string {
  if (per === 'task' && rootTask !== undefined) return rootTask
  if (per === 'agent' && agent !== undefined) return `agent ${agent}`
  return principal
}

/** What is counted is part of the name: numbers of a counter that was another before are not taken for its own. */
function storedName(rule: CounterRule): string {
  const tools = rule.tools === undefined ? '*' : [...rule.tools].toSorted().join(' ')
  return JSON.stringify([rule.name, rule.count, rule.per, rule.windowMs, tools])
}

function isSame(a: CounterRule, b: CounterRule): boolean {
  return storedName(a) === storedName(b)
}
