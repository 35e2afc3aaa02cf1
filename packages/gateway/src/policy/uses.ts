/** How policies use the arguments of calls: which they read or test for, and of which types they take them to be. */
import { childrenOf, type Expression, type Policy } from '@tollgate/cedar'

/** A type that plain data can have, as its text in a schema; `Set<String>`. */
type TypeName = string

/** What policies do with one argument, or with a member of one. */
export interface Use {
  /** By name, of the members that are read or tested for. */
  readonly members: Map<string, Use>
  /** Types that operations ask for; undefined where it is read and nothing is asked. */
  readonly types: Set<TypeName | undefined>
  /** Whether every policy that uses it asks for it with `has`. */
  tested: boolean
}

/** The use of `context.input` in the conditions of policies. */
export function inputUse(policies: readonly Policy[]): Use {
  const all = newUse()
  for (const { conditions } of policies) {
    const input = newUse()
    for (const { expression } of conditions) visit(expression, 'Bool', input)
    merge(all, input)
  }
  return all
}

function merge(all: Use, one: Use): void {
  for (const [name, use] of one.members) {
    const known = all.members.get(name)
    if (known === undefined) {
      all.members.set(name, use)
      continue
    }
    for (const type of use.types) known.types.add(type)
    known.tested &&= use.tested
    merge(known, use)
  }
}

function newUse(): Use {
  return { members: new Map(), types: new Set(), tested: false }
}

/** Goes through an expression of which the type `wanted` is asked. */
function visit(expression: Expression, wanted: TypeName | undefined, input: Use): void {
  if (expression.kind === 'has') {
    let use = useAt(expression.object, input)
    for (const name of expression.path) {
      use = use === undefined ? inputIn(expression.object, name, input) : memberOf(use, name)
      if (use !== undefined && use !== input) use.tested = true
    }
  }
  const use = useAt(expression, input)
  if (use !== undefined) use.types.add(wanted)
  else for (const [child, type] of asked(expression, wanted)) visit(child, type, input)
}

/** The use of what an expression reads, when that is the input or below it. */
function useAt(expression: Expression, input: Use): Use | undefined {
  if (expression.kind !== 'attribute') return undefined
  const { object, name } = expression
  const above = useAt(object, input)
  return above === undefined ? inputIn(object, name, input) : memberOf(above, name)
}

function inputIn(object: Expression, name: string, input: Use): Use | undefined {
  return object.kind === 'variable' && object.name === 'context' && name === 'input' ? input : undefined
}

function memberOf({ members }: Use, name: string): Use {
  const known = members.get(name)
  if (known !== undefined) return known
  const made = newUse()
  members.set(name, made)
  return made
}

type Asked = readonly (readonly [Expression, TypeName | undefined])[]

/** The parts of an expression with the types that it asks of them. */
function asked(expression: Expression, wanted: TypeName | undefined): Asked {
  switch (expression.kind) {
    case 'not':
    case 'and':
    case 'or':
      return each(expression, 'Bool')
    case 'negate':
      return each(expression, 'Long')
    case 'if':
      return [
        [expression.condition, 'Bool'],
        [expression.then, wanted],
        [expression.else, wanted],
      ]
    case 'like':
      return each(expression, 'String')
    case 'isEmpty':
      return each(expression, 'Set<String>')
    case 'set':
      return each(expression, wanted === undefined ? typeOf(expression.elements[0]) : elementOf(wanted))
    case 'binary':
      return askedByBinary(expression)
    case 'call':
      return each(expression, DECIMAL_CALLS.has(expression.name) ? 'decimal' : undefined)
    default:
      return each(expression, undefined)
  }
}

const DECIMAL_CALLS = new Set(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])

function each(expression: Expression, type: TypeName | undefined): Asked {
  return childrenOf(expression).map((child) => [child, type])
}

function askedByBinary(expression: Extract<Expression, { kind: 'binary' }>): Asked {
  const { operator, left, right } = expression
  const both = (ofLeft: TypeName | undefined, ofRight: TypeName | undefined): Asked => [
    [left, ofLeft],
    [right, ofRight],
  ]
  switch (operator) {
    case '==':
    case '!=':
    case 'containsAll':
    case 'containsAny':
      return both(typeOf(right), typeOf(left))
    case 'contains':
      return both(setOf(typeOf(right)), elementOf(typeOf(left)))
    case 'getTag':
    case 'hasTag':
      return both(undefined, 'String')
    case 'in':
      return both(undefined, undefined)
    default:
      // Comparisons and arithmetic: dates and durations, which can be compared too, cannot be arguments.
      return both('Long', 'Long')
  }
}

/** The type of what is plainly of one. */
function typeOf(expression: Expression | undefined): TypeName | undefined {
  switch (expression?.kind) {
    case 'string':
      return 'String'
    case 'long':
    case 'negate':
      return 'Long'
    case 'boolean':
      return 'Bool'
    case 'set':
      return setOf(typeOf(expression.elements[0]))
    case 'call':
      return expression.name === 'decimal' ? 'decimal' : undefined
    case 'binary':
      if (expression.operator === 'getTag') return 'String'
      return /^[-+*]$/.test(expression.operator) ? 'Long' : undefined
    default:
      return undefined
  }
}

function setOf(element: TypeName | undefined): TypeName | undefined {
  return element && `Set<${element}>`
}

function elementOf(type: TypeName | undefined): TypeName | undefined {
  return /^Set<(.*)>$/.exec(type ?? '')?.[1]
}
