import type { Result } from './result.ts'
import type { Policy } from './syntax.ts'

export interface ParseOptions {
  /** Named in errors and positions. Default `policy.cedar`. */
  readonly file?: string
  /** Put before the number of a policy that has no `@id`. */
  readonly idPrefix?: string
}

/** Reads policies and templates. Never throws; on failure reports one error for each policy that has any. */
export function parsePolicies(text: string, options: ParseOptions = {}): Result<Policy[]> {
  void [text, options]
  throw new Error('not yet')
}
