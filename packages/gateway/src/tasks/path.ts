/**
 * How a task came to where it is, for whoever is asked to approve its next call: what brought each label first, and the
 * last calls. In memory and bounded; what was before the gateway started is only in the audit log.
 */

/** A call that was let through. */
export interface Step {
  readonly atMs: number
  /** Full name of the tool, or what else was read: the URI of a resource, the name of a prompt. */
  readonly name: string
  /** What it read. */
  readonly labels: readonly string[]
}

interface Path {
  /** In turn: the next one takes the place of the oldest. */
  readonly last: Step[]
  noted: number
  /** By label, the first call that brought it. */
  readonly brought: Map<string, Step>
}

const MAX_LAST = 20
const MAX_LABELS = 50
const MAX_TASKS = 10_000

export class Paths {
  readonly #paths = new Map<string, Path>()
  /** Whose path was added to last. */
  #latest: string | undefined

  /** Adds a call to the path of its task and of those above it. */
  note(chain: readonly { readonly id: string }[], step: Step): void {
    for (const { id } of chain) {
      const path: Path = this.#paths.get(id) ?? { last: [], noted: 0, brought: new Map() }
      path.last[path.noted++ % MAX_LAST] = step
      for (const label of step.labels)
        if (!path.brought.has(label) && path.brought.size < MAX_LABELS) path.brought.set(label, step)
      if (id !== this.#latest) this.#use(id, path)
    }
    if (this.#paths.size > MAX_TASKS) this.#forget()
  }

  /** The tasks that were used least recently are forgotten first. */
  #use(id: string, path: Path): void {
    this.#paths.delete(id)
    this.#paths.set(id, path)
    this.#latest = id
  }

  #forget(): void {
    for (const [id] of this.#paths) {
      if (this.#paths.size <= MAX_TASKS) break
      this.#paths.delete(id)
    }
  }

  /** The calls of a task that brought a label first, and the last ones; oldest first. */
  of(id: string): readonly Step[] {
    const path = this.#paths.get(id)
    if (path === undefined) return []
    const { last, noted, brought } = path
    const oldest = noted % last.length
    const inOrder = [...last.slice(oldest), ...last.slice(0, oldest)]
    const earlier = [...new Set(brought.values())].filter((step) => !last.includes(step))
    return [...earlier, ...inOrder].toSorted((a, b) => a.atMs - b.atMs)
  }
}
