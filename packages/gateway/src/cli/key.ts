/** `tollgate key`: API keys. A key is shown once, alone on stdout, so that it can be piped to where it belongs. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { parseEntity } from '../config/entity.ts'
import { showEntity } from '../model/caller.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { KeyStore, ListedKey } from '../store/keys.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { EXIT, type ExitCode, harmless, paint, print, printJson, printTable, say } from './terminal.ts'

type CommonOptions = ConfigOptions & JsonOptions
interface CreateOptions extends CommonOptions {
  readonly principal: string
  readonly agent?: string
  readonly name?: string
  readonly expires: string
}

/** Registers the commands. */
export function addKey(program: Command): void {
  const key = program.command('key').description('make, list and revoke API keys')
  takesJson(takesConfig(key.command('create')))
    .description('make a key and show it once')
    .requiredOption('--principal <entity>', 'on whose behalf it calls, such as User::"alice"')
    .option('--agent <name>', 'the agent that will use it, such as claude-code')
    .option('--name <name>', 'what the key is called in lists and in the audit log')
    .option('--expires <duration>', 'how long it is good for: 12h, 30d, 8w or never', '90d')
    .action(leaving(create))
  takesJson(takesConfig(key.command('list')))
    .description('list the keys, revoked and expired ones too')
    .action(leaving(list))
  takesJson(takesConfig(key.command('revoke')))
    .description('revoke a key; it holds within a second')
    .argument('<name>', 'the name of the key')
    .action(leaving(revoke))
}

async function create(options: CreateOptions): Promise<ExitCode> {
  const principal = parseEntity(options.principal)
  if (!principal.ok) return misused(`--principal ${principal.error}`)
  const lifetimeMs = parseLifetime(options.expires)
  if (lifetimeMs === undefined)
    return misused('--expires must be a duration such as 12h, 30d or 8w, or never')
  const nowMs = Date.now()
  const { agent, name } = options
  const made = await withKeys(options, (keys) =>
    keys.create({
      principal: principal.value,
      nowMs,
      ...(agent === undefined ? {} : { agent }),
      ...(name === undefined ? {} : { name }),
      ...(lifetimeMs === null ? {} : { expiresAtMs: nowMs + lifetimeMs }),
    }),
  )
  if (!made.ok) return made.error
  const { token } = made.value
  const expiresAt = lifetimeMs === null ? null : new Date(nowMs + lifetimeMs).toISOString()
  if (options.json) {
    printJson({
      name: made.value.name,
      token,
      principal: showEntity(principal.value),
      agent: agent ?? null,
      expiresAt,
    })
    return EXIT.ok
  }
  const through = agent === undefined ? '' : ` through ${agent}`
  say(
    `Key ${made.value.name} calls for ${showEntity(principal.value)}${through}, ${expiresAt ? `until ${expiresAt}` : 'for ever'}.`,
  )
  say('It is shown this once:')
  print(token)
  return EXIT.ok
}

async function list(options: CommonOptions): Promise<ExitCode> {
  const keys = await withKeys(
    options,
    (store) => ok(store.list()),
    () => ok([]),
  )
  if (!keys.ok) return keys.error
  const nowMs = Date.now()
  if (options.json) {
    printJson(keys.value.map((key) => describe(key, nowMs)))
    return EXIT.ok
  }
  if (keys.value.length === 0) say('There are no keys; make one with: tollgate key create')
  else
    printTable(
      ['NAME', 'PRINCIPAL', 'AGENT', 'CREATED', 'EXPIRES', 'STATE'],
      keys.value.map((key) => toRow(key, nowMs)),
    )
  return EXIT.ok
}

async function revoke(name: string, options: CommonOptions): Promise<ExitCode> {
  const nowMs = Date.now()
  const revoked = await withKeys(
    options,
    (store) => store.revoke(name, nowMs),
    () => err(`There is no key named ${JSON.stringify(name)}.`),
  )
  if (!revoked.ok) return revoked.error
  if (options.json) printJson(describe(revoked.value, nowMs))
  else say(`Key ${name} is revoked.`)
  return EXIT.ok
}

/**
 * Opens the keys, does one thing, and closes them; says what went wrong. With `missing`, a data folder that does not
 * exist yet is left so: only making a key may create it.
 */
async function withKeys<T>(
  options: ConfigOptions,
  work: (keys: KeyStore) => Result<T, string>,
  missing?: () => Result<T, string>,
): Promise<Result<T, ExitCode>> {
  const config = await requireConfig(options)
  if (!config.ok) return config
  const done =
    missing !== undefined && !haveKeys(config.value) ? missing() : await openAnd(config.value, work)
  if (done.ok) return done
  say(done.error)
  return err(EXIT.failed)
}

async function openAnd<T>(
  { dataDir }: Config,
  work: (keys: KeyStore) => Result<T, string>,
): Promise<Result<T, string>> {
  const { openKeyStore } = await import('../store/keys.ts')
  const keys = openKeyStore(dataDir)
  if (!keys.ok) return keys
  try {
    return work(keys.value)
  } finally {
    keys.value.close()
  }
}

/** Whether a key was ever made here. */
export function haveKeys({ dataDir }: Config): boolean {
  return existsSync(join(dataDir, 'tollgate.db'))
}

function misused(message: string): ExitCode {
  say(`error: ${message}`)
  return EXIT.usage
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const LONGEST_MS = 100 * 365 * UNIT_MS.d

/** Milliseconds; null for `never`; undefined when it is no duration. */
export function parseLifetime(text: string): number | null | undefined {
  if (text === 'never') return null
  const [, digits, unit] = /^([1-9]\d{0,6})([smhdw])$/.exec(text) ?? []
  if (digits === undefined) return undefined
  const lifetimeMs = Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS]
  return lifetimeMs <= LONGEST_MS ? lifetimeMs : undefined
}

type State = 'active' | 'expired' | 'revoked'

function stateOf({ revokedAtMs, expiresAtMs }: ListedKey, nowMs: number): State {
  if (revokedAtMs !== undefined) return 'revoked'
  return expiresAtMs !== undefined && expiresAtMs <= nowMs ? 'expired' : 'active'
}

function describe(key: ListedKey, nowMs: number): object {
  return {
    name: key.name,
    principal: showEntity(key.principal),
    agent: key.agent ?? null,
    createdAt: new Date(key.createdAtMs).toISOString(),
    expiresAt: key.expiresAtMs === undefined ? null : new Date(key.expiresAtMs).toISOString(),
    revokedAt: key.revokedAtMs === undefined ? null : new Date(key.revokedAtMs).toISOString(),
    state: stateOf(key, nowMs),
  }
}

function toRow(key: ListedKey, nowMs: number): string[] {
  const state = stateOf(key, nowMs)
  return [
    key.name,
    harmless(showEntity(key.principal)),
    harmless(key.agent ?? '-'),
    day(key.createdAtMs),
    key.expiresAtMs === undefined ? 'never' : day(key.expiresAtMs),
    paint(state === 'active' ? 'green' : 'red', state),
  ]
}

function day(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10)
}
