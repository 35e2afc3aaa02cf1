/**
 * Token exchange (RFC 8693): a client that was handed a token for its work gets one of its own, which says for whom it
 * works and who handed it on. Only clients that the operator has made known, with their key; what comes of it stands on
 * the token it was made from, and on the client.
 */
import type { JWTPayload } from 'jose'
import { errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider'
import type { Result } from '../../model/result.ts'
import { PRINCIPAL_ISSUER_CLAIM } from '../../authn/token-caller.ts'
import { TOKEN_EXCHANGE } from '../client-rules.ts'
import { issueToken } from './issue-token.ts'
import { ACCESS_TOKEN_TYPE, narrow, type Narrowed } from './narrowing.ts'
import { createOwnTokens, nameOf, standsOn } from './own-tokens.ts'
import type { OauthStore, Revoked } from '../ports.ts'
import { serverOf } from '../resources.ts'

export interface TokenExchangeOptions {
  readonly issuer: string
  readonly store: OauthStore
  readonly revoked: Revoked
  /** Private JWKs, the signing one first. */
  readonly keys: readonly object[]
  now(): number
  randomBytes(count: number): Buffer
}

const PARAMETERS = ['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type'].concat([
  'requested_token_type',
  'resource',
  'audience',
  'scope',
])

type Context = TokenEndpointGrantContext<Record<string, unknown>>

/** Lets the provider answer exchanges. */
export function registerTokenExchange(provider: Provider, options: TokenExchangeOptions): void {
  const { store, issuer, now } = options
  const verify = createOwnTokens(options)
  provider.registerGrantType<Record<string, unknown>>(
    TOKEN_EXCHANGE,
    async (ctx) => {
      const { client, params } = ctx.oidc
      if (
        store.clients.machineKindOf(client.clientId) === undefined ||
        client.clientAuthMethod !== 'private_key_jwt'
      )
        throw new errors.UnauthorizedClient('the client may not exchange tokens')
      if (ctx.get('DPoP') !== '')
        throw new errors.InvalidRequest('tokens of an exchange are not bound to a key')
      const subject = await verified(verify, params, 'subject')
      if (subject === undefined) throw new errors.InvalidRequest('subject_token is missing')
      const actor = await verified(verify, params, 'actor')
      const isActor =
        actor === undefined || (actor.sub === client.clientId && actor['principal_type'] !== undefined)
      if (!isActor) throw new errors.InvalidRequest('actor_token must be the own one of the client')
      const narrowed = narrow(subject, params, client.clientId, Math.floor(now() / 1000))
      if (!narrowed.ok) throw errorOf(narrowed.error)
      if (serverOf(narrowed.value.audience, issuer) === undefined) throw new errors.InvalidTarget()
      await issue(ctx, options, { narrowed: narrowed.value, subject })
    },
    PARAMETERS,
  )
}

async function verified(
  verify: (token: unknown) => Promise<Result<JWTPayload, string>>,
  params: Readonly<Record<string, unknown>>,
  which: 'subject' | 'actor',
): Promise<JWTPayload | undefined> {
  const [token, type] = [params[`${which}_token`], params[`${which}_token_type`]]
  if (token === undefined && type === undefined) return undefined
  if (type !== ACCESS_TOKEN_TYPE)
    throw new errors.InvalidRequest(`${which}_token_type must be ${ACCESS_TOKEN_TYPE}`)
  const found = await verify(token)
  if (!found.ok) throw new errors.InvalidRequest(`${which}_token is not good: ${found.error}`)
  return found.value
}

async function issue(
  ctx: Context,
  { store, now, randomBytes }: TokenExchangeOptions,
  { narrowed, subject }: { narrowed: Narrowed; subject: JWTPayload },
): Promise<void> {
  const { audience, scope, expiresAt, claims, subject: accountId } = narrowed
  const id = randomBytes(24).toString('base64url')
  const isPerson = subject['principal_type'] === undefined
  store.handOn(
    {
      id,
      of: nameOf(String(subject.jti)),
      from: standsOn(String(subject.jti)),
      clientId: ctx.oidc.client.clientId,
      account: isPerson ? accountId : undefined,
    },
    expiresAt * 1000,
  )
  const isVouchedFor = subject[PRINCIPAL_ISSUER_CLAIM] !== undefined
  if (isPerson) ctx.oidc.entity('Account', { isVouchedFor, accountId, claims: () => ({ sub: accountId }) })
  const expiresIn = expiresAt - Math.floor(now() / 1000)
  const token = {
    accountId,
    grantId: id,
    gty: 'token_exchange',
    audience,
    scope,
    expiresAt,
    expiresIn,
    claims,
  }
  ctx.body = { ...(await issueToken(ctx, token)), issued_token_type: ACCESS_TOKEN_TYPE }
}

function errorOf({ error, message }: { error: string; message: string }): Error {
  if (error === 'invalid_scope') return new errors.InvalidScope(message, '')
  return error === 'invalid_target' ? new errors.InvalidTarget(message) : new errors.InvalidRequest(message)
}
