// For tests: random policies as text. Expressions are mostly well typed, since ill-typed ones all end in one error; the
// rest is what tells whether errors are where the language wants them.

import type { Random } from './random.ts'
import {
  ACTIONS,
  ATTRIBUTES,
  DATETIMES,
  DECIMALS,
  DURATIONS,
  IDS,
  IPS,
  STRINGS,
  TYPES,
} from './random-world.ts'

type Type =
  | 'bool'
  | 'long'
  | 'string'
  | 'entity'
  | 'set'
  | 'record'
  | 'decimal'
  | 'ip'
  | 'datetime'
  | 'duration'

const ALL: readonly Type[] = [
  'bool',
  'long',
  'string',
  'entity',
  'set',
  'record',
  'decimal',
  'ip',
  'datetime',
  'duration',
]
const LONG_LITERALS = [
  '0',
  '1',
  '(-1)',
  '2',
  '42',
  '9007199254740991',
  '9007199254740993',
  '9223372036854775807',
  '(-9223372036854775808)',
  '3037000500',
  '4294967296',
]
const PATTERNS = ['*', '', 'a*', '*b', '*a*', 'a*b', 'a\\*b', '**', '*/ab', '*😀*', 'ab*ab', 'A\\n*']
const BAD_TEXTS = ['', 'x', '1', '-', '1.2.3', '2024-13-01', '1h1d', '1.23456']

export function randomPolicy(random: Random): string {
  const effect = random.chance(0.6) ? 'permit' : 'forbid'
  const conditions = random.some(
    2,
    () => `${random.chance(0.7) ? 'when' : 'unless'} { ${new Writer(random).write('bool', 4)} }`,
  )
  const scope = `(${party(random, 'principal')}, ${action(random)}, ${party(random, 'resource')})`
  return `${effect} ${scope} ${conditions.join(' ')};`
}

/** A template whose scope has at least one slot. */
export function randomTemplate(random: Random): string {
  const slotted = (who: 'principal' | 'resource'): string =>
    random.pick([`${who} == ?${who}`, `${who} in ?${who}`, `${who} is ${random.pick(TYPES)} in ?${who}`])
  const both = random.below(3)
  const principal = both === 0 ? party(random, 'principal') : slotted('principal')
  const resource = both === 1 ? party(random, 'resource') : slotted('resource')
  return `permit (${principal}, ${action(random)}, ${resource});`
}

/** A policy for any request whose conditions ask mostly about the context, and seldom fail for other reasons. */
export function randomContextPolicy(random: Random): string {
  const effect = random.chance(0.6) ? 'permit' : 'forbid'
  const kind = random.chance(0.7) ? 'when' : 'unless'
  const parts = [contextTest(random), ...random.some(1, () => contextTest(random))]
  if (random.chance(0.5)) parts.splice(random.below(2), 0, new Writer(random).write('bool', 2))
  return `${effect} (principal, action, resource) ${kind} { ${parts.join(random.pick([' && ', ' || ']))} };`
}

function contextTest(random: Random): string {
  const path = random.pick(['a', 'b', 'c', 'rec', 'rec.a'])
  return random.pick([
    `(context has ${path})`,
    `!(context has ${path})`,
    `(context.${path} == ${new Writer(random).write(random.pick(ALL), 1)})`,
    `(if context has ${path} then context.${path} != "a" else ${random.pick(['true', 'false'])})`,
  ])
}

function entityText(random: Random): string {
  return `${random.pick(TYPES)}::${JSON.stringify(random.pick(IDS))}`
}

function party(random: Random, who: string): string {
  const roll = random.below(10)
  if (roll < 6) return who
  if (roll === 6) return `${who} == ${entityText(random)}`
  if (roll === 7) return `${who} in ${entityText(random)}`
  return `${who} is ${random.pick(TYPES)}${roll === 8 ? '' : ` in ${entityText(random)}`}`
}

function action(random: Random): string {
  const one = (): string => `Action::"${random.pick(ACTIONS)}"`
  const roll = random.below(10)
  if (roll < 6) return 'action'
  if (roll === 6) return `action == ${one()}`
  return roll === 7 ? `action in ${one()}` : `action in [${random.some(3, one).join(', ')}]`
}

class Writer {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** An expression in parentheses where it needs them, mostly of this type. */
  write(type: Type, depth: number): string {
    const wanted = this.#random.chance(0.05) ? this.#random.pick(ALL) : type
    if (depth <= 0) return this.#leaf(wanted)
    const roll = this.#random.next()
    if (roll < 0.12) return this.#leaf(wanted)
    if (roll < 0.2) {
      return `(if ${this.write('bool', depth - 1)} then ${this.write(wanted, depth - 1)} else ${this.write(wanted, depth - 1)})`
    }
    if (roll < 0.35 && wanted !== 'bool') return this.#access(depth)
    return this.#compound(wanted, depth - 1)
  }

  #text(texts: readonly string[]): string {
    return JSON.stringify(this.#random.pick(texts))
  }

  #leaf(type: Type): string {
    if (this.#random.chance(0.25)) return this.#access(0)
    const constructed = (texts: readonly string[]): string =>
      `${type}(${this.#text(this.#random.chance(0.05) ? BAD_TEXTS : texts)})`
    switch (type) {
      case 'bool':
        return this.#random.pick(['true', 'false'])
      case 'long':
        return this.#random.pick(LONG_LITERALS)
      case 'string':
        return this.#text(STRINGS)
      case 'entity':
        return this.#random.pick(['principal', 'resource', 'action', entityText(this.#random)])
      case 'set':
        return `[${this.#random.some(3, () => this.#leaf(this.#random.pick(ALL))).join(', ')}]`
      case 'record':
        return this.#random.pick([
          'context',
          '{}',
          '{a: 1, "two words": true}',
          '{"__proto__": 1, constructor: 2}',
        ])
      case 'decimal':
        return constructed(DECIMALS)
      case 'ip':
        return constructed(IPS)
      case 'datetime':
        return constructed(DATETIMES)
      case 'duration':
        return constructed(DURATIONS)
    }
  }

  #access(depth: number): string {
    const name = this.#random.pick(ATTRIBUTES)
    const object = this.#random.chance(0.6)
      ? 'context'
      : this.write(this.#random.pick(['entity', 'record']), depth - 1)
    if (this.#random.chance(0.1)) return `${object}.getTag(${JSON.stringify(name)})`
    return /^\w+$/.test(name) && this.#random.chance(0.7)
      ? `${object}.${name}`
      : `${object}[${JSON.stringify(name)}]`
  }

  #compound(type: Type, depth: number): string {
    const any = (): Type => this.#random.pick(ALL)
    const of = (wanted: Type): string => this.write(wanted, depth)
    switch (type) {
      case 'bool':
        return this.#boolean(depth)
      case 'long':
        return this.#random.pick([
          () => `(${of('long')} ${this.#random.pick(['+', '-', '*'])} ${of('long')})`,
          () => `-(${of('long')})`,
          () =>
            `${of('duration')}.to${this.#random.pick(['Milliseconds', 'Seconds', 'Minutes', 'Hours', 'Days'])}()`,
        ])()
      case 'set':
        return `[${this.#random.some(3, () => of(any())).join(', ')}]`
      case 'record': {
        const names = ATTRIBUTES.filter(() => this.#random.chance(0.3))
        return `{${names.map((name) => `${JSON.stringify(name)}: ${of(any())}`).join(', ')}}`
      }
      case 'datetime':
        return this.#random.chance(0.5)
          ? `${of('datetime')}.toDate()`
          : `${of('datetime')}.offset(${of('duration')})`
      case 'duration':
        return this.#random.chance(0.5)
          ? `${of('datetime')}.toTime()`
          : `${of('datetime')}.durationSince(${of('datetime')})`
      case 'decimal':
      case 'ip':
        return this.#random.chance(0.2) ? `${type}(${of('string')})` : this.#leaf(type)
      default:
        return this.#leaf(type)
    }
  }

  #boolean(depth: number): string {
    const random = this.#random
    const of = (wanted: Type): string => this.write(wanted, depth)
    const any = random.pick(ALL)
    const name = random.pick(ATTRIBUTES)
    const ordered = random.pick(['long', 'datetime', 'duration'] as const)
    const compared = random.pick(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])
    const words = ATTRIBUTES.filter((word) => /^\w+$/.test(word))
    return random.pick([
      () =>
        `(${[of('bool'), of('bool'), ...random.some(2, () => of('bool'))].join(random.pick([' && ', ' || ']))})`,
      () => `!(${of('bool')})`,
      () => `(${of(any)} ${random.pick(['==', '!='])} ${of(any)})`,
      () => `(${of(ordered)} ${random.pick(['<', '<=', '>', '>='])} ${of(ordered)})`,
      () => `(${of('entity')} in ${of(random.pick(['entity', 'entity', 'set']))})`,
      () => `(${of('entity')} in [${random.some(3, () => of('entity')).join(', ')}])`,
      () => `(${of('entity')} is ${random.pick(TYPES)}${random.chance(0.4) ? ` in ${of('entity')}` : ''})`,
      () => `(${of(random.pick(['entity', 'record']))} has ${JSON.stringify(name)})`,
      () =>
        `(${of(random.pick(['entity', 'record']))} has ${[random.pick(words), ...random.some(2, () => random.pick(words))].join('.')})`,
      () => `(${of('string')} like "${random.pick(PATTERNS)}")`,
      () => `${of('set')}.contains(${of(any)})`,
      () => `${of('set')}.${random.pick(['containsAll', 'containsAny'])}(${of('set')})`,
      () => `${of('set')}.isEmpty()`,
      () => `${of('entity')}.hasTag(${random.chance(0.8) ? JSON.stringify(name) : of('string')})`,
      () => `${of('decimal')}.${compared}(${random.chance(0.95) ? of('decimal') : ''})`,
      () => `${of('ip')}.${random.pick(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'])}()`,
      () => `${of('ip')}.isInRange(${of('ip')})`,
    ])()
  }
}
