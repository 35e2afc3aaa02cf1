// The extension types: which functions and methods there are, how many arguments each takes, and what it does. A wrong
// number of arguments is an error of evaluation, not of syntax; so says the language.

import { Datetime, Duration, parseDatetime, parseDuration } from './datetime.ts'
import { Decimal, parseDecimal } from './decimal.ts'
import { Fault } from './fault.ts'
import { IpAddress, parseIp } from './ip.ts'
import type { Settled } from './values.ts'

export interface Extension {
  readonly style: 'function' | 'method'
  readonly arity: 1 | 2
  readonly returnsBoolean: boolean
  readonly apply: (a: Settled, b: Settled) => Settled
}

type Kind<T> = { new (...args: never[]): T; readonly name: string }

function as<T>(kind: Kind<T>, value: Settled): T {
  if (value instanceof kind) return value
  throw new Fault(`type error: expected ${kind.name.toLowerCase()}`)
}

function reader(parse: (text: string) => Settled | undefined, name: string): Extension {
  return {
    style: 'function',
    arity: 1,
    returnsBoolean: false,
    apply(text) {
      if (typeof text !== 'string') throw new Fault(`type error: ${name}() expects a string`)
      const value = parse(text)
      if (value === undefined) throw new Fault(`${name}() cannot read this text`)
      return value
    },
  }
}

function unary<T>(kind: Kind<T>, returnsBoolean: boolean, apply: (a: T) => Settled): Extension {
  return { style: 'method', arity: 1, returnsBoolean, apply: (a) => apply(as(kind, a)) }
}

function binary<T, U>(
  kindA: Kind<T>,
  kindB: Kind<U>,
  returnsBoolean: boolean,
  apply: (a: T, b: U) => Settled,
): Extension {
  return { style: 'method', arity: 2, returnsBoolean, apply: (a, b) => apply(as(kindA, a), as(kindB, b)) }
}

const units = (unitMs: number): Extension => unary(Duration, false, (a) => a.inUnits(unitMs))
const comparison = (holds: (a: Decimal, b: Decimal) => boolean): Extension =>
  binary(Decimal, Decimal, true, holds)

export const EXTENSIONS: ReadonlyMap<string, Extension> = new Map([
  ['decimal', reader(parseDecimal, 'decimal')],
  ['lessThan', comparison((a, b) => a.tenThousandths < b.tenThousandths)],
  ['lessThanOrEqual', comparison((a, b) => a.tenThousandths <= b.tenThousandths)],
  ['greaterThan', comparison((a, b) => a.tenThousandths > b.tenThousandths)],
  ['greaterThanOrEqual', comparison((a, b) => a.tenThousandths >= b.tenThousandths)],

  ['ip', reader(parseIp, 'ip')],
  ['isIpv4', unary(IpAddress, true, (a) => a.version === 4)],
  ['isIpv6', unary(IpAddress, true, (a) => a.version === 6)],
  ['isLoopback', unary(IpAddress, true, (a) => a.isLoopback())],
  ['isMulticast', unary(IpAddress, true, (a) => a.isMulticast())],
  ['isInRange', binary(IpAddress, IpAddress, true, (a, b) => a.isInRange(b))],

  ['datetime', reader(parseDatetime, 'datetime')],
  ['offset', binary(Datetime, Duration, false, (a, b) => a.offset(b))],
  ['durationSince', binary(Datetime, Datetime, false, (a, b) => a.durationSince(b))],
  ['toDate', unary(Datetime, false, (a) => a.toDate())],
  ['toTime', unary(Datetime, false, (a) => a.toTime())],

  ['duration', reader(parseDuration, 'duration')],
  ['toMilliseconds', units(1)],
  ['toSeconds', units(1000)],
  ['toMinutes', units(60_000)],
  ['toHours', units(3_600_000)],
  ['toDays', units(86_400_000)],
])
