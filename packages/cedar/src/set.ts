// Cedar's sets: unordered, without duplicates, members of any type. Members are settled and indexed on first use. An
// opaque member makes every operation that looks at members an evaluation error.

import { canonical } from './equality.ts'
import { Term } from './term.ts'
import { settle } from './values.ts'
import type { Settled, Value } from './values.ts'

export class CedarSet extends Term {
  readonly #given: readonly Value[]
  #members: readonly Settled[] | undefined
  #keys: Index | undefined
  #canonical: string | undefined

  constructor(members: readonly Value[]) {
    super()
    this.#given = members
  }

  isEmpty(): boolean {
    return this.#given.length === 0
  }

  /** The members, settled; duplicates may remain. */
  members(): readonly Settled[] {
    return (this.#members ??= this.#given.map((member) => settle(member)))
  }

  contains(value: Settled): boolean {
    const index = this.#index()
    return typeof value === 'object' ? index.composites.has(canonical(value)) : index.primitives.has(value)
  }

  containsAll(other: CedarSet): boolean {
    const mine = this.#index()
    const theirs = other.#index()
    return isSubset(theirs.primitives, mine.primitives) && isSubset(theirs.composites, mine.composites)
  }

  containsAny(other: CedarSet): boolean {
    const mine = this.#index()
    const theirs = other.#index()
    return meets(theirs.primitives, mine.primitives) || meets(theirs.composites, mine.composites)
  }

  override canonical(depth = 0): string {
    return (this.#canonical ??= `[${[...new Set(this.members().map((member) => canonical(member, depth + 1)))].sort().join('')}]`)
  }

  #index(): Index {
    return (this.#keys ??= indexOf(this.members()))
  }
}

/** A set made beforehand; worth it where one set serves many decisions, since its index is kept. */
export function set(members: readonly Value[]): CedarSet {
  return new CedarSet([...members])
}

interface Index {
  readonly primitives: ReadonlySet<Settled>
  /** Canonical texts of the members that are objects. */
  readonly composites: ReadonlySet<string>
}

function indexOf(members: readonly Settled[]): Index {
  const primitives = new Set<Settled>()
  const composites = new Set<string>()
  for (const member of members) {
    if (typeof member === 'object') composites.add(canonical(member))
    else primitives.add(member)
  }
  return { primitives, composites }
}

function isSubset<T>(part: ReadonlySet<T>, whole: ReadonlySet<T>): boolean {
  for (const member of part) if (!whole.has(member)) return false
  return true
}

function meets<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  for (const member of a) if (b.has(member)) return true
  return false
}
