/**
 * The part of a channel that a child's pipes and a socket share: lines out of one stream, lines into another,
 * and a bound on what may wait for a server that does not read.
 */
import type { Readable, Writable } from 'node:stream'
import type { Channel, ChannelListener } from './channel.ts'
import { LineSplitter } from './lines.ts'

export interface ChannelLimits {
  readonly maxMessageBytes: number
}

/** What may wait for a server to read; one message always may, whatever its size. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024

export interface StreamChannelOptions {
  readonly input: Readable
  readonly output: Writable
  readonly limits: ChannelLimits
  readonly name: string
  readonly log: (text: string) => void
  /** Ends what is behind the streams; called at most once. */
  end(): Promise<void>
  /** A stream ended or broke; `why` as in `ChannelListener.closed`. */
  broken(why: string): void
}

export class StreamChannel implements Channel {
  readonly #options: StreamChannelOptions
  readonly #splitter: LineSplitter
  #listener: ChannelListener | undefined
  #why: string | undefined
  #ending: Promise<void> | undefined
  #batch = ''

  constructor(options: StreamChannelOptions) {
    this.#options = options
    const { input, output, limits } = options
    this.#splitter = new LineSplitter(limits.maxMessageBytes, {
      line: (text) => this.#listener?.line(text),
      tooLong: (head, tail) => this.#listener?.tooLong(head, tail),
      garbage: (bytes) => options.log(`ignored a line of ${bytes} bytes that is not UTF-8`),
    })
    // Errors come before anyone listens, too: an unhandled one would end the gateway.
    input.on('error', () => options.broken('closed its output'))
    output.on('error', () => options.broken('closed its input'))
  }

  write(line: string): boolean {
    if (!this.open) return false
    const waiting = this.#options.output.writableLength + this.#batch.length
    if (waiting > 0 && waiting + line.length > MAX_QUEUED_BYTES) return false
    if (this.#batch === '') setImmediate(() => this.#flush())
    this.#batch += `${line}\n`
    return true
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener
    if (this.#why !== undefined) return listener.closed(this.#why)
    const { input } = this.#options
    input.on('data', (chunk: Buffer) => this.#splitter.push(chunk))
    input.on('end', () => this.#options.broken('closed its output'))
  }

  get open(): boolean {
    return this.#why === undefined
  }

  /** Tells the listener, once, that the connection is over. */
  closed(why: string): void {
    if (this.#why !== undefined) return
    this.#why = why
    this.#splitter.stop()
    this.#listener?.closed(why)
  }

  close(): Promise<void> {
    this.closed('was stopped')
    this.#ending ??= this.#options.end()
    return this.#ending
  }

  /** One write for all lines of one turn of the event loop: writing costs more than making a line. */
  #flush(): void {
    const batch = this.#batch
    this.#batch = ''
    if (this.open) this.#options.output.write(batch)
  }

  describe(): string {
    return this.#options.name
  }
}
