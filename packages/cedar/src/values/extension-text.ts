// Extension values as the texts that their functions read: what `decimal("…")`, `ip("…")` and the others are given.

import type { Datetime, Duration } from './datetime.ts'
import type { Decimal } from './decimal.ts'
import type { IpAddress } from './ip.ts'

/** `12.34`: as few fraction digits as hold it, but one. */
export function decimalText({ tenThousandths }: Decimal): string {
  const digits = String(tenThousandths).replace('-', '').padStart(5, '0')
  const fraction = digits.slice(-4).replace(/0{1,3}$/, '')
  return `${tenThousandths < 0 ? '-' : ''}${digits.slice(0, -4)}.${fraction}`
}

/** `10.0.0.0/8`, `127.0.0.1`, `fe80:0:0:0:0:0:0:1/64`: the prefix only where it leaves something open. */
export function ipText({ version, bits, prefix }: IpAddress): string {
  const [groups, width, radix, separator] = version === 4 ? [4, 8, 10, '.'] : [8, 16, 16, ':']
  const parts = Array.from({ length: groups }, (_, index) => {
    const shift = BigInt(width * (groups - 1 - index))
    return ((bits >> shift) & BigInt(2 ** width - 1)).toString(radix)
  })
  return parts.join(separator) + (prefix === groups * width ? '' : `/${prefix}`)
}

/** Of the year 0 and of the year 9999, whose times texts can say. */
const FIRST_MS = -62_167_219_200_000
const LAST_MS = 253_402_300_799_999

/** `2026-11-22`, `2026-11-22T10:00:00Z`, `…00.123Z`; undefined before the year 0 and after the year 9999. */
export function datetimeText({ epochMs }: Datetime): string | undefined {
  if (epochMs < FIRST_MS || epochMs > LAST_MS) return undefined
  const text = new Date(Number(epochMs)).toISOString()
  return text.replace(/T00:00:00\.000Z$/, '').replace(/\.000Z$/, 'Z')
}

const UNITS = [
  [86_400_000n, 'd'],
  [3_600_000n, 'h'],
  [60_000n, 'm'],
  [1000n, 's'],
  [1n, 'ms'],
] as const

/** `1d2h3m4s5ms`, without the units of which there are none. */
export function durationText({ ms }: Duration): string {
  let rest = ms < 0 ? -BigInt(ms) : BigInt(ms)
  let text = ''
  for (const [unit, name] of UNITS) {
    if (rest >= unit) text += `${rest / unit}${name}`
    rest %= unit
  }
  return text === '' ? '0ms' : `${ms < 0 ? '-' : ''}${text}`
}
