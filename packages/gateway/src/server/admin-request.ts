/** What the admin API is asked: a route, its path in parts, and a body of strict JSON, bounded. */
import type { IncomingMessage } from 'node:http'
import { parseStrictJson } from '../mcp/strict-json.ts'
import { err, ok, type Result } from '../model/result.ts'

export interface AdminRequest {
  /** `GET`, `POST`. */
  readonly method: string
  /** Decoded, after `/api/v1/`: `['tasks', 't-…', 'end']`. */
  readonly path: readonly string[]
  /** Undefined where there is none. */
  readonly body: unknown
}

export interface AdminAnswer {
  readonly status: number
  readonly body: unknown
  /** The answer is left open; called when whoever asked has gone, unless the gateway itself stops. */
  readonly left?: () => void
}

/** Answers what it knows; undefined for routes that are another's. */
export type AdminRoutes = (request: AdminRequest) => Promise<AdminAnswer> | AdminAnswer | undefined

const MAX_BODY_BYTES = 1024 * 1024
const LIMITS = { maxJsonDepth: 32, maxJsonMembers: 10_000 }
const PREFIX = '/api/v1/'

/** What went wrong, as sentences; commands print them line by line. */
export function refused(status: number, ...errors: readonly string[]): AdminAnswer {
  return { status, body: { ok: false, errors } }
}

/** Reads a request under `/api/v1/`; the error is the answer to it. */
export async function readAdminRequest(request: IncomingMessage): Promise<Result<AdminRequest, AdminAnswer>> {
  const { method = '', url = '' } = request
  const path = url.startsWith(PREFIX) ? partsOf(url.slice(PREFIX.length)) : undefined
  if (path === undefined) return err(refused(404, 'Not found.'))
  const bytes = await readBytes(request)
  if (bytes === undefined) return err(refused(413, `The body is longer than ${MAX_BODY_BYTES} bytes.`))
  if (bytes.length === 0) return ok({ method, path, body: undefined })
  if (request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== 'application/json')
    return err(refused(415, 'The body must be JSON, with Content-Type: application/json.'))
  const body = parseStrictJson(bytes, LIMITS)
  return body.ok ? ok({ method, path, body: body.value }) : err(refused(400, body.error.message))
}

function partsOf(text: string): readonly string[] | undefined {
  try {
    return text.split('/').map(decodeURIComponent)
  } catch {
    return undefined
  }
}

/** Undefined when it is too long; what remains of it is then read and dropped, so that the answer arrives. */
async function readBytes(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length
    if (length <= MAX_BODY_BYTES) parts.push(part)
  }
  return length <= MAX_BODY_BYTES ? Buffer.concat(parts) : undefined
}
