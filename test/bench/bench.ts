/** `npm run bench`: what a call through Tollgate costs, beside what stands to compare. See README.md in this folder. */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Figures, measure, type Plan } from './measure.ts'
import { isPinned } from './processes.ts'
import { profile } from './profile.ts'
import { renderTable } from './report.ts'
import { renderSvg } from './svg.ts'
import { canMeasure } from './usage.ts'
import { allVariants, type Variant } from './variants.ts'

const USAGE = `npm run bench -- [options]
  --rounds 5            rounds; the figures are medians over them
  --seconds 2           how long each variant is measured in a round
  --connections 32      kept connections of the load generator
  --only TEXT           only variants whose name contains TEXT; may be given several times
  --against FOLDER      measure the built checkout in FOLDER as well, in the same rounds
  --json                the figures as JSON on stdout, and nothing else
  --save                write results.json and results.svg beside the benchmark
  --profile VARIANT     instead: where the time of one variant goes
`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '32' },
    only: { type: 'string', multiple: true },
    against: { type: 'string' },
    json: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const note = (text: string) => void process.stderr.write(`${text}\n`)
const positive = (name: 'rounds' | 'seconds' | 'connections') => {
  const value = Number(values[name])
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`)
  return value
}

async function main(): Promise<void> {
  if (values.help) return void process.stdout.write(USAGE)
  const plan: Plan = {
    rounds: positive('rounds'),
    seconds: positive('seconds'),
    connections: positive('connections'),
    note,
  }
  const variants = allVariants(values.against)
  if (values.profile !== undefined) {
    const variant = variants.find(({ name }) => name === values.profile)
    if (variant === undefined) throw new Error(`--profile takes one of:\n${names(variants)}`)
    process.stdout.write(`${await profile(variant, { ...plan, seconds: Math.max(plan.seconds, 8) })}\n`)
    return
  }
  const wanted = variants.filter(({ name }) => values.only?.some((text) => name.includes(text)) ?? true)
  if (wanted.length === 0) throw new Error(`--only leaves nothing of:\n${names(variants)}`)
  warn(variants)
  const figures = await measure(wanted, plan)
  const table = renderTable(figures, process.stdout.isTTY)
  if (values.json) note(table)
  process.stdout.write(values.json ? `${JSON.stringify(figures, null, 2)}\n` : `${table}\n`)
  if (values.save) save(figures, plan)
}

/** Tells what this machine cannot do, so that nobody takes a gap for a result. */
function warn(variants: readonly Variant[]): void {
  if (!variants.some(({ name }) => name === 'nginx')) {
    note('SKIPPED: nginx is not installed, so there is no figure for it (Debian: apt-get install nginx)')
  }
  if (!isPinned)
    note('NOT PINNED: no taskset or one core only, so load and proxy compete; use Linux and 2 cores')
  if (!canMeasure) note('NO CPU TIMES: this system has no /proc, so cpuUs and rssMb are null')
}

function save(figures: readonly Figures[], { rounds, seconds, connections }: Plan): void {
  const model = cpus()[0]?.model ?? 'unknown processor'
  const run = `medians of ${rounds} rounds of ${seconds} s, ${connections} connections`
  const today = new Date().toISOString().slice(0, 10)
  const file = (name: string) => path.join(import.meta.dirname, name)
  writeFileSync(file('results.json'), `${JSON.stringify(figures, null, 2)}\n`)
  writeFileSync(
    file('results.svg'),
    renderSvg(figures, `${model}, Node ${process.version}, ${run}, ${today}`),
  )
  note('wrote test/bench/results.json and results.svg')
}

function names(variants: readonly Variant[]): string {
  return variants.map(({ name }) => `  ${name}`).join('\n')
}

main().then(
  () => process.exit(0),
  (problem: unknown) => {
    note(problem instanceof Error ? problem.message : String(problem))
    process.exit(1)
  },
)
