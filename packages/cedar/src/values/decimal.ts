// Cedar's decimal: a 64-bit integer counting ten-thousandths. At least one digit on each side of the point, at most
// four after it.

import { toLong } from './long.ts'
import type { Long } from './long.ts'
import { Term } from './term.ts'

/** Longest whole part within 64 bits; longer digits are refused before they cost anything to convert. */
const MAX_WHOLE_DIGITS = 15

export class Decimal extends Term {
  readonly tenThousandths: Long

  constructor(tenThousandths: Long) {
    super()
    this.tenThousandths = tenThousandths
    Object.freeze(this)
  }

  override canonical(): string {
    return `d${this.tenThousandths};`
  }
}

/** Reads `12.34`; undefined when the text is not a decimal or leaves its range. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = /^(-?)([0-9]+)\.([0-9]{1,4})$/.exec(text)
  if (match === null) return undefined
  const [, sign = '', digits = '', fraction = ''] = match
  // Zeros are not left to the expression: there, many of them would backtrack quadratically.
  const whole = digits.replace(/^0+/, '')
  if (whole.length > MAX_WHOLE_DIGITS) return undefined
  const magnitude = BigInt(whole) * 10_000n + BigInt(fraction.padEnd(4, '0'))
  const value = toLong(sign === '-' ? -magnitude : magnitude)
  return value === undefined ? undefined : new Decimal(value)
}

/** The decimal a JSON number stands for, as its shortest text; undefined when four fraction digits do not hold it. */
export function decimalFromNumber(value: number): Decimal | undefined {
  const text = String(value)
  return parseDecimal(text.includes('.') ? text : `${text}.0`)
}
