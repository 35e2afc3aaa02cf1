/** `tollgate policy schema`: the schema that policies are validated against, for editors and for reading. */
import { schemaToJson, schemaToText } from '@tollgate/cedar'
import type { Command } from 'commander'
import { untilInterrupted } from './check.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { EXIT, type ExitCode, harmless, print, say } from './terminal.ts'

interface SchemaOptions extends ConfigOptions, JsonOptions {
  readonly offline?: true
}

/** Registers the command. */
export function addPolicySchema(policy: Command): void {
  takesJson(takesConfig(policy.command('schema')))
    .description('write the schema that policies are validated against, from what the servers offer')
    .option('--offline', 'ask no server what it offers')
    .action(leaving(writeSchema))
}

async function writeSchema({ json, offline, ...options }: SchemaOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const { loadPolicies } = await import('../server/snapshot.ts')
  const { learnSchema } = await import('./policy-findings.ts')
  const policies = await loadPolicies(config.value)
  // Whoever is just writing policies needs the schema most.
  const written = policies.ok ? policies.value.all.policies : []
  const learnt = await untilInterrupted(async (signal) => {
    const schema = await learnSchema(config.value, written, { offline, signal })
    await schema.closed
    return schema
  })
  if (learnt === undefined) return EXIT.interrupted
  for (const { server, message } of learnt.warnings) say(harmless(`warning: server ${server} ${message}`))
  const { fragment } = learnt.schema
  const text = json ? ({ ok: true, value: schemaToJson(fragment) } as const) : schemaToText(fragment)
  if (text.ok) print(text.value.trimEnd())
  else for (const { message } of text.errors) say(harmless(message))
  return text.ok ? EXIT.ok : EXIT.failed
}
