// Finds out that things cannot all be true: one path equal to two values, of two types, beyond its own bounds, or an
// expression true and false. Each is sure by itself; nothing is computed.

import { constantOf } from '../compile/constant.ts'
import { constraintDemand } from '../decide/demands.ts'
import type { Expression, Scope, ScopeEntity } from '../policy/syntax.ts'
import { Entity } from '../values/entity.ts'
import { canonical } from '../values/values.ts'
import type { Settled } from '../values/values.ts'
import { keyOf } from './guards.ts'

/** What must be true and cannot, after what was demanded before it. */
export interface Contradiction {
  readonly expression: Expression
  /** Undefined for the scope. */
  readonly before: Expression | undefined
}

/** The first of the conjuncts that contradicts the scope or a conjunct before it. */
export function contradictionIn(scope: Scope, conjuncts: readonly Expression[]): Contradiction | undefined {
  const known = new Known()
  for (const part of ['principal', 'action', 'resource'] as const) {
    const constraint = scope[part]
    if (constraint.op === '==' && isSlot(constraint.entity)) continue
    if (constraint.op === 'in') continue
    const demand =
      constraint.op === 'is'
        ? constraintDemand(part, { op: 'is', type: constraint.type })
        : constraintDemand(part, constraint)
    if (demand !== undefined) known.add(demand, true)
  }
  for (const expression of conjuncts) {
    const before = known.add(expression, false)
    if (before !== undefined) return { expression, before: before.isScope ? undefined : before.expression }
  }
  return undefined
}

interface Origin {
  readonly expression: Expression
  readonly isScope: boolean
}

interface Bound extends Origin {
  readonly value: bigint
}

/** What is known of the value at one path. */
interface Value {
  equal?: Origin & { readonly to: string }
  type?: Origin & { readonly name: string }
  least?: Bound
  most?: Bound
}

const MIRRORED = { '<': '>', '<=': '>=', '>': '<', '>=': '<=', '==': '==' } as const
type Comparison = keyof typeof MIRRORED

class Known {
  readonly #true = new Map<string, Origin>()
  readonly #false = new Map<string, Origin>()
  readonly #values = new Map<string, Value>()

  /** Adds what must be true; gives what it contradicts, if anything. */
  add(expression: Expression, isScope: boolean): Origin | undefined {
    const origin = { expression, isScope }
    const { wanted, plain } = unsigned(expression)
    const key = keyOf(plain)
    const against = (wanted ? this.#false : this.#true).get(key)
    if (against !== undefined) return against
    ;(wanted ? this.#true : this.#false).set(key, origin)
    if (!wanted) return undefined
    if (plain.kind === 'is') return this.#addType(keyOf(plain.subject), plain.type, origin)
    return plain.kind === 'binary' ? this.#addComparison(plain, origin) : undefined
  }

  #valueOf(path: string): Value {
    const known = this.#values.get(path)
    if (known !== undefined) return known
    const fresh: Value = {}
    this.#values.set(path, fresh)
    return fresh
  }

  #addType(path: string, name: string, origin: Origin): Origin | undefined {
    const value = this.#valueOf(path)
    if (value.type !== undefined && value.type.name !== name) return value.type
    value.type ??= { ...origin, name }
    return undefined
  }

  #addComparison(
    { operator, left, right }: Extract<Expression, { kind: 'binary' }>,
    origin: Origin,
  ): Origin | undefined {
    if (!isComparison(operator)) return undefined
    const [a, b] = [constantOf(left), constantOf(right)]
    if (b !== undefined && a === undefined) return this.#compare(keyOf(left), operator, b, origin)
    if (a !== undefined && b === undefined) return this.#compare(keyOf(right), MIRRORED[operator], a, origin)
    return undefined
  }

  #compare(path: string, operator: Comparison, constant: Settled, origin: Origin): Origin | undefined {
    const value = this.#valueOf(path)
    if (operator === '==') {
      const to = canonical(constant)
      if (value.equal !== undefined && value.equal.to !== to) return value.equal
      value.equal ??= { ...origin, to }
      const against = constant instanceof Entity ? this.#addType(path, constant.type, origin) : undefined
      if (against !== undefined) return against
    }
    if (typeof constant !== 'number' && typeof constant !== 'bigint') return undefined
    const limit = BigInt(constant)
    if (operator !== '<' && operator !== '<=') {
      const least = { ...origin, value: operator === '>' ? limit + 1n : limit }
      if (value.least === undefined || value.least.value < least.value) value.least = least
      if (value.most !== undefined && value.most.value < least.value) return value.most
    }
    if (operator !== '>' && operator !== '>=') {
      const most = { ...origin, value: operator === '<' ? limit - 1n : limit }
      if (value.most === undefined || value.most.value > most.value) value.most = most
      if (value.least !== undefined && value.least.value > most.value) return value.least
    }
    return undefined
  }
}

/** An expression without its negations, and whether it is to be true; `!=` is the negation of `==`. */
function unsigned(expression: Expression): { readonly wanted: boolean; readonly plain: Expression } {
  if (expression.kind === 'not') {
    const { wanted, plain } = unsigned(expression.operand)
    return { wanted: !wanted, plain }
  }
  if (expression.kind === 'binary' && expression.operator === '!=')
    return { wanted: false, plain: { ...expression, operator: '==' } }
  return { wanted: true, plain: expression }
}

function isComparison(operator: string): operator is Comparison {
  return Object.hasOwn(MIRRORED, operator)
}

function isSlot(target: ScopeEntity): boolean {
  return 'slot' in target
}
