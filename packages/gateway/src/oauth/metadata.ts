/**
 * What the server says of itself (RFC 8414). The library is one for OpenID Connect and speaks of that, too: nobody is told
 * who a person is here, and its pages with scripts do not run.
 */
import type { Provider } from 'oidc-provider'

export const METADATA_PATH = '/.well-known/oauth-authorization-server'

/** Of OpenID Connect alone. */
const FOREIGN = [
  'claim_types_supported',
  'claims_parameter_supported',
  'claims_supported',
  'id_token_signing_alg_values_supported',
  'subject_types_supported',
]

/** How an answer gets to a client: by a redirect, which needs no script. */
export const RESPONSE_MODES: readonly string[] = ['query', 'fragment']

/** To be called before the provider answers anything. */
export function tellWhatIsTrue(provider: Provider): void {
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.path !== METADATA_PATH || ctx.status !== 200) return
    const body = ctx.body as Record<string, unknown>
    const told = Object.entries(body).filter(([name]) => !FOREIGN.includes(name))
    const scopes = (body['scopes_supported'] as readonly string[]).filter((scope) => scope !== 'openid')
    ctx.body = {
      ...Object.fromEntries(told),
      scopes_supported: scopes,
      response_modes_supported: RESPONSE_MODES,
    }
  })
}
