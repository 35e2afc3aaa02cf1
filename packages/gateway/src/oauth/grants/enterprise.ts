/**
 * Enterprise-managed authorization (MCP; RFC 7523, 2.1): a client shows the word of an identity provider that a person
 * may use a route through it, and gets a token for that route without a page. The word is good once.
 */
import { errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider'
import type { IdJag, IdJags } from '../../authn/id-jag.ts'
import { LEEWAY_SECONDS, PRINCIPAL_ISSUER_CLAIM } from '../../authn/token-caller.ts'
import { JWT_BEARER } from '../client-rules.ts'
import { issueToken } from './issue-token.ts'
import { MAX_LIFETIME_SECONDS } from './narrowing.ts'
import { LOCAL_ISSUER } from '../../model/issuer.ts'
import type { OauthStore, Routes, TokenTasks } from '../ports.ts'
import { SCOPE, serverOf } from '../resources.ts'
import { startAsked } from '../tasks/rich-authorization.ts'

export interface EnterpriseOptions {
  readonly issuer: string
  readonly store: OauthStore
  readonly routes: Routes
  readonly tasks: TokenTasks
  /** Undefined: nobody's word is taken. */
  readonly idJags: Pick<IdJags, 'verify'> | undefined
  now(): number
  randomBytes(count: number): Buffer
}

/** In the metadata of the server (MCP, enterprise-managed authorization). */
export const GRANT_PROFILES = ['urn:ietf:params:oauth:grant-profile:id-jag']

type Context = TokenEndpointGrantContext<Record<string, unknown>>

/** Lets the provider answer them, where the word of somebody is taken. */
export function registerEnterprise(provider: Provider, options: EnterpriseOptions): void {
  const { idJags, issuer, routes } = options
  if (idJags === undefined) return
  provider.registerGrantType<Record<string, unknown>>(
    JWT_BEARER,
    async (ctx) => {
      const { client, params } = ctx.oidc
      if (client.clientAuthMethod !== 'private_key_jwt')
        throw new errors.UnauthorizedClient('the client must prove itself with a key')
      if (ctx.get('DPoP') !== '') throw new errors.InvalidRequest('these tokens are not bound to a key')
      if (params['assertion'] === undefined) throw new errors.InvalidRequest('assertion is missing')
      const word = await idJags.verify(params['assertion'], issuer)
      if (!word.ok) throw new errors.InvalidGrant(`the assertion is refused: ${word.error}`)
      const { clientId, resource } = word.value
      if (clientId !== client.clientId) throw new errors.InvalidGrant('the assertion is for another client')
      const server = serverOf(resource, issuer)
      if (server === undefined || !routes.has(server))
        throw new errors.InvalidGrant('the assertion names no resource of this server')
      if (params['resource'] !== undefined && params['resource'] !== resource)
        throw new errors.InvalidTarget('the assertion is for another resource')
      const offered = [SCOPE, ...routes.scopesAt(server)]
      const scope = scopeOf(word.value.scope, params['scope'], offered)
      if (scope === '') throw new errors.InvalidScope('the assertion has none of these scopes', '')
      const { by, id, expiresAt } = word.value
      const isNew = await provider.ReplayDetection.unique(
        `id-jag ${by.issuer} `,
        id,
        expiresAt + LEEWAY_SECONDS,
      )
      if (!isNew) throw new errors.InvalidGrant('the assertion was used already')
      await issue(ctx, options, { word: word.value, audience: String(resource), scope })
    },
    ['assertion', 'resource', 'scope', 'authorization_details'],
  )
}

/** Of those that the assertion has, those that are asked for. One that has none leaves it to us. */
function scopeOf(given: unknown, asked: unknown, offered: readonly string[]): string {
  const has = typeof given === 'string' ? given.split(' ') : [SCOPE]
  const wanted = typeof asked === 'string' ? asked.split(' ') : has
  return [...new Set(wanted)].filter((each) => offered.includes(each) && has.includes(each)).join(' ')
}

async function issue(
  ctx: Context,
  { store, tasks, now, randomBytes }: EnterpriseOptions,
  { word, audience, scope }: { word: IdJag; audience: string; scope: string },
): Promise<void> {
  const { by, person, known } = word
  const { client, params } = ctx.oidc
  const agent = `${LOCAL_ISSUER}/${client.clientId}`
  const isForTask = params['authorization_details'] !== undefined
  const task = isForTask ? await startAsked(ctx, tasks, { principal: person, agent }) : undefined
  const grantId = randomBytes(24).toString('base64url')
  const nowSeconds = Math.floor(now() / 1000)
  const taskEnds = task === undefined ? Infinity : Math.floor(task.expiresAtMs / 1000)
  const expiresAt = Math.min(nowSeconds + MAX_LIFETIME_SECONDS, taskEnds)
  const grant = { clientId: client.clientId, accountId: person.id, enterprise: by.issuer }
  store.artifacts.put('Grant', grantId, grant, expiresAt * 1000)
  // Groups are of the issuer, as the person is.
  const groups = known.groups.map(({ id }) => id.slice(`${by.name}/`.length))
  ctx.oidc.entity('Account', { accountId: person.id, claims: () => ({ sub: person.id }), isVouchedFor: true })
  ctx.body = await issueToken(ctx, {
    accountId: person.id,
    grantId,
    gty: 'id_jag',
    audience,
    scope,
    expiresAt,
    expiresIn: expiresAt - nowSeconds,
    task,
    claims: { ...word.signIn, [PRINCIPAL_ISSUER_CLAIM]: by.name, groups, tags: known.tags },
  })
}
