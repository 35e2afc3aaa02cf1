/**
 * A refusal that a person can lift, told so that the client opens the page for them: an `input_required` result with a URL
 * to open (2026-07-28: basic/patterns/mrtr, client/elicitation), or the error of 2025-11-25 that means the same
 * (client/elicitation, URL Elicitation Required).
 */
import { isObject, type JsonObject, type Message } from '../model/message.ts'
import type { Refusal } from '../model/refusal.ts'
import { refusalMeta, remedyText, type Rendered } from './render.ts'
import { META_CAPABILITIES, URL_ELICITATION_REQUIRED } from './versions.ts'

/** The question of an approval among the input requests. */
const QUESTION = 'approval'
const MRTR_METHODS: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** Whether a client says that it opens URLs for its user. */
export function opensUrls(capabilities: unknown): boolean {
  const elicitation = isObject(capabilities) ? capabilities['elicitation'] : undefined
  return isObject(elicitation) && isObject(elicitation['url'])
}

/** The capabilities in a modern request. */
function capabilitiesOf({ params }: Message): unknown {
  const meta = params?.['_meta']
  return isObject(meta) ? meta[META_CAPABILITIES] : undefined
}

/** Whether the user has said no to opening the page. */
export function isDeclined(responses: unknown): boolean {
  const answer = isObject(responses) ? responses[QUESTION] : undefined
  return isObject(answer) && answer['action'] !== 'accept'
}

export interface Asking {
  readonly refusal: Refusal
  readonly message: Message
  readonly requestId: string
  /** The user was shown the page already. */
  readonly wasShown: boolean
  /** Of a legacy client, as it began its session. */
  readonly sessionOpensUrls: boolean
}

/** Whether it can be told this way: the client opens pages, and there is one. */
export function canAsk({ refusal, message, sessionOpensUrls }: Asking): boolean {
  if (message.kind !== 'request' || refusal.remedy?.kind !== 'approval' || refusal.remedy.url === undefined)
    return false
  if (message.era === 'legacy') return sessionOpensUrls
  return MRTR_METHODS.has(message.method) && opensUrls(capabilitiesOf(message))
}

/** `state` comes back with the retry, modern only. */
export function renderAsking(asking: Asking, state: string): Rendered {
  const { refusal, message, requestId, wasShown } = asking
  const { remedy } = refusal
  const { url = '', id = '' } = remedy?.kind === 'approval' ? remedy : {}
  const text = `${refusal.message} A person has to approve this exact call.`
  const told = refusalMeta(refusal, requestId)
  const question = { mode: 'url', message: text, url }
  const body: JsonObject =
    message.era === 'modern'
      ? {
          result: {
            resultType: 'input_required',
            ...(wasShown
              ? {}
              : { inputRequests: { [QUESTION]: { method: 'elicitation/create', params: question } } }),
            requestState: state,
            _meta: { 'tollgate/refusal': told },
          },
        }
      : {
          error: {
            code: URL_ELICITATION_REQUIRED,
            message: `${refusal.message}${remedyText(remedy)}`,
            data: { elicitations: [{ ...question, elicitationId: id }], 'tollgate/refusal': told },
          },
        }
  const answered = { jsonrpc: '2.0', id: message.kind === 'request' ? message.id : null, ...body }
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(answered) }
}
