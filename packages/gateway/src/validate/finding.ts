/** What is wrong with policies, by whoever found it: the official engine, the lint, or the gateway itself. */
import type { Position } from '@tollgate/cedar'

export interface Finding extends Position {
  /** A word for programs: `attribute`, `action`, `type` … */
  readonly rule: string
  readonly severity: 'error' | 'warning'
  readonly message: string
  /** How to mend it; goes on after `message` and a semicolon. */
  readonly suggestion?: string
  /** The id of the policy. */
  readonly policy?: string
  /** UTF-16 code units from the column on, all in one line, that this is about. */
  readonly length?: number
}

/** By file, line and column; of two in one place the error comes first. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return findings.toSorted(
    (a, b) =>
      compare(a.file, b.file) ||
      a.line - b.line ||
      a.column - b.column ||
      compare(a.severity, b.severity) ||
      compare(a.message, b.message),
  )
}
