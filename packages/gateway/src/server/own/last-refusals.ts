/** What was refused last, so that an agent can be told again: by caller, bounded, and gone with the process. */
import type { Refusal } from '../../model/refusal.ts'
import type { RefusedCall as PipelineCall } from '../../pipeline/gateway.ts'
import { fullName } from '../../policy/query.ts'

export interface RefusedCall {
  /** RFC 3339. */
  readonly at: string
  /** Full name of the tool or prompt, or the URI of the resource. */
  readonly what: string
  readonly reason: Refusal['reason']
  /** As the caller was told. */
  readonly message: string
  readonly arguments?: readonly string[]
  readonly requestId: string
}

const MOST_CALLERS = 1000
const MOST_EACH = 20
const MAX_CHARACTERS = 1000
const NAMED = new Set(['tools/call', 'prompts/get', 'resources/read'])

export class LastRefusals {
  readonly #byCaller = new Map<string, RefusedCall[]>()

  /** `caller` is what sessions are bound to, so nobody is told of another's. */
  note(caller: string, refused: RefusedCall): void {
    const list = this.#byCaller.get(caller) ?? []
    list.push(refused)
    if (list.length > MOST_EACH) list.shift()
    this.#byCaller.delete(caller)
    this.#byCaller.set(caller, list)
    if (this.#byCaller.size <= MOST_CALLERS) return
    const [longest] = this.#byCaller.keys()
    if (longest !== undefined) this.#byCaller.delete(longest)
  }

  /** Keeps what a caller of the pipeline was told. */
  noteCall({ exchange, caller, server, message }: PipelineCall, refusal: Refusal): void {
    // What clients do unasked is nothing that an agent tried.
    if (message === undefined || !NAMED.has(message.method)) return
    const named = message.params?.[message.method === 'resources/read' ? 'uri' : 'name']
    if (typeof named !== 'string') return
    const what = server === undefined || message.method === 'resources/read' ? named : fullName(server, named)
    const { reason, message: told, arguments: names } = refusal
    this.note(caller.bindingKey, {
      at: new Date(exchange.arrivedAtMs).toISOString(),
      what: what.slice(0, MAX_CHARACTERS),
      reason,
      message: told.slice(0, MAX_CHARACTERS),
      ...(names === undefined ? {} : { arguments: names }),
      requestId: exchange.requestId,
    })
  }

  /** The last one first. */
  of(caller: string): readonly RefusedCall[] {
    return (this.#byCaller.get(caller) ?? []).toReversed()
  }
}
