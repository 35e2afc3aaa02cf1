/**
 * Cuts a byte stream into lines. Bounded: a line beyond `maxLineBytes` is skipped to its end and reported with its
 * edges. A line that is not UTF-8 harms only itself. What follows the last line end when the stream stops is dropped.
 */
import { isUtf8 } from 'node:buffer'

export interface LineSink {
  line(text: string): void
  tooLong(head: string, tail: string): void
  /** A line that is not UTF-8. */
  garbage(bytes: number): void
}

const NEWLINE = 0x0a
/** How much of the edges of a skipped line is kept. */
const EDGE_BYTES = 512

export class LineSplitter {
  readonly #maxLineBytes: number
  readonly #sink: LineSink
  /** The pieces of the line that has not ended yet. */
  #parts: Buffer[] = []
  #bytes = 0
  /** The edges of a line that is being skipped. */
  #skipped: { readonly head: string; tail: string } | undefined
  #stopped = false

  constructor(maxLineBytes: number, sink: LineSink) {
    this.#maxLineBytes = maxLineBytes
    this.#sink = sink
  }

  push(chunk: Buffer): void {
    let start = 0
    if (this.#bytes > 0 || this.#skipped !== undefined) {
      const end = chunk.indexOf(NEWLINE)
      this.#keep(end < 0 ? chunk : chunk.subarray(0, end))
      if (end < 0) return
      this.#finish()
      start = end + 1
    }
    const last = chunk.lastIndexOf(NEWLINE)
    if (last >= start) this.#whole(chunk.subarray(start, last))
    if (last + 1 < chunk.length) this.#keep(chunk.subarray(Math.max(start, last + 1)))
  }

  /** Delivers nothing any more. */
  stop(): void {
    this.#stopped = true
    this.#parts = []
  }

  /** Lines that begin and end in one chunk: decoded together when there is nothing wrong with them. */
  #whole(bytes: Buffer): void {
    if (bytes.length <= this.#maxLineBytes && isUtf8(bytes)) {
      const text = bytes.toString('utf8')
      let from = 0
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
        this.#emit(text.slice(from, end))
        from = end + 1
      }
      this.#emit(from === 0 ? text : text.slice(from))
      return
    }
    let from = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      this.#one(bytes.subarray(from, end))
      from = end + 1
    }
    this.#one(bytes.subarray(from))
  }

  #keep(piece: Buffer): void {
    if (this.#skipped !== undefined) {
      this.#skipped.tail = (this.#skipped.tail + edge(piece, 'last')).slice(-EDGE_BYTES)
      return
    }
    this.#parts.push(piece)
    this.#bytes += piece.length
    if (this.#bytes <= this.#maxLineBytes) return
    const line = Buffer.concat(this.#parts)
    this.#skipped = { head: edge(line, 'first'), tail: edge(line, 'last') }
    this.#parts = []
    this.#bytes = 0
  }

  #finish(): void {
    const { head, tail } = this.#skipped ?? {}
    const line = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts)
    this.#parts = []
    this.#bytes = 0
    this.#skipped = undefined
    if (head !== undefined && tail !== undefined) {
      if (!this.#stopped) this.#sink.tooLong(head, tail)
    } else if (line !== undefined) this.#one(line)
  }

  #one(line: Buffer): void {
    if (this.#stopped) return
    if (line.length > this.#maxLineBytes) this.#sink.tooLong(edge(line, 'first'), edge(line, 'last'))
    else if (isUtf8(line)) this.#emit(line.toString('utf8'))
    else this.#sink.garbage(line.length)
  }

  #emit(line: string): void {
    if (this.#stopped) return
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    if (text.length > 0) this.#sink.line(text)
  }
}

function edge(bytes: Buffer, which: 'first' | 'last'): string {
  const piece = which === 'first' ? bytes.subarray(0, EDGE_BYTES) : bytes.subarray(-EDGE_BYTES)
  return piece.toString('latin1')
}
