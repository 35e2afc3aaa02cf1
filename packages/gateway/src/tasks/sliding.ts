/**
 * How much came within a window that moves along with time. Time is cut into slots, and a slot that is partly within the
 * window counts wholly: the number may be a little too high, never too low.
 */

/** A length of time, and the slots that it is cut into. */
export class Window {
  readonly lengthMs: number
  readonly #slotMs: number

  constructor(lengthMs: number, slots: number) {
    this.lengthMs = lengthMs
    this.#slotMs = Math.max(1, Math.ceil(lengthMs / slots))
  }

  slotAt(nowMs: number): number {
    return Math.floor(nowMs / this.#slotMs)
  }

  /** The oldest slot that counts. */
  firstAt(nowMs: number): number {
    return Math.floor((nowMs - this.lengthMs) / this.#slotMs)
  }

  /** When a slot ceases to count. */
  goneAt(slot: number): number {
    return (slot + 1) * this.#slotMs + this.lengthMs
  }
}

/** One number over a window. Holds only slots in which something came. */
export class SlidingCount {
  /** Slot, amount, slot, amount …, the oldest first. */
  readonly #slots: number[]
  #total = 0

  constructor(slots: readonly number[] = []) {
    this.#slots = [...slots]
    for (let at = 1; at < slots.length; at += 2) this.#total += slots[at] as number
  }

  /** A clock that was set back adds to the last slot. */
  add(slot: number, amount: number): void {
    const last = this.#slots.length - 2
    if (last >= 0 && (this.#slots[last] as number) >= slot) {
      this.#slots[last + 1] = (this.#slots[last + 1] as number) + amount
    } else this.#slots.push(slot, amount)
    this.#total += amount
  }

  /** Takes back what was added, from the newest slots. */
  remove(amount: number): void {
    let rest = Math.min(amount, this.#total)
    this.#total -= rest
    for (let at = this.#slots.length - 1; rest > 0; at -= 2) {
      const taken = Math.min(rest, this.#slots[at] as number)
      this.#slots[at] = (this.#slots[at] as number) - taken
      rest -= taken
    }
  }

  /** The sum of the slots from `first` on; forgets those before. */
  since(first: number): number {
    const slots = this.#slots
    let gone = 0
    while (gone < slots.length && (slots[gone] as number) < first) {
      this.#total -= slots[gone + 1] as number
      gone += 2
    }
    if (gone > 0) slots.splice(0, gone)
    return this.#total
  }

  /** The oldest slot that has something; undefined when none has. */
  get oldest(): number | undefined {
    for (let at = 0; at < this.#slots.length; at += 2) if (this.#slots[at + 1] !== 0) return this.#slots[at]
    return undefined
  }

  /** What the constructor takes. */
  get slots(): readonly number[] {
    return this.#slots
  }
}
