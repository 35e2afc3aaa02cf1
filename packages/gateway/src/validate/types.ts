/** Values of the wrong type: what they are, what they would have to be, and what to write instead. */
import { type Expression, expressionToText } from '@tollgate/cedar'
import type { Diagnostic } from './engine-process.ts'
import { literalAs, literalType } from './literals.ts'
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
  diagnostic: Diagnostic,
  here: readonly Expression[],
  text: string | undefined,
): TypeFault | undefined {
  const { message, help } = diagnostic
  const [, expected, saw] = UNEXPECTED.exec(message) ?? []
  if (expected !== undefined && saw !== undefined) {
    const wanted = [...new Set(expected.split(/, or /).map(nameOf))]
    return unexpected({ wanted, actual: nameOf(saw), help: help ?? undefined }, here, text)
  }
  const [, first, last] = INCOMPATIBLE.exec(message) ?? []
  if (first === undefined || last === undefined) return undefined
  const types = [...(first.includes('{') ? [first] : first.split(', ')), last].map(nameOf)
  const [node] = here
  const isEquality = node?.kind === 'binary' && (node.operator === '==' || node.operator === '!=')
  const subject = text === undefined ? 'this' : `\`${text}\``
  const each = list(types.map(article), 9)
  return {
    message: isEquality ? `${subject} compares ${each}, which are never equal` : `${subject} mixes ${each}`,
    suggestion: (node?.kind === 'binary' ? alike(node, types) : undefined) ?? 'all have to be of one type',
  }
}

/** The engine's names of types as people know them. */
function nameOf(type: string): string {
  return type
    .replaceAll('__cedar::internal::AnyEntity', 'entity')
    .replaceAll('Set<__cedar::internal::Any>', 'Set')
    .replaceAll('__cedar::internal::OpenRecord{}', 'record')
    .replaceAll(/__cedar::internal::(True|False)\b/g, 'Bool')
    .replaceAll('__cedar::internal::', '')
    .replaceAll(',}', '}')
}

function article(type: string): string {
  return `${/^[AEIOaeio]/.test(type) ? 'an' : 'a'} ${type}`
}

interface Mismatch {
  readonly wanted: readonly string[]
  readonly actual: string
  readonly help: string | undefined
}

function unexpected(mismatch: Mismatch, here: readonly Expression[], text: string | undefined): TypeFault {
  const { wanted, actual, help } = mismatch
  const [node, parent] = here
  const receiver = node && receiverOf(node, wanted)
  const subject = receiver ? expressionToText(receiver) : text
  const needed = list(wanted.map(article), 9).replace(' and ', ' or ')
  const suggestion =
    node && receiver ? called(node, receiver, mismatch) : node && instead(node, parent, mismatch)
  return {
    message: `${subject === undefined ? 'this' : `\`${subject}\``} is ${article(actual)} where ${needed} is needed`,
    suggestion: suggestion ?? help ?? usesOf(actual),
  }
}

const EXTENSIONS = new Set(['decimal', 'ipaddr', 'datetime', 'duration'])

/** The engine points at a whole call, or at a whole chain of attributes, when it means what stands before the dot. */
function receiverOf(node: Expression, [wanted = '', other]: readonly string[]): Expression | undefined {
  switch (node.kind) {
    case 'binary': {
      const type = node.operator.startsWith('contains')
        ? 'Set'
        : node.operator.endsWith('Tag')
          ? 'entity'
          : undefined
      return wanted === type ? node.left : undefined
    }
    case 'isEmpty':
      return wanted === 'Set' ? node.operand : undefined
    case 'call':
      return EXTENSIONS.has(wanted) && literalType(node, []) === undefined ? node.arguments[0] : undefined
    case 'attribute':
      return wanted === 'entity' && other === 'record' ? node.object : undefined
    default:
      return undefined
  }
}

/** What to write for a call whose receiver has no such method. */
function called(node: Expression, receiver: Expression, { actual, help }: Mismatch): string | undefined {
  const isSearch = node.kind === 'binary' && node.operator === 'contains'
  if (isSearch && help === undefined)
    return write(`${expressionToText(receiver)} == ${expressionToText(node.right)}`)
  return help ?? usesOf(actual)
}

/** What to write for two operands whose types differ. */
function alike(
  { left, right, operator }: Extract<Expression, { kind: 'binary' }>,
  types: readonly string[],
): string | undefined {
  if (types.every((type) => type.startsWith('{'))) return 'compare their attributes one by one'
  const sides = [
    [right, left],
    [left, right],
  ] as const
  for (const [literal, other] of sides) {
    const own = literalType(literal, types)
    const wanted = types.find((type) => type !== own)
    if (own === undefined || wanted === undefined) continue
    if (wanted === `Set<${own}>` && operator === '==') return write(containing(other, literal))
    if (own === `Set<${wanted}>` && operator === '==') return write(containing(literal, other))
    const element = /^Set<(.+)>$/.exec(wanted)?.[1]
    return write(
      literalAs(literal, element ?? wanted) ?? `a value that is ${article(element ?? wanted)}`,
      literal,
    )
  }
  return undefined
}

/** What to write for an operand that has the wrong type for what is done with it. */
function instead(
  node: Expression,
  parent: Expression | undefined,
  { wanted: [wanted = ''], actual, help }: Mismatch,
): string | undefined {
  const mended = literalAs(node, wanted)
  if (mended !== undefined) return write(mended, node)
  const text = expressionToText(node)
  if (parent?.kind === 'binary') {
    const { left, right, operator } = parent
    const container = operator === 'in' && node === right ? containerOf(left, right) : undefined
    if (container !== undefined) return write(container, node)
    if (operator === 'in' && help?.includes('contains') === true) return write(containing(right, left))
    const method = COMPARISONS.get(operator)
    if (wanted === 'Long' && actual === 'decimal' && method !== undefined && node === left)
      return write(`${text}.${method}(${literalAs(right, 'decimal') ?? expressionToText(right)})`)
  }
  if (wanted === 'String' && actual.startsWith('Set<')) return write(`${text}.contains("…")`)
  if (wanted !== 'Bool') return undefined
  if (actual === 'String') return write(`${text} == "…"`)
  if (actual === 'Long') return write(`${text} == 0`)
  return actual.startsWith('Set<') ? write(`${text}.contains(…)`) : undefined
}

/** What a name, or a list of names, stands for as that which a principal, an action or a resource is in. */
function containerOf(left: Expression, right: Expression): string | undefined {
  const type = left.kind === 'variable' ? CONTAINERS.get(left.name) : undefined
  if (type === undefined) return undefined
  if (right.kind === 'string') return `${type}::${expressionToText(right)}`
  if (right.kind !== 'set' || !right.elements.every(({ kind }) => kind === 'string')) return undefined
  return `[${right.elements.map((element) => `${type}::${expressionToText(element)}`).join(', ')}]`
}

/** The types of what principals, actions and resources are in. */
const CONTAINERS: ReadonlyMap<string, string> = new Map([
  ['principal', 'Group'],
  ['action', 'Action'],
  ['resource', 'Server'],
])

const COMPARISONS: ReadonlyMap<string, string> = new Map([
  ['<', 'lessThan'],
  ['<=', 'lessThanOrEqual'],
  ['>', 'greaterThan'],
  ['>=', 'greaterThanOrEqual'],
])

/** What can be done with a value of a type. */
function usesOf(type: string): string {
  if (type.startsWith('Set')) return 'sets are looked into with contains, containsAll and containsAny'
  if (type.startsWith('{') || type === 'record') return 'of a record, name the attribute that is meant'
  return USES.get(type) ?? 'entities are compared with ==, in and is'
}

const USES: ReadonlyMap<string, string> = new Map([
  ['String', 'strings are compared with == and like'],
  ['Long', 'Longs are compared with ==, <, <=, > and >='],
  ['Bool', 'a Bool is a condition as it is'],
  ['decimal', 'decimals are compared with ==, lessThan, lessThanOrEqual, greaterThan and greaterThanOrEqual'],
  ['ipaddr', 'addresses are tested with ==, isInRange, isIpv4, isIpv6, isLoopback and isMulticast'],
  ['datetime', 'datetimes are compared with == and <, or by durationSince'],
  ['duration', 'durations are compared with == and <, or turned into Longs with toSeconds'],
])

function write(text: string, replaced?: Expression): string {
  const code = text.startsWith('a value ') ? text : `\`${text}\``
  return `write ${code}${replaced === undefined ? '' : ` instead of \`${expressionToText(replaced)}\``}`
}

function containing(set: Expression, element: Expression): string {
  return `${expressionToText(set)}.contains(${expressionToText(element)})`
}
