/** Which gateway and server a command about logins is for: as told, else as the configuration says, else the only one. */
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { findConfig } from '../config/find.ts'
import { isLoopback } from '../model/addresses.ts'
import { err, ok, type Result } from '../model/result.ts'
import { addressOf } from './address.ts'
import { type ConfigOptions, requireConfig, takesConfig } from './command.ts'
import { Logins, type Place } from './logins.ts'
import { EXIT, type ExitCode, say } from './terminal.ts'

export interface PlaceOptions extends ConfigOptions {
  readonly gateway?: string
}

/** What is not configured elsewhere. */
const DEFAULT_GATEWAY = 'http://127.0.0.1:7070'

/** Adds `--gateway` and `--config`. */
export function takesPlace(command: Command): Command {
  return takesConfig(command).option(
    '--gateway <url>',
    `address of the gateway; otherwise that of the configuration, or ${DEFAULT_GATEWAY}`,
  )
}

/** Finds it out; says what is missing otherwise. */
export async function findPlace(
  server: string | undefined,
  options: PlaceOptions,
): Promise<Result<Place, ExitCode>> {
  const config = await configIfAny(options)
  if (!config.ok) return config
  const told = options.gateway ?? (config.value === undefined ? DEFAULT_GATEWAY : addressOf(config.value))
  if (told === undefined)
    return usage(
      'The configuration does not say by which address the gateway is reached: give it with --gateway.',
    )
  const url = URL.parse(told)
  if (url === null || !isSafe(url))
    return usage(`--gateway must be an https address, or http on this machine: ${JSON.stringify(told)}`)
  const servers = serversAt(url.origin, options.gateway === undefined ? config.value : undefined)
  const [only] = servers
  if (server === undefined && (only === undefined || servers.length > 1))
    return usage(`Say which server it is about${servers.length === 0 ? '' : `: ${servers.join(', ')}`}.`)
  const { SERVER_NAME } = await import('../config/schema.ts')
  const name = server ?? only ?? ''
  if (!SERVER_NAME.test(name)) return usage(`${JSON.stringify(name)} is no name that a server can have.`)
  return ok({ gateway: url.origin, server: name })
}

/** Whether what is sent there cannot be read on the way. */
export function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')))
}

/** Servers there: those of the configuration, else those where somebody is logged in. */
function serversAt(gateway: string, config: Config | undefined): readonly string[] {
  if (config !== undefined) return [...config.servers.keys()]
  const logins = new Logins(process.env).list()
  return logins.ok
    ? logins.value.filter((login) => login.gateway === gateway).map((login) => login.server)
    : []
}

/** The configuration that was asked for or is there. Whoever only calls a gateway has none. */
async function configIfAny(options: PlaceOptions): Promise<Result<Config | undefined, ExitCode>> {
  const place = { env: process.env, cwd: process.cwd(), exists: existsSync }
  const asked = options.config === undefined ? place : { ...place, asked: options.config }
  if (findConfig(asked) === undefined) return ok(undefined)
  if (options.gateway !== undefined && options.config === undefined) return ok(undefined)
  return requireConfig(options)
}

function usage(why: string): Result<never, ExitCode> {
  say(why)
  return err(EXIT.usage)
}
