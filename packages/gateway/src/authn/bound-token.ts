/**
 * A token that is bound to a key is worth something only with the proof that the caller has that key: a proof of DPoP
 * (RFC 9449, 7) or the certificate of the connection (RFC 8705, 3). A token that is shown in another way than it is bound
 * in is refused, or whoever stole it would leave the proof away.
 */
import type { Caller } from '../model/caller.ts'
import type { ClientCertificate, Exchange } from '../model/exchange.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import { type ProofDeps, provePossession, type SignedToken } from './dpop.ts'

/** A token that was found good, and how it was shown. */
export interface ShownToken {
  readonly caller: Caller
  readonly token: string
  /** `Authorization: DPoP …`. */
  readonly byProof: boolean
  /** Undefined unless the token is bound by DPoP. */
  readonly signed: SignedToken | undefined
  readonly certificate: ClientCertificate | undefined
  readonly exchange: Pick<Exchange, 'method' | 'target' | 'rawHeaders'>
}

export interface BoundTokenDeps extends ProofDeps {
  readonly publicUrl: string
}

/** The caller, where the token is proved to be its own. */
export function proveToken(
  shown: ShownToken,
  deps: BoundTokenDeps,
): Result<Caller, Refusal> | Promise<Result<Caller, Refusal>> {
  const { caller, byProof, certificate } = shown
  const { bound, key, credential } = caller.authentication
  if (bound === 'dpop') {
    if (byProof) return proveByDpop(shown, deps)
    return refuse(
      'This token is bound to a key: send it as "Authorization: DPoP …" with a proof in the header DPoP.',
      `token ${credential}: without its proof`,
      'invalid_token',
    )
  }
  if (byProof)
    return refuse(
      'This token is not bound to a key of DPoP: send it as "Authorization: Bearer …".',
      `token ${credential}: not bound to a key`,
      'invalid_token',
    )
  if (bound === undefined) return ok(caller)
  if (certificate !== undefined && certificate.thumbprint === key) return ok(endingWith(caller, certificate))
  const which = certificate === undefined ? 'without a certificate' : 'with another certificate'
  return refuse(
    'This token is bound to a certificate: connect with that certificate.',
    `token ${credential}: ${which}`,
  )
}

async function proveByDpop(
  { caller, signed, token, exchange }: ShownToken,
  deps: BoundTokenDeps,
): Promise<Result<Caller, Refusal>> {
  const { credential } = caller.authentication
  const { method, target, rawHeaders } = exchange
  const [proof, ...others] = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && name.toLowerCase() === 'dpop' ? [rawHeaders[index + 1] ?? ''] : [],
  )
  const no = (message: string, detail: string) =>
    refuse(message, `token ${credential}: ${detail}`, 'invalid_dpop_proof')
  if (proof === undefined || signed === undefined)
    return no('This token needs a proof in the header DPoP.', 'without its proof')
  if (others.length > 0) return no('The request carries more than one DPoP header.', 'more than one proof')
  const url = deps.publicUrl + target
  const proved = await provePossession(caller, signed, { method, url, token, proof }, deps)
  if (proved.ok) return ok(caller)
  const { kind, message, detail } = proved.error
  return kind === 'unavailable' ? err(unavailable(message, detail)) : no(message, detail)
}

/** What is opened with both ends with the first of them that does. */
function endingWith(caller: Caller, { notAfterMs }: ClientCertificate): Caller {
  const { authentication } = caller
  return notAfterMs < (authentication.goodUntilMs ?? Infinity)
    ? { ...caller, authentication: { ...authentication, goodUntilMs: notAfterMs } }
    : caller
}

function refuse(
  message: string,
  detail: string,
  dpop?: 'invalid_dpop_proof' | 'invalid_token',
): Result<never, Refusal> {
  const refusal: Refusal = { reason: 'unauthenticated', message, detail, remedy: { kind: 'sign-in' } }
  return err(dpop === undefined ? refusal : { ...refusal, dpop })
}
