/** `tollgate client`: the clients that people let act for them, and those that call in their own name. */
import { type Command, Option } from 'commander'
import type { Config } from '../config/config.ts'
import { showEntity } from '../model/caller.ts'
import { LOCAL_ISSUER } from '../model/issuer.ts'
import { clientFault } from '../oauth/client-rules.ts'
import type { MachineKind } from '../oauth/ports.ts'
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
import { readPublicKeys } from './public-keys.ts'
import { EXIT, type ExitCode, harmless, paint, printJson, printTable, say } from './terminal.ts'

type CommonOptions = ConfigOptions & JsonOptions
interface AddOptions extends CommonOptions {
  readonly publicKey: string
  readonly kind: MachineKind
  readonly redirect?: readonly string[]
}

/** Registers the commands. */
export function addClient(program: Command): void {
  const client = program.command('client').description('programs that act for people, or for themselves')
  takesJson(takesConfig(client.command('add')))
    .description('make a program known that proves itself with a key: an agent or a service on its own')
    .argument('<name>', 'its id, and what policies call it: Service::"local/<name>"')
    .requiredOption('--public-key <file>', 'its public key: PEM, JWK or JWK Set')
    .addOption(
      new Option('--kind <kind>', 'what it is to policies').choices(['agent', 'service']).default('service'),
    )
    .option('--redirect <uri...>', 'where people come back to, if it acts for people, too')
    .action(leaving(add))
  takesJson(takesConfig(client.command('list')))
    .description('list the clients, revoked ones too')
    .action(leaving(list))
  takesJson(takesConfig(client.command('revoke')))
    .description('end a client and what was issued to it; it holds within a second')
    .argument('<id>', 'the id of the client, as the list shows it')
    .option('--person <name>', 'only what this person let it do; it may ask again')
    .action(leaving(revoke))
}

async function add(name: string, options: AddOptions): Promise<ExitCode> {
  const { publicKey, kind, redirect: redirects = [] } = options
  const jwks = readPublicKeys(publicKey)
  const fault = jwks.ok ? clientFault({ redirect_uris: redirects }) : jwks.error
  if (fault !== undefined || !jwks.ok) {
    say(fault ?? '')
    return EXIT.failed
  }
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const added = await withOauthStore(config.value, ({ clients }) =>
    clients.add({ name, kind, jwks: jwks.value, redirects }, Date.now()),
  )
  if (!added.ok) return added.error
  if (options.json) printJson(describe(added.value))
  else {
    say(
      `Client ${name} is known. It asks for tokens in its own name, and calls as ${principalOf(added.value)}.`,
    )
    if (config.value.authorizationServer === undefined)
      say('It needs the authorization server, which is off: write identity: { authorizationServer: {} }.')
  }
  return EXIT.ok
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
  const withdrawn = await withOauthStore(config, ({ clients }) =>
    clients.withdraw(clientId, person, Date.now()),
  )
  if (!withdrawn.ok) return withdrawn.error
  if (json) printJson({ clientId, person, state: 'withdrawn' })
  else say(`What ${harmless(person)} let client ${harmless(clientId)} do has ended.`)
  return EXIT.ok
}

function describe(client: ListedClient): object {
  const { clientId, kind, name = null, redirects, consents, ...times } = client
  const state = times.revokedAtMs === undefined ? 'active' : 'revoked'
  const principal = principalOf(client) ?? null
  return { clientId, kind, name, principal, redirects, consents, state, ...describeTimes(times) }
}

/** Who it is to policies when it calls in its own name; undefined for those that only act for others. */
function principalOf({ clientId, kind }: ListedClient): string | undefined {
  if (kind !== 'agent' && kind !== 'service') return undefined
  return showEntity({ type: kind === 'agent' ? 'Agent' : 'Service', id: `${LOCAL_ISSUER}/${clientId}` })
}

function toRow(client: ListedClient): string[] {
  const { clientId, name, redirects, consents, createdAtMs, revokedAtMs } = client
  const itself = principalOf(client)
  const unique = (values: readonly string[]) => harmless([...new Set(values)].join(', ') || '-')
  return [
    harmless(clientId),
    harmless(name ?? '-'),
    unique(redirects.map((uri) => URL.parse(uri)?.host ?? uri)),
    unique([
      ...(itself === undefined ? [] : [`the operator, as ${itself}`]),
      ...consents.map(({ account }) => account),
    ]),
    timesDay(createdAtMs),
    revokedAtMs === undefined ? paint('green', 'active') : paint('red', 'revoked'),
  ]
}
