/** Asks the running gateway, over the Unix socket of its admin API. */
import { request } from 'node:http'
import { err, ok, type Result } from '../model/result.ts'

export interface AdminAnswer {
  readonly status: number
  readonly body: unknown
}

export interface AdminProblem {
  /** Nothing listens there; not an error for commands that also work without a gateway. */
  readonly isDown: boolean
  /** A sentence. */
  readonly message: string
}

const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/** Sends one request, with `body` as JSON where there is one; `route` is `GET /api/v1/status`. */
export function askAdmin(
  socketPath: string,
  route: string,
  { body, timeoutMs = 30_000 }: { readonly body?: unknown; readonly timeoutMs?: number | undefined } = {},
): Promise<Result<AdminAnswer, AdminProblem>> {
  const [method = '', path = ''] = route.split(' ')
  const content = body === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve) => {
    const fail = (error: Error) => resolve(err(explain(error, socketPath)))
    const signal = AbortSignal.timeout(timeoutMs)
    const asked = request(
      { socketPath, method, path, headers: { host: 'localhost', ...content }, signal },
      (response) => {
        const parts: Buffer[] = []
        let bytes = 0
        response.on('data', (part: Buffer) => {
          bytes += part.length
          if (bytes > MAX_ANSWER_BYTES) asked.destroy(new Error('the answer is too long'))
          else parts.push(part)
        })
        response.on('error', fail)
        response.on('end', () => {
          try {
            const answered: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'))
            resolve(ok({ status: response.statusCode ?? 0, body: answered }))
          } catch {
            fail(new Error('the answer is not JSON'))
          }
        })
      },
    )
    asked.on('error', fail)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** Why the gateway did not do what it was asked: the lines to say. */
export function errorsOf({ status, body }: AdminAnswer): readonly string[] {
  const { errors } = (body ?? {}) as { readonly errors?: unknown }
  return Array.isArray(errors) ? errors.map(String) : [`the gateway answered with HTTP ${status}`]
}

function explain(error: Error & { code?: string }, socketPath: string): AdminProblem {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return { isDown: true, message: `no gateway answers at ${socketPath}; start it with: tollgate run` }
    case 'EACCES':
    case 'EPERM':
      return {
        isDown: false,
        message: `${socketPath} belongs to another user; ask as the user the gateway runs as`,
      }
    case 'ABORT_ERR':
      return { isDown: false, message: `the gateway at ${socketPath} does not answer` }
    default:
      return { isDown: false, message: `the gateway at ${socketPath} cannot be asked: ${error.message}` }
  }
}
