/** `tollgate policy`: what can be done with policies while no gateway runs. Each command is a file. */
import type { Command } from 'commander'
import { addPolicyCheck } from './policy-check.ts'
import { addPolicyExplain } from './policy-explain.ts'
import { addPolicySchema } from './policy-schema.ts'
import { addPolicyTest } from './policy-test.ts'

/** Registers the commands. */
export function addPolicy(program: Command): void {
  const policy = program.command('policy').description('check, test and explain the policies')
  addPolicyCheck(policy)
  addPolicyTest(policy)
  addPolicyExplain(policy)
  addPolicySchema(policy)
}
