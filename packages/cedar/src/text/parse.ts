// Policies and templates from text. Whatever is not understood is an error with its place; nothing is passed over.

import { parseAnnotations } from './annotations.ts'
import { Cursor, ParseFailure } from './cursor.ts'
import { parseExpression } from './parse-expression.ts'
import { parseScope, slotsOf } from './parse-scope.ts'
import { Source } from '../policy/result.ts'
import type { PolicyError, Result } from '../policy/result.ts'
import type { Condition, Effect, Policy } from '../policy/syntax.ts'

export interface ParseOptions {
  /** Named in errors and positions. Default `policy.cedar`. */
  readonly file?: string
  /** Put before the number of a policy that has no `@id`. */
  readonly idPrefix?: string
  /** With `position`, `@id` is an annotation like any other, and the place in the text alone names a policy. */
  readonly ids?: 'annotation' | 'position'
}

/** Reads policies and templates. Never throws; on failure reports one error for each policy that has any. */
export function parsePolicies(text: string, options: ParseOptions = {}): Result<Policy[]> {
  const cursor = new Cursor(new Source(text, options.file ?? 'policy.cedar'))
  const policies: Policy[] = []
  const errors: PolicyError[] = []
  for (let number = 0; cursor.peek().kind !== 'end'; number++) {
    try {
      policies.push(parsePolicy(cursor, `${options.idPrefix ?? ''}policy${number}`, options.ids))
    } catch (failure) {
      if (!(failure instanceof ParseFailure)) throw failure
      errors.push({ message: failure.message, ...cursor.source.locate(failure.at) })
      cursor.recover()
    }
  }
  return errors.length === 0 ? { ok: true, value: policies } : { ok: false, errors }
}

function parsePolicy(cursor: Cursor, byPosition: string, ids: ParseOptions['ids']): Policy {
  const { at } = cursor.peek()
  const annotations = parseAnnotations(cursor)
  const id = ids === 'position' ? byPosition : (annotations.get('id') ?? byPosition)
  if (id === '') cursor.fail('@id needs a name in quotes', at)
  const effect = parseEffect(cursor)
  const scope = parseScope(cursor)
  const conditions: Condition[] = []
  while (!cursor.sees(';')) conditions.push(parseCondition(cursor))
  const { source } = cursor
  const end = cursor.next().at + 1
  return Object.freeze({
    id,
    effect,
    annotations,
    scope,
    conditions,
    position: source.locate(at),
    text: source.text.slice(at, end),
    source,
    slots: slotsOf(scope),
  })
}

function parseEffect(cursor: Cursor): Effect {
  if (cursor.accept('permit')) return 'permit'
  if (cursor.accept('forbid')) return 'forbid'
  return cursor.unexpected('permit or forbid')
}

function parseCondition(cursor: Cursor): Condition {
  if (!cursor.sees('when') && !cursor.sees('unless')) cursor.unexpected('when, unless or `;`')
  const kind = cursor.next().text === 'when' ? 'when' : 'unless'
  cursor.expect('{', `after ${kind}`)
  const expression = parseExpression(cursor)
  cursor.expect('}', 'after the condition')
  return { kind, expression }
}
