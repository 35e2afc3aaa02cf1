/** Interleaved rounds: every variant is measured for a moment, then all of them again, so that noise hits them alike. */
import type { ChildProcess } from 'node:child_process'
import type { Order, Round, WarmUp } from './load.ts'
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
    for (const [variant, target] of targets) {
      const round = await runRound(load, target, { ...plan, warmUp: WARM_UP })
      rounds.get(variant)?.push(round)
      const cost = round.cpuUs === undefined ? '' : `, ${round.cpuUs.toFixed(1)} µs of CPU a call`
      plan.note(`round ${number} ${variant.name}: ${Math.round(round.rps)}/s${cost}`)
    }
  }
  await Promise.all([load, upstream.child, ...[...targets.values()].map(({ child }) => child)].map(stop))
  return [...rounds].map(([variant, each]) => medians(variant.name, each))
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
  { child, port, token }: Target,
  { seconds, connections, warmUp }: Pick<Plan, 'seconds' | 'connections'> & { warmUp: WarmUp },
): Promise<Round> {
  const order: Order = {
    port,
    request: requestBytes(port, token),
    connections,
    warmUp,
    measureMs: seconds * 1000,
    pid: child.pid ?? 0,
  }
  load.send(order)
  const answer = (await firstMessage(load)) as { round: Round } | { problem: string }
  if ('problem' in answer) throw new Error(answer.problem)
  return answer.round
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
