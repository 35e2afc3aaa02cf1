/**
 * Which clients are let in, besides what the library asks of them: a redirect goes to HTTPS or to a program on the
 * person's own machine (MCP, authorization), so no scheme that a browser would run or another program could claim.
 */

import { TASK_TYPE } from '../model/task.ts'
import type { MachineKind } from './ports.ts'

/** RFC 8693. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** RFC 7523, 2.1. */
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** Grants in which nobody says yes: for clients that the operator has made known. */
const MACHINE_GRANTS: readonly string[] = ['client_credentials', TOKEN_EXCHANGE]

/** Grants in which a person says yes. */
const PERSONAL_GRANTS: readonly string[] = ['authorization_code', 'refresh_token']

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Why clients may not be sent there; undefined when they may. */
function redirectFault(uri: unknown): string | undefined {
  const url = typeof uri === 'string' && uri.length <= 2048 ? URL.parse(uri) : null
  if (url === null) return 'redirect_uris must be URLs of at most 2048 characters'
  const isWeb = url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname))
  if (!isWeb) return 'redirect_uris must be https, or http to localhost'
  if (url.username !== '' || url.password !== '') return 'redirect_uris must not hold a user or password'
  return undefined
}

/** Whether only programs on the person's own machine hear of what is sent there, and any of them may listen. */
export function isLoopbackRedirect(uri: string): boolean {
  return LOOPBACK.test(URL.parse(uri)?.hostname ?? '')
}

/** Whether a client is told of by a document at this address; MCP asks more of those than the library does. */
function isDocumentId(id: unknown): boolean {
  return typeof id === 'string' && id.startsWith('https://')
}

/** What is wrong with the metadata of a client; undefined when nothing is. */
export function clientFault(metadata: {
  readonly client_id?: unknown
  readonly redirect_uris?: unknown
  readonly client_name?: unknown
}): string | undefined {
  const { client_id: id, redirect_uris: uris = [], client_name: name } = metadata
  if (isDocumentId(id) && (name === undefined || name === '')) return 'client_name is missing'
  if (!Array.isArray(uris) || uris.length > 10) return 'redirect_uris must be a list of at most 10'
  if (name !== undefined && (typeof name !== 'string' || name.length > 100))
    return 'client_name must be a text of at most 100 characters'
  return uris.map(redirectFault).find((fault) => fault !== undefined)
}

/** What a client says of itself, as far as grants go by it. */
interface GrantMetadata {
  readonly client_id?: string | undefined
  readonly redirect_uris?: readonly string[] | undefined
  grant_types?: readonly string[] | undefined
}

/**
 * Sets the grants of a client that the operator made known, and takes those from every other client that are not for it:
 * what is in a document may be meant for another server. Returns what is wrong with one that registers itself.
 */
export function settleGrants(
  metadata: GrantMetadata,
  machine: MachineKind | undefined,
  takesIdJags: boolean,
): string | undefined {
  const { client_id: id, redirect_uris: redirects = [] } = metadata
  const asked: unknown = metadata.grant_types ?? []
  if (machine !== undefined) {
    metadata.grant_types = [
      ...(redirects.length === 0 ? [] : PERSONAL_GRANTS),
      ...MACHINE_GRANTS,
      ...(takesIdJags ? [JWT_BEARER] : []),
    ]
    return undefined
  }
  if (!isListOfTexts(asked)) return 'grant_types must be a list of texts'
  const isDocument = isDocumentId(id)
  const isFor = (grant: string) => !MACHINE_GRANTS.includes(grant) && (isDocument || grant !== JWT_BEARER)
  const refused = asked.find((grant) => !isFor(grant))
  if (refused === undefined) return undefined
  metadata.grant_types = asked.filter(isFor)
  return isDocument ? undefined : `${refused} is for clients that the operator has made known`
}

/**
 * Sets the types of authorization details (RFC 9396) of a client. One that lists none may ask for a task; a document that
 * lists others, which may be meant for another server, loses those.
 */
export function settleDetails(metadata: {
  readonly client_id?: string | undefined
  authorization_details_types?: readonly string[] | undefined
}): void {
  const { client_id: id, authorization_details_types: types } = metadata
  if (isDocumentId(id) && isListOfTexts(types))
    metadata.authorization_details_types = types.filter((type) => type === TASK_TYPE)
}

function isListOfTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

/** An assertion that is good for longer is as good as a secret. */
const MAX_ASSERTION_SECONDS = 3600

/**
 * What is wrong with the assertion by which a client proves itself, besides what the library checks: its key, `iss`,
 * `sub`, `exp`, that it is new, and that `aud` has the issuer or the token endpoint in it. One that is for others, too,
 * could be used here by them.
 */
export function assertionFault(
  { aud, exp }: { readonly aud?: unknown; readonly exp?: unknown },
  nowSeconds: number,
): string | undefined {
  if (Array.isArray(aud) && aud.length !== 1) return 'the assertion must be for this server alone'
  const isShort = typeof exp === 'number' && exp - nowSeconds <= MAX_ASSERTION_SECONDS
  return isShort ? undefined : `the assertion must expire within ${MAX_ASSERTION_SECONDS} seconds`
}
