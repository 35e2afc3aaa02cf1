/** `tollgate run`: the gateway in the foreground. */
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { parseListen } from '../config/listen.ts'
import { err, ok, type Result } from '../model/result.ts'
import { type ConfigOptions, leaving, readConfigLines, takesConfig } from './command.ts'

/** Registers the command. */
export function addRun(program: Command): void {
  takesConfig(program.command('run'))
    .description('run the gateway in the foreground; SIGHUP reloads, SIGTERM and SIGINT stop it')
    .option('--listen <address>', 'host:port or unix:/path, instead of what the configuration says')
    .action(
      leaving(async ({ config, listen }: ConfigOptions & { listen?: string }) => {
        const { runGateway } = await import('../server/run.ts')
        return runGateway(async () =>
          listenElsewhere(await readConfigLines(config === undefined ? {} : { config }), listen),
        )
      }),
    )
}

function listenElsewhere(
  config: Result<Config, readonly string[]>,
  listen: string | undefined,
): typeof config {
  if (!config.ok || listen === undefined) return config
  const address = parseListen(listen)
  return address.ok ? ok({ ...config.value, listen: address.value }) : err([`--listen ${address.error}`])
}
