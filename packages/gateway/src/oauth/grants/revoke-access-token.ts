/**
 * Revoking an access token (RFC 7009). The library keeps none of those that are JWTs and says that it cannot revoke them: it
 * has found out which client is asking, and the token is verified here by our own keys.
 */
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { LOCAL_ISSUER } from '../../model/issuer.ts'
import type { Revoked } from '../ports.ts'
import { publicKeySet } from '../public-keys.ts'

export interface RevocationOptions {
  readonly issuer: string
  readonly keys: readonly object[]
  readonly revoked: Revoked
  now(): number
}

/** To be called before the provider answers anything. */
export function revokeAccessTokens(provider: Provider, options: RevocationOptions): void {
  const keySet = createLocalJWKSet(publicKeySet(options.keys))
  provider.use(async (ctx, next) => {
    await next()
    const oidc = (ctx as Partial<KoaContextWithOIDC>).oidc
    const { error } = (ctx.body ?? {}) as { error?: unknown }
    if (oidc?.route !== 'revocation' || error !== 'unsupported_token_type' || oidc.client === undefined)
      return
    ctx.status = 200
    ctx.body = ''
    const { issuer, now, revoked } = options
    const checks = { issuer, typ: 'at+jwt', currentDate: new Date(now()) }
    const verified = await jwtVerify(String(oidc.params?.['token']), keySet, checks).catch(() => undefined)
    // Somebody else's token is none of the client's business, and what is no token need not be revoked (2.2).
    if (verified?.payload['client_id'] !== oidc.client.clientId) return
    revoked.add(`${LOCAL_ISSUER}/${verified.payload.jti}`, now())
  })
}
