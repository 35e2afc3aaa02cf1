/** `tollgate check`: everything that would keep the gateway from starting, or policies from saying what they mean. */
import { relative } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { type Config, showConfigError } from '../config/config.ts'
import { refuseToListen } from '../exposure/listen.ts'
import type { Policies } from '../policy/policies.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  readConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import type { Checked, PolicyCheckOptions } from './policy-findings.ts'
import { showFindings } from './show-findings.ts'
import { type LintedTemplates, showFinding } from './task-templates.ts'
import { EXIT, type ExitCode, harmless, paint, print, printJson, say } from './terminal.ts'

export interface CheckOptions extends ConfigOptions, JsonOptions, PolicyCheckOptions {
  /** Warnings are errors. */
  readonly strict?: true
}

/** Registers the command. */
export function addCheck(program: Command): void {
  takesChecks(program.command('check'))
    .description('check the configuration, and the policies against what the servers offer')
    .action(leaving((options: CheckOptions) => runCheck(options, listenerFault)))
}

/** Adds the flags of checks. */
export function takesChecks(command: Command): Command {
  return takesJson(takesConfig(command))
    .option('--offline', 'ask no server what it offers')
    .option('--strict', 'warnings are errors')
    .option('--time-limit <seconds>', 'for validating the policies', parseSeconds, 60)
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > 86_400)
    throw new InvalidArgumentError('It is a number of seconds, at least 1.')
  return seconds
}

/** Checks and reports. `alsoWrong` finds what else is wrong with the configuration, where all of it is to be checked. */
export async function runCheck(
  options: CheckOptions,
  alsoWrong?: (config: Config) => Promise<string | undefined>,
): Promise<ExitCode> {
  const config = await readConfig(options)
  if (!config.ok) return complain(config.error.map(showConfigError), options)
  const fault = await alsoWrong?.(config.value)
  const isWhole = alsoWrong !== undefined
  const { loadPolicies } = await import('../server/snapshot.ts')
  const policies = await loadPolicies(config.value)
  const errors = [...(fault === undefined ? [] : [fault]), ...(policies.ok ? [] : policies.error)]
  if (!policies.ok || errors.length > 0) return complain(errors, options)

  const { checkPolicies } = await import('./policy-findings.ts')
  const checked = await untilInterrupted((signal) =>
    checkPolicies(config.value, policies.value.all.policies, options, signal),
  )
  if (checked === undefined) return EXIT.interrupted
  const { lintAll } = await import('./task-templates.ts')
  const templates = isWhole ? await lintAll(config.value) : { templates: 0, errors: [], findings: [] }
  return report(checked, { config: config.value, policies: policies.value, templates }, options)
}

/** Runs `work` to its end; undefined when it was interrupted, and then it has cleaned up. A second interrupt ends at once. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const interrupted = new AbortController()
  const abort = () => interrupted.abort()
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.once(signal, abort)
  try {
    const done = await work(interrupted.signal)
    return interrupted.signal.aborted ? undefined : done
  } finally {
    for (const signal of signals) process.off(signal, abort)
  }
}

function complain(lines: readonly string[], { json }: JsonOptions): ExitCode {
  if (json) printJson({ ok: false, errors: lines.map(split), warnings: [] })
  else for (const line of lines) say(line)
  return EXIT.configuration
}

interface Subject {
  readonly config: Config
  readonly policies: Policies
  readonly templates: LintedTemplates
}

function report(
  checked: Checked,
  { config, policies, templates }: Subject,
  { json, strict, offline }: CheckOptions,
): ExitCode {
  const { findings, servers } = checked
  const problems = [...checked.problems, ...templates.errors]
  const all = policies.all.policies
  const idle =
    all.length > 0 ? [] : [{ file: relative(process.cwd(), config.policyDir) || '.', message: NO_POLICIES }]
  const found = [...findings, ...templates.findings]
  const errors = found.filter(({ severity }) => severity === 'error')
  const warnings = found.filter(({ severity }) => severity === 'warning')
  const warned = warnings.length + checked.warnings.length + idle.length
  const failed = errors.length + problems.length > 0 || (strict === true && warned > 0)
  if (json) {
    printJson({
      ok: !failed,
      config: config.file,
      servers: servers.length,
      policies: all.length,
      asked: servers,
      errors: [...errors, ...problems.map(split)],
      warnings: [...warnings, ...checked.warnings, ...idle],
    })
  } else {
    if (offline) say('servers were not asked: what policies say of their tools is taken for granted')
    for (const { server, message } of checked.warnings)
      say(harmless(`${config.file}: warning: server ${server} ${message}`))
    for (const { file, message } of idle) say(harmless(`${file}: warning: ${message}`))
    const texts = new Map(all.map(({ source }) => [source.file, source.text]))
    showFindings(findings, (file) => texts.get(file))
    for (const finding of templates.findings) say(showFinding(finding))
    for (const problem of problems) say(harmless(problem))
    const counts = [count(servers.length, 'server'), count(all.length, 'policy', 'policies')]
    if (templates.templates > 0) counts.push(count(templates.templates, 'template'))
    if (warned > 0) counts.push(count(warned, 'warning'))
    if (!failed) print(`${paint('green', 'ok')}  ${config.file}: ${counts.join(', ')}`)
  }
  return failed ? EXIT.configuration : EXIT.ok
}

const NO_POLICIES = 'there are no policies, so nothing is allowed; put *.cedar files with a permit in here'

/** Why the listener must not be opened, or cannot; undefined when it may. */
export async function listenerFault(config: Config): Promise<string | undefined> {
  const { file, listen, tls, trustedProxies, anonymous } = config
  const exposed = refuseToListen({
    listen,
    tls: tls !== undefined,
    trustedProxies,
    anonymous: anonymous !== undefined,
  })
  if (exposed !== undefined) return `${file}: ${exposed}`
  if (tls === undefined) return undefined
  const { readTls } = await import('../server/start-checks.ts')
  const pair = readTls(tls)
  return pair.ok ? undefined : `${file}: ${pair.error}`
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}

/** `file:line:column: message` as members; without a position, file and message. */
function split(line: string): object {
  const [, file, row, column, message] = /^(.+?):(\d+):(\d+): (.*)$/s.exec(line) ?? []
  return file === undefined ? { message: line } : { file, line: Number(row), column: Number(column), message }
}
