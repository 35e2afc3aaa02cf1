// For tests: random values of the types of a schema, or nearly, in JSON, each also as the Cedar expression it should be
// equal to.

import type { CedarType, RecordType } from '../schema/schema.ts'
import { BAD_TEXTS, DATETIMES, DECIMALS, DURATIONS, IPS, LONGS, STRINGS } from './edge-values.ts'
import { integer } from './exact-json.ts'
import type { Random } from './random.ts'
import type { EntityName, Json } from './random-world.ts'

export type Members = { [name: string]: Json }

export interface Written {
  readonly json: Json
  readonly text: string
}

export interface ValueOptions {
  /** The chance, at each step, of writing something that is not of the type. */
  readonly slip: number
  /** Whether escapes may be left out, since a schema tells what is meant. */
  readonly implicit: boolean
  /** Gives an entity of a type. */
  readonly name: (type: string) => EntityName
}

type ExtensionName = keyof typeof TEXTS

const FUNCTIONS = { ipaddr: 'ip', decimal: 'decimal', datetime: 'datetime', duration: 'duration' } as const
const TEXTS = { ipaddr: IPS, decimal: DECIMALS, datetime: DATETIMES, duration: DURATIONS } as const
/** Of attributes and tags. */
export const PLAIN_NAMES = [
  'x',
  'type',
  'id',
  'fn',
  'arg',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'two words',
  '',
]
/** Also those that make a record an escape. */
const ALL_NAMES = [...PLAIN_NAMES, '__entity', '__extn']

export class ValueMaker {
  readonly #random: Random
  readonly #options: ValueOptions

  constructor(random: Random, options: ValueOptions) {
    this.#random = random
    this.#options = options
  }

  value(expected: CedarType): Written {
    const random = this.#random
    const type = this.slips() ? this.#otherType() : expected
    switch (type.kind) {
      case 'boolean': {
        const value = random.chance(0.5)
        return { json: value, text: String(value) }
      }
      case 'long': {
        const value = random.pick(LONGS)
        return { json: integer(value), text: String(value) }
      }
      case 'string': {
        const text = random.pick(STRINGS)
        return { json: text, text: quoted(text) }
      }
      case 'extension':
        return this.#extension(type.name)
      case 'entity': {
        const name = { ...this.#options.name(type.type) }
        return { json: this.#isImplicit() ? name : { __entity: name }, text: nameText(name) }
      }
      case 'set': {
        const elements = random.some(3, () => this.value(type.element))
        return {
          json: elements.map(({ json }) => json),
          text: `[${elements.map(({ text }) => text).join(', ')}]`,
        }
      }
      case 'record':
        return this.record(type)
    }
  }

  /** `each` is told of every member. */
  record(
    { members }: RecordType,
    each?: (name: string, text: string) => void,
  ): Written & { readonly json: Members } {
    const random = this.#random
    const json = Object.create(null) as Members
    const texts: string[] = []
    for (const [name, { type, required }] of members) {
      if (required ? this.slips() : random.chance(0.4)) continue
      const value = this.value(type)
      json[name] = value.json
      texts.push(`${quoted(name)}: ${value.text}`)
      each?.(name, value.text)
    }
    if (this.slips())
      json[random.pick(this.#options.implicit ? ALL_NAMES : PLAIN_NAMES)] = this.value({ kind: 'long' }).json
    return { json, text: `{${texts.join(', ')}}` }
  }

  slips(): boolean {
    return this.#options.slip > 0 && this.#random.chance(this.#options.slip)
  }

  #extension(name: ExtensionName): Written {
    if (name !== 'datetime' || this.#random.chance(0.8)) return this.#constructed(name)
    const by = this.#constructed('duration')
    // Only this near to 1970 does no duration leave the range.
    const [from, fn] = ['1970-01-01', 'datetime']
    const call = { fn: 'offset', args: [this.#isImplicit() ? from : { __extn: { fn, arg: from } }, by.json] }
    const json = this.#isImplicit() ? call : { __extn: call }
    return { json, text: `${fn}(${quoted(from)}).offset(${by.text})` }
  }

  #constructed(name: ExtensionName): Written {
    const arg = this.#random.pick(this.slips() ? BAD_TEXTS : TEXTS[name])
    const fn = FUNCTIONS[name]
    const forms: readonly Json[] = [arg, { fn, arg }, { fn, args: [arg] }]
    const json = this.#isImplicit() ? this.#random.pick(forms) : { __extn: { fn, arg } }
    return { json, text: `${fn}(${quoted(arg)})` }
  }

  #otherType(): CedarType {
    const member = { type: { kind: 'long' }, required: false } as const
    const types: readonly CedarType[] = [
      { kind: 'boolean' },
      { kind: 'string' },
      { kind: 'extension', name: this.#random.pick(['ipaddr', 'decimal', 'datetime', 'duration']) },
      { kind: 'entity', type: 'User' },
      { kind: 'set', element: { kind: 'long' } },
      { kind: 'record', members: new Map(PLAIN_NAMES.slice(0, 3).map((name) => [name, member])) },
      { kind: 'long' },
    ]
    return this.#random.pick(types)
  }

  #isImplicit(): boolean {
    return this.#options.implicit && this.#random.chance(0.6)
  }
}

export function nameText({ type, id }: EntityName): string {
  return `${type}::${quoted(id)}`
}

/** With every character escaped, which is right for any. */
export function quoted(text: string): string {
  return `"${Array.from(text, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`).join('')}"`
}
