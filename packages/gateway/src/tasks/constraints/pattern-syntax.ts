/**
 * Regular expressions as JSON Schema has them (ECMAScript, with the u flag), written anew for RE2 with the same meaning.
 * The two differ in what `.`, `\s` and escapes stand for, and RE2 has shorthands that are plain text in ECMAScript.
 */

/** What an expression comes to. */
export interface Translation {
  readonly re2: string
  /** Ways through it, repetitions of one character aside; infinite where repetitions are nested. */
  readonly ways: number
  /** Repetitions of one character, each of which may end in as many places as the text has. */
  readonly runs: number
  /** How much it looks at on one way. */
  readonly length: number
}

/** Thrown by no one else, and caught where patterns are compiled. */
export class Untranslatable extends Error {}

const SPACES =
  '\\t-\\r\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}'
const NOT_SPACES =
  '\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}'
const CONTROLS: Readonly<Record<string, string>> = {
  t: '\\x{9}',
  n: '\\x{a}',
  v: '\\x{b}',
  f: '\\x{c}',
  r: '\\x{d}',
}
const MAX_NESTING = 20

/** `pattern` must be one that ECMAScript takes with the u flag. */
export function translate(pattern: string): Translation {
  return new Translator(pattern).whole()
}

class Translator {
  /** Characters, not code units. */
  readonly #text: readonly string[]
  #at = 0
  #nesting = 0

  constructor(pattern: string) {
    this.#text = Array.from(pattern)
  }

  whole(): Translation {
    const { re2, ways, runs, length, anchored } = this.#alternatives()
    // Where it may begin anywhere, every beginning is tried.
    return { re2, ways, length, runs: anchored ? runs : runs + 1 }
  }

  #alternatives(): Translation & { anchored: boolean } {
    if (++this.#nesting > MAX_NESTING) throw new Untranslatable('it is nested too deep')
    const all = [this.#sequence()]
    while (this.#skip('|')) all.push(this.#sequence())
    this.#nesting--
    return {
      re2: all.map(({ re2 }) => re2).join('|'),
      ways: all.reduce((sum, { ways }) => sum + ways, 0),
      runs: Math.max(...all.map(({ runs }) => runs)),
      length: Math.max(...all.map(({ length }) => length)),
      anchored: all.every(({ anchored }) => anchored),
    }
  }

  #sequence(): Translation & { anchored: boolean } {
    const anchored = this.#peek() === '^'
    let whole: Translation = { re2: '', ways: 1, runs: 0, length: 0 }
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      const term = this.#term()
      whole = {
        re2: whole.re2 + term.re2,
        ways: whole.ways * term.ways,
        runs: whole.runs + term.runs,
        length: whole.length + term.length,
      }
    }
    return { ...whole, anchored }
  }

  #term(): Translation {
    const { isCharacter, ...atom } = this.#atom()
    const repeat = this.#quantifier()
    if (repeat === undefined) return atom
    const re2 = `${atom.re2}${repeat.re2}`
    const { min, max } = repeat
    if (isCharacter && min === max) return { re2, ways: 1, runs: 0, length: min }
    if (isCharacter && max > 1) return { re2, ways: 1, runs: 1, length: min + 1 }
    if (min === 0 && max === 1) return { ...atom, re2, ways: atom.ways + 1 }
    return { ...atom, re2, ways: Number.POSITIVE_INFINITY }
  }

  #atom(): Translation & { isCharacter: boolean } {
    const next = this.#take()
    switch (next) {
      case '^':
      case '$':
        return assertion(next)
      case '.':
        return oneOf('[^\\x{a}\\x{d}\\x{2028}\\x{2029}]')
      case '[':
        return oneOf(this.#class())
      case '(':
        return { ...this.#group(), isCharacter: false }
      case '\\':
        return this.#escape()
      default:
        return oneOf(literal(next))
    }
  }

  #group(): Translation {
    if (this.#skip('?') && !this.#skip(':')) {
      if (!this.#skip('<') || this.#peek() === '=' || this.#peek() === '!')
        throw new Untranslatable('looking ahead or behind and flags inside are not supported')
      while (this.#take() !== '>');
    }
    const { re2, ways, runs, length } = this.#alternatives()
    this.#take()
    return { re2: `(?:${re2})`, ways, runs, length }
  }

  #escape(): Translation & { isCharacter: boolean } {
    const next = this.#take()
    if (next === 'b' || next === 'B') return assertion(`\\${next}`)
    if (next === 'k' || /[1-9]/.test(next)) throw new Untranslatable('references to groups are not supported')
    if (next === 's') return oneOf(`[${SPACES}]`)
    if (next === 'S') return oneOf(`[^${SPACES}]`)
    return oneOf(this.#shared(next))
  }

  /** Escapes that mean the same in a class and outside. */
  #shared(next: string): string {
    if (/[dDwW]/.test(next)) return `\\${next}`
    if (next === 'p' || next === 'P') return this.#property(next)
    return literal(this.#escaped(next))
  }

  #escaped(next: string): string {
    const control = CONTROLS[next]
    if (control !== undefined) return String.fromCodePoint(Number.parseInt(control.slice(3, -1), 16))
    if (next === '0') return '\0'
    if (next === 'c') return String.fromCodePoint(this.#take().charCodeAt(0) % 32)
    if (next === 'x') return String.fromCodePoint(Number.parseInt(this.#take(2), 16))
    return next === 'u' ? this.#unicode() : next
  }

  #unicode(): string {
    if (this.#skip('{')) {
      let digits = ''
      for (let next = this.#take(); next !== '}'; next = this.#take()) digits += next
      return wellFormed(String.fromCodePoint(Number.parseInt(digits, 16)))
    }
    const unit = Number.parseInt(this.#take(4), 16)
    const after = this.#text.slice(this.#at, this.#at + 6).join('')
    if (unit >> 10 === 0x36 && /^\\u[dD][c-fC-F]/.test(after)) {
      this.#at += 6
      return String.fromCharCode(unit, Number.parseInt(after.slice(2), 16))
    }
    return wellFormed(String.fromCharCode(unit))
  }

  #property(p: string): string {
    let name = ''
    this.#take()
    for (let next = this.#take(); next !== '}'; next = this.#take()) name += next
    const plain = name.replace(/^(General_Category|gc|Script|sc)=/, '')
    const isCategory = /^(C[cfo]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?)$/.test(plain)
    if (isCategory || (plain !== name && /^[A-Z][a-z]+$/.test(plain))) return `\\${p}{${plain}}`
    throw new Untranslatable(`\\${p}{${name}} is not supported; there are categories and scripts`)
  }

  #class(): string {
    const negated = this.#skip('^')
    let content = ''
    for (let next = this.#take(); next !== ']'; next = this.#take()) content += this.#member(next)
    if (content === '') return negated ? '[\\x{0}-\\x{10ffff}]' : '[^\\x{0}-\\x{10ffff}]'
    return `[${negated ? '^' : ''}${content}]`
  }

  #member(next: string): string {
    if (next === '\\') {
      const escape = this.#take()
      if (escape === 's') return SPACES
      if (escape === 'S') return NOT_SPACES
      return escape === 'b' ? '\\x{8}' : this.#shared(escape)
    }
    // Between two characters it makes a range; first or last it is itself, and RE2 takes it alike.
    return next === '-' && this.#isRange() ? '-' : literal(next)
  }

  /** Whether the `-` just taken stands between the ends of a range. */
  #isRange(): boolean {
    return this.#text[this.#at - 2] !== '[' && this.#text[this.#at] !== ']'
  }

  #quantifier(): { re2: string; min: number; max: number } | undefined {
    const rest = this.#text.slice(this.#at, this.#at + 24).join('')
    const [whole, simple, from, comma, to] = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(rest) ?? []
    if (whole === undefined) return undefined
    this.#at += whole.length
    if (simple !== undefined)
      return { re2: whole, min: simple === '+' ? 1 : 0, max: simple === '?' ? 1 : Number.POSITIVE_INFINITY }
    const min = Number(from)
    const max = comma === '' ? min : to === '' ? Number.POSITIVE_INFINITY : Number(to)
    return { re2: whole, min, max }
  }

  #peek(): string | undefined {
    return this.#text[this.#at]
  }

  #skip(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at++
    return true
  }

  #take(count = 1): string {
    if (this.#at + count > this.#text.length) throw new Untranslatable('it ends too early')
    this.#at += count
    return this.#text.slice(this.#at - count, this.#at).join('')
  }
}

function oneOf(re2: string): Translation & { isCharacter: boolean } {
  return { re2, ways: 1, runs: 0, length: 1, isCharacter: true }
}

function assertion(re2: string): Translation & { isCharacter: boolean } {
  return { re2, ways: 1, runs: 0, length: 1, isCharacter: false }
}

function literal(text: string): string {
  return /^\w$/.test(text) ? text : `\\x{${(wellFormed(text).codePointAt(0) ?? 0).toString(16)}}`
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new Untranslatable('half a character is not supported')
  return text
}
