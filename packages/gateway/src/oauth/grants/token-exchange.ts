/**
 * Token exchange (RFC 8693): a client that was handed a token for its work gets one of its own, which says for whom it
 * works and who handed it on. Only clients that the operator has made known, with their key; what comes of it stands on
 * the token it was made from, and on the client.
 */
import type { JWTPayload } from 'jose'
import { errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider'
import type { EntityRef } from '../../model/caller.ts'
import { LOCAL_ISSUER } from '../../model/issuer.ts'
import type { Result } from '../../model/result.ts'
import type { TaskRecord } from '../../model/task.ts'
import { PRINCIPAL_ISSUER_CLAIM } from '../../authn/token-caller.ts'
import { TOKEN_EXCHANGE } from '../client-rules.ts'
import { issueToken } from './issue-token.ts'
import { ACCESS_TOKEN_TYPE, narrow, type Narrowed } from './narrowing.ts'
import { createOwnTokens, nameOf, standsOn } from './own-tokens.ts'
import type { OauthStore, Revoked, TokenTasks } from '../ports.ts'
import { serverOf } from '../resources.ts'
import { taskIn } from '../tasks/details.ts'
import { startAsked } from '../tasks/rich-authorization.ts'

export interface TokenExchangeOptions {
  readonly issuer: string
  readonly store: OauthStore
  readonly revoked: Revoked
  readonly tasks: TokenTasks
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
  'authorization_details',
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
      const task = await taskOf(ctx, options, subject)
      await issue(ctx, options, { narrowed: narrowed.value, subject, task })
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

/**
 * The task that the new token is for: that of the token that is exchanged, or a part of it, if one is asked for. Where
 * that token is for no task, what is asked for is a task of its own; nothing is exchanged for less of a task.
 */
async function taskOf(
  ctx: Context,
  { tasks }: TokenExchangeOptions,
  subject: JWTPayload,
): Promise<TaskRecord | undefined> {
  const id = taskIn(subject)
  const whole = id === undefined ? undefined : tasks.find(id)
  if (id !== undefined && (whole === undefined || tasks.isOver(whole)))
    throw new errors.InvalidRequest('subject_token is not good: its task is over')
  if (ctx.oidc.params['authorization_details'] === undefined) return whole
  const agent = `${LOCAL_ISSUER}/${ctx.oidc.client.clientId}`
  const parent = whole === undefined ? {} : { parent: whole }
  return startAsked(ctx, tasks, { principal: principalOf(subject), agent, ...parent })
}

/** As the gateway will name them by the token. */
function principalOf({ sub = '', ...claims }: JWTPayload): EntityRef {
  if (claims[PRINCIPAL_ISSUER_CLAIM] !== undefined) return { type: 'User', id: sub }
  const kind = claims['principal_type']
  const type = kind === 'service' ? 'Service' : kind === 'agent' ? 'Agent' : 'User'
  return { type, id: `${LOCAL_ISSUER}/${sub}` }
}

interface Exchanged {
  readonly narrowed: Narrowed
  readonly subject: JWTPayload
  readonly task: TaskRecord | undefined
}

async function issue(
  ctx: Context,
  { store, now, randomBytes }: TokenExchangeOptions,
  { narrowed, subject, task }: Exchanged,
): Promise<void> {
  const { audience, scope, claims, subject: accountId } = narrowed
  const taskEnds = task === undefined ? Infinity : Math.floor(task.expiresAtMs / 1000)
  const expiresAt = Math.min(narrowed.expiresAt, taskEnds)
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
    task,
  }
  ctx.body = { ...(await issueToken(ctx, token)), issued_token_type: ACCESS_TOKEN_TYPE }
}

function errorOf({ error, message }: { error: string; message: string }): Error {
  if (error === 'invalid_scope') return new errors.InvalidScope(message, '')
  return error === 'invalid_target' ? new errors.InvalidTarget(message) : new errors.InvalidRequest(message)
}
