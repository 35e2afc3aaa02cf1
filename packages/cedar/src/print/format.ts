// Policies and expressions laid out on lines, from their text.

import { parsePolicies } from '../text/parse.ts'
import type { Result } from '../policy/result.ts'
import { render } from './doc.ts'
import { layoutExpression } from './layout-expression.ts'
import { layoutPolicies } from './layout-policy.ts'
import { PieceReader } from './piece-reader.ts'
import { piecesOf } from './pieces.ts'

/** How wide lines may become, in UTF-16 code units; that of the official formatter. */
const WIDTH = 80

export interface FormatOptions {
  /** Named in errors. Default `policy.cedar`. */
  readonly file?: string
  /** How long lines may be where they can be broken, in UTF-16 code units. Default 80. */
  readonly width?: number
}

/**
 * Lays out the text of a policy file, much as the official formatter does. The tokens stay the same but for commas before
 * a closing bracket, all comments stay in their order, and empty lines stay, one at a time, between policies, comments,
 * operands and the items of lists. Formatting a second time changes nothing. Errors: those of `parsePolicies`.
 */
export function format(text: string, options: FormatOptions = {}): Result<string> {
  const parsed = parsePolicies(text, { file: options.file ?? 'policy.cedar', ids: 'position' })
  return parsed.ok ? { ok: true, value: formatValid(text, options.width) } : parsed
}

/** As `format`, of a text that is known to be one of policies. */
export function formatValid(text: string, width = WIDTH): string {
  const formatted = render(layoutPolicies(new PieceReader(piecesOf(text))), width)
  return formatted === '' || formatted.endsWith('\n') ? formatted : `${formatted}\n`
}

/** Lays out the text of an expression. */
export function formatExpression(text: string, width: number): string {
  return render([layoutExpression(new PieceReader(piecesOf(text)))], width)
}
