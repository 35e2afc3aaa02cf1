/** `tollgate init`: a configuration and a policy to begin with. It never overwrites a file. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Command } from 'commander'
import { showEntity } from '../model/caller.ts'
import { ok } from '../model/result.ts'
import { type JsonOptions, leaving, takesJson } from './command.ts'
import type { Imported } from './import-servers.ts'
import { ownName } from './own-name.ts'
import { EXIT, type ExitCode, harmless, print, printJson, say } from './terminal.ts'

interface InitOptions extends JsonOptions {
  readonly import?: string
  readonly directory: string
}

/** Registers the command. */
export function addInit(program: Command): void {
  takesJson(program.command('init'))
    .description(
      'write a configuration and a policy to begin with, or take over the servers of an MCP client',
    )
    .argument('[file]', 'the same as --import')
    .option(
      '--import <file>',
      'an mcpServers file (Claude, Cursor, VS Code and others) to take the servers from',
    )
    .option('--directory <folder>', 'where to write', '.')
    .action(leaving(init))
}

async function init(positional: string | undefined, options: InitOptions): Promise<ExitCode> {
  const { directory } = options
  const config = join(directory, 'tollgate.yaml')
  const policy = join(directory, 'policies', 'main.cedar')
  const existing = [config, policy].filter((file) => existsSync(file))
  if (existing.length > 0) {
    say(
      `${existing.join(' and ')} ${existing.length === 1 ? 'is' : 'are'} there already, and nothing is overwritten; use --directory for another place`,
    )
    return EXIT.failed
  }
  const { readServers, starterConfig, starterPolicy } = await import('./starter.ts')
  const source = options.import ?? positional
  const imported = source === undefined ? ok<Imported>({ servers: {}, notes: [] }) : readServers(source)
  if (!imported.ok) {
    say(imported.error)
    return EXIT.failed
  }
  const { servers, notes } = imported.value
  const names = Object.keys(servers)
  const owner = { type: 'User', id: ownName() }
  mkdirSync(join(directory, 'policies'), { recursive: true })
  writeFileSync(config, starterConfig(servers), { flag: 'wx' })
  writeFileSync(policy, starterPolicy(owner, names), { flag: 'wx' })

  if (options.json) printJson({ written: [config, policy], servers: names, notes })
  else for (const file of [config, policy]) print(file)
  for (const note of notes) say(`note: ${harmless(note)}`)
  const flag = relative('.', directory) === '' ? '' : ` --config ${config}`
  say(`Next: tollgate key create${flag} --principal '${showEntity(owner)}', then tollgate run${flag}`)
  return EXIT.ok
}
