/**
 * Modern callers of one server: stateless requests of any number of callers on one shared connection. Nothing but
 * what belongs to a request leaves it; what a server says to nobody in particular could be about anybody.
 */
import type { NotificationMessage, RequestMessage } from '../model/message.ts'
import type { Refusal } from '../model/refusal.ts'
import { ok, type Result } from '../model/result.ts'
import type { Reply } from '../model/upstream.ts'
import type { Connections } from './connections.ts'
import { errorMessage, METHOD_NOT_FOUND } from './json-rpc.ts'
import type { Peer } from './peer.ts'

/** About requests of one connection, which over HTTP have other ways: closing the stream, for one. */
const MEANINGLESS = ['notifications/cancelled', 'notifications/initialized', 'notifications/progress']

export class ModernSide {
  readonly #connections: Connections
  #peer: Peer | undefined
  #opening: Promise<Result<Peer, Refusal>> | undefined

  constructor(connections: Connections) {
    this.#connections = connections
  }

  get ready(): boolean {
    return this.#peer?.open === true
  }

  async forward(
    message: RequestMessage | NotificationMessage,
    signal: AbortSignal,
  ): Promise<Result<Reply, Refusal>> {
    if (message.kind === 'notification' && MEANINGLESS.includes(message.method)) {
      return ok({ kind: 'empty', status: 202 })
    }
    const peer = this.#peer?.open === true ? ok(this.#peer) : await this.#connect()
    if (!peer.ok) return peer
    if (message.kind === 'request') return peer.value.call(message, { signal }).reply
    peer.value.send(message.body)
    return ok({ kind: 'empty', status: 202 })
  }

  #connect(): Promise<Result<Peer, Refusal>> {
    this.#opening ??= this.#connections.modern().then((found) => {
      this.#opening = undefined
      if (found.ok) this.#adopt(found.value)
      return found
    })
    return this.#opening
  }

  #adopt(peer: Peer): void {
    this.#peer = peer
    peer.listener = {
      unsolicited: () => undefined,
      // Servers have no requests in this era.
      asked: (_, id) => void peer.send(errorMessage(id, METHOD_NOT_FOUND, 'Method not found').body),
      closed: () => undefined,
    }
  }
}
