// Text to tokens. What no rule reads becomes an `invalid` token that says why; the parser reports it where it meets it.

export interface Token {
  readonly kind: 'identifier' | 'number' | 'string' | 'slot' | 'symbol' | 'invalid' | 'end'
  /** The token as written; for `invalid`, the complaint. */
  readonly text: string
  readonly at: number
}

/** Unicode's White_Space, which is not quite JavaScript's `\s`; then comments to the end of the line. */
const SKIPPED = /(?:[\t-\r\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|\/\/[^\n\r]*)*/y
const WORD = /\??[A-Za-z_][A-Za-z0-9_]*|[0-9]+/y
const SYMBOL = /::|==|!=|<=|>=|\|\||&&|[@.,;:(){}[\]<>+\-*/%!=]/y

/** All tokens, the last of kind `end`. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  while (true) {
    at += match(SKIPPED)?.length ?? 0
    if (at >= text.length) break
    const token =
      text[at] === '"' ? stringAt(text, at) : (word(match(WORD), at) ?? symbol(match(SYMBOL), text, at))
    tokens.push(token)
    at += token.kind === 'invalid' ? text.length : token.text.length
  }
  tokens.push({ kind: 'end', text: 'the end of the text', at: text.length })
  return tokens
}

function word(text: string | undefined, at: number): Token | undefined {
  if (text === undefined) return undefined
  const kind = text.startsWith('?') ? 'slot' : /^[0-9]/.test(text) ? 'number' : 'identifier'
  return { kind, text, at }
}

function symbol(found: string | undefined, text: string, at: number): Token {
  if (found !== undefined) return { kind: 'symbol', text: found, at }
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0)
  return { kind: 'invalid', text: `unexpected character ${JSON.stringify(character)}`, at }
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
