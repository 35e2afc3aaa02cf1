/** `/whoami/mcp/{server}`: where callers ask who they are to the gateway, with what they would show at `/mcp/{server}`. */

const PREFIX = '/whoami'
const WHOAMI = /^\/whoami(?:\/mcp(?:\/[^/?#]+)?)?$/

/** Whether a request asks that. */
export function isWhoami(target: string): boolean {
  return target.startsWith(PREFIX) && WHOAMI.test(target)
}

/** The route that a request is about: the one that its credential has to be for. */
export function routeOf(target: string): string {
  return isWhoami(target) ? target.slice(PREFIX.length) : target
}
