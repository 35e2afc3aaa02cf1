/** Names that have a meaning of their own, and forms of those that are compared as they are. */

/** A URI that reads in one way only: no escapes, no empty parts, nothing that someone might resolve. */
export const PLAIN_URI = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._-]+(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._~-]+)*$/

/** Lower case, of two labels at least. */
export const DNS_NAME =
  /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

/** The gateway's own MCP server, at `/mcp/tollgate`: what agents ask it about their task. */
export const OWN_SERVER = 'tollgate'
