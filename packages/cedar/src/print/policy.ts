// Policies and templates as text, laid out as the formatter does it.

import type { Constraint, Policy, ScopeEntity } from '../policy/syntax.ts'
import { quote } from '../text/escapes.ts'
import { entityToText, lineOf } from './expression.ts'
import { formatValid } from './format.ts'

export interface PolicyTextOptions {
  /** How long lines may be where they can be broken, in UTF-16 code units. Default 80. */
  readonly width?: number
  /** With `annotation`, each policy gets its id as `@id`, in place of any that it has. */
  readonly ids?: 'annotation'
}

/**
 * A policy or a template as Cedar text, ending with a line break. It is written from the syntax tree, so what came from
 * JSON can be written too; comments are not part of it. An id that is not also an annotation is written only on request.
 */
export function policyToText(policy: Policy, options: PolicyTextOptions = {}): string {
  return policiesToText([policy], options)
}

/** Policies and templates as one Cedar text, an empty line between each two. */
export function policiesToText(policies: readonly Policy[], options: PolicyTextOptions = {}): string {
  return formatValid(policies.map((policy) => policyText(policy, options.ids)).join('\n'), options.width)
}

function policyText(
  { id, annotations, effect, scope, conditions }: Policy,
  ids: PolicyTextOptions['ids'],
): string {
  const { principal, action, resource } = scope
  const named = ids === undefined ? annotations : new Map([['id', id], ...annotations]).set('id', id)
  const notes = [...named].map(([name, text]) => (text === '' ? `@${name}` : `@${name}(${quote(text)})`))
  const parts = `principal${constraintText(principal)}, action${constraintText(action)}, resource${constraintText(resource)}`
  const tests = conditions.map(({ kind, expression }) => `${kind} { ${lineOf(expression)} }`)
  return [...notes, `${effect} (${parts})`, ...tests, ';'].join(' ')
}

function constraintText(constraint: Constraint): string {
  switch (constraint.op) {
    case 'any':
      return ''
    case '==':
      return ` == ${targetText(constraint.entity)}`
    case 'in': {
      const targets = constraint.entities.map(targetText)
      return targets.length === 1 ? ` in ${targets[0]}` : ` in [${targets.join(', ')}]`
    }
    case 'is':
      return constraint.in === undefined
        ? ` is ${constraint.type}`
        : ` is ${constraint.type} in ${targetText(constraint.in)}`
  }
}

function targetText(target: ScopeEntity): string {
  return 'slot' in target ? `?${target.slot}` : entityToText(target)
}
