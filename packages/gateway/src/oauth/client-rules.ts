/**
 * Which clients are let in, besides what the library asks of them: a redirect goes to HTTPS or to a program on the
 * person's own machine (MCP, authorization), so no scheme that a browser would run or another program could claim.
 */

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

/** What is wrong with the metadata of a client; undefined when nothing is. */
export function clientFault(metadata: {
  readonly redirect_uris?: unknown
  readonly client_name?: unknown
}): string | undefined {
  const { redirect_uris: uris = [], client_name: name } = metadata
  if (!Array.isArray(uris) || uris.length > 10) return 'redirect_uris must be a list of at most 10'
  if (name !== undefined && (typeof name !== 'string' || name.length > 100))
    return 'client_name must be a text of at most 100 characters'
  return uris.map(redirectFault).find((fault) => fault !== undefined)
}
