// The declarations in a schema's human-readable syntax: entity types, actions and common types.

import type { Cursor } from '../text/cursor.ts'
import { INTERNAL, parseIdentifier, parseItems, parseName, parseString } from '../text/names.ts'
import { isTypeKeyword } from './open-namespace.ts'
import type { OpenNamespace } from './open-namespace.ts'
import { parseRecord, parseReference, parseType, parseWord } from './parse-type.ts'
import type {
  ActionDeclaration,
  ActionReference,
  Annotations,
  EntityDeclaration,
  NameReference,
  TypeExpression,
} from './syntax.ts'

/** Reads one declaration, with its semicolon, into the namespace. */
export function parseDeclaration(cursor: Cursor, annotations: Annotations, into: OpenNamespace): void {
  if (cursor.accept('entity')) declareEntities(cursor, annotations, into)
  else if (cursor.accept('action')) declareActions(cursor, annotations, into)
  else if (cursor.accept('type')) declareCommonType(cursor, annotations, into)
  else cursor.unexpected(into.name === '' ? 'entity, action, type or namespace' : 'entity, action or type')
}

function declareEntities(cursor: Cursor, annotations: Annotations, into: OpenNamespace): void {
  const names = parseItems(cursor, () => parseOwnName(cursor, 'the name of an entity type'))
  const declaration = cursor.accept('enum') ? parseIds(cursor) : parseEntityBody(cursor)
  endOf(cursor, 'the entity type')
  for (const { name, at } of names) {
    if (into.entities.has(name)) cursor.fail(`the entity type ${name} is declared twice`, at)
    into.entities.set(name, { annotations, ...declaration, at })
  }
}

function parseIds(cursor: Cursor): Pick<EntityDeclaration, 'ids' | 'parents'> {
  cursor.expect('[', 'before the ids')
  const ids = parseItems(cursor, () => parseString(cursor, 'an id in quotes'))
  cursor.expect(']', 'or a comma')
  return { ids, parents: [] }
}

function parseEntityBody(cursor: Cursor): Pick<EntityDeclaration, 'parents' | 'attributes' | 'tags'> {
  const parents = cursor.accept('in') ? parseTypeNames(cursor) : []
  const attributes = cursor.accept('=') || cursor.sees('{') ? parseRecord(cursor) : undefined
  const tags = cursor.accept('tags') ? parseType(cursor) : undefined
  return {
    parents,
    ...(attributes !== undefined && { attributes }),
    ...(tags !== undefined && { tags }),
  }
}

/** `User` or `[User, Group]`. */
function parseTypeNames(cursor: Cursor): NameReference[] {
  const item = (): NameReference => parseReference(cursor, 'an entity type')
  if (!cursor.accept('[')) return [item()]
  if (cursor.accept(']')) return []
  const names = parseItems(cursor, item)
  cursor.expect(']', 'or a comma')
  return names
}

function declareCommonType(cursor: Cursor, annotations: Annotations, into: OpenNamespace): void {
  const { name, at } = parseOwnName(cursor, 'the name of a type')
  if (isTypeKeyword(name)) cursor.fail(`\`${name}\` is a type of the language and cannot be declared`, at)
  cursor.expect('=', 'and a type after its name')
  const type = parseType(cursor)
  endOf(cursor, 'the type')
  if (into.commonTypes.has(name)) cursor.fail(`the type ${name} is declared twice`, at)
  into.commonTypes.set(name, { type, annotations, at })
}

function declareActions(cursor: Cursor, annotations: Annotations, into: OpenNamespace): void {
  const names = parseItems(cursor, () => parseWord(cursor, 'the name of an action'))
  const parents = cursor.accept('in') ? parseActionReferences(cursor) : []
  const appliesTo = cursor.accept('appliesTo') ? parseAppliesTo(cursor) : undefined
  if (cursor.accept('attributes')) {
    // Without meaning, but in the grammar.
    cursor.expect('{', 'after attributes')
    cursor.expect('}', 'since actions cannot have attributes')
  }
  endOf(cursor, 'the action')
  for (const { name, at } of names) {
    if (into.actions.has(name)) cursor.fail(`the action ${JSON.stringify(name)} is declared twice`, at)
    into.actions.set(name, { annotations, parents, ...(appliesTo !== undefined && { appliesTo }), at })
  }
}

function parseActionReferences(cursor: Cursor): ActionReference[] {
  if (!cursor.accept('[')) return [parseActionReference(cursor)]
  const references = parseItems(cursor, () => parseActionReference(cursor))
  cursor.expect(']', 'or a comma')
  return references
}

/** `read`, `"read"` or `Shop::Action::"read"`. */
function parseActionReference(cursor: Cursor): ActionReference {
  const { kind, at } = cursor.peek()
  if (kind === 'string') return { id: parseString(cursor, 'an action'), at }
  const type = parseName(cursor, 'an action', INTERNAL)
  if (cursor.accept('::')) return { type, id: parseString(cursor, 'an action'), at }
  if (type.includes('::')) cursor.fail(`expected \`::\` and the action in quotes after \`${type}\``, at)
  return { id: type, at }
}

function parseAppliesTo(cursor: Cursor): NonNullable<ActionDeclaration['appliesTo']> {
  const { at } = cursor.expect('{', 'after appliesTo')
  const parts: { principal?: NameReference[]; resource?: NameReference[]; context?: TypeExpression } = {}
  do {
    const part = cursor.peek()
    const word = part.text
    if (word !== 'principal' && word !== 'resource' && word !== 'context')
      cursor.unexpected('principal, resource or context')
    if (parts[word] !== undefined) cursor.fail(`\`${word}\` stands twice in this appliesTo`, part.at)
    cursor.next()
    cursor.expect(':', `after ${word}`)
    if (word === 'context') parts.context = parseContext(cursor)
    else parts[word] = parseTypeNames(cursor)
    if (parts[word]?.length === 0) cursor.fail(`\`${word}\` needs at least one entity type`, part.at)
  } while (cursor.accept(',') && !cursor.sees('}'))
  cursor.expect('}', 'or a comma')
  const { principal, resource, context } = parts
  if (principal === undefined || resource === undefined)
    cursor.fail(`this appliesTo needs \`${principal === undefined ? 'principal' : 'resource'}\``, at)
  return { principals: principal, resources: resource, ...(context !== undefined && { context }) }
}

function parseContext(cursor: Cursor): TypeExpression {
  if (cursor.sees('{')) return parseRecord(cursor)
  return { kind: 'name', among: 'common', ...parseReference(cursor, 'a record or the name of one') }
}

/** A name that is declared, so neither qualified nor reserved. */
function parseOwnName(cursor: Cursor, what: string): NameReference {
  const { text, at } = parseIdentifier(cursor, what)
  return { name: text, at }
}

function endOf(cursor: Cursor, what: string): void {
  cursor.expect(';', `at the end of ${what}`)
}
