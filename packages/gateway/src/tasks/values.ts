/**
 * Values that a task may send although it has read what is untrusted: what tools labelled `trusted` answered, and what
 * a person endorsed. Kept as keyed digests, so that neither a dump of the memory nor a log of it says what was read;
 * bounded, and what is forgotten has to be approved again.
 */
import { hash } from 'node:crypto'
import { isObject } from '../model/message.ts'
import { normalForm, standsIn, valueForm } from './occurrence.ts'
import { comparable, spacedValues, withoutGrouped } from './spellings.ts'

/** Most values kept, the oldest go first; most of one result; most suspects. */
export interface ValueLimits {
  readonly values: number
  readonly perResult: number
  readonly suspects: number
}

const STANDARD_LIMITS: ValueLimits = { values: 20_000, perResult: 5000, suspects: 10_000 }
/** Longer ones are not kept: nobody repeats them whole. */
const MAX_VALUE_CHARACTERS = 4096
/** What is looked at of one result or call, in characters of its strings. */
const MAX_CHARACTERS = 200_000
const MAX_DEPTH = 64

/** The values of one task and of those below it. */
export class KnownValues {
  readonly #key: string
  readonly #limits: ValueLimits
  readonly #values = new Set<string>()
  readonly #endorsed = new Set<string>()
  /** What calls brought that nobody vouches for, once there was something untrusted to copy from. */
  readonly #suspects = new Set<string>()
  #isFresh = true
  /** Not all suspects are known: nothing that comes is believed any more. */
  #isDeaf = false

  /** The key is random and does not outlive the process; the digests mean nothing without it. */
  constructor(key: Uint8Array, limits = STANDARD_LIMITS) {
    this.#key = Buffer.from(key).toString('latin1')
    this.#limits = limits
  }

  /**
   * To be told, before anything else, whether the task has read what is untrusted. One that had when the gateway met it
   * may have stored anything before, so that what trusted tools answer from then on is not believed.
   */
  meet(isTainted: boolean): void {
    if (!this.#isFresh) return
    if (isTainted) this.stopListening()
    else this.#isDeaf = false
    this.#isFresh = false
  }

  /** As if the task had not been met; what a person endorsed stays. Nothing is believed until it is met again. */
  forget(): void {
    this.#values.clear()
    this.stopListening()
    this.#isFresh = true
  }

  /**
   * Remembers what a trusted tool answered: its strings whole, their lines, and in them addresses, ids, URLs and
   * numbers. Not what only came back: `sent` are the strings of the call's arguments that nothing accounts for, and
   * what holds one of them, or is held by one, is left out; so is every suspect, and what a suspect is a part of.
   */
  remember(result: unknown, sent: readonly string[] = []): void {
    if (this.#isDeaf) return
    const echoes = echoesOf(sent)
    for (const value of valuesOf(readableParts(result), this.#limits.perResult).values) {
      if (isEcho(normalForm(value), echoes) || this.#isSuspect(normalForm(value))) continue
      keep(this.#values, this.#digest(value), this.#limits.values)
    }
  }

  /** A person vouches for this value. Endorsed values are not forgotten: there are few, each was somebody's decision. */
  endorse(value: string | number): void {
    this.#endorsed.add(this.#digest(comparable(valueForm(String(value)))))
  }

  /** Strings that a call has carried to where they may be kept: no later answer makes them known. */
  suspect(sent: readonly string[]): void {
    if (this.#isDeaf || sent.length === 0) return
    const { values, isWhole } = valuesOf(sent.flatMap(decoded), this.#limits.suspects)
    for (const value of values)
      for (const form of formsOf(normalForm(value))) this.#suspects.add(this.#digest(form))
    if (!isWhole || this.#suspects.size >= this.#limits.suspects) this.stopListening()
  }

  /** Calls were let through that nobody looked at: no later answer makes a value known. */
  stopListening(): void {
    this.#isDeaf = true
    this.#suspects.clear()
  }

  /** Whether answers can still make values known. */
  get isListening(): boolean {
    return !this.#isDeaf
  }

  /** Whether the value, as a whole, is one of these. */
  has(value: string | number): boolean {
    if (this.#values.size === 0 && this.#endorsed.size === 0) return false
    const digest = this.#digest(comparable(valueForm(String(value))))
    return this.#values.has(digest) || this.#endorsed.has(digest)
  }

  #isSuspect(value: string): boolean {
    if (this.#suspects.size === 0) return false
    return formsOf(value).some((form) => this.#suspects.has(this.#digest(form)))
  }

  #digest(comparableValue: string): string {
    // Twelve bytes, one character each. The key comes first and has one length; the digest never leaves the process.
    return hash('sha256', this.#key + comparableValue, 'binary').slice(0, 12)
  }
}

/** Adds as the newest, and forgets the oldest where there are too many. */
function keep(values: Set<string>, digest: string, most: number): void {
  values.delete(digest)
  values.add(digest)
  if (values.size > most) for (const oldest of values) return void values.delete(oldest)
}

/** Shorter ones are in everything; what holds them counts only where they stand as a whole. */
const LONG_ECHO = 6

interface Echoes {
  /** Normal forms of what a call brought. */
  readonly texts: readonly string[]
  /** The same without marks. */
  readonly letters: readonly string[]
  /** The values in it, comparable. */
  readonly values: ReadonlySet<string>
}

function echoesOf(sent: readonly string[]): Echoes {
  const texts = sent.flatMap(decoded)
  const forms = texts.map(normalForm).flatMap((text) => [text, comparable(text)])
  const unique = [...new Set(forms)].filter((text) => text !== '')
  return {
    texts: unique,
    letters: unique.map(lettersOf),
    values: texts.length === 0 ? new Set() : new Set([...valuesOf(texts, Infinity).values].map(normalForm)),
  }
}

/** Whether a value, in normal form, is something that the call brought, holds it, or is held by it. */
function isEcho(value: string, { texts, letters, values }: Echoes): boolean {
  if (texts.length === 0) return false
  const isHeld = texts.some(
    (text) =>
      text.includes(value) || (text.length < LONG_ECHO ? standsIn(value, text) : value.includes(text)),
  )
  if (isHeld || values.has(value)) return true
  const own = lettersOf(value)
  return own.length >= LONG_ECHO && letters.some((each) => each.includes(own))
}

/** Servers decode what they take for a part of a URL, of HTML, of JSON or of all of them. */
const MAX_DECODINGS = 3

/** As it is, and as servers may see it. */
function decoded(text: string): readonly string[] {
  const forms = [text]
  for (let form = text; forms.length <= MAX_DECODINGS; forms.push(form)) {
    const next = decodedOnce(form)
    if (next === form) break
    form = next
  }
  return forms
}

/** Characters by number, in HTML and in what quotes as JSON does. */
const numbered = /&#x([0-9a-f]{1,6});|&#(\d{1,7});|\\u([0-9a-f]{4})/gi
/** The marks of addresses that HTML has names for. Of other names nothing is known but that most are marks. */
const marks: Readonly<Record<string, string>> = {
  amp: '&',
  commat: '@',
  period: '.',
  lowbar: '_',
  percnt: '%',
}

function decodedOnce(text: string): string {
  const named = text.replace(/&([a-z]{2,8});/gi, (_, name: string) => marks[name.toLowerCase()] ?? ' ')
  const plain = named.replace(numbered, (all, html?: string, number?: string, json?: string) => {
    const code = number === undefined ? Number.parseInt(html ?? json ?? '', 16) : Number(number)
    return code > 0x10_ffff ? all : String.fromCodePoint(code)
  })
  if (!/%[0-9a-f]{2}/i.test(plain)) return plain
  return plain
    .replace(/\+/g, ' ')
    .replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))
}

/** Nothing but letters and digits: servers put other marks between them, or none. */
function lettersOf(value: string): string {
  return value.replace(/[^\p{L}\p{N}]+/gu, '')
}

/** What of a tool's result is its answer: not the kinds of its blocks, nor bytes. */
function readableParts(result: unknown): unknown {
  if (!isObject(result)) return result
  const { content, structuredContent } = result
  const blocks: readonly unknown[] = Array.isArray(content) ? content : []
  const texts = blocks.filter(isObject).flatMap(({ text, uri, name, resource }) => {
    const inner = isObject(resource) ? [resource['text'], resource['uri']] : []
    return [text, uri, name, ...inner]
  })
  return [structuredContent, texts]
}

interface Found {
  /** In comparable form, each once. */
  readonly values: ReadonlySet<string>
  /** False where there was more than was looked at. */
  readonly isWhole: boolean
}

function valuesOf(result: unknown, most: number): Found {
  const values = new Set<string>()
  let charactersLeft = MAX_CHARACTERS
  let isWhole = true
  const add = (text: string) => {
    if (text.length > MAX_VALUE_CHARACTERS) return
    const value = comparable(valueForm(text.trim()))
    if (value !== '') values.add(value)
  }
  const visit = (value: unknown, depth: number): void => {
    if (values.size >= most || depth > MAX_DEPTH) isWhole = false
    else if (typeof value === 'number') add(String(value))
    else if (typeof value === 'string') {
      charactersLeft -= value.length
      if (charactersLeft < 0) return void (isWhole = false)
      const json = parsed(value)
      if (json === undefined) addText(value, add)
      else visit(json, depth + 1)
    } else if (Array.isArray(value)) for (const each of value) visit(each, depth + 1)
    else if (isObject(value))
      for (const [name, each] of Object.entries(value)) {
        add(name) // maps have names of people and things there
        visit(each, depth + 1)
      }
  }
  visit(result, 0)
  return { values, isWhole }
}

/** Servers put JSON in text. */
function parsed(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const separators = /[\s"'`“”‘’«»<>()[\]{},;|]+/u
const telling = /[\p{Nd}@/\\:._-]/u

function addText(text: string, add: (value: string) => void): void {
  add(text)
  for (const line of text.split(/[\r\n|\t]+/)) {
    const item = line.replace(/^\s*(?:[-*•]|\d{1,3}[.)])\s+/, '')
    const [, label, labelled = item] = /^([^:=]{1,64})[:=]\s+(.+)$/.exec(item) ?? []
    for (const each of new Set([line, item, labelled])) add(each)
    if (label !== undefined) add(label)
    if (/[,;]/.test(labelled)) for (const cell of withoutGrouped(labelled).split(/[,;]/)) add(cell)
    for (const spaced of spacedValues(line)) add(spaced)
  }
  for (const word of withoutGrouped(text).split(separators)) {
    const token = word.replace(/^[#$€£¥*]+|[.,:!?…*%$€£¥]+$/gu, '')
    if (telling.test(token)) add(token)
  }
}

/** A value as a suspect: whole, without its marks, and what a server could take out of it and give back by itself. */
function formsOf(value: string): readonly string[] {
  const letters = lettersOf(value)
  // A blank in front, for this is no value.
  return [value, ...(letters.length >= LONG_ECHO ? [` ${letters}`] : []), ...piecesOf(value)]
}

/** The parts between marks that addresses do not have. */
function piecesOf(value: string): readonly string[] {
  return value.split(/[^\p{L}\p{N}@._+-]+/u).filter((piece) => piece.length > 2 && telling.test(piece))
}
