/** The command tree. Each command is a file; this one says in which order help lists them, and what holds for all. */
import { readFileSync } from 'node:fs'
import { Command, type Option } from 'commander'
import { addAudit } from './audit.ts'
import { addCheck } from './check.ts'
import { addClient } from './client.ts'
import { addCompletion } from './completion.ts'
import { addDemo } from './demo.ts'
import { addDoctor } from './doctor.ts'
import { addInit } from './init.ts'
import { addApprovals } from './approvals.ts'
import { addKey } from './key.ts'
import { addLogin } from './login.ts'
import { addPolicy } from './policy.ts'
import { addReload } from './reload.ts'
import { addRevoke } from './revoke.ts'
import { addRun } from './run.ts'
import { addServers } from './servers.ts'
import { addStatus } from './status.ts'
import { addTask } from './task.ts'
import { addTokenInspect } from './token-inspect.ts'
import { addUser } from './user.ts'
import { addWhoami } from './whoami.ts'

/** In the order of help. */
const commands: readonly ((program: Command) => void)[] = [
  addRun,
  addDemo,
  addInit,
  addCheck,
  addPolicy,
  addReload,
  addStatus,
  addServers,
  addTask,
  addApprovals,
  addKey,
  addUser,
  addClient,
  addLogin,
  addWhoami,
  addRevoke,
  addAudit,
  addDoctor,
  addTokenInspect,
  addCompletion,
]

/** The whole program, ready to parse. It throws a CommanderError instead of leaving. */
export function createProgram(): Command {
  const program = new BoundCommand('tollgate')
    .description('An identity-aware gateway for MCP servers.')
    .version(version())
    .exitOverride()
    .showHelpAfterError('(add --help for what this command takes)')
  for (const add of commands) add(program)
  return program
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

/** A command whose every flag can be given as TOLLGATE_<FLAG> too. A switch is on unless it says 0, false or nothing. */
class BoundCommand extends Command {
  override createCommand(name?: string): Command {
    return new BoundCommand(name)
  }

  override addOption(option: Option): this {
    const name = `TOLLGATE_${option.name().replaceAll('-', '_').toUpperCase()}`
    const isOff = ['', '0', 'false'].includes(process.env[name] ?? '')
    return super.addOption(option.isBoolean() && isOff ? option : option.env(name))
  }
}
