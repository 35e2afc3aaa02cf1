/** `tollgate run`: a gateway in the foreground, told what to do by signals. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Config } from '../config/config.ts'
import { showConfigError } from '../config/config.ts'
import { findConfig } from '../config/find.ts'
import { parseListen } from '../config/listen.ts'
import { loadConfig } from '../config/load.ts'
import { err, ok, type Result } from '../model/result.ts'
import { openAdmin } from './admin.ts'
import { RunningGateway } from './gateway.ts'

export interface RunOptions {
  readonly configPath?: string
  /** `--listen`, over the configuration's. */
  readonly listen?: string
}

const CONFIG_PROBLEM = 78

/** Runs until it is told to stop; resolves to the exit code. */
export async function runGateway(options: RunOptions): Promise<number> {
  const log = (text: string) => void process.stderr.write(`${text}\n`)
  const config = await readConfig(options)
  if (!config.ok) return complain(config.error)
  const started = await startGateway(config.value, log, () => readConfig(options))
  if (!started.ok) return complain(started.error)
  const { gateway, reload, stop } = started.value
  log(
    `tollgate listens on ${gateway.endpoint}/mcp/{server} for ${[...config.value.servers.keys()].join(', ') || 'no servers yet'}`,
  )
  process.on('SIGHUP', () => {
    void reload().then((reloaded) => {
      for (const line of reloaded.ok ? ['reloaded'] : [...reloaded.error, 'kept the configuration as it was'])
        log(line)
    })
  })
  await stopSignal()
  log('stopping; a second signal ends at once')
  void stopSignal().then(() => process.exit(1))
  await stop()
  return 0
}

export interface Started {
  readonly gateway: RunningGateway
  reload(): Promise<Result<void, readonly string[]>>
  stop(): Promise<void>
}

/** A gateway with its admin socket. */
export async function startGateway(
  config: Config,
  log: (text: string) => void,
  reread: () => Promise<Result<Config, readonly string[]>>,
): Promise<Result<Started, readonly string[]>> {
  const started = await RunningGateway.start(config, log)
  if (!started.ok) return started
  const gateway = started.value
  let reloading: Promise<Result<void, readonly string[]>> = Promise.resolve(ok(undefined))
  // One at a time: a second reload sees what the first one left.
  const reload = () => {
    reloading = reloading.then(async () => {
      const read = await reread()
      return read.ok ? gateway.reload(read.value) : read
    })
    return reloading
  }
  try {
    const admin = await openAdmin({ path: config.admin.path, gateway, reload })
    return ok({
      gateway,
      reload,
      async stop() {
        admin.close()
        admin.closeAllConnections()
        await gateway.stop()
      },
    })
  } catch (problem) {
    await gateway.stop()
    const why = problem instanceof Error ? problem.message : String(problem)
    return err([`admin: ${config.admin.path} cannot be opened: ${why}`])
  }
}

async function readConfig({ configPath, listen }: RunOptions): Promise<Result<Config, readonly string[]>> {
  const place = { env: process.env, cwd: process.cwd(), exists: existsSync }
  const path = findConfig(configPath === undefined ? place : { ...place, asked: configPath })
  if (path === undefined)
    return err(['no configuration was found: write one with "tollgate init", or name it with --config'])
  const loaded = await loadConfig({ path, readFile: (name) => readFile(name, 'utf8') })
  if (!loaded.ok) return err(loaded.error.map(showConfigError))
  if (listen === undefined) return loaded
  const address = parseListen(listen)
  return address.ok ? ok({ ...loaded.value, listen: address.value }) : err([`--listen ${address.error}`])
}

function complain(lines: readonly string[]): number {
  for (const line of lines) process.stderr.write(`${line}\n`)
  return CONFIG_PROBLEM
}

/** Resolves at the first SIGTERM or SIGINT. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
}
