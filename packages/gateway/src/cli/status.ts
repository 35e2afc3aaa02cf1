/** `tollgate status`: what the running gateway says of itself. */
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { GatewayStatus } from '../server/gateway.ts'
import { type AdminProblem, askAdmin } from './admin-client.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { EXIT, harmless, paint, print, printJson, printTable, say } from './terminal.ts'

/** Registers the command. */
export function addStatus(program: Command): void {
  takesJson(takesConfig(program.command('status')))
    .description('show how the running gateway is doing')
    .action(
      leaving(async (options: ConfigOptions & JsonOptions) => {
        const config = await requireConfig(options)
        if (!config.ok) return config.error
        const status = await askStatus(config.value)
        if (!status.ok) {
          say(status.error.message)
          return EXIT.failed
        }
        if (options.json) printJson(status.value)
        else show(status.value)
        return EXIT.ok
      }),
    )
}

/** Asks the gateway of this configuration. */
export async function askStatus(
  config: Config,
  timeoutMs?: number,
): Promise<Result<GatewayStatus, AdminProblem>> {
  const answer = await askAdmin(config.admin.path, 'GET /api/v1/status', { timeoutMs })
  if (!answer.ok) return answer
  if (answer.value.status === 200) return ok(answer.value.body as GatewayStatus)
  return err({ isDown: false, message: `the gateway answered with HTTP ${answer.value.status}` })
}

/** `ready`, in the colour of how good that is. */
export function paintState(state: string): string {
  if (state === 'ready') return paint('green', state)
  return state === 'failed' ? paint('red', state) : paint('dim', harmless(state))
}

function show(status: GatewayStatus): void {
  const { pid, startedAt, config, listen, policies, sessions, audit, servers, issuers } = status
  const { outage, refusedCalls } = audit
  const written = paint('green', 'written')
  const unwritable = paint('red', `cannot be written, calls are refused (${refusedCalls} so far)`)
  const facts: [string, string][] = [
    ['gateway', `${paint('green', 'running')}, process ${pid}, since ${startedAt}`],
    ['configuration', harmless(config)],
    ['listens on', harmless(listen)],
    ['policies', String(policies)],
    ['sessions', String(sessions)],
    ['audit log', outage === undefined ? written : unwritable],
  ]
  for (const [name, value] of facts) print(`${name.padEnd(15)}${value}`)
  if (issuers.length > 0) showIssuers(issuers)
  if (servers.length === 0) return
  print('')
  printTable(
    ['SERVER', 'TRANSPORT', 'STATE', 'ERAS', 'DETAIL'],
    servers.map(({ name, transport, state, eras, detail = '' }) => [
      name,
      transport,
      paintState(state),
      eras.join(', ') || '-',
      harmless(detail),
    ]),
  )
}

function showIssuers(issuers: GatewayStatus['issuers']): void {
  print('')
  printTable(
    ['ISSUER', 'STATE', 'KEYS', 'FETCHED', 'DETAIL'],
    issuers.map(({ name, state, keys, fetchedAt = '-', failure = '' }) => [
      name,
      paintState(state),
      String(keys),
      fetchedAt,
      harmless(failure),
    ]),
  )
}
