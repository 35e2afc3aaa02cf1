/** What `tollgate doctor` looks at in the gateway itself: its files, its policies, its keys, its port, its clock. */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { IssuerKeys } from '../authn/issuer-keys.ts'
import type { Config } from '../config/config.ts'
import type { TokenIssuer } from '../model/issuer.ts'
import { auditFilePath } from '../store/audit-file.ts'
import { readEntries } from '../store/audit-reader.ts'
import { openKeyStore } from '../store/keys.ts'
import { fetchKeys } from '../server/fetch-json.ts'
import { loadPolicies } from '../server/snapshot.ts'
import { listenerFault } from './check.ts'
import type { Finding } from './doctor-finding.ts'
import { haveKeys } from './key.ts'
import { askStatus } from './status.ts'

/** The version of Node; that it is new enough was seen to by the launcher. */
export function checkNode(): Finding {
  return { check: 'node', state: 'ok', detail: process.versions.node }
}

/** Everything but the servers. */
export async function checkConfigured(config: Config): Promise<readonly Finding[]> {
  const [policies, listener, clock, issuers] = await Promise.all([
    checkPolicies(config),
    checkListener(config),
    checkClock(config),
    Promise.all(config.issuers.map((issuer) => checkIssuer(issuer))),
  ])
  return [checkData(config), policies, checkCallers(config), ...issuers, listener, clock]
}

/** Fetches its keys, as the gateway would. */
async function checkIssuer(issuer: TokenIssuer): Promise<Finding> {
  const check = `issuer ${issuer.name}`
  const keys = new IssuerKeys({ issuer, fetchJson: fetchKeys, now: Date.now })
  const found = await keys.get()
  if (found.ok) {
    const { keys: count } = keys.health()
    return { check, state: 'ok', detail: `${issuer.issuer}, ${count} ${count === 1 ? 'key' : 'keys'}` }
  }
  const mend = 'look at the address in identity.issuers, and whether this machine can reach it'
  return { check, state: 'fail', detail: found.error, mend }
}

function checkData({ dataDir }: Config): Finding {
  const check = 'data folder'
  if (!existsSync(dataDir)) {
    const above = nearest(dataDir)
    const detail = `${dataDir} will be made when the gateway starts`
    if (isWritable(above)) return { check, state: 'ok', detail }
    return {
      check,
      state: 'fail',
      detail: `${dataDir} cannot be made in ${above}`,
      mend: 'make it, for the user the gateway runs as',
    }
  }
  const { mode } = statSync(dataDir)
  if ((mode & 0o077) !== 0) {
    const detail = `${dataDir} is open to other users (mode ${(mode & 0o777).toString(8)})`
    return { check, state: 'fail', detail, mend: `chmod 700 ${dataDir}` }
  }
  if (isWritable(dataDir)) return { check, state: 'ok', detail: dataDir }
  return {
    check,
    state: 'fail',
    detail: `${dataDir} cannot be written`,
    mend: 'run as the user it belongs to',
  }
}

function nearest(path: string): string {
  return existsSync(path) ? path : nearest(dirname(path))
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function checkPolicies(config: Config): Promise<Finding> {
  const check = 'policies'
  const policies = await loadPolicies(config)
  if (!policies.ok)
    return { check, state: 'fail', detail: policies.error.join('; '), mend: 'tollgate check shows each' }
  const number = policies.value.all.policies.length
  const detail = `${number} in ${config.policyDir}`
  if (number > 0) return { check, state: 'ok', detail }
  return {
    check,
    state: 'warn',
    detail: `${detail}: nothing is allowed`,
    mend: 'write a permit; tollgate init has an example',
  }
}

function checkCallers(config: Config): Finding {
  const check = 'callers'
  if (config.anonymous !== undefined)
    return { check, state: 'ok', detail: 'without a key allowed (identity.anonymous)' }
  const none: Finding = { check, state: 'warn', detail: 'nobody has a key', mend: 'tollgate key create' }
  if (!haveKeys(config)) return none
  const keys = openKeyStore(config.dataDir)
  if (!keys.ok) return { check, state: 'fail', detail: keys.error }
  try {
    const isGood = ({
      revokedAtMs,
      expiresAtMs = Number.POSITIVE_INFINITY,
    }: {
      revokedAtMs?: number
      expiresAtMs?: number
    }) => revokedAtMs === undefined && expiresAtMs > Date.now()
    const number = keys.value.list().filter(isGood).length
    return number === 0
      ? none
      : { check, state: 'ok', detail: `${number} good ${number === 1 ? 'key' : 'keys'}` }
  } finally {
    keys.value.close()
  }
}

async function checkListener(config: Config): Promise<Finding> {
  const check = 'listener'
  const { listen } = config
  const fault = await listenerFault(config)
  if (fault !== undefined) return { check, state: 'fail', detail: fault }
  const status = await askStatus(config, 3000)
  if (status.ok)
    return {
      check,
      state: 'ok',
      detail: `a gateway runs (process ${status.value.pid}) on ${status.value.listen}`,
    }
  if (!status.error.isDown) return { check, state: 'fail', detail: status.error.message }
  if (listen.kind === 'unix') return { check, state: 'ok', detail: `${listen.path}; no gateway runs` }
  const where = `${listen.host}:${listen.port}`
  const problem = await tryToListen(listen.host, listen.port)
  if (problem === undefined) return { check, state: 'ok', detail: `${where} is free; no gateway runs` }
  const mend =
    problem === 'EADDRINUSE'
      ? 'stop the other program, or choose another port in listen'
      : 'choose another address in listen'
  return { check, state: 'fail', detail: `${where} cannot be listened on (${problem})`, mend }
}

function tryToListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

/** Keys expire and entries are ordered by the clock; one that went backwards shows in what was written before. */
async function checkClock({ file, dataDir }: Config): Promise<Finding> {
  const check = 'clock'
  const nowMs = Date.now()
  const entries = await readEntries(auditFilePath(dataDir), { last: 1 }).catch(() => [])
  const lastEntryMs = Date.parse(entries.at(-1)?.entry?.time ?? '')
  const writtenMs = Math.max(statSync(file).mtimeMs, Number.isNaN(lastEntryMs) ? 0 : lastEntryMs)
  const detail = new Date(nowMs).toISOString()
  if (nowMs >= writtenMs - 1000) return { check, state: 'ok', detail }
  const later = `${detail}, earlier than what was written at ${new Date(writtenMs).toISOString()}`
  return { check, state: 'warn', detail: later, mend: 'set the clock; keys expire by it' }
}
