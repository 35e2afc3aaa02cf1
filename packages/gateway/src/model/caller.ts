/** Who is asking: the principal, and the agent that calls on its behalf. Proved anew on every request. */

/** A Cedar entity by name, such as `User::"alice"`. */
export interface EntityRef {
  readonly type: string
  readonly id: string
}

/** How the caller proved who it is. */
export interface Authentication {
  readonly method: 'api-key' | 'anonymous'
  /** The name of the key, as `tollgate key list` shows it. */
  readonly credential?: string
}

export interface Caller {
  readonly principal: EntityRef
  readonly agent?: EntityRef
  readonly authentication: Authentication
  /** Equal for two requests exactly when principal and agent are: what sessions and handles are bound to. */
  readonly bindingKey: string
}

/** Makes a caller; `bindingKey` cannot be ambiguous, whatever the ids contain. */
export function createCaller(
  principal: EntityRef,
  agent: EntityRef | undefined,
  authentication: Authentication,
): Caller {
  const bindingKey = JSON.stringify([principal.type, principal.id, agent?.type ?? null, agent?.id ?? null])
  return agent === undefined
    ? { principal, authentication, bindingKey }
    : { principal, agent, authentication, bindingKey }
}

/** `User::"alice"`, in Cedar's own notation. */
export function showEntity(entity: EntityRef): string {
  return `${entity.type}::${JSON.stringify(entity.id)}`
}
