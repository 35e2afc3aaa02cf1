/** `tollgate revoke`: ends one token, whoever issued it, by the name it has in the audit log. */
import type { Command } from 'commander'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { EXIT, type ExitCode, harmless, printJson, say } from './terminal.ts'

/** Registers the command. */
export function addRevoke(program: Command): void {
  takesJson(takesConfig(program.command('revoke')))
    .description('end one token, whoever issued it; it holds within a second')
    .argument('<credential>', 'its name in the audit log: <issuer>/<id>')
    .action(leaving(revoke))
}

async function revoke(credential: string, options: ConfigOptions & JsonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  if (!/^[^/]+\/./.test(credential)) {
    say('A token is named <issuer>/<id>, the "credential" of its entries: see tollgate audit tail --json.')
    say('Keys are revoked with: tollgate key revoke <name>')
    return EXIT.usage
  }
  const { openRevokedTokens } = await import('../store/revoked-tokens.ts')
  const opened = openRevokedTokens(config.value.dataDir)
  if (!opened.ok) {
    say(opened.error)
    return EXIT.failed
  }
  opened.value.add(credential, Date.now())
  opened.value.close()
  if (options.json) printJson({ credential, state: 'revoked' })
  else say(`Token ${harmless(credential)} is revoked.`)
  return EXIT.ok
}
