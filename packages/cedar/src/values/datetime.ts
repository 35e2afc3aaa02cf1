// Cedar's datetime (milliseconds since 1970-01-01T00:00:00Z) and duration (milliseconds), both 64-bit. Days have
// 86,400,000 ms: no leap seconds, no time zones beyond the offset in the text.

import { addLongs, divideLong, floorModLong, subtractLongs, toLong } from './long.ts'
import type { Long } from './long.ts'
import { Term } from './term.ts'

const DAY_MS = 86_400_000

export class Datetime extends Term {
  readonly epochMs: Long

  constructor(epochMs: Long) {
    super()
    this.epochMs = epochMs
    Object.freeze(this)
  }

  override canonical(): string {
    return `t${this.epochMs};`
  }

  offset(by: Duration): Datetime {
    return new Datetime(addLongs(this.epochMs, by.ms))
  }

  durationSince(other: Datetime): Duration {
    return new Duration(subtractLongs(this.epochMs, other.epochMs))
  }

  /** Midnight (UTC) of the day, also before 1970: it floors. */
  toDate(): Datetime {
    return new Datetime(subtractLongs(this.epochMs, floorModLong(this.epochMs, DAY_MS)))
  }

  /** Time since midnight (UTC), never negative. */
  toTime(): Duration {
    return new Duration(floorModLong(this.epochMs, DAY_MS))
  }
}

export class Duration extends Term {
  readonly ms: Long

  constructor(ms: Long) {
    super()
    this.ms = ms
    Object.freeze(this)
  }

  override canonical(): string {
    return `u${this.ms};`
  }

  /** Whole units of `unitMs` milliseconds, truncated towards zero. */
  inUnits(unitMs: number): Long {
    return divideLong(this.ms, unitMs)
  }
}

const DATETIME =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?(Z|[+-][0-9]{4}))?$/

/** Reads `2026-11-22`, `2026-11-22T10:00:00Z`, `…00.123+0100`; undefined when the text is none or names no real time. */
export function parseDatetime(text: string): Datetime | undefined {
  const match = DATETIME.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millisecond = 0] = match
    .slice(1, 8)
    .map((digits: string | undefined) => Number(digits ?? 0))
  const midnight = new Date(0)
  // Not Date.UTC: it reads the years 0 to 99 as 1900 to 1999.
  midnight.setUTCFullYear(year, month - 1, day)
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const zone = match[8] ?? 'Z'
  const zoneHours = zone === 'Z' ? 0 : Number(zone.slice(1, 3))
  const zoneMinutes = zone === 'Z' ? 0 : Number(zone.slice(3))
  if (zoneHours > 23 || zoneMinutes > 59) return undefined
  const offsetMs = (zoneHours * 60 + zoneMinutes) * 60_000 * (zone.startsWith('-') ? -1 : 1)
  return new Datetime(
    midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + millisecond - offsetMs,
  )
}

const DURATION = /^(-?)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/
/** Longest count within 64 bits; longer digits are refused before they cost anything to convert. */
const MAX_COUNT_DIGITS = 19
const UNITS = [86_400_000n, 3_600_000n, 60_000n, 1000n, 1n]

/** Reads `1d2h3m4s5ms` (any units left out, in this order, maybe negative); undefined when the text is not that. */
export function parseDuration(text: string): Duration | undefined {
  const match = DURATION.exec(text)
  if (match === null || text === '' || text === '-') return undefined
  let total = 0n
  for (const [index, unit] of UNITS.entries()) {
    // Zeros are not left to the expression: there, many of them would backtrack quadratically.
    const count = (match[index + 2] ?? '').replace(/^0+/, '')
    if (count.length > MAX_COUNT_DIGITS) return undefined
    total += BigInt(count) * unit
  }
  const ms = toLong(match[1] === '-' ? -total : total)
  return ms === undefined ? undefined : new Duration(ms)
}

/** A datetime from a safe integer of milliseconds since 1970. Throws a RangeError on any other number. */
export function datetimeFromMs(epochMs: number): Datetime {
  if (!Number.isSafeInteger(epochMs)) throw new RangeError('epochMs must be a safe integer')
  return new Datetime(epochMs)
}

/** A duration from a safe integer of milliseconds. Throws a RangeError on any other number. */
export function durationFromMs(ms: number): Duration {
  if (!Number.isSafeInteger(ms)) throw new RangeError('ms must be a safe integer')
  return new Duration(ms)
}
