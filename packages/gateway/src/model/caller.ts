/** Who is asking: the principal, and the agent that calls on its behalf. Proved anew on every request. */

/** A Cedar entity by name, such as `User::"alice"`. */
export interface EntityRef {
  readonly type: string
  readonly id: string
}

/** How the caller proved who it is. */
export interface Authentication {
  readonly method: 'api-key' | 'token' | 'certificate' | 'anonymous'
  /** The name of the key, as `tollgate key list` shows it, or `<issuer>/<jti>` of the token. Never the credential. */
  readonly credential?: string
  /** Name of the issuer of the token, or of the rule for the certificate, as configured. */
  readonly issuer?: string
  /** Id of the task that the credential is for; nothing else puts a call into a task. */
  readonly task?: string
  /** When the token ceases to be good: what was opened with it ends then. */
  readonly goodUntilMs?: number
  /** When the person signed in (`auth_time`). */
  readonly atMs?: number
  /** How, as the issuer puts it (`acr`). */
  readonly strength?: string
  /** What besides the token was proved to have it: the key that it is bound to (RFC 9449, RFC 8705). */
  readonly bound?: 'dpop' | 'mtls'
  /** Thumbprint of that key (RFC 7638) or certificate (RFC 8705, 3.1). */
  readonly key?: string
  /** What the token is good for (`scope`, or `scp`); left out where that is nothing in particular. */
  readonly scopes?: readonly string[]
  /** The OAuth client that the token was issued to, as the issuer names it. */
  readonly client?: string
  /** How the client proved to the issuer that it is the one, as the issuer puts it: `none`, `private_key_jwt`. */
  readonly clientProof?: string
}

/** Who handed the work on to whom, since somebody first acted for the principal (RFC 8693, 4.1). */
export interface Delegation {
  /** How many times it was handed on. */
  readonly depth: number
  /** Those who had it, in order; the last is the one that calls. */
  readonly chain: readonly EntityRef[]
}

/** What the issuer says of the principal. */
export interface Known {
  readonly groups: readonly EntityRef[]
  readonly tags: Readonly<Record<string, string>>
}

export interface Caller {
  readonly principal: EntityRef
  readonly agent?: EntityRef
  /** Undefined where nothing was handed on. */
  readonly delegation?: Delegation
  readonly authentication: Authentication
  /** Undefined where only the name is known. */
  readonly known?: Known
  /**
   * What sessions and handles are bound to: equal for two requests exactly when principal, agent, delegation, task and way
   * of being bound are, and the key of DPoP. Certificates are renewed too often to be part of it.
   */
  readonly bindingKey: string
}

/** What a caller may have besides a name and a proof. */
export interface Standing {
  readonly agent?: EntityRef | undefined
  readonly delegation?: Delegation | undefined
  readonly known?: Known | undefined
}

/** Makes a caller; `bindingKey` cannot be ambiguous, whatever the ids contain. */
export function createCaller(
  principal: EntityRef,
  { agent, delegation, known }: Standing,
  authentication: Authentication,
): Caller {
  const chain = delegation?.chain.map(({ type, id }) => [type, id]) ?? []
  const { bound, key, task } = authentication
  const parts: unknown[] = [principal.type, principal.id, agent?.type ?? null, agent?.id ?? null]
  if (chain.length > 0) parts.push(chain)
  if (bound !== undefined) parts.push(bound === 'dpop' ? `dpop ${key}` : bound)
  if (task !== undefined) parts.push({ task })
  return {
    principal,
    ...(agent === undefined ? {} : { agent }),
    ...(delegation === undefined ? {} : { delegation }),
    authentication,
    ...(known === undefined ? {} : { known }),
    bindingKey: JSON.stringify(parts),
  }
}

/** `User::"alice"`, in Cedar's own notation. */
export function showEntity(entity: EntityRef): string {
  return `${entity.type}::${JSON.stringify(entity.id)}`
}
