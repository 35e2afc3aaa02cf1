// Annotations, `@name("text")`, as policies and the declarations of a schema have them.

import type { Cursor } from './cursor.ts'
import { parseString } from './names.ts'

/** All annotations that stand here. The text of one that has none is empty. */
export function parseAnnotations(cursor: Cursor): ReadonlyMap<string, string> {
  const annotations = new Map<string, string>()
  while (cursor.accept('@')) {
    const name = cursor.expectKind('identifier', 'the name of an annotation')
    if (annotations.has(name.text)) cursor.fail(`@${name.text} stands twice here`, name.at)
    let value = ''
    if (cursor.accept('(')) {
      value = parseString(cursor, 'a text in quotes')
      cursor.expect(')', 'after the annotation')
    }
    annotations.set(name.text, value)
  }
  return annotations
}
