// A place among the pieces of a valid text, from which docs are made one piece after the other.

import { BLANK, comment, group } from './doc.ts'
import type { Doc, Group } from './doc.ts'
import { CLOSING } from './pieces.ts'
import type { Piece } from './pieces.ts'

export class PieceReader {
  readonly #pieces: readonly Piece[]
  /** Before each piece, how many comments stand in front of pieces, and how many behind. */
  readonly #inFront: number[] = [0]
  readonly #behind: number[] = [0]
  #index = 0
  /** The piece that may have an empty line before it. */
  #apart = -1

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces
    for (const [index, { before, after }] of pieces.entries()) {
      this.#inFront.push((this.#inFront[index] ?? 0) + before.length)
      this.#behind.push((this.#behind[index] ?? 0) + (after === undefined ? 0 : 1))
    }
  }

  /** The number of the coming piece. */
  get index(): number {
    return this.#index
  }

  /** The last piece is `end`, and is not passed. */
  peek(): Piece {
    return this.#pieces[this.#index] as Piece
  }

  sees(text: string): boolean {
    return this.peek().text === text
  }

  seesClosing(): boolean {
    return CLOSING.has(this.peek().text)
  }

  /** The comments in front of the coming piece, for which they are then done. */
  comments(): Doc {
    const piece = this.peek()
    const docs = piece.before.map(({ text, blank }) =>
      comment(text, blank ? 'after an empty line' : 'own line'),
    )
    piece.before = []
    return docs
  }

  /** Sees to it that an empty line stands somewhere before the coming piece. */
  separate(): void {
    const piece = this.peek()
    const [first, ...others] = piece.before
    if (first === undefined) piece.blank = true
    else if (!piece.blank && !piece.before.some(({ blank }) => blank)) {
      piece.before = [{ ...first, blank: true }, ...others]
    }
  }

  /** The coming piece with its comments. */
  token(): Doc {
    const { text, blank, before: inFront, after } = this.peek()
    if (!blank && after === undefined && inFront.length === 0) {
      this.#index++
      return text
    }
    const before = this.comments()
    const gap = blank && this.#apart === this.#index ? BLANK : ''
    this.#index++
    return [before, gap, text, after === undefined ? '' : comment(after, 'behind')]
  }

  /** What is read keeps an empty line that stands before it. */
  apart(read: () => Doc): Doc {
    this.#apart = this.#index
    return read()
  }

  /**
   * What was read from the piece `first` up to here, on one line or with all its lines broken: the latter always when
   * there are comments within.
   */
  group(first: number, doc: Doc): Group {
    const within = (counts: readonly number[], from: number, to: number): boolean =>
      (counts[to] ?? 0) > (counts[from] ?? 0)
    const inFront = within(this.#inFront, first + 1, this.#index)
    return group(doc, inFront || within(this.#behind, first, this.#index - 1))
  }
}
