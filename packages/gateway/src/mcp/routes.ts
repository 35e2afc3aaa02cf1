/** `/mcp/{server}`: which server a request is for. Unknown names are refused, never mapped to a default. */
import type { Exchange } from '../model/exchange.ts'
import { type Refusal, unknown } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { Upstream } from '../model/upstream.ts'

export interface Route {
  readonly server: string
  readonly upstream: Upstream
}

const PREFIX = '/mcp/'

/** The route that the target names exactly; queries, fragments, encodings and extra segments name none. */
export function matchRoute(routes: ReadonlyMap<string, Route>, exchange: Exchange): Result<Route, Refusal> {
  const { target } = exchange
  const route = target.startsWith(PREFIX) ? routes.get(target.slice(PREFIX.length)) : undefined
  return route === undefined ? err(unknown('route', 'Not found.')) : ok(route)
}
