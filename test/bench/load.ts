/**
 * The load generator, a process of its own: a number of kept connections, each sending the same bytes again as soon
 * as it has its answer. It also reads what the process under test has used, at the very moments between which it counts.
 */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Usage, usageOf } from './usage.ts'

export interface Order {
  readonly port: number
  readonly request: string
  readonly connections: number
  readonly warmUp: WarmUp
  readonly measureMs: number
  /** The process under test. */
  readonly pid: number
}

/** Lasts for both, but never longer than a minute. */
export interface WarmUp {
  readonly ms: number
  readonly calls: number
}

export interface Round {
  readonly calls: number
  readonly rps: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU time of the process under test for one call; undefined where the system does not tell. */
  readonly cpuUs: number | undefined
  readonly rssMb: number | undefined
}

/** Latencies in milliseconds; more calls than fit are counted, and their latencies left out. */
const latencies = new Float64Array(4_000_000)
const LONGEST_WARM_UP_MS = 60_000
const HEAD_END = '\r\n\r\n'

class Connection {
  readonly #request: Buffer
  readonly #answered: (latencyMs: number) => void
  readonly #socket: ReturnType<typeof connect>
  readonly closed: Promise<void>
  #sentAtMs = 0
  #waiting: Buffer | undefined
  /** Length of the answers so far: one of the same length with status 200 needs no parsing. */
  #usualLength = -1
  #stopping = false

  constructor({ port, request }: Order, answered: (latencyMs: number) => void) {
    this.#request = Buffer.from(request, 'latin1')
    this.#answered = answered
    const buffer = Buffer.alloc(64 * 1024)
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer, callback: (length) => this.#received(buffer.subarray(0, length)) },
    })
    this.#socket.once('connect', () => this.#send())
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
  }

  #send(): void {
    this.#sentAtMs = performance.now()
    this.#socket.write(this.#request)
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
    this.#answered(performance.now() - this.#sentAtMs)
    if (this.#stopping) this.#socket.destroy()
    else this.#send()
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

async function run(order: Order): Promise<Round> {
  let calls = 0
  const answered = (latencyMs: number) => {
    if (calls < latencies.length) latencies[calls] = latencyMs
    calls++
  }
  const connections = Array.from({ length: order.connections }, () => new Connection(order, answered))
  const broken = Promise.all(connections.map(({ closed }) => closed))
  const measured = async () => {
    const startMs = performance.now()
    const warmForMs = () => performance.now() - startMs
    do await sleep(order.warmUp.ms)
    while (calls < order.warmUp.calls && warmForMs() < LONGEST_WARM_UP_MS)
    calls = 0
    const [before, startedAtMs] = [usageOf(order.pid), performance.now()]
    await sleep(order.measureMs)
    const [after, endedAtMs] = [usageOf(order.pid), performance.now()]
    return { before, after, elapsedMs: endedAtMs - startedAtMs, counted: calls }
  }
  const result = await Promise.race([measured(), broken])
  for (const connection of connections) connection.stop()
  await broken
  if (!('counted' in result)) throw new Error('the connections ended early')
  return summary(result)
}

function summary({ before, after, elapsedMs, counted }: Measured): Round {
  if (counted === 0) throw new Error('not one call was answered')
  const sorted = latencies.subarray(0, Math.min(counted, latencies.length)).sort()
  const percentile = (part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN
  const usedMs = before === undefined || after === undefined ? undefined : after.cpuMs - before.cpuMs
  return {
    calls: counted,
    rps: counted / (elapsedMs / 1000),
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    cpuUs: usedMs === undefined ? undefined : (usedMs * 1000) / counted,
    rssMb: after?.rssMb,
  }
}

interface Measured {
  readonly before: Usage | undefined
  readonly after: Usage | undefined
  readonly elapsedMs: number
  readonly counted: number
}

process.once('disconnect', () => process.exit())
process.on('message', (order: Order) => {
  run(order).then(
    (round) => process.send?.({ round }),
    (problem: unknown) => process.send?.({ problem: String(problem) }),
  )
})
process.send?.('ready')
