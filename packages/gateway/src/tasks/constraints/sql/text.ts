/**
 * SQL as text: taken apart into tokens that PostgreSQL, MySQL and SQLite all see where we see them. What one of them
 * reads otherwise (comments, backslashes, dollar quotes, prefixes of strings) is refused, so that the text cannot be one
 * statement for the parser and another for the database.
 */
import { err, ok, type Result } from '../../../model/result.ts'

/** `any`: the statement must be fine whichever of the others the database is. */
export type Dialect = 'any' | 'postgresql' | 'mysql' | 'sqlite'
export const DIALECTS = ['postgresql', 'mysql', 'sqlite'] as const

const MAX_CHARACTERS = 50_000
const MAX_TOKENS = 2000
const MAX_NESTING = 60

const TOKEN =
  /(?<space>[ \t\r\n]+)|(?<string>'(?:[^'\\]|'')*')|(?<quoted>"[^"\\]*"|`[^`\\]*`)|(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)|(?<parameter>\$[1-9]\d{0,4}|\?)|(?<operator>::|[(),.;+\-*/%<>=!|&^~])/y
/** Names that are quoted are plain as well. */
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_ $-]*$/
/** A second slash or star would begin a comment somewhere. */
const COMMENT = /^(?:--|\/\*|\*\/)/

/** The statement in the spelling of PostgreSQL. The error completes "argument … ". */
export function readSqlText(sql: string, dialect: Dialect): Result<string, string> {
  if (sql.length > MAX_CHARACTERS) return err(`must have at most ${MAX_CHARACTERS} characters`)
  if (!sql.isWellFormed() || /[^\P{C}\t\r\n]/u.test(sql))
    return err('must be written without control characters')
  if (!isNested(sql)) return err(`must not be nested deeper than ${MAX_NESTING} levels`)
  let text = ''
  let before = ''
  for (let at = 0, count = 0; at < sql.length; count++) {
    if (count > MAX_TOKENS) return err(`must have at most ${MAX_TOKENS} words and signs`)
    TOKEN.lastIndex = at
    const match = TOKEN.exec(sql)
    const rest = sql.slice(at, at + 2)
    if (match === null || COMMENT.test(rest)) return err(signFault(rest))
    const [token] = match
    const written = spelt(match, before, dialect)
    if (!written.ok) return written
    text += written.value
    before = token
    at += token.length
  }
  return ok(text)
}

type Token = RegExpExecArray

function spelt(match: Token, before: string, dialect: Dialect): Result<string, string> {
  const [token] = match
  const { string, quoted, word, number, parameter } = match.groups ?? {}
  const touches = /[\w$'"`&?]$/.test(before)
  if (string !== undefined)
    return touches ? err('must be written without prefixes before strings') : ok(token)
  if (quoted !== undefined)
    return touches ? err('must have spaces around quoted names') : quotedName(token, dialect)
  if ((word !== undefined || number !== undefined) && /[\w$'"`?]$/.test(before))
    return err('must have spaces between words and numbers')
  if (number !== undefined && before === '.') return err('must name columns with letters first')
  if (parameter === undefined) return ok(token)
  if (touches) return err('must have spaces around parameters')
  return ok(parameter === '?' && dialect !== 'postgresql' ? '$1' : token)
}

function quotedName(token: string, dialect: Dialect): Result<string, string> {
  const name = token.slice(1, -1)
  const isBacktick = token.startsWith('`')
  if (isBacktick && (dialect === 'any' || dialect === 'postgresql'))
    return err(dialect === 'any' ? 'must be written without backticks' : 'must quote names with "')
  if (!isBacktick && dialect === 'mysql') return err("must quote names with ` and strings with '")
  return PLAIN_NAME.test(name) ? ok(`"${name}"`) : err('must not quote names that have signs in them')
}

function signFault(rest: string): string {
  if (COMMENT.test(rest) || rest.startsWith('#')) return 'must be written without comments'
  if (rest.startsWith('\\')) return 'must be written without backslashes'
  if (/^['"`]/.test(rest)) return 'must end every quote, and have no backslash in it'
  return `must be written without ${JSON.stringify(rest.slice(0, 1))}`
}

/** Whether brackets stay within bounds; those in strings count too, which harms nobody. */
function isNested(sql: string): boolean {
  let open = 0
  for (const each of sql) {
    if (each === '(' && ++open > MAX_NESTING) return false
    if (each === ')') open--
  }
  return true
}
