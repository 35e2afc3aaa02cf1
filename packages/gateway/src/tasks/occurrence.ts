/**
 * Whether a value stands in a text as a whole: not as a part of a longer address, path, number or word. What is compared
 * is the normal form of both: NFKC, lower case, white space collapsed. Nothing invisible is taken out and no look-alike
 * is folded. A value with much mixed case or white space in it is compared as it is, for those could be a message.
 */
import { patternOfCode, spellings } from './spellings.ts'

/** So many differences from the normal form are nobody's message; what has more has to stand there as it is. */
const MAX_DRESSED = 4
const ascii = /^[\t\n\r -~]*$/
const printableAscii = /^[!-@[-~]*(?: [!-@[-~]+)*$/

/** The form in which texts are compared. */
export function normalForm(text: string): string {
  if (printableAscii.test(text)) return text // also without upper case
  return text.normalize('NFKC').toLowerCase().normalize('NFKC').replace(/\s+/g, ' ').trim()
}

/** The form in which values are compared: the normal form, but of what is dressed up exactly what it is. */
export function valueForm(text: string): string {
  return isDressedUp(text) ? text : normalForm(text)
}

/** Whether upper and lower case, widths of letters or white space could spell something. */
function isDressedUp(text: string): boolean {
  if (text.length <= MAX_DRESSED || printableAscii.test(text)) return false
  const marks = (text.match(/[^\S ]|\s(?=\s)/gu)?.length ?? 0) + countOfRises(text)
  if (marks > MAX_DRESSED || ascii.test(text)) return marks > MAX_DRESSED
  const others = Array.from(text).filter((each) => each.normalize('NFKC') !== each || /\p{M}/u.test(each))
  return marks + others.length > MAX_DRESSED
}

/** How often capitals follow small letters. */
function countOfRises(text: string): number {
  return text.replace(/[^\p{Ll}\p{Lu}]+/gu, '').match(/\p{Ll}\p{Lu}/gu)?.length ?? 0
}

/** Whether a value in the form of values stands in a text in its normal form; in any of its spellings. */
export function standsIn(text: string, value: string): boolean {
  if (isWithin(text, value) || spellings(value).some((spelling) => isWithin(text, spelling))) return true
  const pattern = patternOfCode(value)
  if (pattern === undefined) return false
  let triesLeft = MAX_TRIES
  for (const { 0: found, index } of text.matchAll(pattern))
    if (triesLeft-- > 0 && beginsAt(text, index) && endsAt(text, index + found.length)) return true
  return false
}

/** A value that is a part of so many others is not looked for any longer. */
const MAX_TRIES = 1000

function isWithin(text: string, value: string): boolean {
  if (value === '') return false
  const isNumber = numeric.test(value)
  let triesLeft = MAX_TRIES
  for (let at = text.indexOf(value); at !== -1 && triesLeft-- > 0; at = text.indexOf(value, at + 1)) {
    const end = at + value.length
    if (beginsAt(text, at) && (endsAt(text, end) || (isNumber && unitAt(text, end)))) return true
  }
  return false
}

/** These scripts put no spaces between words; in them nothing tells where a word begins. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const digit = /\p{Nd}/u
const opening = /[\s()[\]{}<>"'`“”‘’«»„‚,;|*–—、。「」]/u
const closing = /[\s()[\]{}<>"'`“”‘’«»,;|*–—、。「」]/u
const currency = /\p{Sc}/u
/** Ends a sentence when nothing but more of it follows before white space; else it joins (`a.b`, `a/b`, `a?b`). */
const ending = /[.,;:!?…/"'”’»)\]}>*]+(?:\s|$)/uy

function before(text: string, index: number): string {
  const code = text.codePointAt(index - 2)
  return code !== undefined && code > 0xffff ? text.slice(index - 2, index) : text.slice(index - 1, index)
}

const numeric = /^-?[\d.,]*\d$/
/** What follows a number at once and is no part of it. */
const unit =
  /(?:eur|usd|gbp|chf|h|hrs?|min|s|secs?|ms|kg|g|km|m|cm|mm|kb|mb|gb|tb|px)(?![\p{L}\p{N}@_\-/\\]|[.:]\p{L})/uy

function unitAt(text: string, index: number): boolean {
  unit.lastIndex = index
  return unit.test(text)
}

/** Whether what stands there parts two times of day: `10:00-11:30`. */
function isInSpan(text: string, index: number): boolean {
  return (
    /(?:^|[\s(])\d{1,2}:\d{2}$/.test(text.slice(Math.max(0, index - 6), index)) &&
    /^\d{1,2}:\d{2}(?![\d:])/.test(text.slice(index + 1, index + 8))
  )
}

function beginsAt(text: string, index: number): boolean {
  if (index === 0) return true
  const neighbour = before(text, index)
  const first = String.fromCodePoint(text.codePointAt(index) ?? 0)
  const further = text.slice(index - 2, index - 1)
  if (neighbour === '-' && isInSpan(text, index - 1)) return true
  if (neighbour === ',' && digit.test(first) && digit.test(further)) return false // the 200 of 1,200
  if (opening.test(neighbour) || unspaced.test(neighbour)) return true
  if (neighbour === '#' || neighbour === '@' || currency.test(neighbour))
    return index === 1 || opening.test(further)
  // A label: `to:someone@example.com`, but not the path of `https://…`.
  if (neighbour === ':' || neighbour === '=') return /\p{L}/u.test(further) && !/[/\\]/.test(first)
  return unspaced.test(first) && /\p{L}/u.test(neighbour)
}

function endsAt(text: string, index: number): boolean {
  if (index === text.length) return true
  const neighbour = String.fromCodePoint(text.codePointAt(index) ?? 0)
  const last = before(text, index)
  if (neighbour === ',' && digit.test(last) && digit.test(text[index + 1] ?? '')) return false // the 1 of 1,200
  if (closing.test(neighbour) || unspaced.test(neighbour)) return true
  if (neighbour === '-' && isInSpan(text, index)) return true
  if (digit.test(last) && (neighbour === '%' || currency.test(neighbour))) return true
  if (unspaced.test(last) && /\p{L}/u.test(neighbour)) return true
  ending.lastIndex = index
  return ending.test(text)
}
