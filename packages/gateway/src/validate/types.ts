/** Values of the wrong type: what they are, what they would have to be, and what to write instead. */
import { type Expression, expressionToText } from '@tollgate/cedar'
import type { Diagnostic } from './engine-process.ts'
import { list } from './words.ts'

export interface TypeFault {
  readonly message: string
  readonly suggestion: string | undefined
}

const UNEXPECTED = /^unexpected type: expected (.+) but saw (.+)$/s
const INCOMPATIBLE = /^the types (.+) and (.+) are not compatible$/s

/**
 * Undefined when the engine speaks of something else. `here` is the expression it points at and those around it, the
 * innermost first; `text` is how that is written in the policy.
 */
export function explainType(
  { message, help }: Diagnostic,
  here: readonly Expression[],
  text: string | undefined,
): TypeFault | undefined {
  const subject = text === undefined ? 'this' : `\`${text}\``
  const [node, parent] = here
  const [, expected, saw] = UNEXPECTED.exec(message) ?? []
  if (expected !== undefined && saw !== undefined) {
    const wanted = [...new Set(expected.split(/, or /).map(nameOf))]
    const mismatch = { wanted: wanted[0] ?? '', actual: nameOf(saw), help: help ?? undefined }
    const needed = `${subject} is ${a(mismatch.actual)} where ${wanted.map(a).join(' or ')} is needed`
    return { message: needed, suggestion: (node && instead(node, parent, mismatch)) ?? mismatch.help }
  }
  const [, first, last] = INCOMPATIBLE.exec(message) ?? []
  if (first === undefined || last === undefined) return undefined
  const types = [...(first.includes('{') ? [first] : first.split(', ')), last].map(nameOf)
  const mixed = `${subject} mixes ${list(types.map(a), 9)}`
  if (node?.kind !== 'binary') return { message: mixed, suggestion: undefined }
  const isEquality = node.operator === '==' || node.operator === '!='
  const compared = `${subject} compares ${list(types.map(a), 9)}, which are never equal`
  return { message: isEquality ? compared : mixed, suggestion: alike(node, types) }
}

/** The engine's names of types as people know them. */
function nameOf(type: string): string {
  return type
    .replaceAll('__cedar::internal::AnyEntity', 'entity')
    .replaceAll('Set<__cedar::internal::Any>', 'Set')
    .replaceAll('__cedar::internal::OpenRecord{}', 'record')
    .replaceAll('__cedar::internal::', '')
    .replaceAll(',}', '}')
}

function a(type: string): string {
  return `${/^(ipaddr|entity)$/.test(type) ? 'an' : 'a'} ${type}`
}

/** What to write for two operands whose types differ. */
function alike(
  { left, right, operator }: Extract<Expression, { kind: 'binary' }>,
  types: readonly string[],
): string | undefined {
  const sides = [
    [right, left],
    [left, right],
  ] as const
  for (const [literal, other] of sides) {
    const own = LITERALS.get(literal.kind)
    const wanted = types.find((type) => type !== own)
    if (own === undefined || wanted === undefined) continue
    if (wanted === `Set<${own}>` && operator === '==') return write(containing(other, literal))
    const mended = literalAs(literal, wanted)
    if (mended !== undefined) return write(mended, literal)
  }
  return undefined
}

interface Mismatch {
  readonly wanted: string
  readonly actual: string
  readonly help: string | undefined
}

/** What to write for an operand that has the wrong type for what is done with it. */
function instead(
  node: Expression,
  parent: Expression | undefined,
  { wanted, actual, help }: Mismatch,
): string | undefined {
  const mended = literalAs(node, wanted)
  if (mended !== undefined) return write(mended, node)
  const text = expressionToText(node)
  if (parent?.kind === 'binary') {
    const { left, right, operator } = parent
    if (operator === 'in' && help?.includes('contains') === true) return write(containing(right, left))
    const method = COMPARISONS.get(operator)
    if (wanted === 'Long' && actual === 'decimal' && method !== undefined && node === left)
      return write(`${text}.${method}(${literalAs(right, 'decimal') ?? expressionToText(right)})`)
    if (wanted === 'Long' && actual === 'String') return 'strings are compared with == or like'
  }
  if (wanted === 'String' && actual.startsWith('Set<')) return write(`${text}.contains("…")`)
  if (wanted === 'String') return 'like is for strings; compare with =='
  if (wanted !== 'Bool') return undefined
  if (actual === 'String') return write(`${text} == "…"`)
  if (actual === 'Long') return write(`${text} == 0`)
  return actual.startsWith('Set<') ? write(`${text}.contains(…)`) : undefined
}

const COMPARISONS: ReadonlyMap<string, string> = new Map([
  ['<', 'lessThan'],
  ['<=', 'lessThanOrEqual'],
  ['>', 'greaterThan'],
  ['>=', 'greaterThanOrEqual'],
])

function write(text: string, replaced?: Expression): string {
  return `write \`${text}\`${replaced === undefined ? '' : ` instead of \`${expressionToText(replaced)}\``}`
}

function containing(set: Expression, element: Expression): string {
  return `${expressionToText(set)}.contains(${expressionToText(element)})`
}

/** The types of literals. */
const LITERALS: ReadonlyMap<Expression['kind'], string> = new Map([
  ['string', 'String'],
  ['long', 'Long'],
  ['boolean', 'Bool'],
])

/** A literal as one of another type, where what it says allows that. */
function literalAs(node: Expression, type: string): string | undefined {
  switch (node.kind) {
    case 'long':
      return type === 'String'
        ? `"${node.value}"`
        : type === 'decimal'
          ? `decimal("${node.value}.0")`
          : undefined
    case 'boolean':
      return type === 'String' ? `"${node.value}"` : undefined
    case 'string': {
      const form = FORMS.get(type)
      if (form !== undefined) return form.of.test(node.value) ? form.write(node.value) : undefined
      return /^([A-Za-z_]\w*::)*[A-Z]\w*$/.test(type) ? `${type}::${expressionToText(node)}` : undefined
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
  ['decimal', { of: /^-?\d+\.\d{1,4}$/, write: inCall('decimal') }],
  ['ipaddr', { of: /^[\da-fA-F.:/]+$/, write: inCall('ip') }],
  ['datetime', { of: /^\d{4}-\d\d-\d\d[\dTZ:.+-]*$/, write: inCall('datetime') }],
  ['duration', { of: /^-?(\d+(d|h|ms|m|s))+$/, write: inCall('duration') }],
])
