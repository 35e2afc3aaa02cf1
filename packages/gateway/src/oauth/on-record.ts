/** What the library answers is held back until it is on record: tokens, registrations and revocations, given and refused. */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { IdentityEvent } from '../model/entry.ts'
import type { RecordHappening } from './ports.ts'

const EVENTS: Readonly<Record<string, IdentityEvent>> = {
  token: 'token',
  registration: 'registration',
  revocation: 'revocation',
}

export interface OnRecordOptions {
  readonly record: RecordHappening
  /** What of a grant's id its tokens carry. */
  hashGrant(grantId: string): string
}

/** To be called before the provider answers anything. */
export function putOnRecord(provider: Provider, { record, hashGrant }: OnRecordOptions): void {
  provider.use(async (ctx, next) => {
    await next()
    // Requests that the library has no route for are no concern of anybody.
    const oidc = (ctx as Partial<KoaContextWithOIDC>).oidc
    const event = EVENTS[oidc?.route ?? '']
    if (oidc === undefined || event === undefined || ctx.method !== 'POST' || isPending(ctx.body)) return
    const happening = {
      event,
      result: ctx.status < 400 ? ('done' as const) : ('refused' as const),
      account: oidc.entities.Account?.accountId ?? null,
      ...(oidc.entities.Account?.['isVouchedFor'] === true ? { isVouchedFor: true } : {}),
      client: clientOf(oidc, ctx.body),
      detail: ctx.status < 400 ? whatFor(oidc, hashGrant) : whyNot(ctx.body),
      ...taskOf(ctx.status < 400 ? oidc.entities : {}),
    }
    if (await record(ctx.req, happening)) return
    ctx.status = 503
    ctx.body = {
      error: 'temporarily_unavailable',
      error_description: 'the audit log cannot be written, so nothing is issued',
    }
  })
}

/** Nobody has been refused while a person has not answered yet; programs ask every few seconds. */
function isPending(body: unknown): boolean {
  return (body as { error?: unknown } | undefined)?.error === 'authorization_pending'
}

function clientOf(oidc: KoaContextWithOIDC['oidc'], body: unknown): string | null {
  const { client_id: registered } = body as { client_id?: unknown }
  const named = oidc.client?.clientId ?? registered ?? oidc.params?.['client_id']
  return typeof named === 'string' ? named : null
}

/** Which grant, for which route, and the name that the tokens have in the entries of calls. */
function whatFor({ params, entities }: KoaContextWithOIDC['oidc'], hashGrant: OnRecordOptions['hashGrant']) {
  const grant = params?.['grant_type']
  if (typeof grant !== 'string') return null
  const { AccessToken: issued } = entities
  const aud = issued?.aud ?? entities.ClientCredentials?.aud
  const standsOn = issued?.grantId ?? entities.ClientCredentials?.clientId
  const audience = aud === undefined ? '' : ` for ${[aud].flat().join(' ')}`
  const tokens = typeof standsOn === 'string' ? `, tokens local/${hashGrant(standsOn)}.*` : ''
  return `${grant}${audience}${tokens}`
}

/** The task that a token is for. */
function taskOf({ AccessToken, ClientCredentials }: KoaContextWithOIDC['oidc']['entities']): {
  task?: string
} {
  const [task] = AccessToken?.rar ?? ClientCredentials?.rar ?? []
  return task === undefined ? {} : { task: String(task['id']) }
}

function whyNot(body: unknown): string | null {
  const { error, error_description: description } = body as Record<string, unknown>
  if (typeof error !== 'string') return null
  return typeof description === 'string' ? `${error}: ${description}` : error
}
