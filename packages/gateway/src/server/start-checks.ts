/** What must hold before a listener opens, and what a running gateway cannot change. */
import { mkdirSync, readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Config, Tls } from '../config/config.ts'
import { refuseToListen } from '../exposure/listen.ts'
import { err, ok, type Result } from '../model/result.ts'

/** Why the gateway must not start, with the mend; undefined when it may. */
export function checkStart(config: Config): string | undefined {
  const exposed = refuseToListen({
    listen: config.listen,
    tls: config.tls !== undefined,
    trustedProxies: config.trustedProxies,
    anonymous: config.anonymous !== undefined,
  })
  if (exposed !== undefined) return `${config.file}: ${exposed}`
  if (config.tls !== undefined) {
    const tls = readTls(config.tls)
    if (!tls.ok) return `${config.file}: ${tls.error}`
  }
  try {
    mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  } catch (problem) {
    return `data: ${config.dataDir} cannot be made: ${problem instanceof Error ? problem.message : String(problem)}`
  }
  return undefined
}

/** Reads and tries the certificate and key. */
export function readTls(tls: Tls): Result<{ cert: Buffer; key: Buffer }, string> {
  try {
    const pair = { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }
    createSecureContext(pair)
    return ok(pair)
  } catch (problem) {
    const why = problem instanceof Error ? problem.message : String(problem)
    return err(`tls: ${tls.certFile} and ${tls.keyFile} are not a certificate and its key: ${why}`)
  }
}

/** Names the settings that differ and that only a restart can change. */
export function restartNeeded(before: Config, after: Config): string | undefined {
  const fixed = ['listen', 'dataDir', 'admin', 'trustedProxies'] as const
  const changed: string[] = fixed.filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
  if ((before.tls === undefined) !== (after.tls === undefined)) changed.push('tls')
  const { headersTimeoutSeconds, bodyTimeoutSeconds, maxHeaderBytes, maxSessions } = before.limits
  const now = after.limits
  const sameLimits =
    headersTimeoutSeconds === now.headersTimeoutSeconds &&
    bodyTimeoutSeconds === now.bodyTimeoutSeconds &&
    maxHeaderBytes === now.maxHeaderBytes &&
    maxSessions === now.maxSessions
  if (!sameLimits) changed.push('limits of the listener')
  if (changed.length === 0) return undefined
  return `${after.file}: ${changed.join(', ').replace('dataDir', 'data')} changed, which needs a restart; nothing was changed`
}
