// JSON, read exactly: integers of 64 bits keep every digit, every value knows its place, and a name that stands twice in
// an object is an error. Depth is not limited, since a chain of `&&` nests as deep as it is long.

import { ParseFailure } from '../text/cursor.ts'
import { MAX_LONG, MIN_LONG } from '../values/long.ts'
import { Source } from '../policy/result.ts'
import type { Result } from '../policy/result.ts'

/** A JSON value and where it stands: from the offset `at` up to, not including, `end`. */
export type JsonNode = { readonly at: number; readonly end: number } & (
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'integer'; readonly value: bigint }
  /** A number with a fraction or an exponent, one that 64 bits do not hold, and -0, which no integer is. */
  | { readonly kind: 'number' }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonNode> }
)

/** Hands a JSON text to `use`, and turns the first `ParseFailure` of either into an error with its place. */
export function withJson<T>(
  text: string,
  file: string,
  use: (root: JsonNode, source: Source) => T,
): Result<T> {
  const source = new Source(text, file)
  try {
    return { ok: true, value: use(new Reader(text).read(), source) }
  } catch (failure) {
    if (!(failure instanceof ParseFailure)) throw failure
    return { ok: false, errors: [{ message: failure.message, ...source.locate(failure.at) }] }
  }
}

interface OpenArray {
  readonly at: number
  readonly items: JsonNode[]
}
interface OpenObject {
  readonly at: number
  readonly members: Map<string, JsonNode>
  /** Of the member being read. */
  name: string
}

const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /true|false|null/y
/** Longest 64-bit integer; longer digits are not converted. */
const MAX_INTEGER_TEXT = 20

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The one value of the text. Containers being read are on a list of their own, not on the stack. */
  read(): JsonNode {
    const open: (OpenArray | OpenObject)[] = []
    while (true) {
      let node = this.#start(open)
      while (node !== undefined) {
        const parent = open.at(-1)
        if (parent === undefined) return this.#finish(node)
        if ('items' in parent) parent.items.push(node)
        else parent.members.set(parent.name, node)
        if (this.#accept(',')) {
          if ('members' in parent) this.#name(parent)
          break
        }
        const close = 'items' in parent ? ']' : '}'
        if (!this.#accept(close)) this.#fail(`expected , or ${close}`)
        open.pop()
        node = this.#closed(parent)
      }
    }
  }

  /** A whole value, or undefined when a container was opened and has members. */
  #start(open: (OpenArray | OpenObject)[]): JsonNode | undefined {
    this.#skip()
    const at = this.#at
    if (this.#accept('[')) {
      const array: OpenArray = { at, items: [] }
      if (this.#accept(']')) return this.#closed(array)
      open.push(array)
      return undefined
    }
    if (this.#accept('{')) {
      const object: OpenObject = { at, members: new Map(), name: '' }
      if (this.#accept('}')) return this.#closed(object)
      open.push(object)
      this.#name(object)
      return undefined
    }
    return this.#scalar(at)
  }

  #closed(container: OpenArray | OpenObject): JsonNode {
    const { at } = container
    const end = this.#at
    return 'items' in container
      ? { kind: 'array', at, end, items: container.items }
      : { kind: 'object', at, end, members: container.members }
  }

  #finish(node: JsonNode): JsonNode {
    this.#skip()
    if (this.#at < this.#text.length) this.#fail('expected the end of the text')
    return node
  }

  #name(object: OpenObject): void {
    this.#skip()
    const at = this.#at
    if (this.#text[at] !== '"') this.#fail('expected a name in quotes')
    object.name = this.#string()
    if (object.members.has(object.name))
      throw new ParseFailure(`the name ${JSON.stringify(object.name)} stands twice in this object`, at)
    if (!this.#accept(':')) this.#fail('expected : after the name')
  }

  #scalar(at: number): JsonNode {
    if (this.#text[at] === '"') {
      const value = this.#string()
      return { kind: 'string', at, end: this.#at, value }
    }
    const word = this.#match(WORD)
    if (word === 'null') return { kind: 'null', at, end: this.#at }
    if (word !== '') return { kind: 'boolean', at, end: this.#at, value: word === 'true' }
    const number = this.#match(NUMBER)
    if (number === '') this.#fail('expected a JSON value')
    const end = this.#at
    if (number.length > MAX_INTEGER_TEXT || /[.eE]|^-0$/.test(number)) return { kind: 'number', at, end }
    const value = BigInt(number)
    return value > MAX_LONG || value < MIN_LONG
      ? { kind: 'number', at, end }
      : { kind: 'integer', at, end, value }
  }

  #string(): string {
    const start = this.#at
    let end = start + 1
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1
    if (end >= this.#text.length) this.#fail('this string has no closing quote')
    this.#at = end + 1
    let value: string
    try {
      value = JSON.parse(this.#text.slice(start, end + 1)) as string
    } catch {
      throw new ParseFailure('this string has a control character or a wrong escape in it', start)
    }
    if (!value.isWellFormed())
      throw new ParseFailure('this string is not Unicode: half a surrogate pair', start)
    return value
  }

  #skip(): void {
    this.#match(SPACE)
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #accept(character: string): boolean {
    this.#skip()
    const found = this.#text[this.#at] === character
    if (found) this.#at++
    return found
  }

  #fail(message: string): never {
    throw new ParseFailure(message, Math.min(this.#at, this.#text.length))
  }
}
