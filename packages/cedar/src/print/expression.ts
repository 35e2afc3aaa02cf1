// Expressions as text, on one line, with the parentheses they need and no others. What is read back is the same tree,
// but for two things: a chain that began with a chain of its own kind is one chain, as in the JSON form; and a `has`
// whose path holds names that are no identifiers, which only JSON can say, becomes a chain of tests.

import { formatExpression } from './format.ts'
import { quote, quotePattern } from '../text/escapes.ts'
import { isTypeName } from '../text/names.ts'
import { EXTENSIONS } from '../values/extensions.ts'
import type { Entity } from '../values/entity.ts'
import type { BinaryOperator, Expression } from '../policy/syntax.ts'

/** How tightly forms bind, loosest first; the levels of the grammar. */
const CONDITIONAL = 0
const OR = 1
const AND = 2
const RELATION = 3
const SUM = 4
const PRODUCT = 5
const UNARY = 6
const MEMBER = 7

/** More signs in a row than this are refused by the language. */
const MAX_SIGNS = 4

type Binary = Extract<Expression, { kind: 'binary' }>

/**
 * An expression as Cedar text: on one line, or on lines of at most `width` UTF-16 code units where that is possible. Only
 * the parentheses that are needed; names in quotes where they have to be; strings and patterns escaped, also characters
 * that cannot be seen; numbers exact.
 */
export function expressionToText(expression: Expression, options: { readonly width?: number } = {}): string {
  const line = lineOf(expression)
  return options.width === undefined ? line : formatExpression(line, options.width)
}

/** As `expressionToText`, on one line. */
export function lineOf(expression: Expression): string {
  return write(expression, CONDITIONAL)
}

/** `Type::"id"`, with the id escaped. */
export function entityToText({ type, id }: Entity): string {
  return `${type}::${quote(id)}`
}

/** The text of an expression, in parentheses when it binds less tightly than its place demands. */
function write(expression: Expression, place: number): string {
  const text = bare(expression)
  return levelOf(expression) < place ? `(${text})` : text
}

function levelOf(expression: Expression): number {
  switch (expression.kind) {
    case 'if':
      return CONDITIONAL
    case 'or':
      return OR
    case 'and':
      return AND
    case 'has':
      return isWritablePath(expression.path) ? RELATION : AND
    case 'like':
    case 'is':
      return RELATION
    case 'binary':
      return BINARY_LEVELS[expression.operator]
    case 'not':
    case 'negate':
      return UNARY
    case 'long':
      return expression.value < 0n ? UNARY : MEMBER
    default:
      return MEMBER
  }
}

const BINARY_LEVELS: Readonly<Record<BinaryOperator, number>> = {
  '==': RELATION,
  '!=': RELATION,
  '<': RELATION,
  '<=': RELATION,
  '>': RELATION,
  '>=': RELATION,
  in: RELATION,
  '+': SUM,
  '-': SUM,
  '*': PRODUCT,
  contains: MEMBER,
  containsAll: MEMBER,
  containsAny: MEMBER,
  getTag: MEMBER,
  hasTag: MEMBER,
}

function bare(expression: Expression): string {
  switch (expression.kind) {
    case 'boolean':
    case 'long':
      return String(expression.value)
    case 'string':
      return quote(expression.value)
    case 'entity':
      return entityToText(expression.entity)
    case 'variable':
      return expression.name
    case 'not':
    case 'negate':
      return signed(expression.kind, expression.operand)
    case 'isEmpty':
      return method(expression.operand, 'isEmpty', [])
    case 'and':
      return chain(expression.operands, ' && ', AND)
    case 'or':
      return chain(expression.operands, ' || ', OR)
    case 'binary':
      return binary(expression)
    case 'if': {
      const parts = [expression.condition, expression.then, expression.else].map(lineOf)
      return `if ${parts[0]} then ${parts[1]} else ${parts[2]}`
    }
    case 'set':
      return `[${list(expression.elements)}]`
    case 'record': {
      const members = expression.members.map(({ name, value }) => `${nameOf(name)}: ${lineOf(value)}`)
      return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
    }
    case 'call':
      return call(expression.name, expression.arguments)
    default:
      return access(expression)
  }
}

function access(expression: Extract<Expression, { kind: 'attribute' | 'has' | 'like' | 'is' }>): string {
  switch (expression.kind) {
    case 'attribute':
      return write(expression.object, MEMBER) + selector(expression.name)
    case 'has':
      return has(expression.object, expression.path)
    case 'like':
      return `${write(expression.subject, SUM)} like ${quotePattern(expression.pattern)}`
    case 'is': {
      const test = `${write(expression.subject, SUM)} is ${expression.type}`
      return expression.in === undefined ? test : `${test} in ${write(expression.in, SUM)}`
    }
  }
}

/** Chains lean to the left, so only the first operand may be a chain of the same kind. */
function chain(operands: readonly Expression[], operator: string, level: number): string {
  return operands.map((operand, index) => write(operand, index === 0 ? level : level + 1)).join(operator)
}

function binary({ operator, left, right }: Binary): string {
  const level = BINARY_LEVELS[operator]
  if (level === MEMBER) return method(left, operator, [right])
  // Comparisons do not chain; sums and products lean to the left.
  const leftPlace = level === RELATION ? level + 1 : level
  return `${write(left, leftPlace)} ${operator} ${write(right, level + 1)}`
}

/** Signs in a row. A number that is not negative needs parentheses, or the sign would become part of it. */
function signed(kind: 'not' | 'negate', first: Expression): string {
  let signs = 1
  let operand = first
  while (operand.kind === kind && signs < MAX_SIGNS) {
    operand = operand.operand
    signs++
  }
  const sign = (kind === 'not' ? '!' : '-').repeat(signs)
  if (kind === 'negate' && operand.kind === 'long') {
    const { value } = operand
    return value < 0n && signs < MAX_SIGNS ? `${sign}${value}` : `${sign}(${value})`
  }
  return sign + write(operand, MEMBER)
}

function call(name: string, given: readonly Expression[]): string {
  const [object, ...rest] = given
  const isMethod = EXTENSIONS.get(name)?.style === 'method'
  return isMethod && object !== undefined ? method(object, name, rest) : `${name}(${list(given)})`
}

function method(object: Expression, name: string, given: readonly Expression[]): string {
  return `${write(object, MEMBER)}.${name}(${list(given)})`
}

function list(expressions: readonly Expression[]): string {
  return expressions.map(lineOf).join(', ')
}

function has(object: Expression, path: readonly string[]): string {
  const subject = write(object, SUM)
  if (isWritablePath(path))
    return `${subject} has ${path.length === 1 ? nameOf(path[0] ?? '') : path.join('.')}`
  const base = write(object, MEMBER)
  return path
    .map((name, index) => {
      const inner = index === 0 ? subject : base + path.slice(0, index).map(selector).join('')
      return `${inner} has ${nameOf(name)}`
    })
    .join(' && ')
}

/** Whether `has` can take the path as it is: one name may be in quotes, several may not. */
function isWritablePath(path: readonly string[]): boolean {
  return path.length === 1 || path.every(isIdentifier)
}

function selector(name: string): string {
  return isIdentifier(name) ? `.${name}` : `[${quote(name)}]`
}

/** The name of an attribute, in quotes where it has to be. */
export function nameOf(name: string): string {
  return isIdentifier(name) ? name : quote(name)
}

/** Whether a name may stand without quotes: an identifier that is not reserved. */
function isIdentifier(name: string): boolean {
  return !name.includes(':') && isTypeName(name)
}
