/**
 * Everything that a reload replaces, built as a whole or not at all: a configuration or a policy that is wrong leaves
 * the running snapshot as it is. Servers whose configuration did not change keep their processes and connections.
 */
import type { PolicyError } from '@tollgate/cedar'
import type { Config, ServerConfig } from '../config/config.ts'
import { hostRules } from '../exposure/listen.ts'
import type { HostRules } from '../mcp/transport.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { Snapshot } from '../pipeline.ts'
import type { ToolFacts } from '../model/tool-facts.ts'
import { Policies } from '../policy/policies.ts'
import type { Upstream } from '../model/upstream.ts'
import { OWN_FACTS } from './own/definitions.ts'
import { readPolicies } from './policy-files.ts'

/** A snapshot, the configuration it was built from, and the upstreams it uses. */
export interface Built {
  readonly config: Config
  readonly snapshot: Snapshot
  readonly upstreams: ReadonlyMap<string, Upstream>
}

/** Builds a snapshot. `makeUpstream` is called only after everything else has been found good. */
export async function buildSnapshot(
  config: Config,
  previous: Built | undefined,
  makeUpstream: (server: ServerConfig) => Upstream,
): Promise<Result<Built, readonly string[]>> {
  const policies = await loadPolicies(config)
  if (!policies.ok) return policies
  const upstreams = new Map<string, Upstream>()
  for (const [name, server] of config.servers) {
    const kept = sameServer(previous?.config, config, name) ? previous?.upstreams.get(name) : undefined
    upstreams.set(name, kept ?? makeUpstream(server))
  }
  const routes = new Map(
    [...upstreams].map(([server, upstream]) => {
      const scopes = config.servers.get(server)?.scopes
      return [server, { server, upstream, ...(scopes === undefined ? {} : { scopes }) }]
    }),
  )
  const hosts = hostsOf(config, config.listen)
  return ok({
    config,
    upstreams,
    snapshot: { routes, policies: policies.value, hosts, limits: config.limits },
  })
}

/** The Host and Origin values that name a gateway which listens there: its own, those allowed, and its public address. */
export function hostsOf(config: Config, listen: Config['listen']): HostRules {
  const { publicUrl, tls, allowedHosts, allowedOrigins } = config
  const hosts = publicUrl === undefined ? allowedHosts : [...allowedHosts, new URL(publicUrl).host]
  const origins = publicUrl === undefined ? allowedOrigins : [...allowedOrigins, publicUrl]
  return hostRules(listen, tls !== undefined, hosts, origins)
}

/** The policies of a configuration; every error as `file:line:column: message`. */
export async function loadPolicies(config: Config): Promise<Result<Policies, readonly string[]>> {
  const texts = await readPolicies(config.policyDir)
  if (!texts.ok) return texts
  const toolFacts = toolFactsOf(config)
  const loaded = Policies.load(texts.value, {
    environment: config.environment,
    counters: config.history.map(({ name }) => name),
    toolFacts: (tool) => toolFacts.get(tool),
    hasTrusted: [...toolFacts.values()].some(({ reads = [] }) => reads.includes('trusted')),
    serverFacts: (server) => serverFactsOf(config, server),
  })
  return loaded.ok ? loaded : err(loaded.error.map(showPolicyError))
}

/** `file:line:column: message`. */
function showPolicyError({ file, line, column, message }: PolicyError): string {
  return `${file}:${line}:${column}: ${message}`
}

/**
 * A resource or prompt can hold what any tool of its server brings in; that one of them is trusted says nothing of it.
 * Where a tool can carry information out, a URI or an argument of a prompt can.
 */
function serverFactsOf({ servers }: Config, server: string): Pick<ToolFacts, 'reads' | 'sends'> {
  const tools = [...(servers.get(server)?.tools.values() ?? [])]
  const reads = new Set(tools.flatMap((tool) => tool.reads ?? []))
  reads.delete('trusted')
  return { reads: [...reads], sends: tools.some(({ sends }) => sends === true) }
}

function toolFactsOf(config: Config): ReadonlyMap<string, ToolFacts> {
  const facts = new Map<string, ToolFacts>(OWN_FACTS)
  for (const [server, { tools }] of config.servers) {
    for (const [tool, attributes] of tools) facts.set(`${server}__${tool}`, attributes)
  }
  return facts
}

/** Whether a server can keep what it runs on. What is asked of callers does not matter for that. */
function sameServer(before: Config | undefined, after: Config, name: string): boolean {
  const [old, now] = [before?.servers.get(name), after.servers.get(name)]
  const comparable = (server: ServerConfig | undefined) =>
    JSON.stringify({ ...server, tools: undefined, scopes: undefined })
  return (
    old !== undefined &&
    comparable(old) === comparable(now) &&
    JSON.stringify(before?.limits) === JSON.stringify(after.limits)
  )
}
