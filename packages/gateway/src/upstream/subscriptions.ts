/**
 * Who of several sessions on one connection wants updates of which resource. The server knows one subscriber, the
 * gateway; it is told to stop only when the last session has.
 */
export class Subscriptions<Session> {
  readonly #byUri = new Map<string, Set<Session>>()

  add(uri: string, session: Session): void {
    const sessions = this.#byUri.get(uri)
    if (sessions === undefined) this.#byUri.set(uri, new Set([session]))
    else sessions.add(session)
  }

  has(uri: string, session: Session): boolean {
    return this.#byUri.get(uri)?.has(session) === true
  }

  /** True when the session was the last that wanted the resource. */
  remove(uri: string, session: Session): boolean {
    const sessions = this.#byUri.get(uri)
    if (sessions?.delete(session) !== true || sessions.size > 0) return false
    this.#byUri.delete(uri)
    return true
  }

  /** Removes a session altogether; returns what nobody wants any more. */
  removeAll(session: Session): string[] {
    return this.uris().filter((uri) => this.remove(uri, session))
  }

  uris(): string[] {
    return [...this.#byUri.keys()]
  }

  /** The sessions to be told; an update may be of something below what was subscribed to (server/resources). */
  subscribers(updated: string): Set<Session> {
    const found = new Set<Session>()
    for (const [uri, sessions] of this.#byUri) {
      if (updated !== uri && !updated.startsWith(uri.endsWith('/') ? uri : `${uri}/`)) continue
      for (const session of sessions) found.add(session)
    }
    return found
  }
}
