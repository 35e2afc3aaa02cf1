// Cedar's Long: a signed 64-bit integer. Held as a number when it is a safe integer and as a bigint otherwise,
// never both ways, so that `===` compares two Longs.

import { Fault } from './fault.ts'

export type Long = number | bigint

export const MAX_LONG = 2n ** 63n - 1n
export const MIN_LONG = -(2n ** 63n)

/** The Long for a bigint; undefined when 64 bits do not hold it. */
export function toLong(value: bigint): Long | undefined {
  if (value > MAX_LONG || value < MIN_LONG) return undefined
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** Like `toLong`, for results of arithmetic: leaving the range is an evaluation error. */
export function checkedLong(value: bigint): Long {
  const long = toLong(value)
  if (long === undefined) throw new Fault('integer overflow')
  return long
}

export function isLong(value: unknown): value is Long {
  return typeof value === 'number' || typeof value === 'bigint'
}

export function addLongs(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  return checkedLong(BigInt(a) + BigInt(b))
}

export function subtractLongs(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b
    if (Number.isSafeInteger(difference)) return difference
  }
  return checkedLong(BigInt(a) - BigInt(b))
}

export function multiplyLongs(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b
    if (Number.isSafeInteger(product)) return product
  }
  return checkedLong(BigInt(a) * BigInt(b))
}

export function negateLong(a: Long): Long {
  return typeof a === 'number' ? -a : checkedLong(-a)
}

/** Division that truncates towards zero. `divisor` is a positive safe integer. */
export function divideLong(a: Long, divisor: number): Long {
  return typeof a === 'number' ? Math.trunc(a / divisor) : checkedLong(a / BigInt(divisor))
}

/** The remainder that is never negative. `divisor` is a positive safe integer. */
export function floorModLong(a: Long, divisor: number): number {
  const remainder = typeof a === 'number' ? a % divisor : Number(a % BigInt(divisor))
  return remainder < 0 ? remainder + divisor : remainder
}
