/**
 * Fetches what an issuer publishes: a small JSON document, over TLS or from this machine. No redirects, no encodings, no
 * more than 64 KiB, and no longer than a few seconds from beginning to end.
 */
import { open } from 'node:fs/promises'
import { request } from 'undici'
import { parseStrictJson } from '../mcp/strict-json.ts'
import { isLoopback } from '../model/addresses.ts'
import { err, ok, type Result } from '../model/result.ts'

const MAX_BYTES = 64 * 1024
const TIME_LIMIT_MS = 3000
/** Bounds on documents of issuers and on tokens. */
export const identityJson = { maxJsonDepth: 16, maxJsonMembers: 5000 }

/** The document; the error is for the log. Never rejects. */
export async function fetchJson(
  address: string,
  timeLimitMs = TIME_LIMIT_MS,
): Promise<Result<unknown, string>> {
  const url = new URL(address)
  if (url.protocol !== 'https:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, '')))
    return err(`${address} is not https`)
  const signal = AbortSignal.timeout(timeLimitMs)
  try {
    const read = await readBounded(url, signal)
    if (!read.ok) return err(`${address} ${read.error}`)
    const parsed = parseStrictJson(read.value, identityJson)
    return parsed.ok ? parsed : err(`${address}: ${parsed.error.message}`)
  } catch (problem) {
    if (signal.aborted) return err(`${address} did not answer within ${timeLimitMs} ms`)
    return err(
      `${address} cannot be fetched: ${problem instanceof Error ? problem.message : String(problem)}`,
    )
  }
}

/** What holds the keys of an issuer: an address, or `file:` and a path, which only a configuration can name. */
export async function fetchKeys(place: string): Promise<Result<unknown, string>> {
  if (!place.startsWith('file:')) return fetchJson(place)
  const path = place.slice('file:'.length)
  try {
    const file = await open(path)
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, 0)
      if (bytesRead > MAX_BYTES) return err(`${path} is larger than ${MAX_BYTES} bytes`)
      const parsed = parseStrictJson(buffer.subarray(0, bytesRead), identityJson)
      return parsed.ok ? parsed : err(`${path}: ${parsed.error.message}`)
    } finally {
      await file.close()
    }
  } catch (problem) {
    return err(`${path} cannot be read: ${problem instanceof Error ? problem.message : String(problem)}`)
  }
}

async function readBounded(url: URL, signal: AbortSignal): Promise<Result<Buffer, string>> {
  const { statusCode, headers, body } = await request(url, {
    headers: { accept: 'application/json, application/jwk-set+json' },
    signal,
    // Asked so rarely that a connection kept open would only be in the way of stopping.
    reset: true,
  })
  const fault = headFault(statusCode, headers)
  if (fault !== undefined) {
    body.destroy()
    body.on('error', () => undefined)
    return err(fault)
  }
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    // Leaving the loop ends the connection.
    if (length > MAX_BYTES) return err(`is larger than ${MAX_BYTES} bytes`)
  }
  return ok(Buffer.concat(chunks))
}

function headFault(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): string | undefined {
  if (status !== 200) return `answered with HTTP ${status}`
  const type = [headers['content-type'] ?? 'of no type'].flat().join(', ')
  if (!/^application\/([\w.-]+\+)?json *(;|$)/i.test(type)) return `is not JSON but ${type}`
  if (headers['content-encoding'] !== undefined) return 'is encoded'
  return undefined
}
