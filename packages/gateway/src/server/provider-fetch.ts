/**
 * Asks the provider that people sign in through: over TLS or on this machine, no redirects, no encodings, no more than
 * 256 KiB, and no longer than a few seconds from beginning to end.
 */
import { request } from 'undici'
import { isLoopback } from '../model/addresses.ts'
import type { ProviderFetch } from '../oauth/sign-in/upstream-sign-in.ts'

const MAX_BYTES = 256 * 1024
const TIME_LIMIT_MS = 5000
const WITHOUT_BODY = new Set([204, 205, 304])

/** A `fetch` that rejects with the reason, which is for the log. */
export function createProviderFetch(timeLimitMs = TIME_LIMIT_MS): ProviderFetch {
  return async (address, options) => {
    const signal = AbortSignal.timeout(timeLimitMs)
    try {
      return await ask(address, options, signal)
    } catch (problem) {
      if (!signal.aborted) throw problem
      throw new Error(`${new URL(address).origin} did not answer within ${timeLimitMs} ms`, {
        cause: problem,
      })
    }
  }
}

async function ask(
  address: string,
  { method, headers, body }: Parameters<ProviderFetch>[1],
  signal: AbortSignal,
): Promise<Response> {
  const url = new URL(address)
  if (url.protocol !== 'https:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, '')))
    throw new Error(`${url.origin} is not https`)
  const answer = await request(url, {
    method: method === 'POST' ? 'POST' : 'GET',
    headers,
    ...(body === undefined ? {} : { body }),
    signal,
    reset: true,
  })
  const bytes = await readBounded(answer.body, url)
  if (answer.headers['content-encoding'] !== undefined) throw new Error(`${url.origin} encodes its answer`)
  const got = Object.entries(answer.headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((each): [string, string] => [name, each]),
  )
  const { statusCode: status } = answer
  return new Response(WITHOUT_BODY.has(status) ? null : bytes, { status, headers: got })
}

async function readBounded(body: AsyncIterable<Buffer>, url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    // Leaving the loop ends the connection.
    if (length > MAX_BYTES) throw new Error(`${url.origin} answered with more than ${MAX_BYTES} bytes`)
  }
  return new Uint8Array(Buffer.concat(chunks))
}
