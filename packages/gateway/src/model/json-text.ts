/**
 * Edits JSON text in place. A server's reply keeps every byte that needs no change: unknown members,
 * number spellings and member order survive, which parsing and writing anew would not guarantee.
 * The text must be valid JSON (it was parsed before); the edits touch every member that matches a path.
 */
import { afterString, unescaped } from './parse-json.ts'

export interface JsonEdit {
  /** Member names and array indices from the root to the value. */
  readonly path: readonly (string | number)[]
  /** JSON text to put in its place; `undefined` removes the member or element. */
  readonly value: string | undefined
}

/** Applies all edits in one pass; a path that leads nowhere changes nothing. */
export function editJson(text: string, edits: readonly JsonEdit[]): string {
  const editor = new Editor(text)
  editor.value(0, edits)
  return editor.finish()
}

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

class Editor {
  readonly #text: string
  #position = 0
  /** Everything before this offset is already in `#out`. */
  #copied = 0
  #out = ''

  constructor(text: string) {
    this.#text = text
  }

  finish(): string {
    return this.#copied === 0 ? this.#text : this.#out + this.#text.slice(this.#copied)
  }

  /** Moves past one value, applying the edits whose path has been followed down to `depth`. */
  value(depth: number, edits: readonly JsonEdit[]): void {
    this.#space()
    const code = this.#text.charCodeAt(this.#position)
    if (edits.length > 0 && code === OPEN_OBJECT) this.#members(depth, edits, CLOSE_OBJECT)
    else if (edits.length > 0 && code === OPEN_ARRAY) this.#members(depth, edits, CLOSE_ARRAY)
    else this.#skip()
  }

  #members(depth: number, edits: readonly JsonEdit[], close: number): void {
    let separator = this.#position++ // the bracket or comma before the member at hand
    let kept = 0
    for (let index = 0; ; index++) {
      this.#space()
      if (this.#text.charCodeAt(this.#position) === close) break
      const name = close === CLOSE_OBJECT ? this.#name() : index
      const below = edits.filter((edit) => edit.path[depth] === name)
      const here = below.find((edit) => edit.path.length === depth + 1)
      this.#space()
      const start = this.#position
      if (here === undefined) this.value(depth + 1, below)
      else this.#skip()
      if (here?.value !== undefined) this.#replace(start, here.value)
      this.#space()
      const atComma = this.#text.charCodeAt(this.#position) === COMMA
      if (here !== undefined && here.value === undefined) {
        // The first member kept so far owns no comma before it, so the one after it goes instead.
        const from = kept === 0 ? separator + 1 : separator
        const to = kept === 0 && atComma ? this.#position + 1 : this.#position
        this.#cut(from, to)
      } else {
        kept++
      }
      if (!atComma) break
      separator = this.#position++
    }
    this.#position++
  }

  #name(): string {
    const start = this.#position
    this.#string()
    const name = unescaped(this.#text.slice(start, this.#position))
    this.#space()
    this.#position++ // the colon
    return name
  }

  #replace(start: number, value: string): void {
    this.#out += this.#text.slice(this.#copied, start) + value
    this.#copied = this.#position
  }

  #cut(from: number, to: number): void {
    const start = Math.max(from, this.#copied)
    this.#out += this.#text.slice(this.#copied, start)
    this.#copied = to
  }

  #skip(): void {
    const code = this.#text.charCodeAt(this.#position)
    if (code === QUOTE) return this.#string()
    let open = 0
    while (this.#position < this.#text.length) {
      const next = this.#text.charCodeAt(this.#position)
      if (next === QUOTE) {
        this.#string()
        continue
      }
      if (next === OPEN_OBJECT || next === OPEN_ARRAY) open++
      else if (next === CLOSE_OBJECT || next === CLOSE_ARRAY) {
        if (open === 0) return
        open--
        if (open === 0) {
          this.#position++
          return
        }
      } else if (open === 0 && (next === COMMA || next <= 0x20)) return
      this.#position++
    }
  }

  #string(): void {
    this.#position = afterString(this.#text, this.#position)
  }

  #space(): void {
    while (this.#text.charCodeAt(this.#position) <= 0x20) this.#position++
  }
}
