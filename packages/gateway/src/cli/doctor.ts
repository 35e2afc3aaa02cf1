/** `tollgate doctor`: looks at everything a working gateway needs, and says how to mend what is not right. */
import type { Command } from 'commander'
import { showConfigError } from '../config/config.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  readConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import type { Finding } from './doctor-finding.ts'
import { EXIT, harmless, paint, print, printJson } from './terminal.ts'

/** Registers the command. */
export function addDoctor(program: Command): void {
  takesJson(takesConfig(program.command('doctor')))
    .description('look at everything a gateway needs, and say how to mend what is not right')
    .action(
      leaving(async (options: ConfigOptions & JsonOptions) => {
        const findings = await examine(options)
        if (options.json) printJson(findings)
        else for (const finding of findings) show(finding)
        return findings.some(({ state }) => state === 'fail') ? EXIT.failed : EXIT.ok
      }),
    )
}

async function examine(options: ConfigOptions): Promise<readonly Finding[]> {
  const { checkConfigured, checkNode } = await import('./doctor-gateway.ts')
  const { checkServers } = await import('./doctor-servers.ts')
  const config = await readConfig(options)
  if (!config.ok) {
    const wrong = config.error.map(
      (error): Finding => ({ check: 'configuration', state: 'fail', detail: showConfigError(error) }),
    )
    return [checkNode(), ...wrong]
  }
  const found: Finding = { check: 'configuration', state: 'ok', detail: config.value.file }
  const [gateway, servers] = await Promise.all([checkConfigured(config.value), checkServers(config.value)])
  return [checkNode(), found, ...gateway, ...servers]
}

const marks = { ok: ['green', 'ok  '], warn: ['yellow', 'warn'], fail: ['red', 'fail'] } as const

function show({ check, state, detail, mend }: Finding): void {
  const [style, mark] = marks[state]
  print(`${paint(style, mark)}  ${check.padEnd(18)}  ${harmless(detail)}`)
  if (mend !== undefined) print(`${' '.repeat(26)}${paint('dim', `→ ${harmless(mend)}`)}`)
}
