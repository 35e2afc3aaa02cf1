/** The command tree. Each command is a file; this one says in which order help lists them, and what holds for all. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addAudit } from './audit.ts'
import { addCheck } from './check.ts'
import { addCompletion } from './completion.ts'
import { addDemo } from './demo.ts'
import { addDoctor } from './doctor.ts'
import { addInit } from './init.ts'
import { addKey } from './key.ts'
import { addReload } from './reload.ts'
import { addRun } from './run.ts'
import { addServers } from './servers.ts'
import { addStatus } from './status.ts'

/** In the order of help. */
const commands: readonly ((program: Command) => void)[] = [
  addRun,
  addDemo,
  addInit,
  addCheck,
  addReload,
  addStatus,
  addServers,
  addKey,
  addAudit,
  addDoctor,
  addCompletion,
]

/** The whole program, ready to parse. It throws a CommanderError instead of leaving. */
export function createProgram(): Command {
  const program = new Command('tollgate')
    .description('An identity-aware gateway for MCP servers.')
    .version(version(), '-V, --version')
    .exitOverride()
    .showHelpAfterError('(add --help for what this command takes)')
  for (const add of commands) add(program)
  bindEnvironment(program)
  return program
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

/** Every flag can be given as TOLLGATE_<FLAG> too. A switch is on unless it says 0, false or nothing. */
function bindEnvironment(command: Command): void {
  for (const option of command.options) {
    if (option.long === '--version') continue
    const name = `TOLLGATE_${(option.long ?? '').slice(2).replaceAll('-', '_').toUpperCase()}`
    const isOff = ['', '0', 'false'].includes(process.env[name] ?? '')
    if (!option.isBoolean() || !isOff) option.env(name)
  }
  for (const each of command.commands) bindEnvironment(each)
}
