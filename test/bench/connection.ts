/** One kept connection of the load generator: a call, its answer, and the next. */
import { connect } from 'node:net'

const HEAD_END = '\r\n\r\n'

export class Connection {
  readonly #answered: (latencyMs: number) => Buffer | undefined
  readonly #socket: ReturnType<typeof connect>
  readonly closed: Promise<void>
  #sentAtMs = 0
  #waiting: Buffer | undefined
  /** Length of the answers so far: one of the same length with status 200 needs no parsing. */
  #usualLength = -1
  #isWaiting = false
  #stopping = false

  /** `answered` says what to send next; undefined: nothing, until `send` is called. */
  constructor(port: number, answered: (latencyMs: number) => Buffer | undefined) {
    this.#answered = answered
    const buffer = Buffer.alloc(64 * 1024)
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer, callback: (length) => this.#received(buffer.subarray(0, length)) },
    })
    this.closed = new Promise((resolve, reject) => {
      this.#socket.once('error', reject)
      this.#socket.once('close', () =>
        this.#stopping ? resolve() : reject(new Error('the connection was closed')),
      )
    })
  }

  /** Closes after the answer under way: calls that break off would be another thing to measure. */
  stop(): void {
    this.#stopping = true
    if (!this.#isWaiting) this.#socket.destroy()
  }

  /** Only where nothing is under way. */
  send(request: Buffer): void {
    this.#isWaiting = true
    this.#sentAtMs = performance.now()
    this.#socket.write(request)
  }

  #received(chunk: Buffer): boolean {
    const whole = this.#waiting === undefined ? chunk : Buffer.concat([this.#waiting, chunk])
    if (whole.length === this.#usualLength && isOk(whole)) this.#done()
    else if (this.#isComplete(whole)) {
      this.#usualLength = whole.length
      this.#done()
    } else this.#waiting = Buffer.from(whole) // the buffer under it is reused
    return true
  }

  #done(): void {
    this.#waiting = undefined
    this.#isWaiting = false
    const next = this.#answered(performance.now() - this.#sentAtMs)
    if (this.#stopping) this.#socket.destroy()
    else if (next !== undefined) this.send(next)
  }

  /** A look at the whole answer. Anything but a result is an end of the benchmark: its figures would mean nothing. */
  #isComplete(bytes: Buffer): boolean {
    const text = bytes.toString('latin1')
    const end = text.indexOf(HEAD_END)
    if (end < 0) return false
    const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1]
    const body = text.slice(end + HEAD_END.length)
    if (length !== undefined && body.length < Number(length)) return false
    const isResult = isOk(bytes) && body.includes('"id":42,') && body.includes('Zurich')
    if (!isResult || length === undefined || body.length > Number(length)) {
      this.#socket.destroy(new Error(`this is not the answer: ${text}`))
    }
    return true
  }
}

function isOk(answer: Buffer): boolean {
  return answer[9] === 0x32 && answer[10] === 0x30 && answer[11] === 0x30 // HTTP/1.1 200
}
