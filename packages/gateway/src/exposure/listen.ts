/**
 * What a listener may be: loopback and Unix sockets as they are, anything else only with TLS (or behind a declared
 * proxy) and with authentication. Invariant 7: nothing is exposed by accident.
 */
import { isIP } from 'node:net'
import type { HostRules } from '../mcp/transport.ts'
import { isLoopback } from '../model/addresses.ts'

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

export interface Exposure {
  readonly listen: ListenAddress
  readonly tls: boolean
  readonly trustedProxies: readonly string[]
  /** Whether callers without a credential are let in as someone. */
  readonly anonymous: boolean
}

/** Why the listener must not be opened, in one sentence with its mend; undefined when it may. */
export function refuseToListen(exposure: Exposure): string | undefined {
  const { listen, tls, trustedProxies, anonymous } = exposure
  if (listen.kind === 'unix' || isLoopback(listen.host)) return undefined
  const where = `${listen.host}:${listen.port}`
  if (!tls && trustedProxies.length === 0) {
    return `listen: ${where} can be reached from other machines without TLS: set tls.cert and tls.key, declare the proxy that ends TLS in trustedProxies, or listen on 127.0.0.1.`
  }
  if (anonymous) {
    return `listen: ${where} can be reached from other machines and identity.anonymous lets everyone in: remove identity.anonymous and make API keys, or listen on 127.0.0.1.`
  }
  return undefined
}

/** The Host and Origin values that name this listener, exactly. */
export function hostRules(
  listen: ListenAddress,
  tls: boolean,
  allowedHosts: readonly string[],
  allowedOrigins: readonly string[],
): HostRules {
  const hosts = new Set(allowedHosts.map((host) => host.toLowerCase()))
  if (listen.kind === 'unix') {
    hosts.add('localhost')
  } else {
    const names = isLoopback(listen.host) ? ['127.0.0.1', 'localhost', '[::1]'] : []
    const own = isIP(listen.host) === 6 ? `[${listen.host}]` : listen.host
    for (const name of [...names, own.toLowerCase()]) {
      hosts.add(`${name}:${listen.port}`)
      if (listen.port === (tls ? 443 : 80)) hosts.add(name)
    }
  }
  const scheme = tls ? 'https' : 'http'
  const origins = new Set([...hosts].map((host) => `${scheme}://${host}`))
  for (const origin of allowedOrigins) origins.add(origin.toLowerCase())
  return { hosts, origins }
}
