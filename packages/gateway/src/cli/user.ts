/** `tollgate user`: people who sign in at the gateway itself. A link to set a password is shown once, alone on stdout. */
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import type { ListedUser } from '../store/people.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { describeTimes, timesDay, withOauthStore } from './oauth-store.ts'
import { EXIT, type ExitCode, paint, print, printJson, printTable, say } from './terminal.ts'

type CommonOptions = ConfigOptions & JsonOptions

const LINK_HOURS = 24

/** Registers the commands. */
export function addUser(program: Command): void {
  const user = program.command('user').description('people who sign in at the gateway itself')
  takesJson(takesConfig(user.command('add')))
    .description('make a person known; prints a link, good once, where they set a password')
    .argument('<name>', 'what they sign in with, and what policies call them: User::"local/<name>"')
    .option('--reset', 'for a person who is known already: another link, to set a new password')
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

async function add(name: string, options: CommonOptions & { reset?: true }): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const nowMs = Date.now()
  const expiresAtMs = nowMs + LINK_HOURS * 3_600_000
  const made = await withOauthStore(config.value, ({ people }) =>
    people.invite(name, { nowMs, expiresAtMs, again: options.reset === true }),
  )
  if (!made.ok) return made.error
  const link = `${addressOf(config.value)}/oauth/welcome/${made.value}`
  const expiresAt = new Date(expiresAtMs).toISOString()
  if (options.json) printJson({ name, link, expiresAt })
  else {
    say(`Give ${name} this link to set a password; it works once, until ${expiresAt}:`)
    print(link)
    if (config.value.authorizationServer === undefined)
      say('It needs the authorization server, which is off: write identity: { authorizationServer: {} }.')
  }
  return EXIT.ok
}

/** Where people find the gateway. With port 0 nobody knows before it runs. */
function addressOf({ publicUrl, listen, tls }: Config): string {
  if (publicUrl !== undefined) return publicUrl
  if (listen.kind === 'unix') return 'http://localhost'
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return `${tls === undefined ? 'http' : 'https'}://${host}:${listen.port}`
}

async function list(options: CommonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const nowMs = Date.now()
  const users = await withOauthStore(config.value, ({ people }) => ({ ok: true, value: people.list(nowMs) }))
  if (!users.ok) return users.error
  if (options.json) printJson(users.value.map(describe))
  else if (users.value.length === 0) say('There is nobody; make somebody known with: tollgate user add')
  else printTable(['NAME', 'PRINCIPAL', 'ADDED', 'STATE'], users.value.map(toRow))
  return EXIT.ok
}

async function remove(name: string, options: CommonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const removed = await withOauthStore(config.value, ({ people }) => people.remove(name, Date.now()))
  if (!removed.ok) return removed.error
  if (options.json) printJson({ name, state: 'removed' })
  else say(`${name} is removed, and what was issued in their name has ended.`)
  return EXIT.ok
}

async function signOut(name: string, options: CommonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const done = await withOauthStore(config.value, ({ people }) => people.signOut(name))
  if (!done.ok) return done.error
  if (options.json) printJson({ name, state: 'signed-out' })
  else say(`${name} is signed out everywhere, and what was issued in their name has ended.`)
  return EXIT.ok
}

function describe({ name, state, ...times }: ListedUser): object {
  return { name, principal: `User::${JSON.stringify(`local/${name}`)}`, state, ...describeTimes(times) }
}

function toRow({ name, state, createdAtMs }: ListedUser): string[] {
  const colour = state === 'active' ? 'green' : state === 'invited' ? 'yellow' : 'red'
  return [name, `User::"local/${name}"`, timesDay(createdAtMs), paint(colour, state)]
}
