/**
 * Server-sent events as text comes in (WHATWG HTML, 9.2.6, Interpreting an event stream). Every character is looked at
 * once, whatever the lines are made of: a server must not be able to send what is costlier to read than to send.
 * Ids belong to their event here, not to all that follow: they are for resuming, and the next one brings its own.
 */
export interface EventParserOptions {
  /** Characters of one event and of one line that is not complete. */
  readonly maxEventLength: number
  onEvent(id: string | undefined, data: string): void
  onComment(text: string): void
  onRetry(retryMs: number): void
}

export class EventParser {
  readonly #options: EventParserOptions
  /** Pieces of the line that has begun. */
  #line: string[] = []
  #data: string[] = []
  #id: string | undefined
  /** Characters in `#line` and `#data`. */
  #held = 0
  #afterReturn = false

  constructor(options: EventParserOptions) {
    this.#options = options
  }

  /** Takes the next piece of the stream. False when an event is too large; nothing more may be fed then. */
  feed(piece: string): boolean {
    const text = this.#withLineFeeds(piece)
    let start = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.#take(this.#completed(text.slice(start, end)))
      if (this.#held > this.#options.maxEventLength) return false
      start = end + 1
    }
    if (start < text.length) {
      this.#line.push(text.slice(start))
      this.#held += text.length - start
    }
    return this.#held <= this.#options.maxEventLength
  }

  /** A line ends with CR LF, CR or LF; a pair may come in two pieces. */
  #withLineFeeds(piece: string): string {
    if (piece === '') return piece
    const text = this.#afterReturn && piece.startsWith('\n') ? piece.slice(1) : piece
    this.#afterReturn = piece.endsWith('\r')
    return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
  }

  #completed(end: string): string {
    if (this.#line.length === 0) return end
    const line = this.#line.join('') + end
    this.#held -= line.length - end.length
    this.#line = []
    return line
  }

  #take(line: string): void {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    switch (name) {
      case '':
        return this.#options.onComment(value)
      case 'data':
        this.#data.push(value)
        this.#held += value.length + 1
        return
      case 'id':
        if (!value.includes('\0')) this.#id = value
        return
      case 'retry':
        if (/^\d+$/.test(value)) this.#options.onRetry(Number(value))
    }
  }

  #dispatch(): void {
    const [id, data] = [this.#id, this.#data]
    this.#id = undefined
    if (data.length === 0) return
    this.#data = []
    this.#held = 0
    this.#options.onEvent(id, data.join('\n'))
  }
}
