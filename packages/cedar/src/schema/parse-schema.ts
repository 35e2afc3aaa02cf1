// Schemas from the human-readable syntax. Whatever is not understood is an error with its place.

import { Source } from '../policy/result.ts'
import type { PolicyError, Result } from '../policy/result.ts'
import { parseAnnotations } from '../text/annotations.ts'
import { Cursor, ParseFailure } from '../text/cursor.ts'
import { parseName } from '../text/names.ts'
import { openNamespace } from './open-namespace.ts'
import type { OpenNamespace } from './open-namespace.ts'
import { parseDeclaration } from './parse-declaration.ts'
import type { Annotations, SchemaFragment } from './syntax.ts'

export interface SchemaOptions {
  /** Named in errors. */
  readonly file?: string
}

/** Reads a schema, names unresolved. Never throws; reports one error for each declaration that has any. */
export function parseSchema(text: string, options: SchemaOptions = {}): Result<SchemaFragment> {
  return new SchemaParser(new Source(text, options.file ?? 'schema.cedarschema')).parse()
}

class SchemaParser {
  readonly #cursor: Cursor
  readonly #errors: PolicyError[] = []
  readonly #namespaces = new Map<string, OpenNamespace>()

  constructor(source: Source) {
    this.#cursor = new Cursor(source)
  }

  parse(): Result<SchemaFragment> {
    const cursor = this.#cursor
    while (cursor.peek().kind !== 'end') {
      this.#recovering(() => {
        const { at } = cursor.peek()
        const annotations = parseAnnotations(cursor)
        if (cursor.sees('namespace')) this.#namespace(annotations, at)
        else parseDeclaration(cursor, annotations, this.#open('', at, new Map()))
      })
      // One that is left over after an error would be a consequence of it.
      if (this.#errors.length > 0) cursor.accept('}')
    }
    const namespaces = [...this.#namespaces.values()]
    return this.#errors.length === 0
      ? { ok: true, value: { namespaces, source: cursor.source } }
      : { ok: false, errors: this.#errors }
  }

  #namespace(annotations: Annotations, at: number): void {
    const cursor = this.#cursor
    cursor.next()
    const named = cursor.peek()
    const name = parseName(cursor, 'the name of a namespace')
    cursor.expect('{', 'after the name of the namespace')
    if (this.#namespaces.has(name)) this.#complain(`the namespace ${name} stands twice`, named.at)
    const namespace = this.#open(name, at, annotations)
    while (!cursor.sees('}') && cursor.peek().kind !== 'end')
      this.#recovering(() => parseDeclaration(cursor, parseAnnotations(cursor), namespace))
    if (!cursor.accept('}') && this.#errors.length === 0)
      this.#complain(`the namespace ${name} has no closing }`, named.at)
  }

  #open(name: string, at: number, annotations: Annotations): OpenNamespace {
    const known = this.#namespaces.get(name)
    if (known !== undefined) return known
    const namespace = openNamespace(name, at, annotations)
    this.#namespaces.set(name, namespace)
    return namespace
  }

  /** Notes what is wrong with a declaration and leaves it: behind its semicolon, or before the end of its namespace. */
  #recovering(parse: () => void): void {
    const cursor = this.#cursor
    const start = cursor.place
    try {
      parse()
    } catch (failure) {
      if (!(failure instanceof ParseFailure)) throw failure
      this.#complain(failure.message, failure.at)
      cursor.goTo(start)
      for (let depth = 0; cursor.peek().kind !== 'end' && (depth > 0 || !cursor.sees('}')); ) {
        const { text } = cursor.next()
        if (text === ';') break
        depth += text === '{' ? 1 : text === '}' ? -1 : 0
      }
    }
  }

  #complain(message: string, at: number): void {
    this.#errors.push({ message, ...this.#cursor.source.locate(at) })
  }
}
