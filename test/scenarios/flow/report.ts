/** What a replay shows: for each sequence and in total, and what was not as expected. */
import type { Sequence } from './format.ts'
import type { Played } from './play.ts'

export interface Counts {
  readonly calls: number
  /** Calls that were injected. */
  readonly attacks: number
  /** Of those, how many did not reach their server, or only after a person approved. */
  readonly stopped: number
  readonly benign: number
  /** Benign calls that were refused for good. */
  readonly refused: number
  /** Calls that asked for an approval. */
  readonly asked: number
  /** Of those, how many were benign: what the defence costs. */
  readonly askedBenign: number
}

export interface SequenceReport extends Counts {
  readonly name: string
  readonly kind: Sequence['kind']
  readonly file: string
  readonly line: number
  readonly results: readonly CallReport[]
}

export interface CallReport {
  readonly line: number
  readonly call: string
  readonly expected: string
  readonly got: string
  readonly attack: boolean
  readonly asExpected: boolean
  readonly reason?: string | undefined
  readonly message?: string | undefined
}

/** One sequence. */
export function reportOf({ name, kind, file, line }: Sequence, played: readonly Played[]): SequenceReport {
  const results = played.map(({ call, got, reason, message, fault }): CallReport => {
    const asExpected = got === call.expected && fault === undefined
    const told = fault ?? message
    return {
      line: call.line,
      call: `${call.server}__${call.tool}`,
      expected: call.expected,
      got,
      attack: call.attack,
      asExpected,
      ...(reason === undefined ? {} : { reason }),
      ...(told === undefined ? {} : { message: told }),
    }
  })
  return { name, kind, file, line, ...countsOf(played), results }
}

function countsOf(played: readonly Played[]): Counts {
  const attacks = played.filter(({ call }) => call.attack)
  const benign = played.filter(({ call }) => !call.attack)
  return {
    calls: played.length,
    attacks: attacks.length,
    stopped: attacks.filter(({ reached }) => !reached).length,
    benign: benign.length,
    refused: benign.filter(({ got }) => got === 'refuse').length,
    asked: played.filter(({ got }) => got === 'ask').length,
    askedBenign: benign.filter(({ got }) => got === 'ask').length,
  }
}

/** All of them together. */
export function totalOf(
  reports: readonly SequenceReport[],
): Counts & { sequences: number; unexpected: number } {
  const sum = (member: keyof Counts) => reports.reduce((total, report) => total + report[member], 0)
  return {
    sequences: reports.length,
    calls: sum('calls'),
    attacks: sum('attacks'),
    stopped: sum('stopped'),
    benign: sum('benign'),
    refused: sum('refused'),
    asked: sum('asked'),
    askedBenign: sum('askedBenign'),
    unexpected: reports.flatMap(({ results }) => results).filter(({ asExpected }) => !asExpected).length,
  }
}

/** A sequence as lines for people. */
export function showSequence(report: SequenceReport): string {
  const { name, kind, calls, file, line, results } = report
  const wrong = results.filter(({ asExpected }) => !asExpected)
  const head = `${wrong.length === 0 ? 'ok  ' : 'NOT '} ${name} (${kind}, ${calls} calls; ${file}:${line})`
  return [head, `       ${figures(report)}`, ...wrong.map((each) => `       ${showWrong(file, each)}`)].join(
    '\n',
  )
}

function showWrong(file: string, { line, call, expected, got, reason, message = '' }: CallReport): string {
  const why = reason === undefined ? '' : ` (${reason}: ${message})`
  return expected === got
    ? `${file}:${line}: ${call}: asked as expected, but the approval did not let it through: ${message}`
    : `${file}:${line}: ${call}: expected ${expected}, got ${got}${why}`
}

/** All of them together, as lines for people. */
export function showTotal(total: ReturnType<typeof totalOf>, unplayed = 0): string {
  const { sequences, calls, unexpected } = total
  const judged = unexpected === 0 ? 'all as expected' : `${unexpected} NOT as expected`
  const lost = unplayed === 0 ? '' : `; ${unplayed} could NOT be played, see stderr`
  return `\n${sequences} sequences, ${calls} calls: ${judged}${lost}\n${figures(total).replaceAll('; ', '\n')}`
}

function figures({ attacks, stopped, benign, refused, asked, askedBenign }: Counts): string {
  return [
    `attacks stopped: ${stopped} of ${attacks}`,
    `benign calls refused: ${refused} of ${benign}`,
    `approvals asked: ${asked} (${askedBenign} of them by benign calls)`,
  ].join('; ')
}
