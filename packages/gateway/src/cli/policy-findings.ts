/** What is wrong with policies: `tollgate check` and `tollgate policy check` find out here. */
import { type Policy, type Position, suggest } from '@tollgate/cedar'
import type { Config, ServerConfig } from '../config/config.ts'
import { OWN_SERVER } from '../model/names.ts'
import type { GatewaySchema } from '../policy/schema.ts'
import { OWN_TOOLS } from '../server/own/definitions.ts'
import type { Finding } from '../validate/finding.ts'

export interface PolicyCheckOptions {
  /** Asks no server. */
  readonly offline?: true
  /** Seconds for validating. */
  readonly timeLimit: number
}

/** How it went with a server. */
export interface AskedServer {
  readonly server: string
  /** How many it offers; null when it could not be asked, or was not to be. */
  readonly tools: number | null
}

/** What a server did that is not as it should be, and what follows from it. */
export interface ServerWarning {
  readonly server: string
  readonly message: string
}

export interface Checked {
  readonly findings: readonly Finding[]
  /** What kept policies from being validated, in sentences. */
  readonly problems: readonly string[]
  readonly servers: readonly AskedServer[]
  readonly warnings: readonly ServerWarning[]
}

/** How long a server may take to start and to say what it offers. */
const SERVER_LIMIT_SECONDS = 10

/** Asks the servers, and looks over the policies. `signal` ends it early, with nothing left running. */
export async function checkPolicies(
  config: Config,
  policies: readonly Policy[],
  { offline, timeLimit }: PolicyCheckOptions,
  signal: AbortSignal,
): Promise<Checked> {
  const { ValidationCache } = await import('../validate/cache.ts')
  const { lintPolicies } = await import('../validate/lint.ts')
  const { checkNames } = await import('../validate/names.ts')
  const { checkRemedies } = await import('../validate/remedies.ts')
  const { mergeFindings } = await import('../validate/merge.ts')
  const { validatePolicies } = await import('../validate/validate.ts')
  const { schema, tools, servers, warnings, closed } = await learnSchema(config, policies, {
    offline,
    signal,
  })
  try {
    const { checks, unknown } = schema
    const linted = lintPolicies(policies, checks)
    const absent = new Set(linted.filter(({ rule }) => rule === 'unguarded-attribute').map(placeText))
    const { findings, problems, unsure } = await validatePolicies({
      checks,
      unknown,
      // Methods are no tools: what prompts, extensions and servers take no server is asked (policy/base-schema.ts).
      assumed: (action, path) =>
        path[0] === 'input' &&
        (action === 'prompts/get' || (!action.includes('__') && unknown(action, path) !== undefined)),
      mayBeAbsent: (place) => absent.has(placeText(place)),
      cache: new ValidationCache(config.dataDir),
      limitSeconds: timeLimit,
      signal,
    })
    const named = checkNames(policies, new Map([...tools, OWN_NAMES]))
    const typed = [...findings, ...named, ...checkRemedies(policies)]
    // Before there is a server, no policy about tools applies.
    const undecided = tools.size === 0 ? new Set(policies.map(({ id }) => id)) : unsure
    return { findings: mergeFindings(typed, linted, undecided), problems, servers, warnings }
  } finally {
    await closed
  }
}

function placeText({ file, line, column }: Position): string {
  return `${file}:${line}:${column}`
}

export interface LearntSchema extends Omit<Checked, 'findings' | 'problems'> {
  readonly schema: GatewaySchema
  /** The servers' own names of their tools; undefined for a server that is not known. */
  readonly tools: ReadonlyMap<string, ReadonlySet<string> | undefined>
  /** Resolves when the servers that were asked have stopped. */
  readonly closed: Promise<void>
}

/** The schema that policies are validated against. */
export async function learnSchema(
  config: Config,
  policies: readonly Policy[],
  { offline, signal }: { readonly offline: true | undefined; readonly signal: AbortSignal },
): Promise<LearntSchema> {
  const { askServers } = await import('../server/offers.ts')
  const { gatewaySchema } = await import('../policy/schema.ts')
  const asked = offline ? { ...config, servers: new Map<string, never>() } : config
  const offers = await askServers(asked, { limitSeconds: SERVER_LIMIT_SECONDS, signal })
  const known = new Map(
    [...config.servers.keys()].map((server) => {
      const offer = offers.servers.get(server)
      return [server, offer?.ok === true ? offer.value.tools : undefined] as const
    }),
  )
  const tools = new Map(
    [...known].map(([server, own]) => [server, own && new Set(own.map(({ name }) => name))]),
  )
  return {
    schema: gatewaySchema({
      servers: new Map([...known, ...(namesOwnServer(policies) ? [[OWN_SERVER, OWN_TOOLS] as const] : [])]),
      policies,
      counters: config.history.map(({ name }) => name),
    }),
    tools,
    servers: [...known].map(([server, own]) => ({ server, tools: own?.length ?? null })),
    warnings: [...offers.servers].flatMap(([server, offer]) => {
      if (!offer.ok) return { server, message: `${NOT_ASKED}: ${offer.error}` }
      const messages = [...offer.value.faults, ...unknownTools(config.servers.get(server), tools.get(server))]
      return messages.map((message) => ({ server, message }))
    }),
    closed: offers.closed,
  }
}

/** Only then are its tools looked at: what is said of all tools is hardly ever meant for them. */
function namesOwnServer(policies: readonly Policy[]): boolean {
  return policies.some(({ source }) => /"tollgate(__|")/.test(source.text))
}

const OWN_NAMES = [OWN_SERVER, new Set(OWN_TOOLS.map(({ name }) => name))] as const

const NOT_ASKED =
  'could not be asked for its tools, so what policies say of them and of their arguments is taken for granted'

/** Tools that the configuration gives attributes to, and that the server does not have. */
function unknownTools(
  server: ServerConfig | undefined,
  offered: ReadonlySet<string> | undefined,
): readonly string[] {
  const configured = [...(server?.tools.keys() ?? [])]
  return configured
    .filter((name) => offered?.has(name) === false)
    .map((name) => {
      const close = suggest(name, offered ?? [])
      const hint = close === undefined ? '' : `; did you mean ${close}?`
      return `offers no tool ${name}, which has attributes in the configuration${hint}`
    })
}
