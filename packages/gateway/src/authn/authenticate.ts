/**
 * A request's credential → who is calling. Judged anew on every request. A credential that was presented and is
 * not good is refused, never passed over: it does not turn its bearer into the anonymous principal. Nobody is
 * anonymous unless the configuration says so, and then only this machine is.
 */
import { isLoopback } from '../model/addresses.ts'
import { type Caller, createCaller, type EntityRef } from '../model/caller.ts'
import type { ClientCertificate, Exchange, Peer } from '../model/exchange.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import { routeOf } from '../model/whoami.ts'
import { type BoundTokenDeps, proveToken } from './bound-token.ts'
import { type Certificates, showCertificate } from './certificates.ts'
import { PROOF_ALGORITHMS } from './dpop.ts'
import { looksLikeToken } from './jwt.ts'
import type { KeyAnswer, RememberedKeys } from './remembered-keys.ts'
import type { TokenAnswer, Tokens } from './tokens.ts'

export interface AuthenticateDeps {
  readonly keys: RememberedKeys
  /** Tokens of issuers outside, and the address that those for this gateway begin with; where there are any. */
  readonly tokens?: TokenDeps | undefined
  /** Whose certificates are, where callers are asked for them. */
  readonly certificates?: { readonly known: Certificates; now(): number } | undefined
  /** Who a caller on this machine without a credential is; nobody when left out. */
  readonly anonymous?: EntityRef | undefined
}

interface TokenDeps extends BoundTokenDeps {
  readonly known: Tokens
}

type Asked = Pick<Exchange, 'rawHeaders' | 'method' | 'target' | 'peer' | 'certificate'>

/**
 * Who is calling, or the refusal `unauthenticated` (`unavailable` while keys cannot be looked up). A promise only for a
 * token that was not seen before.
 */
export function authenticate(
  exchange: Asked,
  deps: AuthenticateDeps,
): Result<Caller, Refusal> | Promise<Result<Caller, Refusal>> {
  const credentials = headerValues(exchange.rawHeaders, 'authorization')
  if (hasQueryToken(exchange.target)) {
    return refuse('Credentials do not belong in the address: send the key as "Authorization: Bearer tg_…".')
  }
  const { tokens, certificates } = deps
  // A proxy shows its own certificate, whoever it calls for.
  const certificate =
    certificates === undefined || exchange.peer.proxy !== undefined ? undefined : exchange.certificate
  if (certificate !== undefined && certificates !== undefined) {
    const fault = certificate.notAfterMs <= certificates.now() ? 'it has expired' : certificate.fault
    if (fault !== undefined)
      return refuse(
        'The certificate of this connection is not accepted here.',
        certificateDetail(certificate, fault),
      )
  }
  const [credential] = credentials
  if (credential === undefined)
    return certificate === undefined
      ? anonymously(exchange, deps.anonymous)
      : byCertificate(certificate, certificates?.known)
  if (credentials.length > 1) return refuse('The request carries more than one Authorization header.')
  const [before, scheme] = SCHEME.exec(credential) ?? []
  if (before === undefined) return byKey({ kind: 'malformed' })
  const token = credential.slice(before.length)
  const byProof = scheme?.toLowerCase() === 'dpop'
  if (tokens === undefined || !looksLikeToken(token))
    return byKey(byProof ? { kind: 'malformed' } : deps.keys.find(token))
  const answer = tokens.known.find(token, tokens.publicUrl + routeOf(exchange.target))
  const judge = (found: TokenAnswer) =>
    found.kind === 'known' && (byProof || found.caller.authentication.bound !== undefined)
      ? proveToken({ ...found, signed: found.signed, token, byProof, certificate, exchange }, tokens)
      : byToken(found, byProof)
  return answer instanceof Promise ? answer.then(judge) : judge(answer)
}

/** Only what stands before the credential: a token is long, and whether it is one shows when it is looked up. */
const SCHEME = /^(bearer|dpop) +(?=\S)/i

/** Whose the certificate is that the connection was made with; a credential in the request goes before it. */
function byCertificate(
  certificate: ClientCertificate,
  known: Certificates | undefined,
): Result<Caller, Refusal> {
  const caller = known?.find(certificate) ?? err('there are no rules for certificates')
  if (caller.ok) return caller
  return refuse(
    'The certificate of this connection is genuine, but nobody here is known by it.',
    certificateDetail(certificate, caller.error),
  )
}

function certificateDetail(certificate: ClientCertificate, why: string): string {
  return `certificate ${showCertificate(certificate)}: ${why}`
}

function byKey(answer: KeyAnswer): Result<Caller, Refusal> {
  switch (answer.kind) {
    case 'known':
      return ok(answer.caller)
    case 'malformed':
      return refuse('The Authorization header does not hold a Tollgate key: it reads "Bearer tg_…".')
    case 'unknown':
      return refuse('This key is not known here.')
    // Whoever holds the key may learn what became of it.
    case 'revoked':
      return refuse('This key has been revoked.', `key ${answer.name}`)
    case 'expired':
      return refuse('This key has expired.', `key ${answer.name}`)
    case 'unavailable':
      return err(unavailable('Keys cannot be looked up, so nobody is let through.', answer.cause))
  }
}

function byToken(answer: TokenAnswer, byProof: boolean): Result<Caller, Refusal> {
  switch (answer.kind) {
    case 'known':
      return ok(answer.caller)
    case 'refused': {
      const refused = refuse(answer.message, answer.detail)
      return byProof ? err({ ...refused.error, dpop: 'invalid_token' }) : refused
    }
    case 'unavailable':
      return err(unavailable('This token cannot be verified now, so it is not let through.', answer.cause))
  }
}

/** The value of `WWW-Authenticate` for a request that was refused as `unauthenticated` (RFC 6750; RFC 9449, 7.1). */
export function challenge(exchange: Pick<Exchange, 'rawHeaders'>, refusal: Refusal): string {
  if (refusal.reason === 'unauthenticated' && refusal.dpop !== undefined)
    return `${DPOP_CHALLENGE}, error="${refusal.dpop}"`
  const wasPresented = headerValues(exchange.rawHeaders, 'authorization').length > 0
  return wasPresented ? 'Bearer realm="tollgate", error="invalid_token"' : 'Bearer realm="tollgate"'
}

/** That proofs are accepted, and how they may be signed. */
export const DPOP_CHALLENGE = `DPoP algs="${PROOF_ALGORITHMS.join(' ')}"`

/** Whether the caller is on this machine, on a Unix socket or an address that never leaves it, and no proxy is between. */
export function isLocal({ transport, address, proxy }: Peer): boolean {
  if (transport === 'unix') return true
  return address !== undefined && proxy === undefined && isLoopback(address)
}

/** What proxies add. A request that has one came from elsewhere, whatever address it arrives from. */
const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

function anonymously(exchange: Asked, anonymous: EntityRef | undefined): Result<Caller, Refusal> {
  const signIn = 'This gateway needs a key: send it as "Authorization: Bearer tg_…".'
  if (anonymous === undefined) return refuse(signIn)
  if (!isLocal(exchange.peer)) return refuse(signIn, 'anonymous callers must be on this machine')
  const proxied = proxyHeaders.find((name) => headerValues(exchange.rawHeaders, name).length > 0)
  if (proxied !== undefined)
    return refuse(signIn, `an anonymous call came through a proxy: it has ${proxied}`)
  return ok(createCaller(anonymous, {}, { method: 'anonymous' }))
}

function hasQueryToken(target: string): boolean {
  const query = target.indexOf('?')
  return query >= 0 && /[?&](access_token|api_?key)=|tg_/i.test(target.slice(query))
}

function headerValues(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const at = rawHeaders[index]
    if (at?.length === name.length && at.toLowerCase() === name)
      values.push((rawHeaders[index + 1] ?? '').trim())
  }
  return values
}

type Unauthenticated = Refusal & { reason: 'unauthenticated' }

function refuse(message: string, detail?: string): { readonly ok: false; readonly error: Unauthenticated } {
  const refusal: Unauthenticated = { reason: 'unauthenticated', message, remedy: { kind: 'sign-in' } }
  return err(detail === undefined ? refusal : { ...refusal, detail })
}
