/** Interleaved rounds: every variant is measured for a moment, then all of them again, so that noise hits them alike. */
import type { ChildProcess } from 'node:child_process'
import type { Order, PairsOrder, Round, WarmUp } from './load.ts'
import { firstMessage, script, start, startServer, stop } from './processes.ts'
import { requestBytes } from './request.ts'
import { DIRECT, type Target, type Variant } from './variants.ts'

export interface Figures {
  readonly variant: string
  readonly rps: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU time of the proxy for one call; null for `direct`, which has none, and where the system does not tell. */
  readonly cpuUs: number | null
  readonly rssMb: number | null
  /** What it costs more than the variant that it is paired with; absent where there is none, or it was not measured. */
  readonly added?: Added
}

/** From short bursts taken in turn, since noise hits those alike that are next to each other. */
export interface Added {
  readonly over: string
  /**
   * Median of the differences in CPU time a call, of the quietest pairs; 95 in 100 such intervals hold the true one. What
   * else the machine does makes both of a pair dearer, and the difference with them.
   */
  readonly cpuUs: number
  readonly fromUs: number
  readonly toUs: number
  readonly quietPairs: number
  /** The same of all pairs. */
  readonly allCpuUs: number
  readonly pairs: number
}

export interface Plan {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  /** Tells how far it is. */
  note(text: string): void
}

/** Code has to be optimised before it shows what it costs; after that a short run before each round is enough. */
export const FIRST_WARM_UP: WarmUp = { ms: 2000, calls: 30_000 }
const WARM_UP: WarmUp = { ms: 500, calls: 0 }

/** Medians over the rounds, in the order of `variants`. */
export async function measure(variants: readonly Variant[], plan: Plan): Promise<readonly Figures[]> {
  const upstream = await startServer('load', script('upstream.ts'))
  const load = await startLoad()
  const targets = new Map<Variant, Target>()
  const rounds = new Map<Variant, Round[]>()
  for (const variant of variants) {
    const target = await variant.start(upstream)
    targets.set(variant, target)
    rounds.set(variant, [])
    plan.note(`warming up ${variant.name}`)
    await runRound(load, target, { ...plan, seconds: 0.1, warmUp: FIRST_WARM_UP })
  }
  for (let number = 1; number <= plan.rounds; number++) {
    // Backwards every other time, so that nothing is always measured after the same.
    const order = number % 2 === 1 ? [...targets] : [...targets].toReversed()
    for (const [variant, target] of order) {
      const round = await runRound(load, target, { ...plan, warmUp: WARM_UP })
      rounds.get(variant)?.push(round)
      const cost = round.cpuUs === undefined ? '' : `, ${round.cpuUs.toFixed(1)} µs of CPU a call`
      plan.note(`round ${number} ${variant.name}: ${Math.round(round.rps)}/s${cost}`)
    }
  }
  const added = new Map<Variant, Added>()
  for (const [variant, target] of targets) {
    const [over, base] = [...targets].find(([{ name }]) => name === variant.over) ?? []
    if (over === undefined || base === undefined) continue
    plan.note(`comparing ${variant.name} with ${over.name}`)
    const pairs = await compare(load, [base, target], plan)
    if (pairs.length > 0) added.set(variant, { over: over.name, ...spread(pairs) })
  }
  await Promise.all([load, upstream.child, ...[...targets.values()].map(({ child }) => child)].map(stop))
  return [...rounds].map(([variant, each]) => {
    const more = added.get(variant)
    return { ...medians(variant.name, each), ...(more && { added: more }) }
  })
}

const PAIRS_PER_ROUND = 300
const BURST_MS = 25

/** CPU time a call of the one and of the other. */
type Pair = readonly [baseUs: number, otherUs: number]

/** Pair by pair; empty where it cannot be told. */
async function compare(load: ChildProcess, [base, other]: [Target, Target], plan: Plan): Promise<Pair[]> {
  const order: PairsOrder = {
    port: base.port,
    requests: [requestBytes(base), requestBytes(other)],
    connections: plan.connections,
    pid: base.child.pid ?? 0,
    pairs: plan.rounds * PAIRS_PER_ROUND,
    burstMs: BURST_MS,
  }
  return (await ask<{ pairs: Pair[] }>(load, order)).pairs
}

/** By how dear both of a pair were together, which favours neither. */
const QUIET_SHARE = 1 / 4

/** Ranks around the median, by the normal approximation of the binomial. */
function spread(pairs: readonly Pair[]): Omit<Added, 'over'> {
  const byNoise = pairs.toSorted((a, b) => a[0] + a[1] - b[0] - b[1])
  const differences = byNoise.map(([base, other]) => other - base)
  const sorted = differences.slice(0, Math.ceil(pairs.length * QUIET_SHARE)).toSorted((a, b) => a - b)
  const aside = (1.96 * Math.sqrt(sorted.length)) / 2
  const at = (rank: number) =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(rank)))] ?? Number.NaN
  return {
    cpuUs: rounded(median(sorted), 1),
    fromUs: rounded(at(sorted.length / 2 - aside), 1),
    toUs: rounded(at(sorted.length / 2 + aside - 1), 1),
    quietPairs: sorted.length,
    allCpuUs: rounded(median(differences.toSorted((a, b) => a - b)), 1),
    pairs: pairs.length,
  }
}

/** Starts a load generator. */
export async function startLoad(): Promise<ChildProcess> {
  const load = start('load', script('load.ts'))
  await firstMessage(load)
  return load
}

/** One run of the load generator against one target. */
export async function runRound(
  load: ChildProcess,
  { child, ...target }: Target,
  { seconds, connections, warmUp }: Pick<Plan, 'seconds' | 'connections'> & { warmUp: WarmUp },
): Promise<Round> {
  const order: Order = {
    port: target.port,
    request: requestBytes(target),
    connections,
    warmUp,
    measureMs: seconds * 1000,
    pid: child.pid ?? 0,
  }
  return (await ask<{ round: Round }>(load, order)).round
}

async function ask<T extends object>(load: ChildProcess, order: Order | PairsOrder): Promise<T> {
  load.send(order)
  const answer = (await firstMessage(load)) as T | { problem: string }
  if ('problem' in answer) throw new Error(answer.problem)
  return answer
}

function medians(variant: string, rounds: readonly Round[]): Figures {
  const isProxy = variant !== DIRECT
  const known = (values: readonly (number | undefined)[]) => {
    const numbers = values.filter((value) => value !== undefined)
    return isProxy && numbers.length > 0 ? rounded(median(numbers), 1) : null
  }
  return {
    variant,
    rps: Math.round(median(rounds.map(({ rps }) => rps))),
    p50Ms: rounded(median(rounds.map(({ p50Ms }) => p50Ms)), 3),
    p99Ms: rounded(median(rounds.map(({ p99Ms }) => p99Ms)), 3),
    cpuUs: known(rounds.map(({ cpuUs }) => cpuUs)),
    rssMb: known(rounds.map(({ rssMb }) => rssMb)),
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1] ?? Number.NaN, sorted[Math.floor(middle)] ?? Number.NaN]
  return (low + high) / 2
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
