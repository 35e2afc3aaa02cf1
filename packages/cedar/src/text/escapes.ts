// The escapes of string literals: \n \r \t \\ \0 \' \" \xHH (up to 7F) \u{H…} (one to six digits, no surrogates). In a
// pattern also \*, and a bare `*` (written in any way) is a wildcard. Read here, and written.

import type { Pattern } from '../policy/syntax.ts'

export interface BadEscape {
  /** Offset into the literal, counting its opening quote. */
  readonly offset: number
  readonly message: string
}

type Unescaped<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: BadEscape }

/** The text of a string literal, given with its quotes. */
export function unescapeString(literal: string): Unescaped<string> {
  if (!/[\\\r]/.test(literal)) return { ok: true, value: literal.slice(1, -1) }
  let value = ''
  const error = scan(literal, (character, escapedStar) => {
    if (escapedStar) return false
    value += character
    return true
  })
  return error === undefined ? { ok: true, value } : { ok: false, error }
}

/** The parts of a pattern between its wildcards. Wildcards in a row count as one. */
export function unescapePattern(literal: string): Unescaped<Pattern> {
  const parts = ['']
  const error = scan(literal, (character, escapedStar) => {
    const last = parts.length - 1
    if (character !== '*' || escapedStar) parts[last] += character
    else if (last === 0 || parts[last] !== '') parts.push('')
    return true
  })
  return error === undefined ? { ok: true, value: parts } : { ok: false, error }
}

const SIMPLE: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['\\', '\\'],
  ['0', '\0'],
  ["'", "'"],
  ['"', '"'],
])
const ESCAPE = /x([0-7][0-9a-fA-F])|u\{([0-9a-fA-F][0-9a-fA-F_]*)\}/y

/** Hands over each character; `take` refuses an escaped star by returning false. */
function scan(
  literal: string,
  take: (character: string, escapedStar: boolean) => boolean,
): BadEscape | undefined {
  const end = literal.length - 1
  for (let at = 1; at < end; at++) {
    const character = literal.charAt(at)
    if (character === '\r') return { offset: at, message: 'a carriage return must be written as \\r' }
    if (character !== '\\') {
      take(character, false)
      continue
    }
    const next = literal.charAt(at + 1)
    const simple = SIMPLE.get(next)
    if (simple !== undefined) {
      take(simple, false)
      at++
    } else if (next === '*' && take('*', true)) {
      at++
    } else {
      ESCAPE.lastIndex = at + 1
      const match = ESCAPE.exec(literal)
      const decoded = match === null ? undefined : decode(match)
      if (match === null || decoded === undefined)
        return { offset: at, message: `\\${next} is not a valid escape here` }
      take(decoded, false)
      at += match[0].length
    }
  }
  return undefined
}

function decode(match: RegExpExecArray): string | undefined {
  const digits = match[1] ?? (match[2] ?? '').replaceAll('_', '')
  const code = Number.parseInt(digits, 16)
  const valid = digits.length <= 6 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
  return valid ? String.fromCodePoint(code) : undefined
}

const WRITTEN: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\\', '\\\\'],
  ['\0', '\\0'],
  ['"', '\\"'],
])
/** What would end a literal or break a line, and whatever cannot be seen: a reader should know that it is there. */
const HIDDEN = /["\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A string literal, with its quotes. */
export function quote(text: string): string {
  return `"${escapeText(text)}"`
}

/** The literal of a pattern, with its quotes. */
export function quotePattern(pattern: Pattern): string {
  return `"${pattern.map((part) => escapeText(part).replaceAll('*', '\\*')).join('*')}"`
}

function escapeText(text: string): string {
  return text.replaceAll(
    HIDDEN,
    (character) => WRITTEN.get(character) ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
