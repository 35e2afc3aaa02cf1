/** `tollgate audit`: the log, for people and for programs. It is read from the file, whether a gateway runs or not. */
import { type Command, InvalidArgumentError } from 'commander'
import type { LogEntry } from '../audit/encode.ts'
import type { LogLine } from '../store/audit-reader.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { EXIT, type ExitCode, harmless, paint, print, say } from './terminal.ts'

interface TailOptions extends ConfigOptions, JsonOptions {
  readonly follow?: true
  readonly last: number
}

/** Registers the commands. */
export function addAudit(program: Command): void {
  const audit = program.command('audit').description('read the audit log')
  takesJson(takesConfig(audit.command('tail')))
    .description('show the last entries; --json writes one a line')
    .option('-n, --last <number>', 'how many', parseCount, 10)
    .option('-f, --follow', 'go on with new entries as they come')
    .action(leaving(tail))
}

const MOST = 10_000

function parseCount(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > MOST)
    throw new InvalidArgumentError(`It is a number from 0 to ${MOST}.`)
  return Number(text)
}

async function tail(options: TailOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const { auditFilePath } = await import('../store/audit-file.ts')
  const { followEntries, readEntries } = await import('../store/audit-reader.ts')
  const path = auditFilePath(config.value.dataDir)
  const show = options.json ? showJson : showLine

  const stopped = new AbortController()
  const following = options.follow ? followEntries(path, stopped.signal) : undefined
  // Following begins before the last entries are read, so that none is missed; those that both give are shown once.
  const first = following?.next()
  const last = await readEntries(path, { last: options.last })
  if (last.length === 0 && options.last > 0)
    say(`There are no entries${options.follow ? ' yet' : ''} at ${path}.`)
  for (const line of last) show(line)
  if (following === undefined) return EXIT.ok

  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
  const seen = new Set(last.map((line) => line.text))
  for (let next = await first; next?.done === false; next = await following.next()) {
    if (!seen.has(next.value.text)) show(next.value)
  }
  return EXIT.ok
}

/** One line; invisible characters can only be inside strings, where JSON may escape them. */
function showJson({ entry }: LogLine): void {
  if (entry === undefined) return damaged()
  const units = (text: string) =>
    text.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  const escape = (text: string) => `\\u${units(text).join('\\u')}`
  print(JSON.stringify(entry).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escape))
}

function showLine({ entry }: LogLine): void {
  if (entry === undefined) damaged()
  else print(describe(entry))
}

function damaged(): void {
  say('(a line that is no entry: damaged, or written by something else)')
}

function describe(entry: LogEntry): string {
  // What stands in the file is only mostly what the gateway wrote: no member is trusted to be there.
  const part = (value: string | number | null | undefined) =>
    value === null || value === undefined ? undefined : harmless(String(value))
  const line = (...parts: (string | undefined)[]) => parts.filter((each) => each !== undefined).join('  ')
  const time = paint('dim', part(entry.time) ?? '-')
  switch (entry.kind) {
    case 'decision': {
      const verdict = entry.decision === 'allow' ? paint('green', 'allow  ') : paint('red', 'deny   ')
      const who = part(entry.principal) ?? '(nobody)'
      const through = entry.agent === null ? '' : ` via ${part(entry.agent)}`
      const what = part(entry.tool) ?? line(part(entry.server), part(entry.method))
      const why = part(entry.reason) ?? ''
      const by =
        Array.isArray(entry.policies) && entry.policies.length > 0
          ? `[${part(entry.policies.join(', '))}]`
          : ''
      return line(
        time,
        verdict,
        `${who}${through}`,
        what === '' ? undefined : paint('bold', what),
        `${why}${why && by && ' '}${by}` || undefined,
        paint('dim', part(entry.requestId) ?? '-'),
      )
    }
    case 'outcome': {
      const status =
        entry.status === 'ok'
          ? paint('green', 'ok     ')
          : paint('yellow', part(entry.status)?.padEnd(7) ?? '-')
      return line(
        time,
        status,
        `${part(entry.durationMs)} ms`,
        `${part(entry.resultBytes)} bytes`,
        part(entry.reason),
        paint('dim', part(entry.requestId) ?? '-'),
      )
    }
    case 'event':
      return line(
        time,
        entry.result === 'done'
          ? paint('green', part(entry.event)?.padEnd(7) ?? '-')
          : paint('red', `${part(entry.event) ?? '-'} refused`),
        part(entry.principal) ?? '(nobody)',
        entry.client === null ? undefined : `client ${part(entry.client)}`,
        part(entry.detail),
        paint('dim', part(entry.requestId) ?? '-'),
      )
    case 'gap':
      return line(
        time,
        paint('yellow', 'gap    '),
        `the log could not be written since ${part(entry.since)}: ${part(entry.cause)}`,
        `${part(entry.refusedCalls)} calls refused, ${part(entry.lostOutcomes)} outcomes lost`,
      )
  }
}
