/** Where the parts of a scope stand in the text, of which the syntax tree keeps no places. */
import type { Policy } from '@tollgate/cedar'
import { offsetOf, type Span } from './places.ts'

export type ScopePart = 'principal' | 'action' | 'resource'

/** What a bracket, a comma or a word is not to be taken for: comments and strings; then all that matters, and the rest. */
const TOKEN = /\/\/[^\n]*|"(?:[^"\\]|\\[^])*"|@\s*\w+|\w+|[^\s]/g

/** The spans of `principal …`, `action …` and `resource …`, offsets being those of the source. */
export function scopePartsOf(policy: Policy): Readonly<Record<ScopePart, Span>> | undefined {
  const offset = offsetOf(policy)
  const spans: Span[] = []
  let [depth, isScope] = [0, false]
  let part: Span | undefined
  for (const { 0: token, index } of policy.text.matchAll(TOKEN)) {
    if (token.startsWith('//')) continue
    if (depth === 0 && (token === 'permit' || token === 'forbid')) isScope = true
    if (token === ')' || token === ']') depth--
    if (part !== undefined && ((token === ',' && depth === 1) || depth === 0)) {
      spans.push(part)
      part = undefined
    } else if (isScope && depth > 0) {
      part = { start: part?.start ?? offset + index, end: offset + index + token.length }
    }
    if (isScope && depth === 0 && token === ')') break
    if (token === '(' || token === '[') depth++
  }
  const [principal, action, resource] = spans
  return principal && action && resource && { principal, action, resource }
}
