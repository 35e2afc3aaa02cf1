/** Answers to browsers: what every page and file of the authorization server is sent with, and forms as they come back. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** More than any of our forms has. */
const MAX_FORM_BYTES = 256 * 1024

/**
 * What holds for every answer, the library's too. The referrer stays on this origin; `no-referrer` would take the Origin
 * of our own forms away as well.
 */
export function setSafeHeaders(response: ServerResponse): void {
  response.setHeader('content-security-policy', policy({}))
  response.setHeader('x-frame-options', 'DENY')
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'same-origin')
  response.setHeader('cross-origin-opener-policy', 'same-origin')
  response.setHeader('cross-origin-resource-policy', 'same-origin')
  response.setHeader(
    'permissions-policy',
    'publickey-credentials-get=(self), publickey-credentials-create=(self)',
  )
  response.setHeader('cache-control', 'no-store')
}

/** What a page needs besides our own style sheet. */
export interface PageNeeds {
  /** Where its forms may lead: browsers hold redirects after a form to `form-action` too. */
  readonly leadsTo?: readonly string[]
  /** It has a script of ours, which may ask us something. */
  readonly hasScript?: boolean
}

function policy({ leadsTo = [], hasScript = false }: PageNeeds): string {
  const targets = ["'self'", ...leadsTo].join(' ')
  const script = hasScript ? " script-src 'self'; connect-src 'self';" : ''
  return `default-src 'none';${script} style-src 'self'; img-src 'self'; form-action ${targets}; frame-ancestors 'none'; base-uri 'none'`
}

/** Sends a page. */
export function sendPage(
  response: ServerResponse,
  status: number,
  text: string,
  needs: PageNeeds = {},
): void {
  response.setHeader('content-security-policy', policy(needs))
  send(response, status, 'text/html; charset=utf-8', text)
}

/** Answers a script, or a program. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, 'application/json', JSON.stringify(body))
}

/** Sends a text of the given type. */
export function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.statusCode = status
  response.setHeader('content-type', type)
  response.setHeader('content-length', Buffer.byteLength(text))
  response.end(text)
}

/** The fields of a form; undefined when it is no form, or too large. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') return undefined
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_FORM_BYTES) return undefined
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

/** What stands behind the `?` of an address. */
export function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const at = url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1))
}

/** Whether a browser says that the form was not sent from our own page. */
export function isForeign(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin'
}
