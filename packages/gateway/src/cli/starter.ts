/** The files that `tollgate init` writes. They are read by people first, so they are text, not generated structure. */
import { stringify } from 'yaml'
import type { EntityRef } from '../model/caller.ts'
import { showEntity } from '../model/caller.ts'
import type { WrittenServer } from './import-servers.ts'

const EXAMPLE = `
# servers:
#   files:
#     command: [npx, -y, '@modelcontextprotocol/server-filesystem', /workspace]
#     tools:
#       read_text_file: { readOnly: true }       # what policies see as resource.readOnly
#   tickets:
#     url: https://tickets.example.com/mcp
#     credential: { type: bearer, secret: env:TICKETS_TOKEN }
#   db:
#     socket: /run/db-mcp.sock
`

/** The text of `tollgate.yaml`. */
export function starterConfig(servers: Readonly<Record<string, WrittenServer>>): string {
  const hasServers = Object.keys(servers).length > 0
  return `# Tollgate: an identity-aware gateway for MCP servers.
# "tollgate check" says what is wrong with this file. Relative paths start at its folder.

listen: 127.0.0.1:7070          # callers connect to http://127.0.0.1:7070/mcp/<server>
data: ./.tollgate               # state, log and keys
policies: ./policies            # *.cedar
environment: dev                # free text, seen by policies

# Callers show an API key, made with "tollgate key create". To let everyone on this machine in without one:
# identity:
#   anonymous: 'User::"local"'

# The servers behind the gateway. A secret is a reference, env:NAME or file:path, never the secret itself.
${hasServers ? stringify({ servers }, { lineWidth: 0 }) : `servers: {}\n${EXAMPLE}`}`
}

/** The text of the starter policy: \`owner\` may use every server that is there now. */
export function starterPolicy(owner: EntityRef, servers: readonly string[]): string {
  const who = showEntity(owner)
  const permits = servers.map(
    (server) => `@id("owner-${server}")
permit (principal == ${who}, action, resource in Server::${JSON.stringify(server)});
`,
  )
  return `// What no permit allows is refused. A forbid wins over every permit.
//
// who:      ${who}, and context.agent when an agent calls for them
// what:     Action::"files__read_file", one action for each tool; all of them are in Action::"tools/call"
// on what:  Tool::"files__read_file" in Server::"files"; context.input holds the arguments

${
  permits.length === 0
    ? `@id("owner-reads")
permit (principal == ${who}, action in Action::"tools/call", resource)
when { resource.readOnly };
`
    : permits.join('\n')
}
// Examples:
//
// @id("team-reads-docs")
// permit (principal, action == Action::"files__read_file", resource)
// when { context.input.path like "/workspace/docs/*" };
//
// @id("nothing-destructive-in-production")
// forbid (principal, action in Action::"tools/call", resource)
// when { context.environment.name == "prod" && resource.destructive };
`
}
