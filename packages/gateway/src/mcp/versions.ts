/** The protocol revisions this gateway carries (specification: basic/versioning). */

export const LEGACY_VERSIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']
export const MODERN_VERSIONS: readonly string[] = ['2026-07-28']
export const SUPPORTED_VERSIONS: readonly string[] = [...MODERN_VERSIONS, ...LEGACY_VERSIONS]

/** What a legacy request without the header is taken for (2025-11-25: basic/transports). */
export const ASSUMED_VERSION = '2025-03-26'

export const META_VERSION = 'io.modelcontextprotocol/protocolVersion'
export const META_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
export const META_CLIENT_INFO = 'io.modelcontextprotocol/clientInfo'
export const META_LOG_LEVEL = 'io.modelcontextprotocol/logLevel'

/** JSON-RPC codes that the specification defines (2026-07-28: basic/index, Error Codes). */
export const HEADER_MISMATCH = -32020
export const UNSUPPORTED_VERSION = -32022
export const METHOD_NOT_FOUND = -32601
export const INVALID_PARAMS = -32602
/** 2025-11-25: client/elicitation. */
export const URL_ELICITATION_REQUIRED = -32042
export const SESSION_NOT_FOUND = -32001
export const LEGACY_RESOURCE_NOT_FOUND = -32002
/** Ours, outside the range that JSON-RPC and MCP reserve; the reason is in `data`. */
export const REFUSED = -31000
