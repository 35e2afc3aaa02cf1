/**
 * A way to exchange lines with one server: a child process or a Unix socket. Lines are JSON-RPC messages in the
 * stdio framing of MCP; a channel knows bytes and line ends, not what the lines say.
 */
export interface Channel {
  /** Sends one line. False when the other end does not read and what waits for it is already too much. */
  write(line: string): boolean
  /** Starts delivery; called once. Nothing is delivered before, and nothing after `closed`. */
  listen(listener: ChannelListener): void
  /** Ends the connection and whatever is behind it; resolves when nothing of it is left. */
  close(): Promise<void>
  /** For logs: `process 4711`, `/run/db.sock`. */
  describe(): string
}

export interface ChannelListener {
  /** One line without its end; never empty. */
  line(text: string): void
  /** A line beyond the limit was thrown away; its first and last bytes may tell whom it was for. */
  tooLong(head: string, tail: string): void
  /** The connection is over; `why` completes the sentence "the server …". Called once. */
  closed(why: string): void
}

/** Time, as an argument: nothing below row 4 reads a clock. */
export interface Timers {
  now(): number
  /** Runs `run` after a while, unless the function it returns is called first. */
  after(delayMs: number, run: () => void): () => void
}
