/** `tollgate run`: a gateway in the foreground, told what to do by signals. */
import type { Config } from '../config/config.ts'
import { err, ok, type Result } from '../model/result.ts'
import { openAdmin } from './admin.ts'
import { RunningGateway } from './gateway.ts'

/** Reads the configuration anew; errors are lines for people. */
export type ReadConfig = () => Promise<Result<Config, readonly string[]>>

const CONFIG_PROBLEM = 78

/** Runs until it is told to stop; resolves to the exit code. */
export async function runGateway(read: ReadConfig): Promise<0 | 78> {
  const log = (text: string) => void process.stderr.write(`${text}\n`)
  const config = await read()
  if (!config.ok) return complain(config.error)
  const started = await startGateway(config.value, log, read)
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
  reread: ReadConfig,
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
    const admin = await openAdmin({
      path: config.admin.path,
      gateway,
      reload,
      routes: gateway.adminRoutes,
    })
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

function complain(lines: readonly string[]): typeof CONFIG_PROBLEM {
  for (const line of lines) process.stderr.write(`${line}\n`)
  return CONFIG_PROBLEM
}

/** Resolves at the first SIGTERM or SIGINT. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
}
