// The scope of a policy: what it demands of the principal, the action and the resource. In a template, `?principal` and
// `?resource` may stand for an entity, each in its own place.

import type { Cursor } from './cursor.ts'
import { quote } from './escapes.ts'
import { isActionType } from '../values/entity.ts'
import type { Entity } from '../values/entity.ts'
import { parseEntity, parseList, parseName } from './names.ts'
import type { Constraint, Scope, ScopeEntity, Slot } from '../policy/syntax.ts'

export function parseScope(cursor: Cursor): Scope {
  cursor.expect('(', 'after the effect')
  const principal = parseParty(cursor, 'principal')
  cursor.expect(',', 'after the principal')
  const action = parseAction(cursor)
  cursor.expect(',', 'after the action')
  const resource = parseParty(cursor, 'resource')
  cursor.accept(',')
  cursor.expect(')', 'after the resource')
  return { principal, action, resource }
}

/** The slots still open in a scope. */
export function slotsOf(scope: Scope): Slot['slot'][] {
  const slots: Slot['slot'][] = []
  for (const constraint of [scope.principal, scope.resource]) {
    for (const target of targetsOf(constraint)) if ('slot' in target) slots.push(target.slot)
  }
  return slots
}

/** The entities or slots a constraint names. */
export function targetsOf(constraint: Constraint): readonly ScopeEntity[] {
  switch (constraint.op) {
    case 'any':
      return []
    case '==':
      return [constraint.entity]
    case 'in':
      return constraint.entities
    case 'is':
      return constraint.in === undefined ? [] : [constraint.in]
  }
}

function parseParty(cursor: Cursor, who: 'principal' | 'resource'): Constraint {
  cursor.expect(who, 'in the scope')
  if (cursor.accept('==')) return { op: '==', entity: parseTarget(cursor, who) }
  if (cursor.accept('in')) return { op: 'in', entities: [parseTarget(cursor, who)] }
  if (!cursor.accept('is')) return { op: 'any' }
  const type = parseName(cursor, 'an entity type')
  return cursor.accept('in') ? { op: 'is', type, in: parseTarget(cursor, who) } : { op: 'is', type }
}

function parseTarget(cursor: Cursor, who: 'principal' | 'resource'): ScopeEntity {
  return parenthesised(cursor, (): ScopeEntity => {
    const token = cursor.peek()
    if (token.kind !== 'slot') return parseEntity(cursor, 'an entity')
    if (token.text !== `?${who}`) cursor.fail(`only the slot ?${who} may stand here`, token.at)
    cursor.next()
    return { slot: who }
  })
}

function parseAction(cursor: Cursor): Constraint {
  cursor.expect('action', 'in the scope')
  if (cursor.accept('==')) return { op: '==', entity: parseActionEntity(cursor) }
  if (!cursor.accept('in')) return { op: 'any' }
  const entities = parenthesised(cursor, () =>
    cursor.accept('[')
      ? parseList(cursor, ']', () => parseActionEntity(cursor))
      : [parseActionEntity(cursor)],
  )
  return { op: 'in', entities }
}

function parseActionEntity(cursor: Cursor): Entity {
  return parenthesised(cursor, () => {
    const { at } = cursor.peek()
    const entity = parseEntity(cursor, 'an action')
    if (!isActionType(entity.type))
      cursor.fail(`${entity.uid} is not of type Action; write Action::${quote(entity.id)}`, at)
    return entity
  })
}

function parenthesised<T>(cursor: Cursor, parse: () => T): T {
  if (!cursor.accept('(')) return parse()
  const inner = cursor.nested(() => parenthesised(cursor, parse))
  cursor.expect(')', 'to close the parenthesis')
  return inner
}
