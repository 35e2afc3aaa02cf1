// For tests: what would have to be where for an expression to be true, or false. No solver: it makes guesses, some of
// which are good.

import { constantOf } from '../compile/constant.ts'
import { childrenOf, isPath } from '../compile/walk.ts'
import type { Expression, Variable } from '../policy/syntax.ts'
import { Entity, reference } from '../values/entity.ts'
import { parseIp } from '../values/ip.ts'
import { isLong } from '../values/long.ts'
import { CedarSet, set } from '../values/values.ts'
import type { Value } from '../values/values.ts'
import type { Random } from './random.ts'
import { IPS, STRINGS } from './edge-values.ts'
import { randomValue } from './random-world.ts'

/** A value for a place in a request; undefined for its absence. */
export interface Guess {
  readonly root: Variable
  readonly names: readonly string[]
  readonly value: Value | undefined
  /** Only for a place where nothing is yet, or this: any other value would do. */
  readonly insteadOf?: { readonly value: Value | undefined }
  /** The value need not be this entity, if only it is in it. */
  readonly within?: boolean
}

const ABSENT: Pick<Guess, 'insteadOf'> = { insteadOf: { value: undefined } }

type Binary = Extract<Expression, { kind: 'binary' }>

const OTHER_WAY = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const

/** Guesses by which the expression may become what is wanted. Later ones count more. */
export function aim(random: Random, expression: Expression, wanted: boolean): readonly Guess[] {
  const guesses: Guess[] = []
  new Aim(random, guesses).at(expression, wanted)
  return guesses
}

/** A guess by which the expression may fail: something that it reads is not there. */
export function breaking(random: Random, expression: Expression): readonly Guess[] {
  const paths: Expression[] = []
  const collect = (inner: Expression): void => {
    if (inner.kind === 'attribute' && isPath(inner)) paths.push(inner)
    else childrenOf(inner).forEach(collect)
  }
  collect(expression)
  const guesses: Guess[] = []
  if (paths.length > 0) new Aim(random, guesses).miss(random.pick(paths))
  return guesses
}

class Aim {
  readonly #random: Random
  readonly #guesses: Guess[]

  constructor(random: Random, guesses: Guess[]) {
    this.#random = random
    this.#guesses = guesses
  }

  miss(path: Expression): void {
    this.#guess(path, [], undefined)
  }

  at(expression: Expression, wanted: boolean): void {
    const random = this.#random
    switch (expression.kind) {
      case 'not':
        return this.at(expression.operand, !wanted)
      case 'and':
      case 'or': {
        const passes = expression.kind === 'and'
        if (wanted === passes) return expression.operands.forEach((operand) => this.at(operand, wanted))
        const chosen = random.below(expression.operands.length)
        for (const operand of expression.operands.slice(0, chosen)) this.at(operand, passes)
        const operand = expression.operands[chosen]
        return operand && this.at(operand, !passes)
      }
      case 'if': {
        const holds = random.chance(0.5)
        this.at(expression.condition, holds)
        return this.at(holds ? expression.then : expression.else, wanted)
      }
      case 'has': {
        const missing = random.below(expression.path.length)
        const path = wanted ? expression.path : expression.path.slice(0, missing + 1)
        return this.#guess(
          expression.object,
          path,
          wanted ? this.#anything() : undefined,
          wanted ? ABSENT : {},
        )
      }
      case 'like': {
        const [before] = this.#guessesAbout(expression.subject)
        const filler = typeof before === 'string' ? before : random.pick(['', 'x', '/'])
        const value = wanted ? expression.pattern.join(filler) : random.pick(STRINGS)
        return this.#guess(expression.subject, [], value)
      }
      case 'is':
        if (wanted && expression.in !== undefined) this.#within(expression.subject, constantOf(expression.in))
        return this.#guess(
          expression.subject,
          [],
          reference(wanted ? expression.type : 'Nobody', random.pick(['x', 'y', 'new'])),
        )
      case 'isEmpty':
        return this.#guess(expression.operand, [], set(wanted ? [] : [1]))
      case 'binary':
        return this.#binary(expression, wanted)
      case 'attribute':
        return this.#guess(expression, [], wanted)
      case 'call': {
        const [subject, other] = expression.arguments
        return (
          subject &&
          this.#guess(subject, [], (other && constantOf(other)) ?? parseIp(random.pick(IPS)) ?? null)
        )
      }
      default:
    }
  }

  #binary({ operator, left, right }: Binary, wanted: boolean): void {
    const [a, b] = [constantOf(left), constantOf(right)]
    switch (operator) {
      case '==':
      case '!=':
        return this.#equal([left, a], [right, b], wanted === (operator === '=='))
      case '<':
      case '<=':
      case '>':
      case '>=':
        if (isLong(b)) this.#guess(left, [], this.#beside(b, operator, wanted))
        if (isLong(a)) this.#guess(right, [], this.#beside(a, OTHER_WAY[operator], wanted))
        return
      case 'in':
        if (b !== undefined && wanted) this.#within(left, b)
        else if (a !== undefined && wanted) this.#guess(right, [], a)
        else this.#guess(left, [], reference('User', 'new'))
        return
      case 'contains':
        if (b !== undefined) this.#guess(left, [], set(wanted ? [b, this.#anything()] : []))
        if (a instanceof CedarSet && a.given.length > 0)
          this.#guess(right, [], wanted ? this.#random.pick(a.given) : 'none')
        return
      case 'containsAll':
      case 'containsAny':
        if (b instanceof CedarSet) this.#guess(left, [], wanted ? b : set([]))
        if (a instanceof CedarSet) this.#guess(right, [], wanted ? a : set(['none']))
        return
      default:
    }
  }

  #equal(
    [left, a]: readonly [Expression, Value | undefined],
    [right, b]: readonly [Expression, Value | undefined],
    equal: boolean,
  ): void {
    const other = this.#anything()
    const instead = (value: Value): Pick<Guess, 'insteadOf'> => (equal ? {} : { insteadOf: { value } })
    if (b !== undefined) this.#guess(left, [], equal ? b : other, instead(b))
    else if (a !== undefined) this.#guess(right, [], equal ? a : other, instead(a))
    else {
      this.#guess(left, [], other)
      this.#guess(right, [], equal ? other : this.#anything())
    }
  }

  #beside(limit: number | bigint, operator: '<' | '<=' | '>' | '>=', wanted: boolean): Value {
    if (operator.endsWith('=') && this.#random.chance(0.3) === wanted) return limit
    const below = operator.startsWith('<') === wanted
    return BigInt(limit) + (below ? -1n : 1n)
  }

  #within(subject: Expression, container: Value | undefined): void {
    const one = container instanceof CedarSet ? container.given[0] : container
    if (one instanceof Entity) this.#guess(subject, [], one, { within: true })
  }

  /** Values guessed for the same place, the latest first. */
  #guessesAbout(expression: Expression): readonly (Value | undefined)[] {
    const about = new Aim(this.#random, [])
    about.#guess(expression, [], undefined)
    const [place] = about.#guesses
    const path = JSON.stringify([place?.root, place?.names])
    const same = this.#guesses.filter(({ root, names }) => JSON.stringify([root, names]) === path)
    return same.map(({ value }) => value).toReversed()
  }

  #guess(
    expression: Expression,
    path: readonly string[],
    value: Value | undefined,
    how: Pick<Guess, 'insteadOf' | 'within'> = {},
  ): void {
    const names = [...path]
    let object = expression
    for (; object.kind === 'attribute'; object = object.object) names.unshift(object.name)
    if (object.kind === 'variable') this.#guesses.push({ root: object.name, names, value, ...how })
    if (object.kind !== 'entity') return
    // It may be what is unknown.
    const root = this.#random.pick(['principal', 'resource'] as const)
    this.#guesses.push({ root, names: [], value: object.entity }, { root, names, value, ...how })
  }

  #anything(): Value {
    return this.#random.chance(0.1) ? null : randomValue(this.#random, 1).ours
  }
}
