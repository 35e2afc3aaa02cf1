/**
 * A refusal on the wire: one exhaustive switch from reason to HTTP status, JSON-RPC code and challenge.
 * A tool the caller may not see is refused exactly like one that does not exist; a visible one is refused
 * with a tool result that a model can read. Details for operators stay in the audit log.
 */
import type { Message } from '../model/message.ts'
import type { Refusal, Remedy } from '../model/refusal.ts'
import { INVALID_PARAMS, LEGACY_RESOURCE_NOT_FOUND, REFUSED, SESSION_NOT_FOUND } from './versions.ts'

export interface Rendered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface RenderContext {
  readonly requestId: string
  /** The message being refused, when that much could be read. */
  readonly message: Message | undefined
  /** `WWW-Authenticate` of a 401, or of a 403 that a token with more scopes mends. */
  readonly challenge: string
}

/** Renders a refusal as the reply to the exchange it ends. */
export function renderRefusal(refusal: Refusal, context: RenderContext): Rendered {
  switch (refusal.reason) {
    case 'unauthenticated':
      return rpcError(refusal, context, {
        status: 401,
        code: REFUSED,
        headers: { 'www-authenticate': context.challenge },
      })
    case 'unknown':
      return renderUnknown(refusal, context)
    case 'invalid':
      return rpcError(refusal, context, refusal.protocol)
    case 'not-permitted':
      return refusal.remedy?.kind === 'scope'
        ? rpcError(refusal, context, {
            status: 403,
            code: REFUSED,
            headers: { 'www-authenticate': context.challenge },
          })
        : renderNo(refusal, context, 403)
    case 'task-required':
    case 'outside-task':
    case 'approval-required':
    case 'changed':
      return renderNo(refusal, context, 403)
    case 'limited':
      return renderNo(refusal, context, 429)
    case 'unavailable':
      return renderNo(refusal, context, 503)
    case 'internal':
      return rpcError(refusal, context, { status: 500, code: -32603 })
  }
}

function renderUnknown(refusal: Refusal & { reason: 'unknown' }, context: RenderContext): Rendered {
  switch (refusal.what) {
    case 'route':
      return rpcError(refusal, context, { status: 404, code: REFUSED })
    case 'session':
      return rpcError(refusal, context, { status: 404, code: SESSION_NOT_FOUND })
    case 'name':
    case 'handle': {
      const legacyResource =
        context.message?.era === 'legacy' && context.message.method.startsWith('resources/')
      // As a server without such a tool would say it: no reason and no request id that would set it apart.
      const code = legacyResource ? LEGACY_RESOURCE_NOT_FOUND : INVALID_PARAMS
      return isRequest(context.message)
        ? json(200, { jsonrpc: '2.0', id: context.message.id, error: { code, message: refusal.message } })
        : rpcError(refusal, context, { status: 404, code })
    }
  }
}

/** A "no" that the caller may know about: HTTP carries it only where there is no request to answer. */
function renderNo(refusal: Refusal, context: RenderContext, status: number): Rendered {
  if (!isRequest(context.message)) return rpcError(refusal, context, { status, code: REFUSED })
  return json(200, JSON.parse(refusedText(refusal, context.message, context.requestId)))
}

/** The JSON-RPC response, as text, that refuses a request in a reply that may already be under way. */
export function refusedText(
  refusal: Refusal,
  message: Message & { kind: 'request' },
  requestId: string,
): string {
  const told = refusalMeta(refusal, requestId)
  if (message.method !== 'tools/call') {
    const error = { code: REFUSED, message: refusal.message, data: { 'tollgate/refusal': told } }
    return JSON.stringify({ jsonrpc: '2.0', id: message.id, error })
  }
  const text = `${refusal.message}${remedyText(refusal.remedy)} (${refusal.reason}, request ${requestId})`
  const result = {
    ...(message.era === 'modern' ? { resultType: 'complete' } : {}),
    content: [{ type: 'text', text }],
    isError: true,
    _meta: { 'tollgate/refusal': told },
  }
  return JSON.stringify({ jsonrpc: '2.0', id: message.id, result })
}

interface ErrorForm {
  readonly status: number
  readonly code: number
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly data?: unknown
}

function rpcError(
  refusal: Refusal,
  context: RenderContext,
  { status, code, headers, data }: ErrorForm,
): Rendered {
  const { message } = context
  const id = message?.kind === 'request' ? message.id : null
  const error = { code, message: refusal.message, data: data ?? refusalMeta(refusal, context.requestId) }
  return json(status, { jsonrpc: '2.0', id, error }, headers)
}

/** What programs are told of a refusal, `tollgate/refusal`. */
export function refusalMeta(refusal: Refusal, requestId: string) {
  return {
    reason: refusal.reason,
    requestId,
    ...(refusal.remedy === undefined ? {} : { remedy: refusal.remedy }),
    ...(refusal.arguments === undefined ? {} : { arguments: refusal.arguments }),
  }
}

/** The remedy as a sentence for a model or a person. */
export function remedyText(remedy: Remedy | undefined): string {
  if (remedy === undefined) return ''
  switch (remedy.kind) {
    case 'sign-in':
      return ' Sign in and try again.'
    case 'task':
      return ' Start or request a task that covers this call.'
    case 'approval':
      return approvalText(remedy)
    case 'retry':
      return ` Try again in ${remedy.afterSeconds} s.`
    case 'policy':
      return ` ${remedy.hint}`
    case 'scope':
      return ` Get a token with the scopes ${remedy.scopes.join(' ')}.`
  }
}

function approvalText({ id, url }: Remedy & { kind: 'approval' }): string {
  const text = ' A person has to approve this exact call'
  if (id === undefined) return `${text}.`
  const where = url === undefined ? '' : ` at ${url} , or`
  return `${text},${where} with: tollgate approvals approve ${id} . Make the same call again once that is done.`
}

function isRequest(message: Message | undefined): message is Message & { kind: 'request' } {
  return message?.kind === 'request'
}

function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Rendered {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}
