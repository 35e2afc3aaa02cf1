/**
 * What a process has used so far, as Linux counts it: user and system time of all its threads, ended ones included,
 * and resident memory. Elsewhere it is not known, and the benchmark says so.
 */
import { existsSync, readFileSync } from 'node:fs'

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
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The name of the program stands in brackets and may hold anything; what follows it are numbers.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])]
  const resident = /^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return { cpuMs: (userTicks + systemTicks) * TICK_MS, rssMb: Number(resident ?? 0) / 1024 }
}
