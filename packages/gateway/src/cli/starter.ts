/**
 * The files that `tollgate init` writes, and the servers that it takes over into them. The files are read by people
 * first, so they are text, not generated structure.
 */
import { readFileSync } from 'node:fs'
import { Document, stringify, visit } from 'yaml'
import { parseConfig } from '../config/load.ts'
import { type EntityRef, showEntity } from '../model/caller.ts'
import { OWN_SERVER } from '../model/names.ts'
import { err, ok, type Result } from '../model/result.ts'
import { type Imported, importServers, type WrittenServer } from './import-servers.ts'

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
tasks: ./tasks                  # templates for "tollgate task start", *.yaml
environment: dev                # free text, seen by policies

# Callers show an API key, made with "tollgate key create", or are people who sign in, made with "tollgate user add".
# To let everyone on this machine in as one:
# identity:
#   anonymous: 'User::"local"'

# The servers behind the gateway. A secret is a reference, env:NAME or file:path, never the secret itself.
${hasServers ? inYaml(servers) : `servers: {}\n${EXAMPLE}`}`
}

/** Servers as a person would write them: commands on one line. */
function inYaml(servers: Readonly<Record<string, WrittenServer>>): string {
  const document = new Document({ servers })
  visit(document, { Seq: (_key, list) => void (list.flow = true) })
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}

/** The text of the starter policy: \`owner\` may use every server that is there now. */
export function starterPolicy(owner: EntityRef, servers: readonly string[]): string {
  const who = showEntity(owner)
  const permitAll = (server: string) => `@id("owner-${server}")
permit (principal == ${who}, action, resource in Server::${JSON.stringify(server)});
`
  const permits = servers.map(permitAll)
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
// The gateway's own server: agents ask it what their task lets them do, and for another one.
${permitAll(OWN_SERVER)}
// Examples:
//
// @id("team-reads-docs")
// permit (principal, action == Action::"files__read_file", resource)
// when { context.input.path like "/workspace/docs/*" };
//
// @id("nothing-destructive-in-production")
// forbid (principal, action in Action::"tools/call", resource)
// when { context.environment.name == "prod" && resource.destructive };
//
// @id("changes-need-a-task")
// @remedy("task")
// forbid (principal, action in Action::"tools/call", resource)
// unless { resource.readOnly || context has task || resource in Server::"tollgate" };
`
}

/** The servers of another client's file that our configuration can take. The error is a sentence. */
export function readServers(file: string): Result<Imported, string> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return err(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`)
  }
  const imported = importServers(text)
  return imported.ok ? ok(onlyValid(imported.value)) : err(`${file}: ${imported.error}`)
}

/** Without the servers that our own configuration would refuse, and with the reasons. */
function onlyValid({ servers, notes }: Imported): Imported {
  const kept: [string, Imported['servers'][string]][] = []
  const refused: string[] = []
  for (const [name, server] of Object.entries(servers)) {
    const tried = parseConfig(name, stringify({ servers: { [name]: server } }))
    if (tried.ok) kept.push([name, server])
    else refused.push(`${name} was left out: ${tried.error.map(({ message }) => message).join('; ')}`)
  }
  return { servers: Object.fromEntries(kept), notes: [...notes, ...refused] }
}
