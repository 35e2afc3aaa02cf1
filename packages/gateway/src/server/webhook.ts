/**
 * Tells a chat tool of a question, in the form of Standard Webhooks (standardwebhooks.com): three headers, of which one is
 * an HMAC over the others and the body. Nobody waits for it, and nothing depends on its answer, of which only the status is
 * looked at. Where it goes, only the configuration says: no redirect is followed.
 */
import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import type { SecretRef } from '../config/config.ts'
import { err, ok, type Result } from '../model/result.ts'
import { readSecret, showSecret } from './secrets.ts'

export interface Webhook {
  readonly url: string
  readonly secret: SecretRef
}

export interface WebhookMessage {
  /** The same for every attempt, so that a receiver knows what it has seen. */
  readonly id: string
  readonly body: object
}

export interface Delivery {
  /** Before each attempt. */
  readonly waitsMs: readonly number[]
  /** For one attempt, from beginning to end. */
  readonly timeoutMs: number
  /** Gives up. */
  readonly stopped: AbortSignal
}

export const WEBHOOK_ATTEMPTS = { waitsMs: [0, 2000, 10_000], timeoutMs: 5000 } as const

/** What the specification asks of secrets: 24 bytes at least. */
const LEAST_BYTES = 24
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/
const MAX_ANSWER_BYTES = 16 * 1024

/** The key of a webhook's secret. The error is a sentence that does not hold it. */
export function readWebhookKey({ secret }: Pick<Webhook, 'secret'>): Result<Buffer, string> {
  const text = readSecret(secret)
    ?.trim()
    .replace(/^whsec_/, '')
  const where = `approvals.webhook.secret: ${showSecret(secret)}`
  if (text === undefined || text === '') return err(`${where} cannot be read or is empty`)
  const key = BASE64.test(text) ? Buffer.from(text, 'base64') : undefined
  return key !== undefined && key.length >= LEAST_BYTES
    ? ok(key)
    : err(`${where} must be base64 of ${LEAST_BYTES} bytes or more, as openssl rand -base64 32 makes it`)
}

/** Sends it, a few times when it does not arrive. The error is a sentence. Never rejects. */
export async function sendWebhook(
  webhook: Webhook,
  { id, body }: WebhookMessage,
  { waitsMs, timeoutMs, stopped }: Delivery,
): Promise<string | undefined> {
  const key = readWebhookKey(webhook)
  if (!key.ok) return key.error
  const text = JSON.stringify(body)
  let fault = 'was not told'
  for (const waitMs of waitsMs) {
    if (waitMs > 0) await sleep(waitMs, undefined, { ref: false, signal: stopped }).catch(() => undefined)
    const timestamp = String(Math.floor(Date.now() / 1000))
    const signature = createHmac('sha256', key.value).update(`${id}.${timestamp}.${text}`).digest('base64')
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    }
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(timeoutMs)])
    const problem = await post(webhook.url, { headers, body: text, signal })
    if (problem === undefined) return undefined
    fault = problem
  }
  return `approvals.webhook: ${id} did not arrive, the receiver ${fault}`
}

async function post(
  url: string,
  message: { headers: Readonly<Record<string, string>>; body: string; signal: AbortSignal },
): Promise<string | undefined> {
  try {
    const { statusCode, body } = await request(url, { method: 'POST', ...message })
    // What it says does not matter, nor how long it takes to: it has arrived.
    void body.dump({ limit: MAX_ANSWER_BYTES, signal: message.signal }).catch(() => undefined)
    if (statusCode >= 200 && statusCode < 300) return undefined
    return `answered with HTTP ${statusCode}${statusCode >= 300 && statusCode < 400 ? ', and redirects are not followed' : ''}`
  } catch (problem) {
    if (message.signal.aborted) return 'did not answer in time'
    const { code, message: text } = problem as NodeJS.ErrnoException
    return `cannot be reached (${code ?? text})`
  }
}
