/** What a token must be good for on one server (OAuth scopes). Keys have none and need none. */
export interface ServerScopes {
  /** For every operation. */
  readonly server: readonly string[]
  /** To call a tool, besides those; by the server's own name for it. Tools that ask for none are left out. */
  readonly tools: ReadonlyMap<string, readonly string[]>
}

/** Every scope that means something on the server. */
export function scopesKnownTo({ server, tools }: ServerScopes): readonly string[] {
  return [...new Set([...server, ...[...tools.values()].flat()])]
}
