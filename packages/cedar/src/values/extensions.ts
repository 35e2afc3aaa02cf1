// The extension types: which functions and methods there are, how many arguments each takes, and what it does. A wrong
// number of arguments is an error of evaluation, not of syntax; so says the language.

import { Datetime, Duration, parseDatetime, parseDuration } from './datetime.ts'
import { Decimal, parseDecimal } from './decimal.ts'
import { Fault } from './fault.ts'
import { IpAddress, parseIp } from './ip.ts'
import type { Settled } from './values.ts'

/** The extension types by name. */
export const EXTENSION_TYPES = { ipaddr: IpAddress, decimal: Decimal, datetime: Datetime, duration: Duration }

export type ExtensionTypeName = keyof typeof EXTENSION_TYPES
type Of<N extends ExtensionTypeName> = InstanceType<(typeof EXTENSION_TYPES)[N]>

export interface Extension {
  readonly style: 'function' | 'method'
  readonly arity: 1 | 2
  /** The type of each argument; a method's object is its first. */
  readonly parameters: readonly ParameterType[]
  readonly returnsBoolean: boolean
  readonly apply: (a: Settled, b: Settled) => Settled
}

type ParameterType =
  | { readonly kind: 'string' }
  | { readonly kind: 'extension'; readonly name: ExtensionTypeName }

const parameter = (name: ExtensionTypeName): ParameterType => ({ kind: 'extension', name })

/** Checks that a value is of an extension type: a Fault otherwise. */
export function expecting<N extends ExtensionTypeName>(name: N): (value: Settled) => Of<N> {
  const kind = EXTENSION_TYPES[name]
  return (value) => {
    if (value instanceof kind) return value as Of<N>
    throw new Fault(`type error: expected ${name}`)
  }
}

function reader(parse: (text: string) => Settled | undefined, name: string): Extension {
  return {
    style: 'function',
    arity: 1,
    parameters: [{ kind: 'string' }],
    returnsBoolean: false,
    apply(text) {
      if (typeof text !== 'string') throw new Fault(`type error: ${name}() expects a string`)
      const value = parse(text)
      if (value === undefined) throw new Fault(`${name}() cannot read this text`)
      return value
    },
  }
}

function unary<N extends ExtensionTypeName>(
  name: N,
  returnsBoolean: boolean,
  apply: (a: Of<N>) => Settled,
): Extension {
  const read = expecting(name)
  const parameters = [parameter(name)]
  return { style: 'method', arity: 1, parameters, returnsBoolean, apply: (a) => apply(read(a)) }
}

function binary<N extends ExtensionTypeName, M extends ExtensionTypeName>(
  names: readonly [N, M],
  returnsBoolean: boolean,
  apply: (a: Of<N>, b: Of<M>) => Settled,
): Extension {
  const [readA, readB] = [expecting(names[0]), expecting(names[1])]
  return {
    style: 'method',
    arity: 2,
    parameters: names.map(parameter),
    returnsBoolean,
    apply: (a, b) => apply(readA(a), readB(b)),
  }
}

const units = (unitMs: number): Extension => unary('duration', false, (a) => a.inUnits(unitMs))
const comparison = (holds: (a: Decimal, b: Decimal) => boolean): Extension =>
  binary(['decimal', 'decimal'], true, holds)

export const EXTENSIONS: ReadonlyMap<string, Extension> = new Map([
  ['decimal', reader(parseDecimal, 'decimal')],
  ['lessThan', comparison((a, b) => a.tenThousandths < b.tenThousandths)],
  ['lessThanOrEqual', comparison((a, b) => a.tenThousandths <= b.tenThousandths)],
  ['greaterThan', comparison((a, b) => a.tenThousandths > b.tenThousandths)],
  ['greaterThanOrEqual', comparison((a, b) => a.tenThousandths >= b.tenThousandths)],

  ['ip', reader(parseIp, 'ip')],
  ['isIpv4', unary('ipaddr', true, (a) => a.version === 4)],
  ['isIpv6', unary('ipaddr', true, (a) => a.version === 6)],
  ['isLoopback', unary('ipaddr', true, (a) => a.isLoopback())],
  ['isMulticast', unary('ipaddr', true, (a) => a.isMulticast())],
  ['isInRange', binary(['ipaddr', 'ipaddr'], true, (a, b) => a.isInRange(b))],

  ['datetime', reader(parseDatetime, 'datetime')],
  ['offset', binary(['datetime', 'duration'], false, (a, b) => a.offset(b))],
  ['durationSince', binary(['datetime', 'datetime'], false, (a, b) => a.durationSince(b))],
  ['toDate', unary('datetime', false, (a) => a.toDate())],
  ['toTime', unary('datetime', false, (a) => a.toTime())],

  ['duration', reader(parseDuration, 'duration')],
  ['toMilliseconds', units(1)],
  ['toSeconds', units(1000)],
  ['toMinutes', units(60_000)],
  ['toHours', units(3_600_000)],
  ['toDays', units(86_400_000)],
])
