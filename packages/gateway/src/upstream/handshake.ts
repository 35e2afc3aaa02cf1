/**
 * The two ways to find out what a server speaks (2026-07-28: basic/versioning, basic/transports/stdio): a
 * `server/discover` probe for the modern era, and an `initialize` of the gateway's own for the legacy one.
 */
import type { JsonObject } from '../model/message.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { ServerMessage } from '../model/upstream.ts'
import { errorOf, member, UNSUPPORTED_VERSION } from './json-rpc.ts'
import type { Peer } from './peer.ts'

export const MODERN = '2026-07-28'
export const LEGACY = '2025-11-25'
/** Legacy revisions, oldest first; `initialize` negotiates one of them. */
export const LEGACY_REVISIONS: readonly string[] = [
  '2024-10-07',
  '2024-11-05',
  '2025-03-26',
  '2025-06-18',
  LEGACY,
]

const CLIENT = { name: 'tollgate', version: '0.1.0' }
const META = 'io.modelcontextprotocol'

/** The modern revisions a server supports; none for a legacy server. */
export type Discovered =
  | { readonly era: 'modern'; readonly versions: readonly string[] }
  | { readonly era: 'legacy' }

/** Asks whether the server is modern. Resolves when it answers or dies, and after the timeout. */
export async function discover(peer: Peer, timeoutMs: number): Promise<Result<Discovered, Refusal>> {
  const envelope = {
    [`${META}/protocolVersion`]: MODERN,
    [`${META}/clientCapabilities`]: {},
    [`${META}/clientInfo`]: CLIENT,
  }
  const answer = await peer.ask('server/discover', { _meta: envelope }, timeoutMs)
  return answer.ok ? ok(classify(answer.value.body)) : answer
}

/** A recognised answer makes a server modern; anything else is how legacy servers meet an unknown method. */
function classify(body: JsonObject): Discovered {
  const error = errorOf(body)
  const code = error?.code
  if (code === -32020 || code === -32021) return { era: 'modern', versions: [MODERN] }
  const listed =
    code === UNSUPPORTED_VERSION
      ? (error?.data as JsonObject | undefined)?.['supported']
      : member(body, 'result')?.['supportedVersions']
  const versions = Array.isArray(listed)
    ? listed.filter((version): version is string => typeof version === 'string' && version > LEGACY)
    : []
  return versions.length > 0 ? { era: 'modern', versions } : { era: 'legacy' }
}

/** Why a server is not initialized. */
export interface Failure {
  readonly refusal: Refusal
  /** The server itself said no, rather than nothing. */
  readonly byServer: boolean
}

/** Initializes the server in the gateway's own name, declaring nothing, so that it asks nothing of clients. */
export async function initialize(peer: Peer, timeoutMs: number): Promise<Result<ServerMessage, Failure>> {
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: CLIENT }
  const answer = await peer.ask('initialize', params, timeoutMs)
  if (!answer.ok) return err({ refusal: answer.error, byServer: false })
  const error = errorOf(answer.value.body)
  if (error !== undefined) {
    const detail = `${String(error.code)} ${String(error.message)}`
    return err({ refusal: unavailable('The server refused to initialize.', detail), byServer: true })
  }
  peer.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return answer
}
