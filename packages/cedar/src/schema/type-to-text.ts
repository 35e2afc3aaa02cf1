// Types of a schema as text in the human-readable syntax, where a name cannot say what it stands for: where it would be
// read as something else than the JSON form says, it is written in full.

import { ParseFailure } from '../text/cursor.ts'
import type { Definitions } from './definitions.ts'
import { meaningOf } from './meaning.ts'
import type { Among, Meaning } from './meaning.ts'
import { annotationsText, nameText } from './name-to-text.ts'
import type { MemberDeclaration, TypeExpression } from './syntax.ts'

type Name = TypeExpression & { kind: 'name' }

export class TypeWriter {
  readonly #namespace: string
  readonly #definitions: Definitions

  /** For types that are written in a namespace. */
  constructor(namespace: string, definitions: Definitions) {
    this.#namespace = namespace
    this.#definitions = definitions
  }

  write(type: TypeExpression, indent: string, home = this.#namespace): string {
    switch (type.kind) {
      case 'name':
        return this.#name(type, home)
      case 'set':
        return `Set<${this.write(type.element, indent, home)}>`
      case 'record': {
        if (type.members.size === 0) return '{}'
        const members = Array.from(type.members, ([name, member]) =>
          this.#member(name, member, `${indent}  `, home),
        )
        return `{\n${members.join('')}${indent}}`
      }
    }
  }

  /** Attributes of an entity type, which have to be a record: a common type that is one is written out. */
  record(type: TypeExpression, indent: string): string {
    let record = type
    let home = this.#namespace
    const followed = new Set<TypeExpression>()
    while (record.kind === 'name') {
      const meaning = meaningOf(record.name, home, record.among, this.#definitions)
      if (meaning?.kind !== 'common' || followed.has(record)) break
      followed.add(record)
      record = meaning.declared.declaration.type
      home = meaning.declared.scope.namespace
    }
    if (record.kind === 'record') return this.write(record, indent, home)
    throw new ParseFailure('as text, the attributes of an entity type have to be written out', type.at)
  }

  /** A record or the name of one. */
  context(type: TypeExpression, indent: string): string {
    return type.kind === 'name' ? this.#name(type, this.#namespace, 'common') : this.write(type, indent)
  }

  #member(
    name: string,
    { type, required, annotations }: MemberDeclaration,
    indent: string,
    home: string,
  ): string {
    const mark = required ? '' : '?'
    return `${annotationsText(annotations, indent)}${indent}${nameText(name)}${mark}: ${this.write(type, indent, home)},\n`
  }

  /** `home` is the namespace in which the name stands for something, `place` what may stand where it is written. */
  #name({ name, among, at }: Name, home: string, place?: Among): string {
    const meant = meaningOf(name, home, among, this.#definitions)
    // Declared in another fragment, one hopes.
    if (meant === undefined) return name
    for (const written of [name, meant.name, `__cedar::${meant.name}`]) {
      if (isSame(meaningOf(written, this.#namespace, place, this.#definitions), meant)) return written
    }
    throw new ParseFailure(`as text, ${name} would stand for another type of the same name`, at)
  }
}

function isSame(one: Meaning | undefined, other: Meaning): boolean {
  return one?.kind === other.kind && one.name === other.name
}
