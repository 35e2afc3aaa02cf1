/** `tollgate policy`: what can be done with policies while no gateway runs. Each command is a file. */
import type { Command } from 'commander'
import { addPolicyTest } from './policy-test.ts'

/** Registers the commands. */
export function addPolicy(program: Command): void {
  const policy = program.command('policy').description('test the policies')
  addPolicyTest(policy)
}
