// A parser's place among the tokens. Complaints are thrown as `ParseFailure`, which the public functions catch; nothing
// else is thrown, since nesting is bounded here before it could exhaust the stack.

import { childrenOf } from '../compile/walk.ts'
import type { Source } from '../policy/result.ts'
import { suggest } from '../policy/suggest.ts'
import type { Expression } from '../policy/syntax.ts'
import type { Entity } from '../values/entity.ts'
import type { Token } from './tokens.ts'
import { nextToken } from './tokens.ts'

/** Bounds both brackets within brackets and the height of a syntax tree, on which later stages recurse. */
export const MAX_NESTING = 200

const KEYWORDS: ReadonlySet<string> = new Set([
  ...['permit', 'forbid', 'principal', 'action', 'resource', 'when', 'unless', 'then', 'else'],
  ...['entity', 'action', 'type', 'namespace'],
])
/** Words of other languages. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ['and', '&&'],
  ['or', '||'],
])

export class ParseFailure extends Error {
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

export class Cursor {
  readonly source: Source
  // Tokens are made when they are asked for: made all at once, they would outnumber everything else in memory.
  #token: Token
  #following: Token | undefined
  #nesting = 0
  #nodes = 0
  readonly #heights = new Map<Expression, number>()
  readonly #entities = new Map<string, Entity>()

  constructor(source: Source) {
    this.source = source
    this.#token = nextToken(source.text)
  }

  peek(ahead: 0 | 1 = 0): Token {
    return ahead === 0 ? this.#token : (this.#following ??= nextToken(this.source.text, this.#token))
  }

  next(): Token {
    const token = this.#token
    this.#token = this.peek(1)
    this.#following = undefined
    return token
  }

  /** Whether the coming token is this symbol or word. */
  sees(text: string): boolean {
    const token = this.peek()
    return token.text === text && (token.kind === 'symbol' || token.kind === 'identifier')
  }

  accept(text: string): boolean {
    const found = this.sees(text)
    if (found) this.next()
    return found
  }

  expect(text: string, where: string): Token {
    return this.sees(text) ? this.next() : this.unexpected(`${text} ${where}`)
  }

  expectKind(kind: Token['kind'], what: string): Token {
    return this.peek().kind === kind ? this.next() : this.unexpected(what)
  }

  unexpected(wanted: string): never {
    const token = this.peek()
    if (token.kind === 'invalid') this.fail(token.text, token.at)
    const found = token.kind === 'end' ? token.text : `\`${token.text}\``
    this.fail(`expected ${wanted}, found ${found}${this.#hint(wanted)}`, token.at)
  }

  /** What to write instead of the coming token, where it is misspelt or of another language. */
  #hint(wanted: string): string {
    const { kind, text, at } = this.peek()
    if (text === '/' && this.source.text[at + 1] === '*') return '; comments begin with `//`'
    if (kind !== 'identifier') return ''
    const instead =
      FOREIGN.get(text) ??
      suggest(
        text,
        wanted.split(/\W+/).filter((word) => KEYWORDS.has(word)),
      )
    return instead === undefined ? '' : `; write \`${instead}\``
  }

  fail(message: string, at: number): never {
    throw new ParseFailure(message, at)
  }

  /** Where the cursor stands, for `goTo`: the coming token. */
  get place(): Token {
    return this.#token
  }

  /** Goes back to a place outside all brackets. */
  goTo(place: Token): void {
    this.#token = place
    this.#following = undefined
    this.#leaveBrackets()
  }

  /** Leaves a policy that failed: goes behind the next semicolon. */
  recover(): void {
    this.#leaveBrackets()
    while (this.peek().kind !== 'end' && this.next().text !== ';');
  }

  /** Parses what stands between brackets. */
  nested<T>(parse: () => T): T {
    if (++this.#nesting > MAX_NESTING) this.fail('nested too deeply', this.peek().at)
    const result = parse()
    if (--this.#nesting === 0) this.#leaveBrackets()
    return result
  }

  #leaveBrackets(): void {
    this.#nesting = 0
    this.#nodes = 0
    if (this.#heights.size > 0) this.#heights.clear()
  }

  /** The same entity for the same name: policies name a few over and over, and hold most of the memory. */
  shared(entity: Entity): Entity {
    const known = this.#entities.get(entity.uid)
    if (known === undefined) this.#entities.set(entity.uid, entity)
    return known ?? entity
  }

  /** Makes sure that a tree has not grown too high. */
  node(expression: Expression): Expression {
    // No tree is higher than it has nodes: most need no measuring.
    const high = ++this.#nodes > MAX_NESTING && this.#heightOf(expression) > MAX_NESTING
    return high ? this.fail('nested too deeply', expression.at) : expression
  }

  #heightOf(expression: Expression): number {
    let height = this.#heights.get(expression)
    if (height === undefined) {
      height = 0
      for (const child of childrenOf(expression)) height = Math.max(height, this.#heightOf(child) + 1)
      this.#heights.set(expression, height)
    }
    return height
  }
}
