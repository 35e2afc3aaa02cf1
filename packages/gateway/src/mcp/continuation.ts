/**
 * Requests that go on from an earlier answer carry something the caller was handed: a `requestState` or a cursor.
 * Here they are opened, bound to the very request they were made for, and the server's own value put in their place.
 */
import type { JsonObject, Message } from '../model/message.ts'
import type { Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import { isDeclined } from './asking.ts'
import type { Seals } from './sealed.ts'

export interface Continued {
  /** The message as the server should see it. */
  readonly message: Message
  /** A seal that may be used once, to be spent just before forwarding. */
  readonly spend: string | undefined
  /** The retry of a call that waits for a person: the approval that it waits for. */
  readonly waiting?: Waiting
}

export interface Waiting {
  readonly approval: string
  /** The user did not want to see the page. */
  readonly declined: boolean
}

/** Of a state of ours: the retry of the very call that needs an approval. */
export function waitingBinding(
  bindingKey: string,
  server: string,
  message: Message,
  digest: (value: unknown) => string,
): string {
  return JSON.stringify(['waiting', stateBinding(bindingKey, server, message, digest)])
}

/** Names everything that must be equal when a seal comes back: caller, server, method … */
export function cursorBinding(bindingKey: string, server: string, message: Message): string {
  return JSON.stringify(['cursor', bindingKey, server, message.method])
}

/** … and for states the parameters that must not have changed. */
export function stateBinding(
  bindingKey: string,
  server: string,
  message: Message,
  digest: (value: unknown) => string,
): string {
  const kept = Object.entries(message.params ?? {}).filter(([name]) => !CHANGING.has(name))
  return JSON.stringify(['state', bindingKey, server, message.method, digest(Object.fromEntries(kept))])
}

/** A retry differs in these from the request it repeats (2026-07-28: basic/patterns/mrtr). */
const CHANGING = new Set(['_meta', 'inputResponses', 'requestState'])

export interface ContinuationOptions {
  readonly bindingKey: string
  readonly server: string
  readonly seals: Seals
  digest(value: unknown): string
}

/** Opens what the message carries; most messages carry nothing, and pay nothing, not even a turn of the event loop. */
export function openContinuation(
  message: Message,
  options: ContinuationOptions,
): Result<Continued, Refusal> | Promise<Result<Continued, Refusal>> {
  const { params } = message
  const carries = params !== undefined && ('requestState' in params || 'cursor' in params)
  return carries ? openCarried(message, options) : ok({ message, spend: undefined })
}

async function openCarried(
  message: Message,
  options: ContinuationOptions,
): Promise<Result<Continued, Refusal>> {
  const { bindingKey, server, seals, digest } = options
  let { params } = message
  let spend: string | undefined
  if (params !== undefined && 'requestState' in params) {
    const ours = await seals.open(params['requestState'], waitingBinding(bindingKey, server, message, digest))
    if (ours.ok) {
      const { requestState: _, inputResponses, ...rest } = params
      const waiting = { approval: ours.value.value, declined: isDeclined(inputResponses) }
      return ok({ message: withParams(message, rest), spend: ours.value.id, waiting })
    }
    const state = await seals.open(params['requestState'], stateBinding(bindingKey, server, message, digest))
    if (!state.ok) return err(state.error)
    params = { ...params, requestState: state.value.value }
    spend = state.value.id
  }
  if (params !== undefined && 'cursor' in params && message.method.endsWith('/list')) {
    const cursor = await seals.open(params['cursor'], cursorBinding(bindingKey, server, message))
    if (!cursor.ok) return err(cursor.error)
    params = { ...params, cursor: cursor.value.value }
  }
  return ok({ message: params === message.params ? message : withParams(message, params), spend })
}

function withParams(message: Message, params: JsonObject | undefined): Message {
  if (message.kind !== 'request' || params === undefined) return message
  return { ...message, params, body: { ...message.body, params } }
}
