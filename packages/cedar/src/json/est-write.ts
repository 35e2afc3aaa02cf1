// Policies and templates as Cedar's JSON form, written as text so that integers keep every digit.

import type { Entity } from '../values/entity.ts'
import type { Condition, Constraint, Expression, Pattern, Policy, ScopeEntity } from '../policy/syntax.ts'

/** One policy or template as JSON text. The id is not part of it. */
export function policyToJson(policy: Policy): string {
  const { effect, scope, conditions, annotations } = policy
  return object([
    ['effect', quoted(effect)],
    ['principal', constraintText(scope.principal)],
    ['action', constraintText(scope.action)],
    ['resource', constraintText(scope.resource)],
    ['conditions', array(conditions.map(conditionText))],
    ...(annotations.size === 0 ? [] : [['annotations', annotationsText(annotations)] as const]),
  ])
}

export function quoted(text: string): string {
  return JSON.stringify(text)
}

export function object(members: readonly (readonly [name: string, json: string])[]): string {
  return `{${members.map(([name, json]) => `${quoted(name)}:${json}`).join(',')}}`
}

export function array(items: readonly string[]): string {
  return `[${items.join(',')}]`
}

export function entityText({ type, id }: Entity): string {
  return object([
    ['type', quoted(type)],
    ['id', quoted(id)],
  ])
}

export function annotationsText(annotations: ReadonlyMap<string, string>): string {
  return object([...annotations].map(([name, value]) => [name, quoted(value)]))
}

function conditionText({ kind, expression }: Condition): string {
  return object([
    ['kind', quoted(kind)],
    ['body', expressionText(expression)],
  ])
}

function constraintText(constraint: Constraint): string {
  const op = (name: string, ...members: readonly (readonly [string, string])[]): string =>
    object([['op', quoted(name)], ...members])
  switch (constraint.op) {
    case 'any':
      return op('All')
    case '==':
      return op('==', target(constraint.entity))
    case 'in': {
      const [first, ...more] = constraint.entities.map(target)
      if (first !== undefined && more.length === 0) return op('in', first)
      return op('in', ['entities', array(constraint.entities.map((each) => target(each)[1]))])
    }
    case 'is': {
      const type = ['entity_type', quoted(constraint.type)] as const
      return constraint.in === undefined
        ? op('is', type)
        : op('is', type, ['in', object([target(constraint.in)])])
    }
  }
}

function target(entity: ScopeEntity): readonly [name: string, json: string] {
  return 'slot' in entity ? ['slot', quoted(`?${entity.slot}`)] : ['entity', entityText(entity)]
}

function expressionText(expression: Expression): string {
  switch (expression.kind) {
    case 'boolean':
    case 'long':
      return object([['Value', String(expression.value)]])
    case 'string':
      return object([['Value', quoted(expression.value)]])
    case 'entity':
      return object([['Value', object([['__entity', entityText(expression.entity)]])]])
    case 'variable':
      return object([['Var', quoted(expression.name)]])
    case 'not':
      return node('!', ['arg', expression.operand])
    case 'negate':
      return node('neg', ['arg', expression.operand])
    case 'isEmpty':
      return node('isEmpty', ['arg', expression.operand])
    case 'and':
      return chainText('&&', expression.operands)
    case 'or':
      return chainText('||', expression.operands)
    case 'binary':
      return node(expression.operator, ['left', expression.left], ['right', expression.right])
    case 'if':
      return node(
        'if-then-else',
        ['if', expression.condition],
        ['then', expression.then],
        ['else', expression.else],
      )
    case 'set':
      return object([['Set', array(expression.elements.map(expressionText))]])
    case 'record': {
      const members = expression.members.map(({ name, value }) => [name, expressionText(value)] as const)
      return object([['Record', object(members)]])
    }
    case 'call':
      return object([[expression.name, array(expression.arguments.map(expressionText))]])
    default:
      return accessText(expression)
  }
}

function accessText(expression: Extract<Expression, { kind: 'attribute' | 'has' | 'like' | 'is' }>): string {
  const test = (name: string, left: Expression, ...members: readonly (readonly [string, string])[]): string =>
    object([[name, object([['left', expressionText(left)], ...members])]])
  switch (expression.kind) {
    case 'attribute':
      return test('.', expression.object, ['attr', quoted(expression.name)])
    case 'has': {
      const [first = '', ...more] = expression.path
      const attr = more.length === 0 ? quoted(first) : array(expression.path.map(quoted))
      return test('has', expression.object, ['attr', attr])
    }
    case 'like':
      return test('like', expression.subject, ['pattern', patternText(expression.pattern)])
    case 'is': {
      const type = ['entity_type', quoted(expression.type)] as const
      return expression.in === undefined
        ? test('is', expression.subject, type)
        : test('is', expression.subject, type, ['in', expressionText(expression.in)])
    }
  }
}

function node(name: string, ...parts: readonly (readonly [name: string, part: Expression])[]): string {
  return object([[name, object(parts.map(([part, inner]) => [part, expressionText(inner)]))]])
}

/** A chain nests to the left. Not by recursion, since its length is not limited. */
function chainText(operator: string, operands: readonly Expression[]): string {
  const [first = '', ...rest] = operands.map(expressionText)
  const name = quoted(operator)
  return `${`{${name}:{"left":`.repeat(rest.length)}${first}${rest.map((right) => `,"right":${right}}}`).join('')}`
}

/** One character each, as the official engine writes them. */
function patternText(pattern: Pattern): string {
  const literals = (part: string): string[] =>
    Array.from(part, (character) => object([['Literal', quoted(character)]]))
  return array(pattern.flatMap((part, index) => [...(index === 0 ? [] : ['"Wildcard"']), ...literals(part)]))
}
