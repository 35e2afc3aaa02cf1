/** What is compared, by name, and how each is started. */
import type { ChildProcess } from 'node:child_process'
import path from 'node:path'
import type { Besides, GatewayOrder } from './gateway-process.ts'
import { hasNginx, startNginx } from './nginx.ts'
import { pinned, script, startServer } from './processes.ts'
import type { Ready } from './ready.ts'

/** A thing that takes calls. */
export interface Target extends Ready {
  readonly child: ChildProcess
}

export interface Variant {
  readonly name: string
  /** The variant that this one is held against, round by round. */
  readonly over?: string
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
    ...pair('token', ['credential=key', 'credential=token']),
    ...pair('task', ['call=plain', 'call=task']),
    ...(other === undefined ? [] : tollgates('other', path.resolve(other))),
  ]
}

/** In one process: no two processes that run the same code are equally fast, and what is compared differs by less. */
function pair(besides: Besides, [one, other]: [string, string]): readonly Variant[] {
  const gateway = tollgate('tollgate', repository, { policies: 0, audit: false, upstream: 'http', besides })
  let both: Promise<Target> | undefined
  const start: Variant['start'] = (upstream, flags) => (both ??= gateway.start(upstream, flags))
  const over = `${gateway.name},${one}`
  return [
    { name: over, start },
    {
      name: `${gateway.name},${other}`,
      over,
      async start(upstream, flags) {
        const target = await start(upstream, flags)
        return { ...target, token: target.otherToken ?? '' }
      },
    },
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
  readonly besides?: Besides
}

function tollgate(name: string, checkout: string, setting: Setting): Variant {
  const { policies, audit, upstream, besides } = setting
  return {
    name: `${name}:policies=${policies},audit=${audit ? 'on' : 'off'},upstream=${upstream}`,
    start(behind, flags) {
      const command = pinned('load', script('stdio-upstream.ts'))
      const url = `http://127.0.0.1:${behind.port}/mcp/bench`
      const server = upstream === 'http' ? `{ url: "${url}" }` : `{ command: ${JSON.stringify(command)} }`
      const order: GatewayOrder = { checkout, policies, audit, server, besides }
      return startServer('measured', script('gateway-process.ts', [JSON.stringify(order)], flags))
    },
  }
}
