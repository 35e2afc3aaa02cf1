// For tests: random syntax trees in which every form may stand in every place, well typed or not.

import { reference } from '../values/entity.ts'
import { EXTENSIONS } from '../values/extensions.ts'
import type { BinaryOperator, Expression } from '../policy/syntax.ts'
import type { Random } from './random.ts'

const BINARY = '== != < <= > >= in + - * contains containsAll containsAny getTag hasTag'.split(
  ' ',
) as BinaryOperator[]
const NAMES = ['a', 'b', 'if', 'two words', '__cedar', 'principal', 'a"b\\c', '', 'é', '*']
const TEXTS = ['', 'a', 'a*b', '"', '\\', '\n', '\0', '😀', '\u202e', '// no comment']
const LONGS = [0n, 1n, -1n, 42n, 2n ** 63n - 1n, -(2n ** 63n)]
const at = 0

/** A tree of at most this height. */
export function randomExpression(random: Random, height: number): Expression {
  const of = (): Expression => randomExpression(random, height - 1)
  const name = (): string => random.pick(NAMES)
  if (height <= 1 || random.chance(0.1)) return leaf(random)
  return random.pick<() => Expression>([
    () => ({ kind: random.pick(['not', 'negate', 'isEmpty'] as const), at, operand: of() }),
    () => ({ kind: random.pick(['not', 'negate'] as const), at, operand: of() }),
    () => ({ kind: random.pick(['and', 'or'] as const), at, operands: [of(), of(), ...random.some(2, of)] }),
    () => ({ kind: 'binary', at, operator: random.pick(BINARY), left: of(), right: of() }),
    () => ({ kind: 'binary', at, operator: random.pick(BINARY), left: of(), right: of() }),
    () => ({ kind: 'if', at, condition: of(), then: of(), else: of() }),
    () => ({ kind: 'attribute', at, object: of(), name: name() }),
    () => ({ kind: 'has', at, object: of(), path: random.pick([[name()], ['a'], ['a', 'b', 'c']]) }),
    () => ({ kind: 'like', at, subject: of(), pattern: pattern(random) }),
    () => ({ kind: 'is', at, subject: of(), type: 'A::B', ...(random.chance(0.5) ? { in: of() } : {}) }),
    () => ({ kind: 'set', at, elements: random.some(3, of) }),
    () => {
      const names = NAMES.filter(() => random.chance(0.2))
      return { kind: 'record', at, members: names.map((each) => ({ name: each, value: of() })) }
    },
    () => {
      const called = random.pick([...EXTENSIONS.keys()])
      // A method has an object; how many arguments follow is not a matter of syntax.
      const object = EXTENSIONS.get(called)?.style === 'method' ? [of()] : []
      return { kind: 'call', at, name: called, arguments: [...object, ...random.some(2, of)] }
    },
  ])()
}

function leaf(random: Random): Expression {
  return random.pick<() => Expression>([
    () => ({ kind: 'boolean', at, value: random.chance(0.5) }),
    () => ({ kind: 'string', at, value: random.pick(TEXTS) }),
    () => ({ kind: 'long', at, value: random.pick(LONGS) }),
    () => ({ kind: 'entity', at, entity: reference(random.pick(['User', 'A::B']), random.pick(TEXTS)) }),
    () => ({
      kind: 'variable',
      at,
      name: random.pick(['principal', 'action', 'resource', 'context'] as const),
    }),
  ])()
}

function pattern(random: Random): readonly string[] {
  const [first, ...rest] = [random.pick(TEXTS), ...random.some(2, () => random.pick(TEXTS))]
  // Between two wildcards there is some text, since wildcards in a row count as one.
  return [first ?? '', ...rest.filter((part) => part !== ''), ...(random.chance(0.5) ? [''] : [])]
}
