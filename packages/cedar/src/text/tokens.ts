// Text to tokens. What no rule reads becomes an `invalid` token that says why; the parser reports it where it meets it.

import { quote } from './escapes.ts'

export interface Token {
  readonly kind: 'identifier' | 'number' | 'string' | 'slot' | 'symbol' | 'invalid' | 'end'
  /** The token as written; for `invalid`, the complaint. */
  readonly text: string
  readonly at: number
}

/** Unicode's White_Space, which is not quite JavaScript's `\s`; then comments to the end of the line. */
const SKIPPED = /(?:[\t-\r\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|\/\/[^\n\r]*)*/y
const WORD = /\??[A-Za-z_][A-Za-z0-9_]*|[0-9]+/y
const SYMBOL = /::|==|!=|<=|>=|\|\||&&|[@.,;:?(){}[\]<>+\-*/%!=]/y

/** All tokens, the last of kind `end`. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let token: Token | undefined
  do {
    token = nextToken(text, token)
    tokens.push(token)
  } while (token.kind !== 'end')
  return tokens
}

/** The token that follows one, or the first. Nothing but `end` follows `end` or `invalid`. */
export function nextToken(text: string, previous?: Token): Token {
  const at = endOfMatch(SKIPPED, text, endOfToken(text, previous))
  if (at >= text.length) return { kind: 'end', text: 'the end of the text', at: text.length }
  if (text[at] === '"') return stringAt(text, at)
  let end = endOfMatch(WORD, text, at)
  if (end > at) return word(text.slice(at, end), at)
  end = endOfMatch(SYMBOL, text, at)
  if (end > at) return { kind: 'symbol', text: text.slice(at, end), at }
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0)
  const hint = HINTS.get(character)
  return {
    kind: 'invalid',
    text: `unexpected character ${quote(character)}${hint === undefined ? '' : `; ${hint}`}`,
    at,
  }
}

const HINTS: ReadonlyMap<string, string> = new Map([
  ...["'", '`', '\u2018', '\u2019', '\u201c', '\u201d'].map(
    (mark) => [mark, 'texts stand in double quotes, "…"'] as const,
  ),
  ['&', 'write `&&`'],
  ['|', 'write `||`'],
  ['#', 'comments begin with `//`'],
  ['\ufeff', 'remove the byte order mark'],
])

function endOfToken(text: string, token: Token | undefined): number {
  if (token === undefined) return 0
  return token.kind === 'invalid' ? text.length : Math.min(token.at + token.text.length, text.length)
}

/** Where the match of a sticky pattern ends; 0 when there is none. */
function endOfMatch(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : 0
}

function word(text: string, at: number): Token {
  const first = text.charAt(0)
  const kind = first === '?' ? 'slot' : first >= '0' && first <= '9' ? 'number' : 'identifier'
  return { kind, text, at }
}

/** A string literal with its quotes, escapes not yet read. */
function stringAt(text: string, at: number): Token {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === '"') return { kind: 'string', text: text.slice(at, end + 1), at }
    if (text[end] === '\\') {
      end++
      if (text[end] === '\n') return { kind: 'invalid', text: 'a line break cannot be escaped', at: end }
    }
  }
  return { kind: 'invalid', text: 'this string has no closing quote', at }
}
