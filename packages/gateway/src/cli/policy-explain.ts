/** `tollgate policy explain`: how a call would be judged, and why. It is judged by the very code that judges calls. */
import type { Command } from 'commander'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { type ExitCode, EXIT } from './terminal.ts'

interface ExplainOptions extends ConfigOptions, JsonOptions {
  readonly principal: string
}

/** Registers the command. */
export function addPolicyExplain(policy: Command): void {
  takesJson(takesConfig(policy.command('explain')))
    .description('say how a call would be judged, and why')
    .requiredOption('--principal <entity>', 'who calls, such as User::"alice"')
    .action(leaving(explain))
}

async function explain(options: ExplainOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  return config.ok ? EXIT.ok : config.error
}
