/** `tollgate reload`: the running gateway takes over what the files say now, as a whole or not at all. */
import type { Command } from 'commander'
import { askAdmin, errorsOf } from './admin-client.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { EXIT, type ExitCode, harmless, paint, print, printJson, say } from './terminal.ts'

/** Registers the command. */
export function addReload(program: Command): void {
  takesJson(takesConfig(program.command('reload')))
    .description('have the running gateway read configuration and policies again')
    .action(leaving(reload))
}

async function reload(options: ConfigOptions & JsonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) {
    // It tells no socket to ask at, and would not be taken over either.
    say('A gateway that runs keeps what it had.')
    return EXIT.failed
  }
  const answer = await askAdmin(config.value.admin.path, 'POST /api/v1/reload')
  if (!answer.ok) {
    say(answer.error.message)
    return EXIT.failed
  }
  const { status, body } = answer.value
  if (options.json) printJson(body)
  if (status === 200) {
    if (!options.json)
      print(`${paint('green', 'ok')}  the gateway uses the configuration and policies as they are now`)
    return EXIT.ok
  }
  if (!options.json) for (const line of errorsOf(answer.value)) say(harmless(line))
  say('The gateway keeps what it had.')
  return EXIT.failed
}
