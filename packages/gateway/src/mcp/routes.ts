/** `/mcp/{server}`: which server a request is for. Unknown names are refused, never mapped to a default. */
import type { Exchange } from '../model/exchange.ts'
import { type Refusal, unknown } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { ServerScopes } from '../model/scopes.ts'
import type { Upstream } from '../model/upstream.ts'

export interface Route {
  readonly server: string
  readonly upstream: Upstream
  /** What a token must be good for here. */
  readonly scopes?: ServerScopes
}

const PREFIX = '/mcp/'

/**
 * The route that the target names exactly; queries, fragments, encodings and extra segments name none. A server that
 * is out of the caller's reach is refused like one that does not exist, and only the log knows the difference.
 */
export function matchRoute(
  routes: ReadonlyMap<string, Route>,
  exchange: Exchange,
  isReachable: (server: string) => boolean,
): Result<Route, Refusal> {
  const { target } = exchange
  const route = target.startsWith(PREFIX) ? routes.get(target.slice(PREFIX.length)) : undefined
  if (route === undefined) return err(unknown('route', 'Not found.', 'no such server'))
  return isReachable(route.server) ? ok(route) : err(outOfReach(route.server))
}

/** The refusal of whoever may do nothing on a server. */
export function outOfReach(server: string): Refusal {
  return unknown('route', 'Not found.', `no policy permits this caller anything on server "${server}"`)
}
