/** What an upstream's HTTP answer says before anyone looks at the message: refused, redirected, or which message it is. */
import { type Refusal, unavailable } from '../model/refusal.ts'
import type { ServerMessage } from '../model/upstream.ts'
import type { HttpAnswer } from './http-call.ts'
import { parseServerMessage } from './server-message.ts'

/** Why an answer with this status holds nothing for a caller; undefined when it may. */
export function refusedByStatus(status: number): Refusal | undefined {
  if (status === 401 || status === 403)
    return unavailable('The server does not accept the gateway’s own credential.', `HTTP ${status}`)
  if (status >= 300 && status < 400)
    return unavailable('The server answered with a redirect, which is not followed.')
  return undefined
}

/** The first response of an answer, in one piece or as an event; undefined when there is none. Rejects when a stream breaks. */
export async function responseIn({ body }: HttpAnswer): Promise<ServerMessage | undefined> {
  if (body.kind === 'text') return body.json ? parseServerMessage(body.text) : undefined
  for await (const { message } of body.events) {
    if (message !== undefined && typeof message.body['method'] !== 'string') return message
  }
  return undefined
}
