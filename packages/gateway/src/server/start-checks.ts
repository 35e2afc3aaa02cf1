/** What must hold before a listener opens, and what a running gateway cannot change. */
import { mkdirSync, readFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Config, Tls } from '../config/config.ts'
import { refuseToListen } from '../exposure/listen.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { ListenerTls } from './listener.ts'

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

/** Reads and tries the certificate and key, and what certificates of callers are judged by. */
export function readTls({ certFile, keyFile, clients }: Tls): Result<ListenerTls, string> {
  const own = attempt(`${certFile} and ${keyFile} are not a certificate and its key`, () => {
    const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
    createSecureContext(pair)
    return pair
  })
  if (!own.ok || clients === undefined) return own
  const { caFile, crlFile, required } = clients
  const ca = attempt(`clientCa: ${caFile} does not hold certificates`, () => {
    const pem = readFileSync(caFile)
    // An empty list is no list to the engine: it would believe the authorities of the web.
    createSecureContext({
      ca: blocksIn(pem, 'CERTIFICATE').map((one) => new X509Certificate(one).toString()),
    })
    return pem
  })
  if (!ca.ok) return ca
  if (crlFile === undefined) return ok({ ...own.value, ca: ca.value, required })
  const crl = attempt(`clientCrl: ${crlFile} does not hold lists of revoked certificates`, () => {
    const pem = readFileSync(crlFile)
    blocksIn(pem, 'X509 CRL')
    createSecureContext({ crl: pem })
    return pem
  })
  return crl.ok ? ok({ ...own.value, ca: ca.value, crl: crl.value, required }) : crl
}

function blocksIn(pem: Buffer, label: string): readonly string[] {
  const block = new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`, 'g')
  const blocks = pem.toString('latin1').match(block)
  if (blocks === null) throw new Error(`it has no ${label}`)
  return blocks
}

function attempt<T>(what: string, run: () => T): Result<T, string> {
  try {
    return ok(run())
  } catch (problem) {
    return err(`tls: ${what}: ${problem instanceof Error ? problem.message : String(problem)}`)
  }
}

/** Names the settings that differ and that only a restart can change. */
export function restartNeeded(before: Config, after: Config): string | undefined {
  const fixed = ['listen', 'dataDir', 'admin', 'trustedProxies'] as const
  const changed: string[] = fixed.filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
  if ((before.tls === undefined) !== (after.tls === undefined)) changed.push('tls')
  else if (before.tls?.clients?.required !== after.tls?.clients?.required)
    changed.push('tls.clientCa or tls.clientCertificates')
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
