/**
 * `tollgate policy explain`: how a call would be judged, and why. The call is made up; the code that judges it is the
 * one that judges calls. No server is asked, and nothing is recorded.
 */
import type { Command } from 'commander'
import {
  collect,
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import type { CallerOptions, ThingOptions } from './made-up-call.ts'
import { EXIT, type ExitCode, harmless, printJson, say } from './terminal.ts'

type ExplainOptions = ConfigOptions & JsonOptions & CallerOptions & ThingOptions

/** Registers the command. */
export function addPolicyExplain(policy: Command): void {
  takesJson(takesConfig(policy.command('explain')))
    .description('say how a call would be judged, and why; leaves with 0 when it is allowed, with 1 when not')
    .argument('[tool]', 'full name of the tool, such as files__read_text_file')
    .argument('[arguments]', `of the tool or prompt, as JSON: '{"path":"docs/a.txt"}'`)
    .requiredOption('--principal <entity>', 'who calls, such as User::"alice"')
    .option('--agent <entity>', 'the agent that calls on its behalf, such as Agent::"claude-code"')
    .option('--group <entity>', 'what the principal is in; can be repeated', collect, [])
    .option('--tag <name=value>', 'what its issuer says of it; can be repeated', collect, [])
    .option('--source-ip <address>', 'where the call comes from', '127.0.0.1')
    .option('--server <name>', 'the server of a resource or prompt')
    .option('--resource <uri>', 'a resource to read instead of a tool to call')
    .option('--prompt <name>', 'a prompt to get instead of a tool to call')
    .action(leaving(explain))
}

async function explain(
  tool: string | undefined,
  args: string | undefined,
  options: ExplainOptions,
): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const { judge, readCall } = await import('./made-up-call.ts')
  const query = readCall([tool, args], options, config.value)
  if (!query.ok) {
    say(harmless(query.error))
    return EXIT.usage
  }
  const { loadPolicies } = await import('../server/snapshot.ts')
  const policies = await loadPolicies(config.value)
  if (!policies.ok) {
    for (const line of policies.error) say(harmless(line))
    return EXIT.configuration
  }
  const { asMembers, showJudged } = await import('./show-explanation.ts')
  const judged = judge(policies.value, query.value, Date.now())
  if (options.json) printJson(asMembers(judged))
  else showJudged(judged, policies.value.all.policies)
  return judged.decision.effect === 'allow' ? EXIT.ok : EXIT.failed
}
