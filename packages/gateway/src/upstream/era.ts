/**
 * Which era a server speaks: asked once with `server/discover`, as the specification says (2026-07-28:
 * basic/versioning, Backward Compatibility), and remembered by whoever asked.
 */
import type { JsonObject } from '../model/message.ts'
import { invalid, type Refusal } from '../model/refusal.ts'
import { errorOf, member, UNSUPPORTED_VERSION } from './json-rpc.ts'

export const MODERN = '2026-07-28'
export const LEGACY = '2025-11-25'

/** How the gateway introduces itself to servers. */
export const CLIENT = { name: 'tollgate', version: '0.1.0' }
const META = 'io.modelcontextprotocol'

/** The modern revisions a server supports; none for a legacy server. */
export type Discovered =
  | { readonly era: 'modern'; readonly versions: readonly string[] }
  | { readonly era: 'legacy' }

/** The parameters of the probe. */
export function discoverParams(protocolVersion: string): JsonObject {
  return {
    _meta: {
      [`${META}/protocolVersion`]: protocolVersion,
      [`${META}/clientCapabilities`]: {},
      [`${META}/clientInfo`]: CLIENT,
    },
  }
}

/** A recognised answer makes a server modern; anything else is how legacy servers meet an unknown method. */
export function classify(answer: JsonObject): Discovered {
  const error = errorOf(answer)
  const code = error?.code
  if (code === -32020 || code === -32021) return { era: 'modern', versions: [MODERN] }
  const listed =
    code === UNSUPPORTED_VERSION
      ? (error?.data as JsonObject | undefined)?.['supported']
      : member(answer, 'result')?.['supportedVersions']
  const versions = Array.isArray(listed)
    ? listed.filter((version): version is string => typeof version === 'string' && version > LEGACY)
    : []
  return versions.length > 0 ? { era: 'modern', versions } : { era: 'legacy' }
}

/**
 * The answer to a modern request for a server that only speaks legacy revisions. It is what such servers send
 * themselves, and deliberately no error of the modern revision: those would tell a dual-era client to stay modern.
 */
export function speaksLegacyOnly(requested: string): Refusal {
  const message = `Bad Request: Unsupported protocol version: ${requested} (this server needs initialize, ${LEGACY} or older)`
  return invalid(message, { status: 400, code: -32000 })
}
