/** `approvals:`: how people are asked, and who may answer. */
import * as z from 'zod'
import type { ApprovalConfig, SecretRef } from './config.ts'
import { parsed, sound } from './fields.ts'
import type { Fault } from './document.ts'
import { parseSecret } from './secret.ts'

/** Shows questions to whoever reads them, so it must not be plain text on a network. */
function webhookFault(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return 'must be a URL'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  const isHere = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && isHere)
    ? undefined
    : 'must be an https URL, or an http one on this machine'
}

export const approvals = z.strictObject({
  self: z
    .boolean()
    .default(false)
    .describe(
      'Whether somebody may approve what was asked for in their own name; policies are asked as well. For a machine of one person.',
    ),
  minutes: z.int().min(1).max(1440).default(10).describe('How long a question waits for an answer.'),
  stepUp: z
    .literal('passkey')
    .optional()
    .describe('Approving takes a passkey, shown for that very approval; so it is done on the page alone.'),
  webhook: z
    .strictObject({
      url: sound(webhookFault)
        .meta({ examples: ['https://chat.example.com/hooks/tollgate'] })
        .describe('Told of each question.'),
      secret: parsed(parseSecret, 'env:WEBHOOK_SECRET').describe(
        'Signs what is sent (Standard Webhooks): `env:NAME` or `file:path`; base64 of 24 bytes or more, `whsec_` before it or not.',
      ),
    })
    .optional()
    .describe('For chat tools: a signed POST with what is asked and where it is answered.'),
})

interface ApprovalPlace {
  /** Whether people can sign in at the gateway. */
  readonly hasPages: boolean
  /** With its path absolute. */
  refAt(secret: SecretRef): SecretRef
  readonly faults: Fault[]
}

/** With its paths absolute. */
export function normaliseApprovals(
  { self, minutes, stepUp, webhook }: z.output<typeof approvals>,
  { hasPages, refAt, faults }: ApprovalPlace,
): ApprovalConfig {
  if (stepUp !== undefined && !hasPages) {
    const message =
      'needs the page where people sign in to approve: write identity: { authorizationServer: {} }'
    faults.push({ path: ['approvals', 'stepUp'], at: 'value', message })
  }
  return {
    self,
    minutes,
    ...(stepUp === undefined ? {} : { stepUp }),
    ...(webhook === undefined ? {} : { webhook: { url: webhook.url, secret: refAt(webhook.secret) } }),
  }
}
