/** The requests of one legacy session that are in flight, by the ids its client gave them. */
import type { JsonObject, JsonRpcId, RequestMessage } from '../model/message.ts'
import { unavailable } from '../model/refusal.ts'
import type { ServerMessage } from '../model/upstream.ts'
import type { Call } from './call.ts'
import type { CallManner, Peer } from './peer.ts'

export class SessionCalls {
  readonly #calls = new Map<JsonRpcId, Call>()

  start(peer: Peer, message: RequestMessage, manner: CallManner): Call {
    const call: Call = peer.call(message, {
      ...manner,
      ended: () => {
        // A client that uses an id twice at a time has lost the first call, not the second.
        if (this.#calls.get(message.id) === call) this.#calls.delete(message.id)
        manner.ended?.()
      },
    })
    if (!call.over) this.#calls.set(message.id, call)
    return call
  }

  /** A client's `notifications/cancelled`; one for a request that is not in flight is no error. */
  cancel(peer: Peer, params: JsonObject | undefined): void {
    const call = this.#calls.get(params?.['requestId'] as JsonRpcId)
    if (call === undefined) return
    const number = call.options.number
    peer.send({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { ...params, requestId: number },
    })
    call.fail(unavailable('The request was cancelled.'))
  }

  /** Delivers to the call that began last and whose caller still listens; false when there is none. */
  deliverToLatest(message: ServerMessage): boolean {
    let latest: Call | undefined
    for (const call of this.#calls.values()) if (call.listening) latest = call
    latest?.deliver(message)
    return latest !== undefined
  }

  /** Ends them all, because their session ends. */
  close(): void {
    for (const call of this.#calls.values()) {
      call.fail(unavailable('The session has ended.'), 'the session has ended')
    }
  }
}
