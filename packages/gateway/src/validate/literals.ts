/** Literals in policies: their types, and how to write the same as a value of another type. */
import { type Expression, expressionToText } from '@tollgate/cedar'

const FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['decimal', 'decimal'],
  ['ip', 'ipaddr'],
  ['datetime', 'datetime'],
  ['duration', 'duration'],
])

/** The type of what stands in the policy as such; of sets and records, the one among `types` that they can be. */
export function literalType(node: Expression, types: readonly string[]): string | undefined {
  switch (node.kind) {
    case 'string':
      return 'String'
    case 'long':
      return 'Long'
    case 'boolean':
      return 'Bool'
    case 'entity':
      return node.entity.type
    case 'call':
      return FUNCTIONS.get(node.name)
    case 'set':
      return types.find((type) => type.startsWith('Set<'))
    case 'record':
      return types.find((type) => type.startsWith('{'))
    default:
      return undefined
  }
}

/** A literal as one of another type, where what it says allows that. */
export function literalAs(node: Expression, type: string): string | undefined {
  switch (node.kind) {
    case 'long':
      if (type === 'String') return `"${node.value}"`
      return type === 'decimal' ? `decimal("${node.value}.0")` : undefined
    case 'boolean':
      return type === 'String' ? `"${node.value}"` : undefined
    case 'string': {
      const form = FORMS.get(type)
      if (form !== undefined) return form.of.test(node.value) ? form.write(node.value) : undefined
      return /^([A-Za-z_]\w*::)*[A-Z]\w*$/.test(type) && type !== 'Set'
        ? `${type}::${expressionToText(node)}`
        : undefined
    }
    default:
      return undefined
  }
}

const inCall = (name: string) => (value: string) => `${name}("${value}")`
const bare = (value: string) => value

/** Texts that stand for values of other types. */
const FORMS: ReadonlyMap<string, { readonly of: RegExp; write(value: string): string }> = new Map([
  ['Long', { of: /^-?\d{1,18}$/, write: bare }],
  ['Bool', { of: /^(true|false)$/, write: bare }],
  ['decimal', { of: /^-?\d{1,14}\.\d{1,4}$/, write: inCall('decimal') }],
  ['ipaddr', { of: /^[\da-fA-F.:/]+$/, write: inCall('ip') }],
  ['datetime', { of: /^\d{4}-\d\d-\d\d[\dTZ:.+-]*$/, write: inCall('datetime') }],
  ['duration', { of: /^-?(\d+(d|h|ms|m|s))+$/, write: inCall('duration') }],
])
