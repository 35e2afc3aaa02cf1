/** `tollgate client`: the clients that people let act for them. */
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import type { ListedClient } from '../store/clients.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { describeTimes, timesDay, withOauthStore } from './oauth-store.ts'
import { EXIT, type ExitCode, harmless, paint, printJson, printTable, say } from './terminal.ts'

type CommonOptions = ConfigOptions & JsonOptions

/** Registers the commands. */
export function addClient(program: Command): void {
  const client = program.command('client').description('clients that people let act for them')
  takesJson(takesConfig(client.command('list')))
    .description('list the clients, revoked ones too')
    .action(leaving(list))
  takesJson(takesConfig(client.command('revoke')))
    .description('end a client and what was issued to it; it holds within a second')
    .argument('<id>', 'the id of the client, as the list shows it')
    .option('--person <name>', 'only what this person let it do; it may ask again')
    .action(leaving(revoke))
}

async function list(options: CommonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const found = await withOauthStore(config.value, ({ clients }) => ({ ok: true, value: clients.list() }))
  if (!found.ok) return found.error
  if (options.json) printJson(found.value.map(describe))
  else if (found.value.length === 0) say('There are no clients.')
  else printTable(['ID', 'NAME', 'REDIRECTS TO', 'ALLOWED BY', 'SINCE', 'STATE'], found.value.map(toRow))
  return EXIT.ok
}

async function revoke(clientId: string, options: CommonOptions & { person?: string }): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const { person } = options
  if (person !== undefined) return withdraw(config.value, clientId, { ...options, person })
  const revoked = await withOauthStore(config.value, ({ clients }) => clients.revoke(clientId, Date.now()))
  if (!revoked.ok) return revoked.error
  if (options.json) printJson(describe(revoked.value))
  else say(`Client ${harmless(clientId)} is revoked, and what was issued to it has ended.`)
  return EXIT.ok
}

async function withdraw(
  config: Config,
  clientId: string,
  { person, json }: CommonOptions & { person: string },
): Promise<ExitCode> {
  const withdrawn = await withOauthStore(config, ({ clients }) => clients.withdraw(clientId, person))
  if (!withdrawn.ok) return withdrawn.error
  if (json) printJson({ clientId, person, state: 'withdrawn' })
  else say(`What ${harmless(person)} let client ${harmless(clientId)} do has ended.`)
  return EXIT.ok
}

function describe({ clientId, kind, name, redirects, consents, ...times }: ListedClient): object {
  const state = times.revokedAtMs === undefined ? 'active' : 'revoked'
  return { clientId, kind, name: name ?? null, redirects, consents, state, ...describeTimes(times) }
}

function toRow({ clientId, name, redirects, consents, createdAtMs, revokedAtMs }: ListedClient): string[] {
  const unique = (values: readonly string[]) => harmless([...new Set(values)].join(', ') || '-')
  return [
    harmless(clientId),
    harmless(name ?? '-'),
    unique(redirects.map((uri) => URL.parse(uri)?.host ?? uri)),
    unique(consents.map(({ account }) => account)),
    timesDay(createdAtMs),
    revokedAtMs === undefined ? paint('green', 'active') : paint('red', 'revoked'),
  ]
}
