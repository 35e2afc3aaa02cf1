// Schemas as text in the human-readable syntax.

import type { PolicyError, Result } from '../policy/result.ts'
import { quote } from '../text/escapes.ts'
import { ParseFailure } from '../text/cursor.ts'
import { Complaints, Definitions } from './definitions.ts'
import { actionReferenceText, annotationsText, listText, namesText, nameText } from './name-to-text.ts'
import type {
  ActionDeclaration,
  Annotations,
  CommonType,
  EntityDeclaration,
  Namespace,
  SchemaFragment,
} from './syntax.ts'
import { TypeWriter } from './type-to-text.ts'

/**
 * A schema as text: by namespace the types, the entity types and the actions, each kind in the order of the source. What
 * is read from it is the same schema, and its text is this text. An action without principals or without resources
 * applies to nothing, and is written as one that only groups. Errors, which only a schema from JSON can have: an entity
 * type that is named where the syntax would find a common type of the same name; attributes by the name of a common type
 * that is not in the fragment.
 */
export function schemaToText(fragment: SchemaFragment): Result<string> {
  const definitions = new Definitions([fragment], new Complaints())
  const errors: PolicyError[] = []
  const texts: string[] = []
  for (const namespace of fragment.namespaces) {
    const writer = new NamespaceWriter(namespace, new TypeWriter(namespace.name, definitions))
    try {
      texts.push(writer.write())
    } catch (failure) {
      if (!(failure instanceof ParseFailure)) throw failure
      errors.push({ message: failure.message, ...fragment.source.locate(failure.at) })
    }
  }
  if (errors.length > 0) return { ok: false, errors }
  return {
    ok: true,
    value: texts
      .filter((text) => text !== '')
      .map((text) => `${text}\n`)
      .join('\n'),
  }
}

class NamespaceWriter {
  readonly #namespace: Namespace
  readonly #types: TypeWriter
  readonly #indent: string

  constructor(namespace: Namespace, types: TypeWriter) {
    this.#namespace = namespace
    this.#types = types
    this.#indent = namespace.name === '' ? '' : '  '
  }

  write(): string {
    const { name, annotations, commonTypes, entities, actions } = this.#namespace
    const body = paragraphs(
      [
        paragraphs(Array.from(commonTypes, ([own, type]) => this.#commonType(own, type))),
        paragraphs(Array.from(entities, ([own, declaration]) => this.#entity(own, declaration))),
        paragraphs(Array.from(actions, ([id, declaration]) => this.#action(id, declaration))),
      ].filter((text) => text !== ''),
      '\n\n',
    )
    if (name === '') return body
    return `${annotationsText(annotations, '')}namespace ${name} {${body === '' ? '' : `\n${body}\n`}}`
  }

  #commonType(name: string, { type, annotations }: CommonType): string {
    return this.#declaration(annotations, `type ${name} = ${this.#types.write(type, this.#indent)}`)
  }

  #entity(name: string, { ids, parents, attributes, tags, annotations }: EntityDeclaration): string {
    const parts = [`entity ${name}`]
    if (ids !== undefined) parts.push(`enum [${ids.map(quote).join(', ')}]`)
    if (parents.length > 0) parts.push(`in ${namesText(parents)}`)
    if (attributes !== undefined) {
      const record = this.#types.record(attributes, this.#indent)
      if (record !== '{}') parts.push(`= ${record}`)
    }
    if (tags !== undefined) parts.push(`tags ${this.#types.write(tags, this.#indent)}`)
    return this.#declaration(annotations, parts.join(' '))
  }

  #action(id: string, { parents, appliesTo, annotations }: ActionDeclaration): string {
    const parts = [`action ${nameText(id)}`]
    if (parents.length > 0) parts.push(`in ${listText(parents.map(actionReferenceText))}`)
    if (appliesTo !== undefined && appliesTo.principals.length > 0 && appliesTo.resources.length > 0)
      parts.push(`appliesTo ${this.#appliesTo(appliesTo)}`)
    return this.#declaration(annotations, parts.join(' '))
  }

  #appliesTo({ principals, resources, context }: NonNullable<ActionDeclaration['appliesTo']>): string {
    const indent = `${this.#indent}  `
    const lines = [`principal: ${namesText(principals)},`, `resource: ${namesText(resources)},`]
    if (context !== undefined) lines.push(`context: ${this.#types.context(context, indent)},`)
    return `{\n${lines.map((line) => `${indent}${line}\n`).join('')}${this.#indent}}`
  }

  #declaration(annotations: Annotations, text: string): string {
    return `${annotationsText(annotations, this.#indent)}${this.#indent}${text};`
  }
}

/** One under the other, with an empty line where one of two neighbours has several lines. */
function paragraphs(texts: readonly string[], between?: string): string {
  return texts.reduce((above, text, index) => {
    if (index === 0) return text
    const long = text.includes('\n') || (texts[index - 1] ?? '').includes('\n')
    return `${above}${between ?? (long ? '\n\n' : '\n')}${text}`
  }, '')
}
