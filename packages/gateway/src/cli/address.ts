/** By which address people and clients find the gateway of a configuration. */
import type { Config } from '../config/config.ts'

/** Undefined where that cannot be known: on a Unix socket, and before the system has chosen a port. */
export function addressOf({ publicUrl, listen, tls }: Config): string | undefined {
  if (publicUrl !== undefined) return publicUrl
  if (listen.kind === 'unix' || listen.port === 0) return undefined
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return `${tls === undefined ? 'http' : 'https'}://${host}:${listen.port}`
}
