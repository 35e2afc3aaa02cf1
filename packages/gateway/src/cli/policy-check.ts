/** `tollgate policy check`: what `tollgate check` says of the policies, and nothing else. */
import type { Command } from 'commander'
import { type CheckOptions, runCheck, takesChecks } from './check.ts'
import { leaving } from './command.ts'

/** Registers the command. */
export function addPolicyCheck(policy: Command): void {
  takesChecks(policy.command('check'))
    .description('check the policies against what the servers offer')
    .action(leaving((options: CheckOptions) => runCheck(options)))
}
