// A parser's place among the tokens. Complaints are thrown as `ParseFailure`, which `parsePolicies` catches; nothing
// else is thrown, since nesting is bounded here before it could exhaust the stack.

import type { Source } from '../policy/result.ts'
import type { Expression } from '../policy/syntax.ts'
import type { Token } from './tokens.ts'
import { tokenize } from './tokens.ts'

/** Bounds both brackets within brackets and the height of a syntax tree, on which later stages recurse. */
export const MAX_NESTING = 200

export class ParseFailure extends Error {
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

export class Cursor {
  readonly source: Source
  readonly #tokens: readonly Token[]
  #index = 0
  #nesting = 0
  readonly #heights = new WeakMap<Expression, number>()

  constructor(source: Source) {
    this.source = source
    this.#tokens = tokenize(source.text)
  }

  peek(ahead = 0): Token {
    // The last token is `end` and is never passed.
    return this.#tokens[Math.min(this.#index + ahead, this.#tokens.length - 1)] as Token
  }

  next(): Token {
    const token = this.peek()
    if (this.#index < this.#tokens.length - 1) this.#index++
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
    const found = token.kind === 'end' ? token.text : `\`${token.text}\``
    this.fail(token.kind === 'invalid' ? token.text : `expected ${wanted}, found ${found}`, token.at)
  }

  fail(message: string, at: number): never {
    throw new ParseFailure(message, at)
  }

  /** Leaves a policy that failed: goes behind the next semicolon. */
  recover(): void {
    this.#nesting = 0
    while (this.peek().kind !== 'end' && this.next().text !== ';');
  }

  /** Parses what stands between brackets. */
  nested<T>(parse: () => T): T {
    if (++this.#nesting > MAX_NESTING) this.fail('nested too deeply', this.peek().at)
    const result = parse()
    this.#nesting--
    return result
  }

  /** Records how high a tree has grown. */
  node(expression: Expression, ...children: readonly Expression[]): Expression {
    let height = 0
    for (const child of children) height = Math.max(height, this.#heights.get(child) ?? 0)
    if (++height > MAX_NESTING) this.fail('nested too deeply', expression.at)
    this.#heights.set(expression, height)
    return expression
  }
}
