/**
 * Strict JSON for messages from callers. Two parsers that read the same bytes differently are how a gateway
 * is walked around, so anything two parsers could differ on is refused, at every depth, `arguments` included:
 * invalid UTF-8, duplicate members, members that differ only by case, `__proto__`, lone surrogates, and
 * numbers that do not survive being read as a double. Size, depth and member count are bounded.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { parseJson } from '../model/parse-json.ts'
import { invalid, type Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'

export interface JsonLimits {
  readonly maxJsonDepth: number
  /** Members of objects and elements of arrays in the whole text; an empty one counts as one more. */
  readonly maxJsonMembers: number
}

/** Parses a body. The value holds plain objects, arrays, strings, numbers, booleans and null only. */
export function parseStrictJson(bytes: Buffer, limits: JsonLimits): Result<unknown, Refusal> {
  if (!isUtf8(bytes)) return err(invalid('The body is not valid UTF-8.', { code: -32700 }))
  const text = bytes.toString('utf8')
  const scanned = scan(bytes, limits)
  if (typeof scanned === 'string') return err(invalid(scanned))
  let value: unknown
  try {
    value = parseJson(text)
  } catch {
    return err(invalid('The body is not valid JSON.', { code: -32700 }))
  }
  const hasAsciiNames = isAscii(bytes) && !text.includes('\\u')
  const walk: Walk = { hasAsciiNames, members: 0, problem: undefined }
  walkMembers(value, walk)
  if (walk.problem !== undefined) return err(invalid(walk.problem))
  // JSON.parse keeps the last of several members with one name, so fewer members than colons means duplicates.
  if (walk.members !== scanned) return err(invalid('The body has an object with a duplicate member.'))
  return ok(value)
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const LOWER_U = 0x75

/**
 * One pass over the bytes outside and inside strings: the number of members, or what is wrong. All that it looks for
 * is ASCII, whose bytes occur in UTF-8 as themselves only; bytes take half the time that characters do.
 */
function scan(bytes: Buffer, limits: JsonLimits): number | string {
  let depth = 0
  let members = 0
  let items = 0 // a container begins with its first one, and a comma brings each further one
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes[at] as number
    if (code === QUOTE) {
      const end = endOfString(bytes, at + 1)
      if (end < 0) return 'The body has a string with a lone surrogate.'
      at = end
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > limits.maxJsonDepth)
        return `The body is nested deeper than ${limits.maxJsonDepth} levels.`
      items++
    } else if (code === 0x7d || code === 0x5d) {
      depth--
    } else if (code === 0x3a) {
      members++
    } else if (code === 0x2c) {
      items++
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      const end = endOfNumber(bytes, at)
      if (!isShortInteger(bytes, at, end) && !isExact(bytes.toString('latin1', at, end)))
        return 'The body has a number that would change its value when read.'
      at = end - 1
    }
    if (items > limits.maxJsonMembers)
      return `The body has more than ${limits.maxJsonMembers} members and elements.`
  }
  return members
}

/** Offset of the closing quote; -1 when an escape makes a lone surrogate. An open string ends with the text. */
function endOfString(bytes: Buffer, from: number): number {
  let at = from
  for (; at < bytes.length; at++) {
    const code = bytes[at] as number
    if (code === QUOTE) return at
    if (code !== BACKSLASH) continue
    at++
    if (bytes[at] !== LOWER_U) continue
    const unit = Number.parseInt(bytes.toString('latin1', at + 1, at + 5), 16)
    at += 4
    if (unit >= 0xdc00 && unit <= 0xdfff) return -1
    if (unit >= 0xd800 && unit <= 0xdbff) {
      if (bytes[at + 1] !== BACKSLASH || bytes[at + 2] !== LOWER_U) return -1
      const low = Number.parseInt(bytes.toString('latin1', at + 3, at + 7), 16)
      if (!(low >= 0xdc00 && low <= 0xdfff)) return -1
      at += 6
    }
  }
  return at
}

function endOfNumber(bytes: Buffer, from: number): number {
  let at = from + 1
  for (; at < bytes.length; at++) {
    const code = bytes[at] as number
    const part = (code >= 0x30 && code <= 0x39) || code === 0x2e || code === 0x65 || code === 0x45
    if (!part && code !== 0x2b && code !== 0x2d) break
  }
  return at
}

const SHORTEST_INEXACT = 16

/** What most numbers are: few digits and nothing else. */
function isShortInteger(bytes: Buffer, from: number, end: number): boolean {
  if (end - from >= SHORTEST_INEXACT) return false
  for (let at = bytes[from] === 0x2d ? from + 1 : from; at < end; at++) {
    const code = bytes[at] as number
    if (code < 0x30 || code > 0x39) return false
  }
  return true
}

/** Whether reading the token as a double and writing it again gives the same number. */
function isExact(token: string): boolean {
  const value = Number(token)
  if (Number.isNaN(value)) return true // not a JSON number at all: JSON.parse says so
  return Number.isFinite(value) && decimalForm(token) === decimalForm(String(value))
}

const ZERO = 0x30

/**
 * Significant digits and exponent of a decimal number, so that `1.50e3` and `1500` compare equal. In one pass from
 * each end: a number may be as long as the body, and an expression for trailing zeros would try each of them anew.
 */
function decimalForm(token: string): string {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e')
  const negative = mantissa.startsWith('-')
  const [whole = '', fraction = ''] = mantissa.replace(/^[+-]/, '').split('.')
  const digits = whole + fraction
  let start = 0
  while (digits.charCodeAt(start) === ZERO) start++
  let end = digits.length
  while (end > start && digits.charCodeAt(end - 1) === ZERO) end--
  if (start === end) return '0'
  const scale = Number(exponent) - fraction.length + (digits.length - end)
  return `${negative ? '-' : ''}${digits.slice(start, end)}e${scale}`
}

interface Walk {
  /** Whether all names are sure to be ASCII: nothing else is in the text, and nothing is escaped. */
  readonly hasAsciiNames: boolean
  members: number
  problem: string | undefined
}

/** Counts members and looks for names that some parser would take for one another. Depth is bounded by `scan`. */
function walkMembers(value: unknown, walk: Walk): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const element of value) walkMembers(element, walk)
    return
  }
  const names = Object.keys(value)
  walk.members += names.length
  for (const name of names) {
    if (name === '__proto__') walk.problem = 'The body has a member named "__proto__".'
    walkMembers((value as Record<string, unknown>)[name], walk)
  }
  if (walk.hasAsciiNames && areApart(names)) return
  if (new Set(names.map(foldCase)).size !== names.length)
    walk.problem = 'The body has members of one object that differ only by case.'
}

const FEW_NAMES = 12

/**
 * Whether no two of a few ASCII names can be equal when folded: folding keeps the length of ASCII, and of its first
 * letter at most one bit changes. A "no" is no answer.
 */
function areApart(names: readonly string[]): boolean {
  if (names.length > FEW_NAMES) return false
  for (let at = 1; at < names.length; at++) {
    const { length } = names[at] ?? ''
    const first = firstLetter(names[at])
    for (let before = 0; before < at; before++) {
      if (names[before]?.length === length && firstLetter(names[before]) === first) return false
    }
  }
  return true
}

function firstLetter(name = ''): number {
  return name.charCodeAt(0) | 0x20
}

/**
 * Folds as the most liberal parsers do, so that the long s and the Kelvin sign fold too. Lower case comes first as
 * well: the capital sharp s is an upper case of its own, and only its lower case becomes "ss".
 */
export function foldCase(name: string): string {
  return name.toLowerCase().toUpperCase().toLowerCase()
}
