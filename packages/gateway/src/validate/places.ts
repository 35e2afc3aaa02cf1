/** From the engine's places, bytes of one policy's text, to those of people and of our own syntax tree. */
import { childrenOf, type Expression, type Policy, type Position } from '@tollgate/cedar'

/** A piece of a policy's text. Offsets are those of its source. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Where the policy's own text begins in its source. */
export function offsetOf({ source, position }: Policy): number {
  let lineStart = 0
  for (let line = 1; line < position.line; line++) lineStart = source.text.indexOf('\n', lineStart) + 1
  return lineStart + position.column - 1
}

/** The span of bytes of the policy's text. One that reaches too far is cut. */
export function spanOf(policy: Policy, bytes: Span): Span {
  const start = offsetOf(policy)
  const units = unitsOf(policy.text, bytes)
  return { start: start + units.start, end: start + units.end }
}

function unitsOf(text: string, { start, end }: Span): Span {
  const bytes = Buffer.from(text, 'utf8')
  const units = (count: number) => bytes.toString('utf8', 0, count).length
  return { start: units(start), end: units(Math.max(start, end)) }
}

/** The position of a span's start, and how much of the span stands in that line. */
export function placeOf({ source }: Policy, { start, end }: Span): Position & { readonly length: number } {
  const lineEnd = source.text.slice(start, end).search(/[\r\n]/)
  return { ...source.locate(start), length: lineEnd < 0 ? end - start : lineEnd }
}

/** The text of a span on one line, or undefined when it is too long to be shown within a sentence. */
export function quote({ source }: Policy, { start, end }: Span): string | undefined {
  const text = source.text.slice(start, end).replace(/\s+/g, ' ')
  return text.length > 0 && text.length <= 60 ? text : undefined
}

/**
 * The expression that a span covers, and those around it, the innermost first. Empty for spans that cover none, such
 * as those in the scope.
 */
export function expressionsAt(policy: Policy, span: Span): readonly Expression[] {
  const { text } = policy.source
  const within = (expression: Expression, around: readonly Expression[]): readonly Expression[] => {
    const { start, end } = reachOf(expression)
    const isFirst = start >= span.start && OPENING.test(text.slice(span.start, start))
    if (isFirst && end < span.end) return [expression, ...around]
    for (const child of childrenOf(expression)) {
      const found = within(child, [expression, ...around])
      if (found.length > 0) return found
    }
    return []
  }
  for (const { expression } of policy.conditions) {
    const found = within(expression, [])
    if (found.length > 0) return found
  }
  return []
}

/** What may stand before the first token that a node knows of: parentheses leave none. */
const OPENING = /^(?:[\s(]|\/\/.*\n)*$/

/** From the first token of an expression to the beginning of the last one that a node knows of. */
function reachOf(expression: Expression): Span {
  const spans = childrenOf(expression).map(reachOf)
  return {
    start: Math.min(expression.at, ...spans.map(({ start }) => start)),
    end: Math.max(expression.at, ...spans.map(({ end }) => end)),
  }
}
