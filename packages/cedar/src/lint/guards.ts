// What is known to be there: attributes and tags that were tested, by texts that stand for them. A set is never changed.

import type { Expression } from '../policy/syntax.ts'
import { lineOf } from '../print/expression.ts'

export type Guards = ReadonlySet<string>

export const NO_GUARDS: Guards = new Set()

export function both(a: Guards, b: Guards): Guards {
  if (a.size === 0) return b
  return b.size === 0 ? a : new Set([...a, ...b])
}

export function common(a: Guards, b: Guards): Guards {
  if (a === b) return a
  return a.size === 0 || b.size === 0 ? NO_GUARDS : new Set([...a].filter((key) => b.has(key)))
}

/** The text of an attribute of something, the same however the attribute is written. */
export function attributeKey(object: string, name: string): string {
  return `${object}[${JSON.stringify(name)}]`
}

export function tagKey(entity: string, name: string): string {
  return `${entity}.getTag(${name})`
}

const texts = new WeakMap<Expression, string>()

/** The text of an expression: equal for expressions that come to the same in every evaluation because they look alike. */
export function keyOf(expression: Expression): string {
  if (expression.kind === 'variable') return expression.name
  let text = texts.get(expression)
  if (text === undefined) {
    text =
      expression.kind === 'attribute'
        ? attributeKey(keyOf(expression.object), expression.name)
        : lineOf(expression)
    texts.set(expression, text)
  }
  return text
}
