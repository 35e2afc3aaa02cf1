// The Cedar type of what a shape describes, as the values will be when a call is decided: plain JSON, where integers are
// Long, strings String, arrays sets and objects records. What has no such type is left out, and noted.

import type { MemberDeclaration, TypeExpression } from '../schema/syntax.ts'
import { ARRAY, BOOLEAN, FRACTION, INTEGER, NULL, OBJECT, STRING } from './shape.ts'
import type { ObjectShape, Shape } from './shape.ts'

/** What the type of a tool's input does not tell of the values that a call can send. */
export interface InputNote {
  /** Names of members from the input down; `[]` stands for the elements of an array. Empty: the input itself. */
  readonly path: readonly string[]
  /**
   * `unchecked`: the schema lacks what is there, so a policy that reads it, or below it, seems wrong and may be right.
   * `narrowed`: the schema has it, but a call may also send what the type does not allow; reading that is an error.
   */
  readonly kind: 'unchecked' | 'narrowed'
  /** What is the matter with it, to follow its name. */
  readonly message: string
  /** Of a member that the schema lacks: whether every call has it. */
  readonly required?: boolean
}

/** What a number is taken to be that may be an integer (a Long) or a fraction (a decimal). */
export type NumberType = 'long' | 'decimal'

export interface InputType {
  /** A record. */
  readonly type: TypeExpression
  readonly notes: readonly InputNote[]
}

/** More notes than this say nothing that one would not. */
const MAX_NOTES = 100

/** The record type of the objects of a shape. `at` is where its nodes say they stand. */
export function inputTypeOf(shape: Shape, numbers: NumberType, at: number): InputType {
  const writer = new TypeWriter(numbers, at)
  const type = writer.input(shape)
  const { notes } = writer
  if (notes.length <= MAX_NOTES) return { type, notes }
  const rest = `has ${notes.length - MAX_NOTES} more members of which the same could be said`
  return { type, notes: [{ path: [], kind: 'unchecked', message: rest }, ...notes.slice(0, MAX_NOTES)] }
}

const KIND_NAMES: readonly (readonly [number, string])[] = [
  [BOOLEAN, 'a boolean'],
  [STRING, 'a string'],
  [INTEGER | FRACTION, 'a number'],
  [ARRAY, 'an array'],
  [OBJECT, 'an object'],
]

class TypeWriter {
  readonly notes: InputNote[] = []
  readonly #numbers: NumberType
  readonly #at: number

  constructor(numbers: NumberType, at: number) {
    this.#numbers = numbers
    this.#at = at
  }

  input({ kinds, object, why }: Shape): TypeExpression {
    if ((kinds & OBJECT) === 0) this.#note([], 'unchecked', 'has a schema that no object fits')
    // An object of which nothing is said: a tool without parameters.
    else if (object !== undefined) return this.#record(object, [])
    else if (why !== undefined) this.#note([], 'unchecked', why)
    return { kind: 'record', members: new Map(), at: this.#at }
  }

  /** Why not, when there is no type. */
  #type(shape: Shape, path: readonly string[]): TypeExpression | string {
    const type = this.#ofKind(shape, path)
    if ((shape.kinds & NULL) !== 0 && typeof type !== 'string')
      this.#note(path, 'narrowed', 'may be null, which no policy can read')
    return type
  }

  #ofKind(shape: Shape, path: readonly string[]): TypeExpression | string {
    const at = this.#at
    switch (shape.kinds & ~NULL) {
      case BOOLEAN:
        return { kind: 'name', name: 'Bool', among: 'primitives', at }
      case STRING:
        return { kind: 'name', name: 'String', among: 'primitives', at }
      case INTEGER:
        return this.#long()
      case FRACTION:
        return this.#decimal()
      case INTEGER | FRACTION:
        return this.#number(path)
      case ARRAY: {
        if (shape.elements === undefined) return shape.why ?? 'is an array of which the elements are not said'
        const element = this.#type(shape.elements, [...path, '[]'])
        if (typeof element === 'string') return `is an array, and each element ${element}`
        return { kind: 'set', element, at }
      }
      case OBJECT:
        return this.#record(shape.object ?? UNSAID, path)
      default:
        return whyNoType(shape)
    }
  }

  #number(path: readonly string[]): TypeExpression {
    const [type, other] = this.#numbers === 'long' ? ['a Long', 'fractions'] : ['a decimal', 'whole numbers']
    this.#note(path, 'narrowed', `is a number: taken for ${type}, so policies that read it refuse ${other}`)
    return this.#numbers === 'long' ? this.#long() : this.#decimal()
  }

  #long(): TypeExpression {
    return { kind: 'name', name: 'Long', among: 'primitives', at: this.#at }
  }

  #decimal(): TypeExpression {
    return { kind: 'name', name: 'decimal', among: 'extensions', at: this.#at }
  }

  #record({ members, required, open }: ObjectShape, path: readonly string[]): TypeExpression {
    const declared = new Map<string, MemberDeclaration>()
    for (const [name, shape] of members) {
      const at = this.#at
      const type = this.#type(shape, [...path, name])
      if (typeof type === 'string') {
        this.#lacks([...path, name], type, required.has(name))
        continue
      }
      const isSure = required.has(name) && (shape.kinds & NULL) === 0
      declared.set(name, { type, required: isSure, annotations: new Map(), at })
    }
    for (const name of required)
      if (!members.has(name))
        this.#lacks([...path, name], 'is required, but nothing else is said of it', true)
    if (open !== false) this.#note(path, 'unchecked', 'may have members that the schema does not name')
    return { kind: 'record', members: declared, at: this.#at }
  }

  #lacks(path: readonly string[], message: string, required: boolean): void {
    this.notes.push({ path, kind: 'unchecked', message, required })
  }

  #note(path: readonly string[], kind: InputNote['kind'], message: string): void {
    this.notes.push({ path, kind, message })
  }
}

const UNSAID: ObjectShape = { members: new Map(), required: new Set(), open: undefined }

function whyNoType({ kinds, why }: Shape): string {
  const names = namesOf(kinds)
  if (names.length === 0) return kinds === NULL ? 'is always null' : 'has a schema that no value fits'
  if (why !== undefined) return why
  return names.length === KIND_NAMES.length
    ? 'has a schema that any value fits'
    : `may be ${names.join(' or ')}`
}

function namesOf(kinds: number): string[] {
  return KIND_NAMES.filter(([kind]) => (kinds & kind) !== 0).map(([, name]) => name)
}
