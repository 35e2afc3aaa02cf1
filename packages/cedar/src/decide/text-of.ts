// The texts of conditions, which are asked for again and again.

import type { Expression } from '../policy/syntax.ts'
import { expressionToText } from '../print/expression.ts'

const texts = new WeakMap<Expression, string>()

/** An expression as Cedar text on one line, remembered as long as the expression is in use. */
export function textOf(expression: Expression): string {
  const known = texts.get(expression)
  if (known !== undefined) return known
  const text = expressionToText(expression)
  texts.set(expression, text)
  return text
}
