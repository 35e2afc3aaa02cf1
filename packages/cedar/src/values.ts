// The values of Cedar as JavaScript values. Plain data (what JSON.parse returns) is a value as it stands: nothing is
// converted until a policy reads it, and then only one level. Reading goes through `settle`.

import { decimalFromNumber } from './decimal.ts'
import { Fault } from './fault.ts'
import { toLong } from './long.ts'
import { CedarSet } from './set.ts'
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

/** The names of a record's members, without those that are undefined. */
export function memberNames(record: RecordValue): string[] {
  return Object.keys(record).filter((name) => record[name] !== undefined)
}

/** A record's own member, not settled; undefined when there is none. */
export function member(record: RecordValue, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
