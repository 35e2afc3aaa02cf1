/** Upstreams as the configuration describes them: the one place where a server's transport is chosen. */
import { connect } from 'node:net'
import { Pool } from 'undici'
import type { Config, Credential, ServerConfig } from '../config/config.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { Upstream } from '../model/upstream.ts'
import type { Timers } from '../upstream/channel.ts'
import { HttpUpstream } from '../upstream/http.ts'
import type { UpstreamCredential } from '../upstream/http-headers.ts'
import { openProcess, type Spawn } from '../upstream/process.ts'
import { createStdioUpstream, DEFAULT_STDIO_LIMITS } from '../upstream/stdio.ts'
import { openUnix } from '../upstream/unix-channel.ts'
import { readSecret, showSecret } from './secrets.ts'

export interface UpstreamContext {
  readonly limits: Config['limits']
  readonly spawn: Spawn
  readonly timers: Timers
  readonly log: (text: string) => void
}

/** What may wait for a server that does not read. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024

/** Makes the upstream of one server; nothing is started or connected unless the configuration says `eager`. */
export function createUpstream(server: ServerConfig, context: UpstreamContext): Upstream {
  const { limits, timers } = context
  const log = (text: string) => context.log(`${server.name}: ${text}`)
  if (server.kind === 'http') return createHttpUpstream(server, context)
  const channelLimits = { maxMessageBytes: limits.maxResultBytes, maxQueuedBytes: MAX_QUEUED_BYTES }
  const { name, sharing, startup } = server
  return createStdioUpstream({
    name,
    sharing,
    startup,
    timers,
    log: context.log,
    transport: server.kind === 'command' ? 'stdio' : 'unix',
    limits: {
      ...DEFAULT_STDIO_LIMITS,
      maxMessageBytes: limits.maxResultBytes,
      requestTimeoutMs: limits.requestTimeoutSeconds * 1000,
      maxSessions: limits.maxSessions,
    },
    open: () => {
      if (server.kind === 'socket') {
        return openUnix({ path: server.socket, connect: connectUnix, limits: channelLimits, timers, log })
      }
      const { command, cwd } = server
      return openProcess({
        command: { command, cwd, env: environmentOf(server) },
        spawn: context.spawn,
        limits: channelLimits,
        timers,
        log,
      })
    },
  })
}

const NO_CREDENTIAL = ok(undefined)

function createHttpUpstream(server: ServerConfig & { kind: 'http' }, { limits }: UpstreamContext): Upstream {
  const url = new URL(server.url)
  const { socket, credential } = server
  // Connections are not counted: every call holds at most one, and a fixed pool would starve behind open streams.
  const dispatcher = new Pool(url.origin, {
    connections: null,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    connect: { timeout: 10_000, ...(socket === undefined ? {} : { socketPath: socket }) },
  })
  return new HttpUpstream({
    url,
    dispatcher,
    transport: socket === undefined ? url.protocol.slice(0, -1) : 'http over a Unix socket',
    credential: () => (credential === undefined ? NO_CREDENTIAL : upstreamCredential(credential)),
    requestTimeoutMs: limits.requestTimeoutSeconds * 1000,
    maxResultBytes: limits.maxResultBytes,
  })
}

function upstreamCredential(credential: Credential): Result<UpstreamCredential, Refusal> {
  const value = readSecret(credential.secret)
  if (value === undefined || value === '') {
    return err(
      unavailable('The server’s credential is not set.', `${showSecret(credential.secret)} is not set`),
    )
  }
  return ok(
    credential.type === 'bearer'
      ? { header: 'authorization', value: `Bearer ${value}` }
      : { header: credential.name.toLowerCase(), value },
  )
}

function environmentOf(server: ServerConfig & { kind: 'command' }): Record<string, string> {
  const values = Object.entries(server.env).map(([name, reference]) => {
    const value = readSecret(reference)
    if (value === undefined) throw new Error(`env.${name}: ${showSecret(reference)} is not set`)
    return [name, value] as const
  })
  return Object.fromEntries(values)
}

function connectUnix(path: string) {
  return new Promise<ReturnType<typeof connect>>((resolve, reject) => {
    const socket = connect(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
