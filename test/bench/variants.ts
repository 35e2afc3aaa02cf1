/** What is compared, by name, and how each is started. */
import type { ChildProcess } from 'node:child_process'
import path from 'node:path'
import type { GatewayOrder } from './gateway-process.ts'
import { hasNginx, startNginx } from './nginx.ts'
import { pinned, script, startServer } from './processes.ts'

/** A thing that takes calls. */
export interface Target {
  readonly child: ChildProcess
  readonly port: number
  readonly token: string
}

export interface Variant {
  readonly name: string
  /** `flags` are for its Node. */
  start(upstream: Target, flags?: readonly string[]): Promise<Target>
}

const repository = path.join(import.meta.dirname, '../..')

/** `direct` has nothing between; the figures of all others are to be held against `plain-proxy`. */
export const DIRECT = 'direct'
export const PLAIN = 'plain-proxy'

/** All variants, in the order of the report. `other` is a second checkout to compare with, built by its owner. */
export function allVariants(other: string | undefined): readonly Variant[] {
  return [
    { name: DIRECT, start: (upstream) => Promise.resolve(upstream) },
    {
      name: PLAIN,
      start: ({ port }, flags) => startServer('measured', script('plain-proxy.ts', [String(port)], flags)),
    },
    ...(hasNginx() ? [{ name: 'nginx', start: ({ port }: Target) => startNginx(port) }] : []),
    ...tollgates('tollgate', repository),
    tollgate('tollgate', repository, { policies: 0, audit: false, upstream: 'http', credential: 'token' }),
    ...(other === undefined ? [] : tollgates('other', path.resolve(other))),
  ]
}

function tollgates(name: string, checkout: string): readonly Variant[] {
  return [
    tollgate(name, checkout, { policies: 0, audit: false, upstream: 'http' }),
    tollgate(name, checkout, { policies: 1000, audit: false, upstream: 'http' }),
    tollgate(name, checkout, { policies: 0, audit: true, upstream: 'http' }),
    tollgate(name, checkout, { policies: 1000, audit: true, upstream: 'http' }),
    tollgate(name, checkout, { policies: 1000, audit: true, upstream: 'stdio' }),
  ]
}

interface Setting {
  readonly policies: number
  readonly audit: boolean
  readonly upstream: 'http' | 'stdio'
  /** A key unless told otherwise. */
  readonly credential?: 'token'
}

function tollgate(name: string, checkout: string, setting: Setting): Variant {
  const { policies, audit, upstream, credential } = setting
  const shown = credential === undefined ? '' : `,credential=${credential}`
  return {
    name: `${name}:policies=${policies},audit=${audit ? 'on' : 'off'},upstream=${upstream}${shown}`,
    start(behind, flags) {
      const command = pinned('load', script('stdio-upstream.ts'))
      const url = `http://127.0.0.1:${behind.port}/mcp/bench`
      const server = upstream === 'http' ? `{ url: "${url}" }` : `{ command: ${JSON.stringify(command)} }`
      const order: GatewayOrder = { checkout, policies, audit, server, credential: credential ?? 'key' }
      return startServer('measured', script('gateway-process.ts', [JSON.stringify(order)], flags))
    },
  }
}
