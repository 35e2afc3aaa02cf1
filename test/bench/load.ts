/**
 * The load generator, a process of its own: a number of kept connections, each sending the same bytes again as soon
 * as it has its answer. It also reads what the process under test has used, at the very moments between which it counts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from './connection.ts'
import { type Usage, usageOf } from './usage.ts'

interface Where {
  readonly port: number
  readonly connections: number
  /** The process under test. */
  readonly pid: number
}

/** One request, for a while. */
export interface Order extends Where {
  readonly request: string
  readonly warmUp: WarmUp
  readonly measureMs: number
}

/** Two requests in turn, so that what else the machine does hits them alike. */
export interface PairsOrder extends Where {
  readonly requests: readonly [string, string]
  readonly pairs: number
  /** How long each is sent in a pair; its last calls are answered before the other's first ones are sent. */
  readonly burstMs: number
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

async function run({ port, pid, ...order }: Order): Promise<Round> {
  let calls = 0
  const bytes = Buffer.from(order.request, 'latin1')
  const open = openAll({ ...order, port }, (latencyMs) => {
    if (calls < latencies.length) latencies[calls] = latencyMs
    calls++
    return bytes
  })
  for (const connection of open.connections) connection.send(bytes)
  const measured = async () => {
    const startMs = performance.now()
    const warmForMs = () => performance.now() - startMs
    do await sleep(order.warmUp.ms)
    while (calls < order.warmUp.calls && warmForMs() < LONGEST_WARM_UP_MS)
    calls = 0
    const [before, startedAtMs] = [usageOf(pid), performance.now()]
    await sleep(order.measureMs)
    const [after, endedAtMs] = [usageOf(pid), performance.now()]
    return { before, after, elapsedMs: endedAtMs - startedAtMs, counted: calls }
  }
  return summary(await open.whileOpen(measured()))
}

/** CPU time a call in microseconds of the first and the second request, pair by pair; empty where it cannot be told. */
function runPairs({ requests, pairs, burstMs, pid, ...where }: PairsOrder): Promise<[number, number][]> {
  const bytes = requests.map((request) => Buffer.from(request, 'latin1'))
  let next: () => Buffer | undefined = () => undefined
  const open = openAll(where, () => next())

  const burst = async (request: Buffer): Promise<number> => {
    const before = usageOf(pid)?.cpuMs ?? Number.NaN
    const endsAtMs = performance.now() + burstMs
    let [calls, underWay] = [0, where.connections]
    await new Promise<void>((done) => {
      next = () => {
        calls++
        if (performance.now() < endsAtMs) return request
        if (--underWay === 0) done()
        return undefined
      }
      for (const connection of open.connections) connection.send(request)
    })
    return (((usageOf(pid)?.cpuMs ?? Number.NaN) - before) * 1000) / calls
  }
  const measured = async () => {
    const found: [number, number][] = []
    const [first, second] = bytes as [Buffer, Buffer]
    for (let number = 0; number < pairs; number++) {
      // Each comes first every other time: what follows a pause of the other pays for the caches.
      const isReversed = number % 2 === 1
      const a = await burst(isReversed ? second : first)
      const b = await burst(isReversed ? first : second)
      found.push(isReversed ? [b, a] : [a, b])
    }
    return found.filter((pair) => pair.every((figure) => !Number.isNaN(figure)))
  }
  return open.whileOpen(measured())
}

function openAll(
  { port, connections: count }: Omit<Where, 'pid'>,
  answered: (latencyMs: number) => Buffer | undefined,
) {
  const connections = Array.from({ length: count }, () => new Connection(port, answered))
  const closed = Promise.all(connections.map((connection) => connection.closed))
  return {
    connections,
    /** Closes all when the work is done; rejects when one is closed before. */
    async whileOpen<T>(work: Promise<T>): Promise<T> {
      const early = closed.then(() => Promise.reject(new Error('the connections ended early')))
      const result = await Promise.race([work, early])
      for (const connection of connections) connection.stop()
      await closed
      return result
    },
  }
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
process.on('message', (order: Order | PairsOrder) => {
  const done =
    'pairs' in order ? runPairs(order).then((pairs) => ({ pairs })) : run(order).then((round) => ({ round }))
  done.then(
    (answer) => process.send?.(answer),
    (problem: unknown) => process.send?.({ problem: String(problem) }),
  )
})
process.send?.('ready')
