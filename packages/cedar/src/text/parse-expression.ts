// Expressions, by recursive descent over the official grammar. One function for each level of binding, loosest first.

import { MAX_NESTING } from './cursor.ts'
import type { Cursor } from './cursor.ts'
import { type Extension, EXTENSIONS } from '../values/extensions.ts'
import { MAX_LONG } from '../values/long.ts'
import {
  ATTRIBUTE,
  parseEntity,
  parseIdentifier,
  parseList,
  parseName,
  parsePattern,
  parseString,
} from './names.ts'
import { suggest } from '../policy/suggest.ts'
import type { BinaryOperator, Expression, RecordMember } from '../policy/syntax.ts'
import type { Token } from './tokens.ts'

const RELATIONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', '='])
const VARIABLES: ReadonlySet<string> = new Set(['principal', 'action', 'resource', 'context'])
/** More signs in a row are refused by the language. */
const MAX_SIGNS = 4

const namesOf = (style: Extension['style']) =>
  [...EXTENSIONS].flatMap(([name, each]) => (each.style === style ? name : []))
const METHODS = [
  'contains',
  'containsAll',
  'containsAny',
  'isEmpty',
  'getTag',
  'hasTag',
  ...namesOf('method'),
]

function didYouMean(name: string, names: Iterable<string>): string {
  const close = suggest(name, names)
  return close === undefined ? '' : `; did you mean \`${close}\`?`
}

export function parseExpression(cursor: Cursor): Expression {
  return cursor.nested(() => (cursor.sees('if') ? parseIf(cursor) : parseOr(cursor)))
}

function parseIf(cursor: Cursor): Expression {
  const { at } = cursor.next()
  const condition = parseExpression(cursor)
  cursor.expect('then', 'after the condition')
  const then = parseExpression(cursor)
  cursor.expect('else', 'after the first branch')
  const otherwise = parseExpression(cursor)
  return cursor.node({ kind: 'if', at, condition, then, else: otherwise })
}

function parseOr(cursor: Cursor): Expression {
  return parseChain(cursor, 'or', '||', parseAnd)
}

function parseAnd(cursor: Cursor): Expression {
  return parseChain(cursor, 'and', '&&', parseRelation)
}

function parseChain(
  cursor: Cursor,
  kind: 'and' | 'or',
  symbol: string,
  parseOperand: (cursor: Cursor) => Expression,
): Expression {
  const first = parseOperand(cursor)
  if (!cursor.sees(symbol)) return first
  const operands = [first]
  while (cursor.accept(symbol)) operands.push(parseOperand(cursor))
  return cursor.node({ kind, at: first.at, operands })
}

function parseRelation(cursor: Cursor): Expression {
  const left = parseSum(cursor)
  const operator = cursor.peek()
  if (cursor.accept('has')) {
    return cursor.node({ kind: 'has', at: operator.at, object: left, path: parsePath(cursor) })
  }
  if (cursor.accept('like')) {
    return cursor.node({ kind: 'like', at: operator.at, subject: left, pattern: parsePattern(cursor) })
  }
  if (cursor.accept('is')) return parseIs(cursor, left, operator.at)
  if (!seesRelation(cursor)) return left
  cursor.next()
  if (operator.text === '=') cursor.fail('`=` is not an operator; equality is `==`', operator.at)
  const right = parseSum(cursor)
  if (seesRelation(cursor)) cursor.fail('comparisons in a row need parentheses', cursor.peek().at)
  return binary(cursor, operator, left, right)
}

function seesRelation(cursor: Cursor): boolean {
  const token = cursor.peek()
  return token.kind !== 'string' && RELATIONS.has(token.text)
}

function binary(cursor: Cursor, operator: Token, left: Expression, right: Expression): Expression {
  const { at, text } = operator
  return cursor.node({ kind: 'binary', at, operator: text as BinaryOperator, left, right })
}

/** What follows `has`: one name in quotes, or a path of identifiers. It is bounded, as each name is one step inwards. */
function parsePath(cursor: Cursor): string[] {
  if (cursor.peek().kind === 'string') return [parseString(cursor, ATTRIBUTE)]
  const { at } = cursor.peek()
  const path = [parseIdentifier(cursor, ATTRIBUTE).text]
  while (cursor.accept('.')) path.push(parseIdentifier(cursor, ATTRIBUTE).text)
  if (path.length > MAX_NESTING) cursor.fail('nested too deeply', at)
  return path
}

function parseIs(cursor: Cursor, subject: Expression, at: number): Expression {
  const type = parseName(cursor, 'an entity type')
  if (!cursor.accept('in')) return cursor.node({ kind: 'is', at, subject, type })
  const container = parseSum(cursor)
  return cursor.node({ kind: 'is', at, subject, type, in: container })
}

function parseSum(cursor: Cursor): Expression {
  let left = parseProduct(cursor)
  while (cursor.sees('+') || cursor.sees('-')) {
    const operator = cursor.next()
    left = binary(cursor, operator, left, parseProduct(cursor))
  }
  return left
}

function parseProduct(cursor: Cursor): Expression {
  let left = parseUnary(cursor)
  while (cursor.sees('*') || cursor.sees('/') || cursor.sees('%')) {
    const operator = cursor.next()
    if (operator.text !== '*') cursor.fail(`\`${operator.text}\` is not supported by Cedar`, operator.at)
    left = binary(cursor, operator, left, parseUnary(cursor))
  }
  return left
}

function parseUnary(cursor: Cursor): Expression {
  const sign = cursor.peek()
  if (!cursor.sees('!') && !cursor.sees('-')) return parseMember(cursor)
  let count = 0
  while (cursor.accept(sign.text)) count++
  if (count > MAX_SIGNS) cursor.fail(`more than ${MAX_SIGNS} of \`${sign.text}\` in a row`, sign.at)
  let expression: Expression
  if (sign.text === '-' && cursor.peek().kind === 'number' && !startsAccess(cursor.peek(1))) {
    // The sign belongs to the number: so the least Long can be written.
    expression = { kind: 'long', at: cursor.peek().at, value: -parseLong(cursor, MAX_LONG + 1n) }
    count--
  } else {
    expression = parseMember(cursor)
  }
  const kind = sign.text === '!' ? 'not' : 'negate'
  while (count-- > 0) expression = cursor.node({ kind, at: sign.at, operand: expression })
  return expression
}

function startsAccess(token: Token): boolean {
  return token.kind === 'symbol' && (token.text === '.' || token.text === '[' || token.text === '(')
}

function parseLong(cursor: Cursor, max: bigint): bigint {
  const token = cursor.next()
  const digits = token.text.replace(/^0+/, '')
  const value = digits.length > 19 ? max + 1n : BigInt(digits)
  return value > max ? cursor.fail(`${token.text} does not fit 64 bits`, token.at) : value
}

function parseMember(cursor: Cursor): Expression {
  let object = parsePrimary(cursor)
  while (startsAccess(cursor.peek())) {
    const { at, text } = cursor.next()
    if (text === '(') cursor.fail('only functions and methods can be called', at)
    if (text === '[') {
      object = cursor.node({ kind: 'attribute', at, object, name: parseString(cursor, ATTRIBUTE) })
      cursor.expect(']', 'after the attribute name')
    } else {
      const name = parseIdentifier(cursor, ATTRIBUTE)
      object = cursor.accept('(')
        ? parseMethod(cursor, object, name)
        : cursor.node({ kind: 'attribute', at: name.at, object, name: name.text })
    }
  }
  return object
}

function parseMethod(cursor: Cursor, object: Expression, name: Token): Expression {
  const list = parseList(cursor, ')', () => parseExpression(cursor))
  const [first] = list
  const arity = (count: number): void => {
    if (list.length !== count) {
      cursor.fail(
        `${name.text}() takes ${count} argument${count === 1 ? '' : 's'}, not ${list.length}`,
        name.at,
      )
    }
  }
  switch (name.text) {
    case 'isEmpty':
      arity(0)
      return cursor.node({ kind: 'isEmpty', at: name.at, operand: object })
    case 'contains':
    case 'containsAll':
    case 'containsAny':
    case 'getTag':
    case 'hasTag':
      arity(1)
      return first === undefined ? object : binary(cursor, name, object, first)
  }
  const style = EXTENSIONS.get(name.text)?.style
  if (style === 'function') cursor.fail(`\`${name.text}\` is a function, not a method`, name.at)
  if (style === undefined)
    cursor.fail(`there is no method \`${name.text}\`${didYouMean(name.text, METHODS)}`, name.at)
  return call(cursor, name, [object, ...list])
}

function call(cursor: Cursor, name: Token, list: readonly Expression[]): Expression {
  return cursor.node({ kind: 'call', at: name.at, name: name.text, arguments: list })
}

function parsePrimary(cursor: Cursor): Expression {
  const token = cursor.peek()
  const { at } = token
  switch (token.kind) {
    case 'number':
      return { kind: 'long', at, value: parseLong(cursor, MAX_LONG) }
    case 'string':
      return { kind: 'string', at, value: parseString(cursor, 'a string') }
    case 'slot':
      return cursor.fail(`the slot ${token.text} may stand only in the scope of a template`, at)
    case 'identifier':
      return parseWord(cursor, token)
    default:
      return parseBracket(cursor, at)
  }
}

function parseBracket(cursor: Cursor, at: number): Expression {
  if (cursor.accept('(')) {
    const inner = parseExpression(cursor)
    cursor.expect(')', 'to close the parenthesis')
    return inner
  }
  if (cursor.accept('[')) {
    const elements = parseList(cursor, ']', () => parseExpression(cursor))
    return cursor.node({ kind: 'set', at, elements })
  }
  if (cursor.accept('{')) return parseRecord(cursor, at)
  return cursor.unexpected('an expression')
}

function parseWord(cursor: Cursor, token: Token): Expression {
  const { at, text } = token
  const after = cursor.peek(1)
  if (after.kind === 'symbol' && after.text === '::') {
    return { kind: 'entity', at, entity: parseEntity(cursor, 'an entity') }
  }
  if (text === 'true' || text === 'false') {
    cursor.next()
    return { kind: 'boolean', at, value: text === 'true' }
  }
  if (text === 'if') cursor.fail('`if` needs parentheses here', at)
  const name = parseIdentifier(cursor, 'a variable')
  if (cursor.accept('(')) {
    const style = EXTENSIONS.get(text)?.style
    if (style === 'method') cursor.fail(`\`${text}\` is a method, not a function`, at)
    if (style === undefined)
      cursor.fail(`there is no function \`${text}\`${didYouMean(text, namesOf('function'))}`, at)
    return call(
      cursor,
      name,
      parseList(cursor, ')', () => parseExpression(cursor)),
    )
  }
  if (!VARIABLES.has(text)) {
    const hint =
      text === 'not'
        ? '; write `!`'
        : didYouMean(text, VARIABLES) || '; there are principal, action, resource and context'
    cursor.fail(`unknown variable \`${text}\`${hint}`, at)
  }
  return { kind: 'variable', at, name: text as 'principal' | 'action' | 'resource' | 'context' }
}

function parseRecord(cursor: Cursor, at: number): Expression {
  const names = new Set<string>()
  const members = parseList(cursor, '}', (): RecordMember => {
    const key = cursor.peek()
    const name = key.kind === 'string' ? parseString(cursor, 'a key') : parseIdentifier(cursor, 'a key').text
    if (names.has(name)) cursor.fail(`the key ${JSON.stringify(name)} stands twice in this record`, key.at)
    names.add(name)
    cursor.expect(':', 'after the key')
    return { name, value: parseExpression(cursor) }
  })
  return cursor.node({ kind: 'record', at, members })
}
