/**
 * What a process has used so far, as Linux counts it: user and system time of all its threads, and resident memory.
 * Elsewhere it is not known, and the benchmark says so.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

export interface Usage {
  readonly cpuMs: number
  readonly rssMb: number
}

/** Ticks of /proc are hundredths of a second on every Linux that Node runs on. */
const TICK_MS = 10

/** Whether processes can be asked here. */
export const canMeasure = existsSync('/proc/self/stat')

/** Undefined where the system does not tell. */
export function usageOf(pid: number): Usage | undefined {
  if (!canMeasure) return undefined
  const resident = /^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return { cpuMs: exactCpuMs(pid) ?? cpuMs(pid), rssMb: Number(resident ?? 0) / 1024 }
}

/** To the nanosecond, for threads that have not ended; most kernels tell. */
function exactCpuMs(pid: number): number | undefined {
  let sumNs = 0
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`))
      sumNs += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0])
  } catch {
    return undefined
  }
  return sumNs === 0 ? undefined : sumNs / 1e6
}

function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The name of the program stands in brackets and may hold anything; what follows it are numbers.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])]
  return (userTicks + systemTicks) * TICK_MS
}
