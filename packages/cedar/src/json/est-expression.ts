// Expressions from Cedar's JSON form of policies: an object with one member, named for what it is.

import { MAX_NESTING } from '../text/cursor.ts'
import { EXTENSIONS } from '../values/extensions.ts'
import type { JsonNode } from './json.ts'
import { failAt, fieldsOf, itemsOf, membersOf, textOf } from './json-access.ts'
import { escapeOf, NOT_A_VALUE, typeFromNode } from './value-json.ts'
import type { BinaryOperator, Expression, Pattern, Variable } from '../policy/syntax.ts'

const BINARY: ReadonlySet<string> = new Set<BinaryOperator>(
  '== != < <= > >= in + - * contains containsAll containsAny getTag hasTag'.split(' ') as BinaryOperator[],
)
const UNARY: ReadonlyMap<string, 'not' | 'negate' | 'isEmpty'> = new Map([
  ['!', 'not'],
  ['neg', 'negate'],
  ['isEmpty', 'isEmpty'],
])
const CHAINS: ReadonlyMap<string, 'and' | 'or'> = new Map([
  ['&&', 'and'],
  ['||', 'or'],
])
const VARIABLES: ReadonlySet<string> = new Set(['principal', 'action', 'resource', 'context'])

/** Reads an expression. Later stages recurse on it, so its height is bounded as that of a parsed one. */
export function expressionFromNode(node: JsonNode, depth = 1): Expression {
  if (depth > MAX_NESTING) failAt(node, 'nested too deeply')
  const { at } = node
  const [operator, body] = onlyMember(node)
  const inner = (child: JsonNode): Expression => expressionFromNode(child, depth + 1)
  const unary = UNARY.get(operator)
  if (unary !== undefined) {
    return { kind: unary, at, operand: inner(fieldsOf(body, operator, ['arg']).arg) }
  }
  const chain = CHAINS.get(operator)
  if (chain !== undefined) return { kind: chain, at, operands: operandsOf(node, operator).map(inner) }
  if (BINARY.has(operator)) {
    const { left, right } = fieldsOf(body, operator, ['left', 'right'])
    const binary = operator as BinaryOperator
    return { kind: 'binary', at, operator: binary, left: inner(left), right: inner(right) }
  }
  if (EXTENSIONS.has(operator)) {
    return callOf(node, operator, itemsOf(body, operator).map(inner))
  }
  return other(node, operator, body, depth)
}

function other(node: JsonNode, operator: string, body: JsonNode, depth: number): Expression {
  const { at } = node
  const inner = (child: JsonNode): Expression => expressionFromNode(child, depth + 1)
  switch (operator) {
    case 'Value':
      return literalFromNode(body, depth)
    case 'Var': {
      const name = textOf(body, 'Var')
      return VARIABLES.has(name)
        ? { kind: 'variable', at, name: name as Variable }
        : failAt(body, `unknown variable ${JSON.stringify(name)}`)
    }
    case 'Slot':
      return failAt(node, 'a slot may stand only in the scope of a template')
    case '.': {
      const { left, attr } = fieldsOf(body, operator, ['left', 'attr'])
      return { kind: 'attribute', at, object: inner(left), name: textOf(attr, 'the name of an attribute') }
    }
    case 'has': {
      const { left, attr } = fieldsOf(body, operator, ['left', 'attr'])
      return { kind: 'has', at, object: inner(left), path: pathFromNode(attr) }
    }
    case 'like': {
      const { left, pattern } = fieldsOf(body, operator, ['left', 'pattern'])
      return { kind: 'like', at, subject: inner(left), pattern: patternFromNode(pattern) }
    }
    case 'is': {
      const { left, entity_type, in: container } = fieldsOf(body, operator, ['left', 'entity_type'], ['in'])
      const test = { kind: 'is', at, subject: inner(left), type: typeFromNode(entity_type) } as const
      return container === undefined ? test : { ...test, in: inner(container) }
    }
    case 'if-then-else': {
      const parts = fieldsOf(body, operator, ['if', 'then', 'else'])
      const [condition, then] = [inner(parts.if), inner(parts.then)]
      return { kind: 'if', at, condition, then, else: inner(parts.else) }
    }
    case 'Set':
      return { kind: 'set', at, elements: itemsOf(body, operator).map(inner) }
    case 'Record': {
      const members = [...membersOf(body, operator)]
      return { kind: 'record', at, members: members.map(([name, value]) => ({ name, value: inner(value) })) }
    }
    default:
      return failAt(node, `there is no expression ${JSON.stringify(operator)}`)
  }
}

function onlyMember(node: JsonNode): readonly [name: string, body: JsonNode] {
  const [first, ...more] = membersOf(node, 'an expression')
  if (first === undefined || more.length > 0) failAt(node, 'an expression must be an object with one member')
  return first
}

/** The operands of a chain such as `a && b && c`, which nests to the left. */
function operandsOf(node: JsonNode, operator: string): JsonNode[] {
  const operands: JsonNode[] = []
  let first = node
  while (first.kind === 'object' && first.members.size === 1) {
    const body = first.members.get(operator)
    if (body === undefined) break
    const { left, right } = fieldsOf(body, operator, ['left', 'right'])
    operands.push(right)
    first = left
  }
  operands.push(first)
  return operands.reverse()
}

/** What stands in `Value`: plain JSON with escapes. */
function literalFromNode(node: JsonNode, depth: number): Expression {
  if (depth > MAX_NESTING) failAt(node, 'nested too deeply')
  const { at } = node
  const inner = (child: JsonNode): Expression => literalFromNode(child, depth + 1)
  switch (node.kind) {
    case 'boolean':
      return { kind: 'boolean', at, value: node.value }
    case 'string':
      return { kind: 'string', at, value: node.value }
    case 'integer':
      return { kind: 'long', at, value: node.value }
    case 'array':
      return { kind: 'set', at, elements: node.items.map(inner) }
    case 'object': {
      const escape = escapeOf(node)
      if (escape?.kind === 'entity') return { kind: 'entity', at, entity: escape.entity }
      if (escape?.kind === 'call') {
        return callOf(node, escape.name, escape.arguments.map(inner))
      }
      const members = [...node.members].map(([name, value]) => ({ name, value: inner(value) }))
      return { kind: 'record', at, members }
    }
    case 'null':
    case 'number':
      return failAt(node, NOT_A_VALUE[node.kind])
  }
}

/** How many arguments follow matters only when it is evaluated; but a method without an object has no text. */
function callOf(node: JsonNode, name: string, given: readonly Expression[]): Expression {
  if (given.length === 0 && EXTENSIONS.get(name)?.style === 'method') {
    failAt(node, `the method ${name}() needs a value to be called on`)
  }
  return { kind: 'call', at: node.at, name, arguments: given }
}

function pathFromNode(node: JsonNode): readonly string[] {
  const what = 'the name of an attribute'
  if (node.kind !== 'array') return [textOf(node, `${what}, or a list of names,`)]
  if (node.items.length === 0) failAt(node, 'an empty path')
  if (node.items.length > MAX_NESTING) failAt(node, 'nested too deeply')
  return node.items.map((item) => textOf(item, what))
}

function patternFromNode(node: JsonNode): Pattern {
  const parts = ['']
  for (const element of itemsOf(node, 'a pattern')) {
    const last = parts.length - 1
    if (element.kind === 'object') {
      parts[last] += textOf(fieldsOf(element, 'a part of a pattern', ['Literal']).Literal, 'Literal')
    } else if (textOf(element, 'a part of a pattern') !== 'Wildcard') {
      failAt(element, 'a part of a pattern must be "Wildcard" or {"Literal": "…"}')
    } else if (last === 0 || parts[last] !== '') {
      // Wildcards in a row count as one.
      parts.push('')
    }
  }
  return parts
}
