/**
 * Asks a server in the stdio framing for its tools, in the gateway's own name. There is no Permit because there is no
 * call: the only things it can send are the handshake and `tools/list`, with a cursor that came from the server itself
 * (docs/decisions/0007).
 */
import type { JsonObject } from '../model/message.ts'
import type { Refusal } from '../model/refusal.ts'
import { ok, type Result } from '../model/result.ts'
import type { ServerMessage } from '../model/upstream.ts'
import type { Timers } from './channel.ts'
import { Connections } from './connections.ts'
import { discoverParams, LEGACY, MODERN } from './era.ts'
import type { Peer } from './peer.ts'
import { Starter, type StarterOptions } from './starter.ts'

export interface StdioInquiryOptions extends StarterOptions {
  readonly timers: Timers
}

interface Connected {
  readonly peer: Peer
  /** What every request of the era carries. */
  readonly params: JsonObject
}

export class StdioInquiry {
  readonly #options: StdioInquiryOptions
  readonly #starter: Starter
  #connected: Promise<Result<Connected, Refusal>> | undefined

  constructor(options: StdioInquiryOptions) {
    this.#options = options
    this.#starter = new Starter(options)
  }

  /** The page of tools behind a cursor, or the first one. The first question starts the server. */
  async tools(cursor: string | undefined): Promise<Result<ServerMessage, Refusal>> {
    const connected = await (this.#connected ??= this.#connect())
    if (!connected.ok) return connected
    const { peer, params } = connected.value
    const asked = cursor === undefined ? params : { ...params, cursor }
    return peer.ask('tools/list', asked, this.#options.limits.requestTimeoutMs)
  }

  /** Stops the server; a question under way ends as `unavailable`. */
  close(): Promise<void> {
    return this.#starter.close()
  }

  async #connect(): Promise<Result<Connected, Refusal>> {
    const { timers, limits } = this.#options
    const connections = new Connections(this.#starter, timers, limits.startupTimeoutMs)
    const era = await connections.warm()
    if (!era.ok) return era
    if (era.value === 'modern') {
      const peer = await connections.modern()
      return peer.ok ? ok({ peer: peer.value, params: discoverParams(MODERN) }) : peer
    }
    const initialized = await connections.initialized(LEGACY)
    return initialized.ok ? ok({ peer: initialized.value.peer, params: {} }) : initialized
  }
}
