/** The figures as a table for people. */
import type { Figures } from './measure.ts'
import { PLAIN } from './variants.ts'

const COLUMNS = ['variant', 'calls/s', 'p50 ms', 'p99 ms', 'CPU µs a call', '× plain', 'RSS MB']

/** The table; bold heads where there is a terminal. */
export function renderTable(figures: readonly Figures[], isTerminal: boolean): string {
  const plain = figures.find(({ variant }) => variant === PLAIN)?.cpuUs ?? null
  const rows = figures.map(({ variant, rps, p50Ms, p99Ms, cpuUs, rssMb }) => [
    variant,
    String(rps),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    cpuUs === null ? '–' : cpuUs.toFixed(1),
    cpuUs === null || plain === null ? '–' : (cpuUs / plain).toFixed(2),
    rssMb === null ? '–' : rssMb.toFixed(0),
  ])
  const widths = COLUMNS.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
  const head = line(COLUMNS)
  return [isTerminal ? `\x1b[1m${head}\x1b[0m` : head, ...rows.map(line), ...figures.flatMap(addedLine)].join(
    '\n',
  )
}

function addedLine({ variant, added }: Figures): readonly string[] {
  if (added === undefined) return []
  const { over, cpuUs, fromUs, toUs, quietPairs, allCpuUs, pairs } = added
  const sure = `95 % sure: ${fromUs.toFixed(1)} to ${toUs.toFixed(1)}`
  return [
    `${variant} adds ${cpuUs.toFixed(1)} µs of CPU a call to ${over} (median of the quietest ${quietPairs} of ${pairs} pairs; ${sure}; of all ${allCpuUs.toFixed(1)})`,
  ]
}
