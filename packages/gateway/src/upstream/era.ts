/**
 * Which era a server speaks: asked once with `server/discover`, as the specification says (2026-07-28:
 * basic/versioning, Backward Compatibility), and remembered.
 */
import type { JsonObject } from '../model/message.ts'
import { invalid, type Refusal } from '../model/refusal.ts'

const MODERN_ERRORS = new Set([-32020, -32021, -32022])

/** The probe; its id is a string so that it cannot be taken for a forwarded request. */
export function discoverRequest(protocolVersion: string): JsonObject {
  return {
    jsonrpc: '2.0',
    id: 'tollgate-discover',
    method: 'server/discover',
    params: {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': protocolVersion,
        'io.modelcontextprotocol/clientInfo': { name: 'tollgate', version: '0.1.0' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  }
}

/** What an answer to `server/discover` says: a DiscoverResult or a modern error means modern, anything else legacy. */
export function eraOfAnswer(answer: JsonObject): 'modern' | 'legacy' {
  const result = answer['result'] as JsonObject | undefined
  const error = answer['error'] as JsonObject | undefined
  const data = error?.['data'] as JsonObject | undefined
  if (error !== undefined && error['code'] === -32022)
    return hasModern(data?.['supported']) ? 'modern' : 'legacy'
  if (error !== undefined) return MODERN_ERRORS.has(Number(error['code'])) ? 'modern' : 'legacy'
  return hasModern(result?.['supportedVersions']) ? 'modern' : 'legacy'
}

function hasModern(versions: unknown): boolean {
  return (
    Array.isArray(versions) &&
    versions.some((version) => typeof version === 'string' && version >= '2026-07-28')
  )
}

/**
 * The answer to a modern request for a server that only speaks legacy revisions. It is what such servers send
 * themselves, and deliberately no error of the modern revision: those would tell a dual-era client to stay modern.
 */
export function speaksLegacyOnly(requested: string): Refusal {
  const message = `Bad Request: Unsupported protocol version: ${requested} (this server needs initialize, 2025-11-25 or older)`
  return invalid(message, { status: 400, code: -32000 })
}
