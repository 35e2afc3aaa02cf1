// Values as expressions: what a policy would have to say for it.

import type { Expression } from '../policy/syntax.ts'
import { Datetime, Duration } from '../values/datetime.ts'
import { Decimal } from '../values/decimal.ts'
import { Entity } from '../values/entity.ts'
import { datetimeText, decimalText, durationText, ipText } from '../values/extension-text.ts'
import { Fault } from '../values/fault.ts'
import { IpAddress } from '../values/ip.ts'
import { CedarSet, isRecord, settle } from '../values/values.ts'
import type { RecordValue, Settled, Value } from '../values/values.ts'

/** Where a literal comes to stand, and how large it may become. */
export interface LiteralOptions {
  /** The offset of what it replaces. */
  readonly at: number
  /** Members of sets and records in all, and these themselves. */
  readonly mostValues: number
  /** Characters of each string. */
  readonly longestText: number
  /** Whether an entity may stand as its name, which its data is then found by. */
  readonly isNameEnough: (entity: Entity) => boolean
}

/** The literal for a value; undefined when it is too large, or no literal can say it. */
export function literalOf(value: Settled, options: LiteralOptions): Expression | undefined {
  try {
    return new Writer(options).write(value)
  } catch (fault) {
    if (fault instanceof Fault) return undefined
    throw fault
  }
}

class Writer {
  readonly #options: LiteralOptions
  #left: number

  constructor(options: LiteralOptions) {
    this.#options = options
    this.#left = options.mostValues
  }

  write(value: Settled): Expression | undefined {
    const { at, longestText, isNameEnough } = this.#options
    if (--this.#left < 0) return undefined
    if (typeof value === 'boolean') return { kind: 'boolean', at, value }
    if (typeof value === 'string')
      return value.length > longestText ? undefined : { kind: 'string', at, value }
    if (typeof value !== 'object') return { kind: 'long', at, value: BigInt(value) }
    if (value instanceof Entity)
      return isNameEnough(value) ? { kind: 'entity', at, entity: value } : undefined
    if (value instanceof CedarSet) {
      const elements = this.#all(value.given)
      return elements && { kind: 'set', at, elements }
    }
    return isRecord(value) ? this.#record(value) : extensionLiteral(value, at)
  }

  #record(record: RecordValue): Expression | undefined {
    const present = Object.entries(record).filter(([, member]) => member !== undefined)
    const values = this.#all(present.map(([, member]) => member))
    const members = values?.map((value, index) => ({ name: present[index]?.[0] ?? '', value }))
    return members && { kind: 'record', at: this.#options.at, members }
  }

  /** Those of a value that is too large are not even looked at. Throws a Fault on an opaque one. */
  #all(members: readonly (Value | undefined)[]): readonly Expression[] | undefined {
    if (members.length > this.#left) return undefined
    const expressions: Expression[] = []
    for (const member of members) {
      const expression = this.write(settle(member))
      if (expression === undefined) return undefined
      expressions.push(expression)
    }
    return expressions
  }
}

/** The call that makes an extension value. */
function extensionLiteral(value: Settled, at: number): Expression | undefined {
  const call = (name: string, ...list: readonly Expression[]): Expression => ({
    kind: 'call',
    at,
    name,
    arguments: list,
  })
  const made = (name: string, text: string): Expression => call(name, { kind: 'string', at, value: text })
  if (value instanceof Decimal) return made('decimal', decimalText(value))
  if (value instanceof IpAddress) return made('ip', ipText(value))
  if (value instanceof Duration) return made('duration', durationText(value))
  if (!(value instanceof Datetime)) return undefined
  const text = datetimeText(value)
  if (text !== undefined) return made('datetime', text)
  const since = made('duration', durationText(new Duration(value.epochMs)))
  return call('offset', made('datetime', '1970-01-01'), since)
}
