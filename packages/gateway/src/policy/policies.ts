/**
 * A set of policies with the entities they speak of, ready to decide. Immutable: a reload makes a new one, and the
 * calls in flight keep the old. Entities of names that callers bring are cached up to a bound.
 */
import { hash } from 'node:crypto'
import {
  compile,
  type Entity,
  entity,
  type Policy,
  type PolicyError,
  type PolicySet,
  parsePolicies,
  plain,
} from '@tollgate/cedar'
import type { Caller, EntityRef, Known } from '../model/caller.ts'
import type { Target } from '../model/decision.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { ToolFacts } from '../model/tool-facts.ts'

/** A file of policies, as loaded. */
export interface PolicyText {
  /** As shown in errors. */
  readonly file: string
  readonly text: string
}

export interface PolicyWorld {
  /** `context.environment.name`. */
  readonly environment: string
  /** Names of the counters in `context.history`; none unless given. */
  readonly counters?: readonly string[]
  /** The configured facts of a tool, by its full name. */
  toolFacts(tool: string): ToolFacts | undefined
  /** Whether what some tool brings in is trusted; not known when left out. */
  readonly hasTrusted?: boolean
  /** What resources and prompts of a server bring in, and whether asking for them can carry information out. */
  serverFacts?(server: string): Pick<ToolFacts, 'reads' | 'sends'>
}

/** Remedies that lift a forbid; a thing forbidden only until then can be seen. */
const LIFTABLE = new Set(['task', 'approval'])
const MAX_CACHED = 10_000
/** Longer names come from callers who are trying something; they are not worth the memory. */
const MAX_CACHED_KEY = 512
const NOTHING_KNOWN: ToolFacts = {}
const NO_LABELS: readonly string[] = []
const TOOLS_CALL = entity('Action', 'tools/call')

export class Policies {
  readonly all: PolicySet
  /** Without the forbids that a task or an approval would lift. */
  readonly lifted: PolicySet
  readonly environment: string
  readonly counters: readonly string[]
  /** Digest of the texts: two sets with the same one decide alike. */
  readonly version: string
  readonly #world: PolicyWorld
  readonly #toolActions = new Map<string, Entity>()
  readonly #resources = new Map<string, Entity>()
  readonly #references = new Map<string, Entity>()
  /** By what is known of them, so that they go when nobody calls with it any more. */
  readonly #principals = new WeakMap<Known, Entity>()
  /** Which servers a principal may reach at all: permits by server (see reach.ts). */
  readonly reach = new WeakMap<Entity, Map<string, readonly string[]>>()

  private constructor(sets: { all: PolicySet; lifted: PolicySet }, version: string, world: PolicyWorld) {
    this.all = sets.all
    this.lifted = sets.lifted
    this.version = version
    this.environment = world.environment
    this.counters = world.counters ?? []
    this.#world = world
  }

  /** Parses and compiles; every error names its file, line and column. */
  static load(texts: readonly PolicyText[], world: PolicyWorld): Result<Policies, readonly PolicyError[]> {
    const policies: Policy[] = []
    const errors: PolicyError[] = []
    for (const { file, text } of texts) {
      const parsed = parsePolicies(text, { file, idPrefix: texts.length > 1 ? `${stem(file)}:` : '' })
      if (parsed.ok) policies.push(...parsed.value)
      else errors.push(...parsed.errors)
    }
    if (errors.length > 0) return err(errors)
    const all = compile(policies)
    if (!all.ok) return err(all.errors)
    const lifted = compile(policies.filter((policy) => !isLiftable(policy)))
    if (!lifted.ok) return err(lifted.errors)
    const version = hash('sha256', JSON.stringify(texts.map(({ file, text }) => [file, text])), 'base64url')
    return ok(new Policies({ all: all.value, lifted: lifted.value }, version, world))
  }

  /** `Action::"files__read_file"`, the call of that tool, is in `Action::"tools/call"`; other actions stand alone. */
  action({ action, resource }: Target): Entity {
    if (resource.type !== 'Tool' || action !== resource.id) return this.#reference('Action', action)
    return remember(this.#toolActions, action, () => entity('Action', action, { parents: [TOOLS_CALL] }))
  }

  /** A tool, prompt or resource in its server, or the server itself. */
  resource(ref: EntityRef, server: string): Entity {
    if (ref.type === 'Server') return this.#reference('Server', ref.id)
    return remember(this.#resources, `${server}\n${ref.type}\n${ref.id}`, () => {
      const parents = [this.#reference('Server', server)]
      return entity(ref.type, ref.id, { parents, attrs: this.#attributes(ref, server) })
    })
  }

  /** The principal of a caller, in its groups and with its tags. */
  principal({ principal, known }: Caller): Entity {
    if (known === undefined) return this.named(principal)
    const made = this.#principals.get(known)
    if (made !== undefined) return made
    const parents = known.groups.map(({ type, id }) => this.#reference(type, id))
    const told = entity(principal.type, principal.id, { parents, tags: known.tags })
    this.#principals.set(known, told)
    return told
  }

  /** A principal or agent by its name alone. */
  named(ref: EntityRef): Entity {
    return this.#reference(ref.type, ref.id)
  }

  /** What is known of a tool, by its full name. */
  toolFacts(tool: string): ToolFacts {
    return this.#world.toolFacts(tool) ?? NOTHING_KNOWN
  }

  get hasTrusted(): boolean {
    return this.#world.hasTrusted ?? true
  }

  /** What a call of this on the server brings in. */
  labelsOf({ type, id }: EntityRef, server: string): readonly string[] {
    if (type === 'Tool') return this.toolFacts(id).reads ?? NO_LABELS
    return type === 'Server' ? NO_LABELS : (this.#world.serverFacts?.(server).reads ?? NO_LABELS)
  }

  /** What is known of a tool, or of whatever else is asked of a server. */
  factsOf({ type, id }: EntityRef, server: string): ToolFacts {
    return type === 'Tool'
      ? this.toolFacts(id)
      : { readOnly: true, sends: this.#world.serverFacts?.(server).sends ?? false }
  }

  #reference(type: string, id: string): Entity {
    return remember(this.#references, `${type}\n${id}`, () => entity(type, id))
  }

  #attributes(ref: EntityRef, server: string) {
    if (ref.type === 'Resource') return { uri: ref.id, server }
    const name = ref.id.slice(server.length + 2)
    if (ref.type !== 'Tool') return { name, server }
    const facts = this.toolFacts(ref.id)
    return {
      name,
      server,
      readOnly: facts.readOnly ?? false,
      destructive: facts.destructive ?? facts.readOnly !== true,
      idempotent: facts.idempotent ?? false,
      openWorld: facts.openWorld ?? true,
      reads: plain(facts.reads ?? []),
      sends: facts.sends ?? false,
      writes: facts.writes ?? facts.readOnly !== true,
    }
  }
}

/** Whether the policy is a forbid that a task or an approval lifts. */
export function isLiftable(policy: Policy): boolean {
  return policy.effect === 'forbid' && LIFTABLE.has(policy.annotations.get('remedy') ?? '')
}

function remember(cache: Map<string, Entity>, key: string, make: () => Entity): Entity {
  const known = cache.get(key)
  if (known !== undefined) return known
  const made = make()
  if (key.length > MAX_CACHED_KEY) return made
  if (cache.size >= MAX_CACHED) cache.clear()
  cache.set(key, made)
  return made
}

function stem(file: string): string {
  return (file.split('/').at(-1) ?? file).replace(/\.cedar$/, '')
}
