/** What a token must be good for on one server (OAuth scopes). Keys have none and need none. */
export interface ServerScopes {
  /** For every operation. */
  readonly server: readonly string[]
  /** To call a tool, besides those; by the server's own name for it. Tools that ask for none are left out. */
  readonly tools: ReadonlyMap<string, readonly string[]>
}

/** Every scope that means something on the server, for its tools or some of them. */
export function scopesKnownTo(
  { server, tools }: ServerScopes,
  isCounted: (tool: string) => boolean = () => true,
): readonly string[] {
  const ofTools = [...tools].flatMap(([tool, scopes]) => (isCounted(tool) ? scopes : []))
  return [...new Set([...server, ...ofTools])]
}

/** What some server asks for on every operation. */
export function scopesOfServers(servers: Iterable<{ readonly scopes?: ServerScopes }>): readonly string[] {
  return [...new Set([...servers].flatMap(({ scopes }) => scopes?.server ?? []))]
}
