// `npm run fuzz:cedar -- --minutes N`: asks the official engine and this one the same, over and over. Development only.
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { TARGETS, seedAt, targetAt } from '../src/testing/fuzz-targets.ts'
import { Oracle, loadOfficial } from '../src/testing/official.ts'
import { Tally } from '../src/testing/tally.ts'
import type { Counts } from '../src/testing/tally.ts'

const USAGE = `npm run fuzz:cedar -- --minutes N [--seed S] [--jobs J] [--json]
npm run fuzz:cedar -- --replay S:I
  Asks @cedar-policy/cedar-wasm and this package the same random things: to decide requests, with and without a schema,
  and to read policies, entities, contexts and schemas that are nearly right. Each difference is printed as the smallest
  case found. A case is one request, or one text.
  --minutes N    how long
  --seed S       an integer; the same one asks the same. Default: the time
  --jobs J       processes. Default: one for each core
  --json         the figures as JSON on standard output, all else on standard error
  --replay S:I   asks what index I of the run with seed S asked, and prints what differs
  Exit status: 0 when both agree on everything, 1 when they do not, 2 when called wrongly.
`
/** More are not looked for: they are most often the same one. */
const MOST_DIFFERENCES = 10
const PROGRESS_MS = 10_000

/** What a worker says of one index. */
interface Said {
  readonly index: number
  readonly cases: number
  readonly counts: Counts
  readonly difference: string | undefined
  /** Why the official engine had to be started again, where it then answered. */
  readonly restarts: readonly string[]
}

/** What a worker is to do: every `step`th index from `first` on, until it is stopped. */
interface Work {
  readonly seed: number
  readonly first: number
  readonly step: number
}

function runWorker({ seed, first, step }: Work): void {
  const oracle = new Oracle()
  let index = first
  const next = (): void => {
    const { cases, answers, difference } = targetAt(index).run(oracle, seedAt(seed, index))
    const tally = new Tally()
    for (const answer of answers) tally.add(answer)
    const restarts = oracle.restarts.splice(0)
    const said: Said = { index, cases, counts: tally.counts, difference, restarts }
    index += step
    // Waits for each message to be taken, and so ends soon after the parent does.
    process.send?.(said, (error: Error | null) => (error === null ? setImmediate(next) : process.exit(1)))
  }
  next()
}

class Run {
  readonly #seed: number
  readonly #jobs: number
  readonly #print: (line: string) => void
  readonly #workers = new Set<ChildProcess>()
  readonly cases = new Map(TARGETS.map(({ name }) => [name, 0]))
  readonly answers: Counts = new Tally().counts
  differences = 0
  restarts = 0
  #isOver = false
  #finish: () => void = () => {}

  constructor(seed: number, jobs: number, print: (line: string) => void) {
    this.#seed = seed
    this.#jobs = jobs
    this.#print = print
  }

  get total(): number {
    return [...this.cases.values()].reduce((sum, count) => sum + count, 0)
  }

  async last(milliseconds: number): Promise<void> {
    const startedAtMs = Date.now()
    const over = new Promise<void>((resolve) => (this.#finish = resolve))
    const timer = setTimeout(this.#finish, milliseconds)
    const progress = setInterval(() => {
      const seconds = Math.round((Date.now() - startedAtMs) / 1000)
      process.stderr.write(`${seconds} s: ${this.total} cases, ${this.differences} differences\n`)
    }, PROGRESS_MS)
    for (let first = 0; first < this.#jobs; first++) this.#start(first)
    await over
    this.#isOver = true
    clearTimeout(timer)
    clearInterval(progress)
    for (const worker of this.#workers) worker.kill()
  }

  #start(first: number): void {
    const work: Work = { seed: this.#seed, first, step: this.#jobs }
    const worker = fork(import.meta.filename, [WORKER, JSON.stringify(work)], {
      // Inlining calls into WebAssembly can abort the process when the official engine runs hot.
      execArgv: ['--no-turbo-inline-js-wasm-calls'],
    })
    this.#workers.add(worker)
    let next = first
    worker.on('message', (said) => {
      next = (said as Said).index + this.#jobs
      this.#hear(said as Said)
    })
    worker.on('exit', (code, signal) => {
      this.#workers.delete(worker)
      if (this.#isOver) return
      this.#report(next, `the process ended (${signal ?? `exit status ${code}`})`)
      if (!this.#isOver) this.#start(next + this.#jobs)
    })
  }

  #hear({ index, cases, counts, difference, restarts }: Said): void {
    if (this.#isOver) return
    const { name } = targetAt(index)
    this.cases.set(name, (this.cases.get(name) ?? 0) + cases)
    for (const kind of Object.keys(counts) as (keyof Counts)[]) this.answers[kind] += counts[kind]
    this.restarts += restarts.length
    for (const reason of restarts) {
      process.stderr.write(`at ${this.#seed}:${index} the official engine was started again: ${reason}\n`)
    }
    if (difference !== undefined) this.#report(index, difference)
  }

  #report(index: number, difference: string): void {
    this.differences++
    this.#print(describe(this.#seed, index, difference))
    if (this.differences >= MOST_DIFFERENCES) {
      this.#isOver = true
      this.#finish()
    }
  }
}

const WORKER = 'worker'

function describe(seed: number, index: number, difference: string): string {
  const again = `npm run fuzz:cedar -- --replay ${seed}:${index}`
  return `difference in ${targetAt(index).name}; to see it again: ${again}\n${difference}\n`
}

function replay(place: string): number {
  const [seed = 0, index = 0] = place.split(':').map(Number)
  const { difference } = targetAt(index).run(new Oracle(), seedAt(seed, index))
  if (difference === undefined) process.stdout.write('no difference\n')
  else process.stdout.write(describe(seed, index, difference))
  return difference === undefined ? 0 : 1
}

async function fuzz(minutes: number, seed: number, jobs: number, asJson: boolean): Promise<number> {
  const startedAtMs = Date.now()
  const out = asJson ? process.stderr : process.stdout
  process.stderr.write(`seed ${seed}, ${jobs} processes, ${minutes} minutes\n`)
  const run = new Run(seed, jobs, (line) => void out.write(`${line}\n`))
  await run.last(minutes * 60_000)
  const { total, differences, restarts, answers } = run
  if (asJson) {
    const official = loadOfficial().getCedarSDKVersion()
    const seconds = Math.round((Date.now() - startedAtMs) / 1000)
    const targets = Object.fromEntries(run.cases)
    const figures = { cases: total, differences, restarts, seed, jobs, seconds, official, targets, answers }
    process.stdout.write(`${JSON.stringify(figures)}\n`)
  } else process.stdout.write(`${total} cases, ${differences} differences\n`)
  return differences > 0 ? 1 : 0
}

function optionsOf(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string' },
      seed: { type: 'string' },
      jobs: { type: 'string' },
      json: { type: 'boolean', default: false },
      replay: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const number = (text: string | undefined, otherwise: number): number => {
    const value = text === undefined ? otherwise : Number(text)
    if (!(value >= 0)) throw new Error(`not a number: ${text}`)
    return value
  }
  const { minutes, replay: place } = values
  if (!values.help && (minutes === undefined) === (place === undefined)) {
    throw new Error('give --minutes or --replay')
  }
  if (place !== undefined && !/^\d+:\d+$/.test(place)) throw new Error('--replay wants SEED:INDEX')
  return {
    ...values,
    minutes: number(minutes, 0),
    seed: Math.floor(number(values.seed, Math.floor(Date.now() / 1000))),
    jobs: Math.max(1, Math.floor(number(values.jobs, availableParallelism()))),
  }
}

async function main(args: readonly string[]): Promise<number> {
  let options
  try {
    options = optionsOf(args)
  } catch (error) {
    process.stderr.write(`fuzz:cedar: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    return 2
  }
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  if (options.replay !== undefined) return replay(options.replay)
  return fuzz(options.minutes, options.seed, options.jobs, options.json)
}

if (process.argv[2] === WORKER) runWorker(JSON.parse(process.argv[3] ?? '') as Work)
else process.exitCode = await main(process.argv.slice(2))
