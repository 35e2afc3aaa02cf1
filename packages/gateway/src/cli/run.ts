/** `tollgate run`: the gateway in the foreground. */
import type { Command } from 'commander'
import { type ConfigOptions, takesConfig } from './command.ts'

/** Registers the command. */
export function addRun(program: Command): void {
  takesConfig(program.command('run'))
    .description('run the gateway in the foreground; SIGHUP reloads, SIGTERM and SIGINT stop it')
    .option('--listen <address>', 'host:port or unix:/path, instead of what the configuration says')
    .action(async ({ config, listen }: ConfigOptions & { listen?: string }) => {
      const { runGateway } = await import('../server/run.ts')
      process.exitCode = await runGateway({
        ...(config === undefined ? {} : { configPath: config }),
        ...(listen === undefined ? {} : { listen }),
      })
    })
}
