/** Who is asking: the principal, and the agent that calls on its behalf. Proved anew on every request. */

/** A Cedar entity by name, such as `User::"alice"`. */
export interface EntityRef {
  readonly type: string
  readonly id: string
}

/** How the caller proved who it is. */
export interface Authentication {
  readonly method: 'api-key' | 'token' | 'anonymous'
  /** The name of the key, as `tollgate key list` shows it, or `<issuer>/<jti>` of the token. Never the credential. */
  readonly credential?: string
  /** Name of the issuer of the token, as configured. */
  readonly issuer?: string
  /** When the token ceases to be good: what was opened with it ends then. */
  readonly goodUntilMs?: number
  /** When the person signed in (`auth_time`). */
  readonly atMs?: number
  /** How, as the issuer puts it (`acr`). */
  readonly strength?: string
}

/** What the issuer says of the principal. */
export interface Known {
  readonly groups: readonly EntityRef[]
  readonly tags: Readonly<Record<string, string>>
}

export interface Caller {
  readonly principal: EntityRef
  readonly agent?: EntityRef
  readonly authentication: Authentication
  /** Undefined where only the name is known. */
  readonly known?: Known
  /** Equal for two requests exactly when principal and agent are: what sessions and handles are bound to. */
  readonly bindingKey: string
}

/** Makes a caller; `bindingKey` cannot be ambiguous, whatever the ids contain. */
export function createCaller(
  principal: EntityRef,
  agent: EntityRef | undefined,
  authentication: Authentication,
  known?: Known,
): Caller {
  const bindingKey = JSON.stringify([principal.type, principal.id, agent?.type ?? null, agent?.id ?? null])
  return {
    principal,
    ...(agent === undefined ? {} : { agent }),
    authentication,
    ...(known === undefined ? {} : { known }),
    bindingKey,
  }
}

/** `User::"alice"`, in Cedar's own notation. */
export function showEntity(entity: EntityRef): string {
  return `${entity.type}::${JSON.stringify(entity.id)}`
}
