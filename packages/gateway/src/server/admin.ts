/**
 * The admin API: HTTP on a Unix socket that only the gateway's user may open, which is its authentication for now
 * (docs/decisions). It tells and reloads; it cannot name a program to start.
 */
import { chmodSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Result } from '../model/result.ts'
import { type AdminAnswer, type AdminRoutes, readAdminRequest, refused } from './admin-request.ts'
import type { RunningGateway } from './gateway.ts'
import { removeStaleSocket } from './stale-socket.ts'

export interface AdminOptions {
  readonly path: string
  readonly gateway: RunningGateway
  reload(): Promise<Result<void, readonly string[]>>
  /** What is asked under `/api/v1/` besides; the first one that knows a route answers. */
  readonly routes?: readonly AdminRoutes[]
}

/** Opens the admin socket; rejects with the system's error. */
export async function openAdmin(options: AdminOptions): Promise<Server> {
  await removeStaleSocket(options.path)
  const keepOpen = (response: ServerResponse, { status, body }: AdminAnswer, left: () => void) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.write(`${JSON.stringify(body)}\n`)
    response.once('close', () => {
      if (server.listening) left()
    })
  }
  const server = createServer((request, response) => {
    answer(request, options).then(
      (given) => (given.left === undefined ? send(response, given) : keepOpen(response, given, given.left)),
      (problem: unknown) => send(response, refused(500, String(problem))),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.path, resolve)
  })
  chmodSync(options.path, 0o600)
  server.unref()
  return server
}

async function answer(
  request: IncomingMessage,
  { gateway, reload, routes = [] }: AdminOptions,
): Promise<AdminAnswer> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /healthz':
      return { status: 200, body: { ok: true } }
    case 'GET /readyz': {
      const { audit } = gateway.status()
      const ready = audit.outage === undefined
      return { status: ready ? 200 : 503, body: { ok: ready } }
    }
    case 'GET /api/v1/status':
      return { status: 200, body: gateway.status() }
    case 'POST /api/v1/reload': {
      const reloaded = await reload()
      return reloaded.ok ? { status: 200, body: { ok: true } } : refused(422, ...reloaded.error)
    }
    default: {
      const read = await readAdminRequest(request)
      if (!read.ok) return read.error
      for (const route of routes) {
        const answered = await route(read.value)
        if (answered !== undefined) return answered
      }
      return refused(404, 'Not found.')
    }
  }
}

function send(response: ServerResponse, { status, body }: AdminAnswer): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
