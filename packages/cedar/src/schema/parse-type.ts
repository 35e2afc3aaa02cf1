// The types in a schema's human-readable syntax: records, sets and names.

import { parseAnnotations } from '../text/annotations.ts'
import type { Cursor } from '../text/cursor.ts'
import { INTERNAL, parseIdentifier, parseName, parseString } from '../text/names.ts'
import type { MemberDeclaration, NameReference, TypeExpression } from './syntax.ts'

type RecordExpression = TypeExpression & { readonly kind: 'record' }

export function parseType(cursor: Cursor): TypeExpression {
  const { at } = cursor.peek()
  if (cursor.sees('{')) return parseRecord(cursor)
  if (cursor.sees('Set') && cursor.peek(1).text === '<') {
    cursor.next()
    cursor.next()
    const element = cursor.nested(() => parseType(cursor))
    cursor.expect('>', 'after the type of the elements')
    return { kind: 'set', element, at }
  }
  return { kind: 'name', ...parseReference(cursor, 'a type') }
}

export function parseRecord(cursor: Cursor): RecordExpression {
  const { at } = cursor.expect('{', 'before the attributes')
  return cursor.nested(() => {
    const members = new Map<string, MemberDeclaration>()
    while (!cursor.sees('}')) {
      const { name, member } = parseMember(cursor)
      if (members.has(name)) cursor.fail(`the attribute ${JSON.stringify(name)} stands twice`, member.at)
      members.set(name, member)
      if (!cursor.accept(',')) break
    }
    cursor.expect('}', 'or a comma')
    return { kind: 'record', members, at }
  })
}

function parseMember(cursor: Cursor): { name: string; member: MemberDeclaration } {
  const annotations = parseAnnotations(cursor)
  const { name, at } = parseWord(cursor, 'the name of an attribute')
  const required = !cursor.accept('?')
  cursor.expect(':', 'and a type after the name of the attribute')
  return { name, member: { type: parseType(cursor), required, annotations, at } }
}

/** A name that may also be written in quotes. */
export function parseWord(cursor: Cursor, what: string): NameReference {
  const { kind, at } = cursor.peek()
  if (kind === 'string') return { name: parseString(cursor, what), at }
  return { name: parseIdentifier(cursor, what, INTERNAL).text, at }
}

export function parseReference(cursor: Cursor, what: string): NameReference {
  const { at } = cursor.peek()
  return { name: parseName(cursor, what, INTERNAL), at }
}
