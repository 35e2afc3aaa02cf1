// The values of Cedar as JavaScript values. Plain data (what JSON.parse returns) is a value as it stands: nothing is
// converted until a policy reads it, and then only one level. Reading goes through `settle`.

import { decimalFromNumber } from './decimal.ts'
import { Fault } from './fault.ts'
import { toLong } from './long.ts'
import { Term } from './term.ts'

/**
 * A value in a context, an attribute or a tag.
 *
 * Safe integers and 64-bit bigints are Long. Other numbers are decimals where four fraction digits hold them exactly.
 * Arrays are sets, other plain objects records of their own members; a member that is undefined is absent. A Term is
 * an Entity, a CedarSet, a Decimal, an IpAddress, a Datetime or a Duration. Everything else (null, most fractions,
 * larger bigints) is opaque: `has` sees it, reading it is an evaluation error.
 */
export type Value = boolean | string | number | bigint | null | Term | readonly Value[] | RecordValue

export interface RecordValue {
  readonly [name: string]: Value | undefined
}

/** A value as operations see it: numbers are Longs, no arrays, nothing opaque at the top. Members are not settled. */
export type Settled = boolean | string | number | bigint | Term | RecordValue

/**
 * Untrusted data, such as parsed JSON, as a value. Costs nothing: reading it settles it, and nothing that JSON can
 * express becomes an entity or an extension value. It must not change while a decision is being made.
 */
export function plain(data: unknown): Value {
  return data as Value
}

export function isRecord(value: unknown): value is RecordValue {
  return typeof value === 'object' && value !== null && !(value instanceof Term) && !Array.isArray(value)
}

/** Holds the arrays met during one decision, so that each becomes a set once. */
export interface ArrayMemo {
  arrays: Map<readonly Value[], CedarSet> | undefined
}

/** The value a member stands for. Throws a Fault when it is opaque. */
export function settle(value: Value | undefined, memo?: ArrayMemo): Settled {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number': {
      if (Number.isSafeInteger(value)) return value
      const decimal = decimalFromNumber(value)
      if (decimal !== undefined) return decimal
      break
    }
    case 'bigint': {
      const long = toLong(value)
      if (long !== undefined) return long
      break
    }
    case 'object': {
      if (value === null) break
      return Array.isArray(value) ? setFromArray(value, memo) : (value as Term | RecordValue)
    }
    default:
  }
  throw new Fault('Cedar cannot hold this value (null, or a number that is neither a Long nor a decimal)')
}

function setFromArray(array: readonly Value[], memo: ArrayMemo | undefined): CedarSet {
  if (memo === undefined) return new CedarSet(array)
  memo.arrays ??= new Map()
  let made = memo.arrays.get(array)
  if (made === undefined) {
    made = new CedarSet(array)
    memo.arrays.set(array, made)
  }
  return made
}

/** A record's own member, not settled; undefined when there is none. */
export function ownMember(record: RecordValue, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/** Deeper values are an evaluation error rather than a stack overflow. */
const MAX_DEPTH = 256

/** A text that two values share exactly when they are equal. Throws a Fault on an opaque member. */
export function canonical(value: Settled, depth = 0): string {
  if (typeof value === 'string') return `s${value.length}:${value}`
  if (typeof value === 'boolean') return value ? 'y' : 'n'
  if (typeof value !== 'object') return `l${value};`
  if (depth > MAX_DEPTH) throw new Fault('the value is nested too deeply to compare')
  if (value instanceof Term) return value.canonical(depth)
  const members = memberNames(value).sort()
  return `{${members.map((name) => `s${name.length}:${name}${canonical(settle(value[name]), depth + 1)}`).join('')}}`
}

/** The names of a record's members, without those that are undefined. */
function memberNames(record: RecordValue): string[] {
  return Object.keys(record).filter((name) => record[name] !== undefined)
}

/**
 * A set: unordered, without duplicates. Members are settled and indexed on first use; an opaque one makes every
 * operation that looks at members an evaluation error.
 */
export class CedarSet extends Term {
  readonly #given: readonly Value[]
  #members: readonly Settled[] | undefined
  #keys: Index | undefined
  #canonical: string | undefined

  constructor(members: readonly Value[]) {
    super()
    this.#given = members
  }

  /** The members as given, not settled. */
  get given(): readonly Value[] {
    return this.#given
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
