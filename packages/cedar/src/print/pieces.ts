// The tokens of a policy text with the comments and empty lines between them. Comments are moved only where a line
// cannot break, to the next place where it can; their order never changes.

import { tokenize } from '../text/tokens.ts'
import type { Token } from '../text/tokens.ts'

/** A comment on a line of its own. */
interface OwnLine {
  readonly text: string
  /** Whether an empty line stands before it. */
  readonly blank: boolean
}

/** A token with the comments that belong to it. */
export interface Piece {
  readonly kind: Token['kind']
  readonly text: string
  before: readonly OwnLine[]
  /** Whether an empty line stands right before it. */
  blank: boolean
  /** The comment behind it, on the same line. */
  after: string | undefined
}

/** The pieces of a text without lexical errors, the last of kind `end`. Commas before a closing bracket are left out. */
export function piecesOf(text: string): Piece[] {
  const pieces = withComments(text)
  const kept: Piece[] = []
  for (const [index, piece] of pieces.entries()) {
    const previous = kept.at(-1)
    const next = pieces[index + 1]
    if (previous === undefined || next === undefined) kept.push(piece)
    else if (piece.text === ',' && CLOSING.has(next.text)) {
      moveBehind(previous, piece, next)
      previous.after = piece.after
    } else {
      if (isTight(kept.at(-2), previous, piece)) moveBehind(previous, piece, next)
      kept.push(piece)
    }
  }
  return kept
}

function withComments(text: string): Piece[] {
  const pieces: Piece[] = []
  let end = 0
  for (const { kind, text: written, at } of tokenize(text)) {
    const previous = pieces.at(-1)
    const before: OwnLine[] = []
    let breaks = previous === undefined ? 1 : 0
    for (const found of text.slice(end, at).match(/\/\/[^\n\r]*|\r\n?|\n/g) ?? []) {
      if (!found.startsWith('/')) breaks++
      else {
        if (breaks === 0 && previous !== undefined) previous.after = found.trimEnd()
        else before.push({ text: found.trimEnd(), blank: breaks > 1 })
        breaks = 0
      }
    }
    pieces.push({ kind, text: kind === 'end' ? '' : written, before, blank: breaks > 1, after: undefined })
    end = at + written.length
  }
  return pieces
}

/** Moves all comments from before a piece to behind it; those on the line of what comes before it stay on its line. */
function moveBehind(previous: Piece, piece: Piece, next: Piece): void {
  const { before, blank, after } = piece
  const moves = previous.after !== undefined || before.length > 0
  const own = moves && after !== undefined ? [...before, { text: after, blank }] : before
  const [first, ...others] = next.before
  if (first === undefined) next.blank ||= blank
  next.before = [
    ...own,
    ...(first === undefined ? [] : [{ ...first, blank: first.blank || blank }]),
    ...others,
  ]
  if (moves) piece.after = previous.after
  piece.before = []
  piece.blank = false
  previous.after = undefined
}

/** The brackets that end something. */
export const CLOSING: ReadonlySet<string> = new Set([')', ']', '}'])
/** What stands on the line of the token before it. */
const LEANS_BACK: ReadonlySet<string> = new Set(', : :: && || == != < <= > >= + * in has like is'.split(' '))
/** What has the next token on its line. */
const LEANS_AHEAD: ReadonlySet<string> = new Set('. :: @ ! has like is'.split(' '))
const KEYWORDS: ReadonlySet<string> = new Set('if then else in has like is'.split(' '))

/** Whether no line breaks between the last two of three pieces. */
function isTight(first: Piece | undefined, previous: Piece, piece: Piece): boolean {
  if (LEANS_BACK.has(piece.text) || LEANS_AHEAD.has(previous.text)) return true
  if (piece.text === '-') return endsOperand(previous)
  if (previous.text === '-') return first === undefined || !endsOperand(first)
  if (piece.text === '(') return previous.kind === 'identifier' && !KEYWORDS.has(previous.text)
  // Comments on lines of their own before a semicolon still belong to the policy.
  return piece.text === ';' && piece.before.length === 0 && piece.after === undefined
}

/** Whether an operator that follows has two operands. */
function endsOperand({ kind, text }: Piece): boolean {
  if (kind === 'identifier') return !KEYWORDS.has(text)
  return kind === 'number' || kind === 'string' || kind === 'slot' || CLOSING.has(text)
}
