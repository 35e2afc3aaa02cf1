/** Where the time of one variant goes: a CPU profile by V8 while calls are made, as tables of self time a call. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { FIRST_WARM_UP, type Plan, runRound, startLoad } from './measure.ts'
import { script, startServer, stop } from './processes.ts'
import type { Variant } from './variants.ts'

/** What is read of a `.cpuprofile`. Times are microseconds of the monotonic clock. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly startTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const SHOWN = 45

/** Runs a variant under the profiler and tells where it spent its time. */
export async function profile(variant: Variant, plan: Plan): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-bench-'))
  try {
    const upstream = await startServer('load', script('upstream.ts'))
    const load = await startLoad()
    const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=200']
    const target = await variant.start(upstream, flags)
    plan.note(`profiling ${variant.name} for ${plan.seconds} seconds`)
    await runRound(load, target, { ...plan, seconds: 0.1, warmUp: FIRST_WARM_UP })
    const startedAtUs = monotonicUs()
    const round = await runRound(load, target, { ...plan, warmUp: { ms: 0, calls: 0 } })
    const endedAtUs = monotonicUs()
    await Promise.all([load, target.child, upstream.child].map(stop))
    const [file] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))
    if (file === undefined) throw new Error(`${variant.name} wrote no profile; only Node can be profiled`)
    const parsed = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as CpuProfile
    return table(parsed, { startedAtUs, endedAtUs, calls: round.calls })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

interface Span {
  readonly startedAtUs: number
  readonly endedAtUs: number
  readonly calls: number
}

function table({ nodes, samples, timeDeltas, startTime }: CpuProfile, span: Span): string {
  const functions = new Map<string, number>()
  const places = new Map<string, number>()
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  let atUs = startTime
  for (let index = 0; index < samples.length; index++) {
    const spentUs = timeDeltas[index + 1] ?? 0
    atUs += timeDeltas[index] ?? 0
    const frame = frames.get(samples[index] ?? 0)
    const isInside = atUs >= span.startedAtUs && atUs <= span.endedAtUs
    if (!isInside || frame === undefined || frame.functionName === '(idle)') continue
    const { functionName, url, lineNumber } = frame
    const where = url === '' ? '' : `  ${shortName(url)}:${lineNumber + 1}`
    add(functions, `${functionName || '(anonymous)'}${where}`, spentUs)
    add(places, placeOf(functionName, url), spentUs)
  }
  const lines = (title: string, spent: Map<string, number>) => [
    title,
    ...[...spent]
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, SHOWN)
      .map(([name, us]) => `${(us / span.calls).toFixed(2).padStart(8)}  ${name}`),
  ]
  return [
    `${span.calls} calls; microseconds of self time a call. "(program)" is the kernel, libuv and other native code.`,
    ...lines('\nby place', places),
    ...lines('\nby function', functions),
  ].join('\n')
}

function add(spent: Map<string, number>, name: string, us: number): void {
  spent.set(name, (spent.get(name) ?? 0) + us)
}

/** Part of the product, package, or module of Node. */
function placeOf(functionName: string, url: string): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'V8 and Node natives'
  const own = /\/packages\/(\w+)\/dist\/(?:(\w[\w-]*)\/)?/.exec(url)
  if (own !== null) return own[1] === 'gateway' ? `gateway/${own[2] ?? 'pipeline'}` : `${own[1]}`
  const dependency = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  if (dependency !== undefined) return dependency
  return url.startsWith('node:') ? url.replace('internal/', '').split('/')[0] || url : shortName(url)
}

function shortName(url: string): string {
  return url.replace(/^file:\/\//, '').replace(/.*\/(?:packages|node_modules|test)\//, '')
}
