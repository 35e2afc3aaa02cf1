// Names and annotations of a schema as text in the human-readable syntax.

import { quote } from '../text/escapes.ts'
import { INTERNAL, isTypeName } from '../text/names.ts'
import type { ActionReference, Annotations, NameReference } from './syntax.ts'

/** Each on a line of its own. */
export function annotationsText(annotations: Annotations, indent: string): string {
  return Array.from(
    annotations,
    ([name, value]) => `${indent}@${name}${value === '' ? '' : `(${quote(value)})`}\n`,
  ).join('')
}

/** The name of an action or an attribute, in quotes when it has to be. */
export function nameText(name: string): string {
  return isTypeName(name, INTERNAL) && !name.includes('::') ? name : quote(name)
}

export function actionReferenceText({ type, id }: ActionReference): string {
  return type === undefined ? nameText(id) : `${type}::${quote(id)}`
}

export function namesText(names: readonly NameReference[]): string {
  return listText(names.map(({ name }) => name))
}

/** At least one item; brackets around several. */
export function listText(items: readonly string[]): string {
  return items.length > 1 ? `[${items.join(', ')}]` : items.join('')
}
