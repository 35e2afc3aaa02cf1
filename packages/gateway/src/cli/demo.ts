/** `tollgate demo`: the quickstart, running. */
import { type Command, InvalidArgumentError } from 'commander'
import { leaving } from './command.ts'
import type { DemoOptions } from './demo-run.ts'

/** Registers the command. */
export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('run the quickstart: a gateway on a real server, and an agent that tries more than it may')
    .option('--port <number>', 'another port than 7070; 0 takes a free one', parsePort)
    .option('--once', 'end after the agent’s work')
    .action(
      leaving(async (options: DemoOptions) => {
        const { runDemo } = await import('./demo-run.ts')
        return runDemo(options)
      }),
    )
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('a port is a number from 0 to 65535.')
  return port
}
