/** `tollgate check`: everything that would keep the gateway from starting, without starting it. */
import type { Command } from 'commander'
import { type Config, showConfigError } from '../config/config.ts'
import { refuseToListen } from '../exposure/listen.ts'
import { err, ok, type Result } from '../model/result.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  readConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { EXIT, paint, print, printJson, say } from './terminal.ts'

/** Registers the command. */
export function addCheck(program: Command): void {
  takesJson(takesConfig(program.command('check')))
    .description('check the configuration and the policies; prints file:line:column of every error')
    .action(
      leaving(async (options: ConfigOptions & JsonOptions) => {
        const checked = await check(options)
        if (options.json)
          printJson(
            checked.ok ? { ok: true, ...checked.value } : { ok: false, errors: checked.error.map(split) },
          )
        else if (checked.ok) print(`${paint('green', 'ok')}  ${summary(checked.value)}`)
        else for (const line of checked.error) say(line)
        return checked.ok ? EXIT.ok : EXIT.configuration
      }),
    )
}

interface Checked {
  readonly config: string
  readonly servers: number
  readonly policies: number
}

async function check(options: ConfigOptions): Promise<Result<Checked, readonly string[]>> {
  const config = await readConfig(options)
  if (!config.ok) return err(config.error.map(showConfigError))
  const closed = await listenerFault(config.value)
  const { loadPolicies } = await import('../server/snapshot.ts')
  const policies = await loadPolicies(config.value)
  const errors = [...(closed === undefined ? [] : [closed]), ...(policies.ok ? [] : policies.error)]
  if (!policies.ok || errors.length > 0) return err(errors)
  const { file, servers } = config.value
  return ok({ config: file, servers: servers.size, policies: policies.value.all.policies.length })
}

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

function summary({ config, servers, policies }: Checked): string {
  return `${config}: ${count(servers, 'server')}, ${count(policies, 'policy', 'policies')}`
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}

/** `file:line:column: message` as members; without a position, file and message. */
function split(line: string): object {
  const [, file, row, column, message] = /^(.+?):(\d+):(\d+): (.*)$/s.exec(line) ?? []
  return file === undefined ? { message: line } : { file, line: Number(row), column: Number(column), message }
}
