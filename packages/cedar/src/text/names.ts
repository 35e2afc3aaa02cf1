// Names: identifiers, paths such as `Corp::User`, string literals and entity literals, as the grammar reads them.

import type { Cursor } from './cursor.ts'
import { reference } from '../values/entity.ts'
import type { Entity } from '../values/entity.ts'
import { unescapePattern, unescapeString } from './escapes.ts'
import type { Pattern } from '../policy/syntax.ts'
import type { Token } from './tokens.ts'

const RESERVED = new Set(['true', 'false', 'if', 'then', 'else', 'in', 'is', 'like', 'has', '__cedar'])

/** Reserved, but in schemas it qualifies the types of the language: `__cedar::Long`. */
export const INTERNAL = '__cedar'

/** Whether a text, as it stands, names an entity type. `allowed` is taken though it is reserved. */
export function isTypeName(text: string, allowed?: typeof INTERNAL): boolean {
  return text
    .split('::')
    .every((part) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(part) && (!RESERVED.has(part) || part === allowed))
}

/** What the parser calls the name of an attribute. */
export const ATTRIBUTE = 'an attribute name'

/** An identifier that may name an attribute or a type. `allowed` is taken though it is reserved. */
export function parseIdentifier(cursor: Cursor, what: string, allowed?: typeof INTERNAL): Token {
  const token = cursor.expectKind('identifier', what)
  if (RESERVED.has(token.text) && token.text !== allowed)
    cursor.fail(`\`${token.text}\` is reserved and cannot be ${what}${quoted(token.text, what)}`, token.at)
  return token
}

/** How to write a reserved word where quotes make a name of any text. */
function quoted(word: string, what: string): string {
  return what === ATTRIBUTE ? `; write \`["${word}"]\`, or after has \`"${word}"\`` : ''
}

export function parseString(cursor: Cursor, what: string): string {
  const token = stringToken(cursor, what)
  const text = unescapeString(token.text)
  return text.ok ? text.value : cursor.fail(text.error.message, token.at + text.error.offset)
}

export function parsePattern(cursor: Cursor): Pattern {
  const token = stringToken(cursor, 'a pattern in quotes after like')
  const pattern = unescapePattern(token.text)
  return pattern.ok ? pattern.value : cursor.fail(pattern.error.message, token.at + pattern.error.offset)
}

/** A string that could also be written to a file. */
function stringToken(cursor: Cursor, what: string): Token {
  const token = cursor.expectKind('string', what)
  if (!token.text.isWellFormed()) cursor.fail('this string is not Unicode: half a surrogate pair', token.at)
  return token
}

/** A path of identifiers; stops before `::` when a string follows it. */
export function parseName(cursor: Cursor, what: string, allowed?: typeof INTERNAL): string {
  let name = parseIdentifier(cursor, what, allowed).text
  while (cursor.sees('::') && cursor.peek(1).kind !== 'string') {
    cursor.next()
    name += `::${parseIdentifier(cursor, what, allowed).text}`
  }
  return name
}

/** One item or more, separated by commas, none at the end. */
export function parseItems<T>(cursor: Cursor, parseItem: () => T): T[] {
  const items = [parseItem()]
  while (cursor.accept(',')) items.push(parseItem())
  return items
}

/** `Type::"id"`. */
export function parseEntity(cursor: Cursor, what: string): Entity {
  const type = parseName(cursor, what)
  cursor.expect('::', `and an id in quotes after \`${type}\``)
  return cursor.shared(reference(type, parseString(cursor, what)))
}

/** Items separated by commas, one more comma allowed at the end, up to the closing bracket. */
export function parseList<T>(cursor: Cursor, close: string, parseItem: () => T): T[] {
  const items: T[] = []
  while (!cursor.sees(close)) {
    items.push(parseItem())
    if (!cursor.accept(',')) break
  }
  cursor.expect(close, 'or a comma')
  return items
}
