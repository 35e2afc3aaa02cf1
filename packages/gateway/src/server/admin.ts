/**
 * The admin API: HTTP on a Unix socket that only the gateway's user may open, which is its authentication for now
 * (docs/decisions). It tells and reloads; it cannot name a program to start.
 */
import { chmodSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Result } from '../model/result.ts'
import type { RunningGateway } from './gateway.ts'
import { removeStaleSocket } from './stale-socket.ts'

export interface AdminOptions {
  readonly path: string
  readonly gateway: RunningGateway
  reload(): Promise<Result<void, readonly string[]>>
}

/** Opens the admin socket; rejects with the system's error. */
export async function openAdmin(options: AdminOptions): Promise<Server> {
  await removeStaleSocket(options.path)
  const server = createServer((request, response) => {
    answer(request, options).then(
      ({ status, body }) => send(response, status, body),
      (problem: unknown) => send(response, 500, { error: String(problem) }),
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

interface Answer {
  readonly status: number
  readonly body: unknown
}

async function answer(request: IncomingMessage, { gateway, reload }: AdminOptions): Promise<Answer> {
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
      return reloaded.ok
        ? { status: 200, body: { ok: true } }
        : { status: 422, body: { ok: false, errors: reloaded.error } }
    }
    default:
      return { status: 404, body: { error: 'Not found.' } }
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
