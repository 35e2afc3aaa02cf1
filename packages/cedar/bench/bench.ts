/**
 * `npm run bench:cedar`: what a decision costs, context included, by the number of policies. The engines first have to
 * agree on every call. Figures are those of one process that does nothing else.
 */
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Engine, official, tollgate } from './engines.ts'
import { type Call, makeWorkload, type Workload } from './workload.ts'

const USAGE = `npm run --silent bench:cedar -- [options]
  --json            the figures as JSON on stdout, and nothing else
  --policies 10     only this number of policies; may be given several times
  --calls 200000    calls that are timed; the official engine gets fewer
`
const SIZES = ['10', '100', '1000', '10000']
const DIFFERENT_CALLS = 400
/** Calls of the official engine, times policies: its time grows with both, to tens of milliseconds a call. */
const OFFICIAL_WORK = 1_000_000
const MOST_OFFICIAL_CALLS = 1000

interface Figures {
  readonly engine: string
  readonly policies: number
  /** Microseconds for one call, context built and all diagnostics given. */
  readonly p50Us: number
  readonly p99Us: number
  /** Processor time of the whole process for one call, garbage collection included. */
  readonly cpuUs: number
  /** Parsing and compiling. */
  readonly compileMs: number
  /** What policies, entities and caches hold after all calls; null for memory of WebAssembly, which nobody tells. */
  readonly heapMb: number | null
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const note = (text: string): void => void process.stderr.write(`${text}\n`)

function heldMb(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

function measure(engine: Engine, workload: Workload, callCount: number): Figures {
  const { policies, calls } = workload
  const heldBefore = heldMb()
  const startedAtMs = performance.now()
  const ask = engine.prepare(policies)
  const compileMs = performance.now() - startedAtMs
  const times = timesOf(ask, calls, callCount)
  const cpuUs = cpuOf(() => {
    for (let index = 0; index < callCount; index++) ask(calls[index % calls.length] as Call)
  })
  const at = (share: number): number => round((times[Math.floor(callCount * share)] ?? 0) * 1000)
  const heapMb = engine === tollgate ? round(heldMb() - heldBefore - times.byteLength / 2 ** 20) : null
  // Asked once more, so that what is measured is still in use.
  engine.read(ask(calls[0] as Call))
  return {
    engine: engine.name,
    policies: policies.length,
    p50Us: at(0.5),
    p99Us: at(0.99),
    cpuUs: round(cpuUs / callCount),
    compileMs: round(compileMs),
    heapMb,
  }
}

/** Milliseconds of each call, in ascending order, once the engine has run for a while. */
function timesOf(ask: (call: Call) => unknown, calls: readonly Call[], count: number): Float64Array {
  const warmUp = Math.ceil(count / 4)
  for (let index = 0; index < warmUp; index++) ask(calls[index % calls.length] as Call)
  const times = new Float64Array(count)
  for (let index = 0; index < count; index++) {
    const call = calls[index % calls.length] as Call
    const before = performance.now()
    ask(call)
    times[index] = performance.now() - before
  }
  return times.sort()
}

function cpuOf(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

function round(value: number): number {
  return Number(value.toFixed(2))
}

/** Throws when the two engines differ in decision, reasons or errors about any of the first calls. */
function compare({ policies, calls }: Workload, count: number): void {
  const [ask, askOfficial] = [tollgate.prepare(policies), official.prepare(policies)]
  for (const call of calls.slice(0, count)) {
    const mine = JSON.stringify(tollgate.read(ask(call)))
    const theirs = JSON.stringify(official.read(askOfficial(call)))
    if (mine !== theirs)
      throw new Error(`the engines differ: ${mine} and ${theirs} on ${JSON.stringify(call)}`)
  }
}

function table(figures: readonly Figures[]): string {
  const columns = ['engine', 'policies', 'p50Us', 'p99Us', 'cpuUs', 'compileMs', 'heapMb'] as const
  const rows = [columns, ...figures.map((each) => columns.map((column) => String(each[column] ?? '-')))]
  return rows
    .map((row) => row.map((cell, at) => (at === 0 ? cell.padEnd(12) : cell.padStart(11))).join(''))
    .join('\n')
}

function main(): void {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      policies: { type: 'string', multiple: true, default: SIZES },
      calls: { type: 'string', default: '200000' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void process.stdout.write(USAGE)
  const callCount = Number(values.calls)
  const figures: Figures[] = []
  for (const size of values.policies.map(Number)) {
    if (!(size >= 1) || !(callCount >= 1)) throw new Error('--policies and --calls must be numbers above 0')
    const workload = makeWorkload(size, DIFFERENT_CALLS)
    note(`${size} policies: ${tollgate.name}`)
    figures.push(measure(tollgate, workload, callCount))
    note(`${size} policies: ${official.name}`)
    const officialCount = Math.ceil(Math.min(callCount, MOST_OFFICIAL_CALLS, OFFICIAL_WORK / size))
    compare(workload, officialCount)
    figures.push(measure(official, workload, officialCount))
  }
  process.stdout.write(`${values.json ? JSON.stringify(figures, undefined, 2) : table(figures)}\n`)
}

main()
