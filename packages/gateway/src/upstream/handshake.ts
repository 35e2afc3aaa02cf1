/**
 * The two ways to find out what a server speaks (2026-07-28: basic/versioning, basic/transports/stdio): a
 * `server/discover` probe for the modern era, and an `initialize` of the gateway's own for the legacy one.
 */
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { ServerMessage } from '../model/upstream.ts'
import { CLIENT, classify, type Discovered, discoverParams, LEGACY, MODERN } from './era.ts'
import { errorOf } from './json-rpc.ts'
import type { Peer } from './peer.ts'

/** Legacy revisions, oldest first; `initialize` negotiates one of them. */
export const LEGACY_REVISIONS: readonly string[] = [
  '2024-10-07',
  '2024-11-05',
  '2025-03-26',
  '2025-06-18',
  LEGACY,
]

/** Asks whether the server is modern. Resolves when it answers or dies, and after the timeout. */
export async function discover(peer: Peer, timeoutMs: number): Promise<Result<Discovered, Refusal>> {
  const answer = await peer.ask('server/discover', discoverParams(MODERN), timeoutMs)
  return answer.ok ? ok(classify(answer.value.body)) : answer
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
