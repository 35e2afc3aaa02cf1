/** `tollgate user`: people who sign in at the gateway. A link to set a passkey or a password is shown once, alone on stdout. */
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { hasHostName } from '../config/web.ts'
import type { ListedUser } from '../store/people.ts'
import { addressOf } from './address.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { describeTimes, timesDay, withOauthStore } from './oauth-store.ts'
import { EXIT, type ExitCode, harmless, paint, print, printJson, printTable, say } from './terminal.ts'

type CommonOptions = ConfigOptions & JsonOptions

const LINK_HOURS = 24

/** Registers the commands. */
export function addUser(program: Command): void {
  const user = program.command('user').description('people who sign in at the gateway')
  takesJson(takesConfig(user.command('add')))
    .description('make a person known; prints a link, good once, where they set a passkey or a password')
    .argument('<name>', 'what they sign in with, and what policies call them: User::"local/<name>"')
    .option('--reset', 'for a person who is known already: a link that replaces what they sign in with')
    .option('--another', 'for a person who is known already: a link that adds to what they sign in with')
    .action(leaving(add))
  takesJson(takesConfig(user.command('list')))
    .description('list the people, removed ones too')
    .action(leaving(list))
  takesJson(takesConfig(user.command('sign-out')))
    .description('end their sessions and what was issued in their name; they can sign in again')
    .argument('<name>', 'the name of the person')
    .action(leaving(signOut))
  takesJson(takesConfig(user.command('remove')))
    .description('end what a person may do here; it holds within a second')
    .argument('<name>', 'the name of the person')
    .action(leaving(remove))
}

async function add(
  name: string,
  options: CommonOptions & { reset?: true; another?: true },
): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  // Only people of a provider have names with a slash.
  if (name.includes('/')) return readmit(name, config.value, options)
  const nowMs = Date.now()
  const expiresAtMs = nowMs + LINK_HOURS * 3_600_000
  const keeps = options.another === true
  const made = await withOauthStore(config.value, ({ people }) =>
    people.invite(name, { nowMs, expiresAtMs, again: keeps || options.reset === true, keeps }),
  )
  if (!made.ok) return made.error
  const address = addressOf(config.value) ?? 'http://localhost'
  const link = `${address}/oauth/welcome/${made.value}`
  const expiresAt = new Date(expiresAtMs).toISOString()
  if (options.json) printJson({ name, link, expiresAt })
  else {
    const isNamed = hasHostName(address)
    const what = isNamed ? 'a passkey or a password' : 'a password'
    say(`Give ${name} this link to set ${what}; it works once, until ${expiresAt}:`)
    print(link)
    if (!isNamed) say('For passkeys the gateway needs a name: write listen: localhost:7070, or publicUrl.')
    if (config.value.authorizationServer === undefined)
      say('It needs the authorization server, which is off: write identity: { authorizationServer: {} }.')
  }
  return EXIT.ok
}

async function readmit(name: string, config: Config, { json }: CommonOptions): Promise<ExitCode> {
  const done = await withOauthStore(config, ({ people }) => people.readmit(name))
  if (!done.ok) return done.error
  if (json) printJson({ name, state: 'active' })
  else say(`${harmless(name)} can sign in again, through the provider.`)
  return EXIT.ok
}

async function list(options: CommonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const nowMs = Date.now()
  const users = await withOauthStore(config.value, ({ people }) => ({ ok: true, value: people.list(nowMs) }))
  if (!users.ok) return users.error
  if (options.json) printJson(users.value.map(describe))
  else if (users.value.length === 0) say('There is nobody; make somebody known with: tollgate user add')
  else printTable(['NAME', 'PRINCIPAL', 'SIGNS IN WITH', 'ADDED', 'STATE'], users.value.map(toRow))
  return EXIT.ok
}

async function remove(name: string, options: CommonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const removed = await withOauthStore(config.value, ({ people }) => people.remove(name, Date.now()))
  if (!removed.ok) return removed.error
  if (options.json) printJson({ name, state: 'removed' })
  else say(`${harmless(name)} is removed, and what was issued in their name has ended.`)
  return EXIT.ok
}

async function signOut(name: string, options: CommonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const done = await withOauthStore(config.value, ({ people }) => people.signOut(name))
  if (!done.ok) return done.error
  if (options.json) printJson({ name, state: 'signed-out' })
  else say(`${harmless(name)} is signed out everywhere, and what was issued in their name has ended.`)
  return EXIT.ok
}

function describe(user: ListedUser): object {
  const { name, state, hasPassword, passkeys, issuer, label, ...times } = user
  const principal = `User::${JSON.stringify(`local/${name}`)}`
  return { name, principal, state, hasPassword, passkeys, issuer, label, ...describeTimes(times) }
}

function toRow(user: ListedUser): string[] {
  const { name, state, createdAtMs } = user
  const colour = state === 'active' ? 'green' : state === 'invited' ? 'yellow' : 'red'
  return [
    harmless(name),
    harmless(`User::"local/${name}"`),
    harmless(waysOf(user)),
    timesDay(createdAtMs),
    paint(colour, state),
  ]
}

/** What they sign in with. */
function waysOf({ hasPassword, passkeys, issuer, label }: ListedUser): string {
  if (issuer !== undefined) return label === undefined ? 'provider' : `provider (${label})`
  const keys = passkeys === 0 ? [] : [passkeys === 1 ? 'passkey' : `${passkeys} passkeys`]
  return [...keys, ...(hasPassword ? ['password'] : [])].join(', ') || '-'
}
