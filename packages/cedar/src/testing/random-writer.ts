// For tests: random expressions as text. They are mostly well typed, since ill-typed ones all end in one error; the rest
// is what tells whether errors are where the language wants them.

import { quote } from '../text/escapes.ts'
import { BAD_TEXTS, DATETIMES, DECIMALS, DURATIONS, IPS, LONGS, PATTERNS, STRINGS } from './edge-values.ts'
import type { Random } from './random.ts'

export const KINDS = [
  'bool',
  'long',
  'string',
  'entity',
  'entities',
  'set',
  'record',
  'decimal',
  'ip',
  'datetime',
  'duration',
] as const
/** `entities` is a set of entities. */
export type Kind = (typeof KINDS)[number]

/** An expression that reads the request, and the tests that keep it from failing. */
export interface Reading {
  readonly text: string
  readonly guards: readonly string[]
}

/** What expressions are about. */
export interface Surroundings {
  /** Reads something, mostly of this kind; undefined when there is nothing. `object` writes what it may read from. */
  read(kind: Kind, object: () => string): Reading | undefined
  /** A test with `has`. */
  presence(object: () => string): string
  /** An entity by its name. */
  entity(): string
  entityType(): string
  /** Of an attribute or a tag. */
  name(): string
}

const COMPARISONS = ['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual']
const UNITS = ['Milliseconds', 'Seconds', 'Minutes', 'Hours', 'Days']

export class Writer {
  readonly #random: Random
  readonly #about: Surroundings
  /** Of what the innermost boolean reads. */
  #guards = new Set<string>()

  constructor(random: Random, about: Surroundings) {
    this.#random = random
    this.#about = about
  }

  /** An expression in parentheses where it needs them, mostly of this kind. */
  write(kind: Kind, depth: number): string {
    const wanted = this.#random.chance(0.03) ? this.#random.pick(KINDS) : kind
    if (wanted !== 'bool') return this.#bare(wanted, depth)
    const outer = this.#guards
    this.#guards = new Set()
    const text = this.#bare(wanted, depth)
    // One guard in ten is forgotten.
    const guards = [...this.#guards].filter(() => this.#random.chance(0.9))
    this.#guards = outer
    return guards.length === 0 ? text : `(${[...guards, text].join(' && ')})`
  }

  #bare(wanted: Kind, depth: number): string {
    if (depth <= 0) return this.#leaf(wanted)
    const roll = this.#random.next()
    if (roll < 0.12) return this.#leaf(wanted)
    if (roll < 0.18) {
      return `(if ${this.write('bool', depth - 1)} then ${this.write(wanted, depth - 1)} else ${this.write(wanted, depth - 1)})`
    }
    if (roll < 0.5 && wanted !== 'bool') return this.#read(wanted, depth) ?? this.#leaf(wanted)
    return this.#compound(wanted, depth - 1)
  }

  #text(texts: readonly string[]): string {
    return quote(this.#random.pick(texts))
  }

  #read(kind: Kind, depth: number): string | undefined {
    const object = (): string => this.write(this.#random.pick(['entity', 'record']), depth - 1)
    const reading = this.#about.read(kind, object)
    for (const guard of reading?.guards ?? []) this.#guards.add(guard)
    return reading?.text
  }

  #leaf(kind: Kind): string {
    const random = this.#random
    const read = random.chance(0.25) ? this.#read(kind, 0) : undefined
    if (read !== undefined) return read
    const constructed = (texts: readonly string[]): string =>
      `${kind}(${this.#text(random.chance(0.03) ? BAD_TEXTS : texts)})`
    switch (kind) {
      case 'bool':
        return random.pick(['true', 'false'])
      case 'long': {
        const value = random.pick(LONGS)
        return value < 0 ? `(${value})` : String(value)
      }
      case 'string':
        return this.#text(STRINGS)
      case 'entity':
        return random.pick(['principal', 'resource', 'action', this.#about.entity(), this.#about.entity()])
      case 'entities':
        return `[${random.some(3, () => this.#leaf('entity')).join(', ')}]`
      case 'set':
        return `[${random.some(3, () => this.#leaf(random.pick(KINDS))).join(', ')}]`
      case 'record':
        return random.pick(['context', '{}', '{a: 1, "two words": true}', '{"__proto__": 1, constructor: 2}'])
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

  #compound(kind: Kind, depth: number): string {
    const random = this.#random
    const of = (wanted: Kind): string => this.write(wanted, depth)
    switch (kind) {
      case 'bool':
        return this.#boolean(depth)
      case 'long':
        return random.pick([
          () => `(${of('long')} ${random.pick(['+', '-', '*'])} ${of('long')})`,
          () => `-(${of('long')})`,
          () => `${of('duration')}.to${random.pick(UNITS)}()`,
        ])()
      case 'entities':
        return `[${random.some(3, () => of('entity')).join(', ')}]`
      case 'set':
        return `[${random.some(3, () => of(random.pick(KINDS))).join(', ')}]`
      case 'record': {
        const names = new Set(random.some(3, () => this.#about.name()))
        return `{${[...names].map((name) => `${quote(name)}: ${of(random.pick(KINDS))}`).join(', ')}}`
      }
      case 'datetime':
        return random.chance(0.5)
          ? `${of('datetime')}.toDate()`
          : `${of('datetime')}.offset(${of('duration')})`
      case 'duration':
        return random.chance(0.5)
          ? `${of('datetime')}.toTime()`
          : `${of('datetime')}.durationSince(${of('datetime')})`
      case 'decimal':
      case 'ip':
        return random.chance(0.1) ? `${kind}(${of('string')})` : this.#leaf(kind)
      default:
        return this.#leaf(kind)
    }
  }

  #boolean(depth: number): string {
    const random = this.#random
    const about = this.#about
    const of = (wanted: Kind): string => this.write(wanted, depth)
    const object = (): string => of(random.pick(['entity', 'record']))
    const any = random.pick(KINDS)
    const ordered = random.pick(['long', 'datetime', 'duration'] as const)
    return random.pick([
      () =>
        `(${[of('bool'), of('bool'), ...random.some(2, () => of('bool'))].join(random.pick([' && ', ' || ']))})`,
      () => `!(${of('bool')})`,
      () => `(${of(any)} ${random.pick(['==', '!='])} ${of(any)})`,
      () => `(${of(ordered)} ${random.pick(['<', '<=', '>', '>='])} ${of(ordered)})`,
      () => `(${of('entity')} in ${of(random.pick(['entity', 'entity', 'entities', 'set']))})`,
      () => `(${of('entity')} in [${random.some(3, () => of('entity')).join(', ')}])`,
      () => `(${of('entity')} is ${about.entityType()}${random.chance(0.4) ? ` in ${of('entity')}` : ''})`,
      () => `(${about.presence(object)})`,
      () => `(${about.presence(object)})`,
      () => `(${of('string')} like "${random.pick(PATTERNS)}")`,
      () => `${of(random.pick(['set', 'entities']))}.contains(${of(any)})`,
      () => `${of('set')}.${random.pick(['containsAll', 'containsAny'])}(${of('set')})`,
      () => `${of('entities')}.${random.pick(['containsAll', 'containsAny'])}(${of('entities')})`,
      () => `${of('set')}.isEmpty()`,
      () => `${of('entity')}.hasTag(${random.chance(0.8) ? quote(about.name()) : of('string')})`,
      () => `${of('decimal')}.${random.pick(COMPARISONS)}(${random.chance(0.98) ? of('decimal') : ''})`,
      () => `${of('ip')}.${random.pick(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'])}()`,
      () => `${of('ip')}.isInRange(${of('ip')})`,
    ])()
  }
}
