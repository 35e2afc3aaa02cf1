/** Upstreams as the configuration describes them: the one place where a server's transport is chosen. */
import { connect } from 'node:net'
import { Pool } from 'undici'
import type { Config, Credential, ServerConfig } from '../config/config.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { ServerMessage, Upstream } from '../model/upstream.ts'
import type { Channel, Timers } from '../upstream/channel.ts'
import { HttpInquiry } from '../upstream/http-inquiry.ts'
import { HttpUpstream } from '../upstream/http.ts'
import type { UpstreamCredential } from '../upstream/http-headers.ts'
import { openProcess, type Spawn } from '../upstream/process.ts'
import { createStdioUpstream, DEFAULT_STDIO_LIMITS } from '../upstream/stdio.ts'
import { StdioInquiry } from '../upstream/stdio-inquiry.ts'
import { openUnix } from '../upstream/unix-channel.ts'
import { readSecret, showSecret } from './secrets.ts'

export interface UpstreamContext {
  readonly limits: Config['limits']
  readonly spawn: Spawn
  readonly timers: Timers
  readonly log: (text: string) => void
}

/** Makes the upstream of one server; nothing is started or connected unless the configuration says `eager`. */
export function createUpstream(server: ServerConfig, context: UpstreamContext): Upstream {
  const { limits, timers } = context
  if (server.kind === 'http') {
    const connection = createConnection(server, limits)
    const { socket } = server
    const transport = socket === undefined ? connection.url.protocol.slice(0, -1) : 'http over a Unix socket'
    return new HttpUpstream({ ...connection, transport })
  }
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
    open: () => openChannel(server, context),
  })
}

/** A server that the gateway asks in its own name, for what it offers and nothing else. */
export interface Inquiry {
  tools(cursor: string | undefined): Promise<Result<ServerMessage, Refusal>>
  close(): Promise<void>
}

/** Makes the inquiry of one server; it is started or connected to by the first question. `signal` ends them all. */
export function createInquiry(server: ServerConfig, context: UpstreamContext, signal: AbortSignal): Inquiry {
  const { limits, timers, log } = context
  if (server.kind === 'http') return new HttpInquiry({ ...createConnection(server, limits), signal })
  const requestTimeoutMs = limits.requestTimeoutSeconds * 1000
  return new StdioInquiry({
    name: server.name,
    timers,
    log,
    limits: {
      ...DEFAULT_STDIO_LIMITS,
      maxMessageBytes: limits.maxResultBytes,
      requestTimeoutMs,
      // A server may let one question pass in silence, and has to answer the next (upstream/connections.ts).
      startupTimeoutMs: requestTimeoutMs * 0.4,
    },
    open: () => openChannel(server, context),
  })
}

function openChannel(
  server: Exclude<ServerConfig, { kind: 'http' }>,
  context: UpstreamContext,
): Promise<Channel> {
  const { limits, timers } = context
  const log = (text: string) => context.log(`${server.name}: ${text}`)
  const channelLimits = { maxMessageBytes: limits.maxResultBytes }
  if (server.kind === 'socket')
    return openUnix({ path: server.socket, connect: connectUnix, limits: channelLimits, timers, log })
  const { command, cwd } = server
  return openProcess({
    command: { command, cwd, env: environmentOf(server) },
    spawn: context.spawn,
    limits: channelLimits,
    timers,
    log,
  })
}

const NO_CREDENTIAL = ok(undefined)

function createConnection(server: ServerConfig & { kind: 'http' }, limits: Config['limits']) {
  const url = new URL(server.url)
  const { socket, credential } = server
  // Connections are not counted: every call holds at most one, and a fixed pool would starve behind open streams.
  const dispatcher = new Pool(url.origin, {
    connections: null,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    connect: { timeout: 10_000, ...(socket === undefined ? {} : { socketPath: socket }) },
  })
  return {
    url,
    dispatcher,
    credential: () => (credential === undefined ? NO_CREDENTIAL : upstreamCredential(credential)),
    requestTimeoutMs: limits.requestTimeoutSeconds * 1000,
    maxResultBytes: limits.maxResultBytes,
  }
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
