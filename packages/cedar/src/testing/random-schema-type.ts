// For tests: random types of a schema, each in the human-readable syntax, in JSON, and as what both stand for.

import type { CedarType, MemberType } from '../schema/schema.ts'
import { nameText } from '../schema/name-to-text.ts'
import type { Random } from './random.ts'
import type { Json } from './random-world.ts'

export type JsonObject = { [name: string]: Json }

/** One type in all its forms. */
export interface Written {
  readonly text: string
  readonly json: JsonObject
  readonly type: CedarType
}

/** The names that a type may use, in full. */
export interface Vocabulary {
  /** Those that no common type hides. */
  readonly entityTypes: readonly string[]
  readonly actionTypes: readonly string[]
  readonly commonTypes: readonly { readonly name: string; readonly type: CedarType }[]
  /** Everything declared, by which a type of the language may be hidden. */
  readonly declared: ReadonlySet<string>
}

const ATTRIBUTE_NAMES = [
  'a',
  'b',
  'c',
  'n',
  's',
  'rec',
  'type',
  'in',
  '',
  'constructor',
  '__proto__',
  'two words',
  '"\n\\',
]
const ANNOTATIONS = ['doc', 'id', 'in', 'entity']
const PRIMITIVES = [
  ['Bool', 'Boolean', { kind: 'boolean' }],
  ['Long', 'Long', { kind: 'long' }],
  ['String', 'String', { kind: 'string' }],
] as const
const EXTENSIONS = ['ipaddr', 'decimal', 'datetime', 'duration'] as const

/** Writes what is used in one namespace. */
export class TypeMaker {
  readonly #random: Random
  readonly #vocabulary: Vocabulary
  readonly #namespace: string

  constructor(random: Random, vocabulary: Vocabulary, namespace: string) {
    this.#random = random
    this.#vocabulary = vocabulary
    this.#namespace = namespace
  }

  type(depth: number): Written {
    const { entityTypes, actionTypes, commonTypes } = this.#vocabulary
    const random = this.#random
    const kind = random.below(depth > 0 ? 10 : 8)
    if (kind === 0 && commonTypes.length > 0) return this.#common(random.pick(commonTypes))
    if (kind === 1 && entityTypes.length > 0) return this.#entity(random.pick(entityTypes))
    if (kind === 2 && actionTypes.length > 0 && random.chance(0.3)) {
      const type = random.pick(actionTypes)
      // Elsewhere an unqualified Action may be that of the namespace.
      if (type !== 'Action' || this.#namespace === '') return this.#entity(type)
    }
    if (kind <= 5) return this.#primitive()
    if (kind <= 7) return this.#extension()
    return kind === 8 ? this.#set(depth) : this.record(depth)
  }

  record(depth: number): Written {
    const random = this.#random
    const texts: string[] = []
    const attributes: [string, Json][] = []
    const members = new Map<string, MemberType>()
    for (const name of ATTRIBUTE_NAMES) {
      if (random.chance(0.75)) continue
      const { text, json, type } = this.type(depth - 1)
      const required = random.chance(0.6)
      const notes = this.annotations()
      const written = random.chance(0.3) ? JSON.stringify(name) : nameText(name)
      texts.push(`${notes.text}${written}${required ? '' : '?'}: ${text}`)
      const isSaid = !required || random.chance(0.2)
      attributes.push([name, { ...json, ...(isSaid && { required }), ...notes.json }])
      members.set(name, { type, required })
    }
    const end = texts.length > 0 && random.chance(0.5) ? ',' : ''
    const isSaid = random.chance(0.1)
    return {
      text: `{ ${texts.join(', ')}${end} }`,
      json: {
        type: 'Record',
        attributes: Object.fromEntries(attributes),
        ...(isSaid && { additionalAttributes: false }),
      },
      type: { kind: 'record', members },
    }
  }

  annotations(): { readonly text: string; readonly json: JsonObject } {
    const names = ANNOTATIONS.filter(() => this.#random.chance(0.05))
    if (names.length === 0) return { text: '', json: {} }
    return {
      text: names.map((name) => `@${name}("${name}") `).join(''),
      json: { annotations: Object.fromEntries(names.map((name) => [name, name])) },
    }
  }

  /** A declared name as it can be written here. */
  reference(name: string): string {
    const prefix = `${this.#namespace}::`
    const isOwn = name.startsWith(prefix) && !name.slice(prefix.length).includes('::')
    return isOwn && this.#random.chance(0.7) ? name.slice(prefix.length) : name
  }

  #common({ name, type }: { readonly name: string; readonly type: CedarType }): Written {
    const text = this.reference(name)
    const json = this.#random.chance(0.5) ? { type: text } : { type: 'EntityOrCommon', name: text }
    return { text, json, type }
  }

  #entity(name: string): Written {
    const text = this.reference(name)
    const kind = this.#random.pick(['Entity', 'EntityOrCommon'])
    return { text, json: { type: kind, name: text }, type: { kind: 'entity', type: name } }
  }

  #primitive(): Written {
    const [name, jsonName, type] = this.#random.pick(PRIMITIVES)
    const text = this.#languageName(name)
    const json = this.#random.pick([{ type: jsonName }, { type: 'EntityOrCommon', name: text }])
    return { text, json, type }
  }

  #extension(): Written {
    const name = this.#random.pick(EXTENSIONS)
    const text = this.#languageName(name)
    const either = { type: 'EntityOrCommon', name: text }
    const json = this.#random.pick([{ type: 'Extension', name }, { type: text }, either])
    return { text, json, type: { kind: 'extension', name } }
  }

  #set(depth: number): Written {
    const element = this.type(depth - 1)
    return {
      text: `Set<${element.text}>`,
      json: { type: 'Set', element: element.json },
      type: { kind: 'set', element: element.type },
    }
  }

  #languageName(name: string): string {
    const { declared } = this.#vocabulary
    const isHidden = declared.has(name) || declared.has(`${this.#namespace}::${name}`)
    return isHidden || this.#random.chance(0.2) ? `__cedar::${name}` : name
  }
}
