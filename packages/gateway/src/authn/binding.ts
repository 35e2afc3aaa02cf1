/** What a token is bound to, by its claim `cnf` (RFC 7800): a key (RFC 9449, 6.1) or a certificate (RFC 8705, 3.1). */
import type { Bound } from '../model/issuer.ts'
import { err, ok, type Result } from '../model/result.ts'
import { hasAll } from './claims.ts'
import type { Members } from './jwt.ts'

export interface Binding {
  readonly bound: Exclude<Bound, 'any'>
  /** SHA-256, base64url. */
  readonly key: string
}

const METHODS: ReadonlyMap<string, Binding['bound']> = new Map([
  ['jkt', 'dpop'],
  ['x5t#S256', 'mtls'],
])
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/

/** Undefined for a token that whoever has it may show; the error is for the log. */
export function bindingOf({ cnf }: Members): Result<Binding | undefined, string> {
  if (cnf === undefined) return ok(undefined)
  const members = typeof cnf === 'object' && cnf !== null ? Object.entries(cnf) : []
  const [[method, key] = ['', undefined], ...others] = members
  const bound = METHODS.get(method)
  if (others.length > 0 || bound === undefined || typeof key !== 'string' || !THUMBPRINT.test(key))
    return err('it is bound to a key (cnf) in a way that is not known here')
  return ok({ bound, key })
}

/** Why a token that is bound like that is not one for this gateway. */
export function bindingFault(
  binding: Binding | undefined,
  wanted: Bound | undefined,
  { header, claims }: { readonly header: Members; readonly claims: Members },
): string | undefined {
  if (wanted !== undefined && (binding === undefined || (wanted !== 'any' && binding.bound !== wanted)))
    return `it is not bound to a key as required (${wanted})`
  if (binding?.bound !== 'dpop') return undefined
  const { typ } = header
  const isProfiled = typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ)
  return isProfiled && hasAll(claims, PROFILE)
    ? undefined
    : 'a token with DPoP has to be one of RFC 9068: at+jwt, with iat, jti, sub and client_id'
}

const PROFILE = new Map(['iat', 'jti', 'sub', 'client_id'].map((claim) => [claim, []]))
