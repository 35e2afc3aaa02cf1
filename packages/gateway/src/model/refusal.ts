/**
 * A refusal is the expected "no": data, not an exception. The set of reasons is closed and public;
 * mcp/render.ts turns each into its wire form in one exhaustive switch.
 *
 * `message` is shown to the caller, so it never tells what the caller may not see.
 * `detail` goes to the audit log only and may name anything.
 */
export type Remedy =
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'task' }
  /** Where it is given, once it was asked for; `url` where people can sign in. */
  | {
      readonly kind: 'approval'
      readonly id?: string
      readonly url?: string
      readonly expiresInSeconds?: number
    }
  | { readonly kind: 'retry'; readonly afterSeconds: number }
  | { readonly kind: 'policy'; readonly hint: string }
  /** A token that is good for all of these. */
  | { readonly kind: 'scope'; readonly scopes: readonly string[] }

interface Common {
  readonly message: string
  readonly detail?: string
  /** `detail`, and more that is found out only once the caller has its answer, since the time it takes would tell. */
  readonly later?: () => string
  readonly remedy?: Remedy
  /** Ids of the policies that decided, where policies did. */
  readonly policies?: readonly string[]
  /** Names of the caller's own arguments, dotted where they are inside others, that a permit asks to be different. */
  readonly arguments?: readonly string[]
}

/** The JSON-RPC error that a malformed message is answered with, and the HTTP status that carries it. */
export interface ProtocolError {
  readonly status: number
  readonly code: number
  readonly data?: unknown
  /** Extra response headers that the status calls for, such as `Allow` for 405. */
  readonly headers?: Readonly<Record<string, string>>
}

export type Refusal =
  | (Common & {
      readonly reason: 'unauthenticated'
      /** What was wrong, where the token is one that needs a proof by DPoP (RFC 9449, 7.1). */
      readonly dpop?: 'invalid_dpop_proof' | 'invalid_token'
    })
  | (Common & { readonly reason: 'not-permitted' })
  | (Common & { readonly reason: 'task-required' })
  | (Common & { readonly reason: 'outside-task' })
  | (Common & { readonly reason: 'approval-required' })
  | (Common & { readonly reason: 'unknown'; readonly what: 'route' | 'session' | 'name' | 'handle' })
  | (Common & { readonly reason: 'changed' })
  | (Common & { readonly reason: 'invalid'; readonly protocol: ProtocolError })
  | (Common & { readonly reason: 'limited' })
  | (Common & { readonly reason: 'unavailable' })
  | (Common & { readonly reason: 'internal' })

export type Reason = Refusal['reason']

/** A malformed, ambiguous or oversized message: HTTP 400 and JSON-RPC -32600 unless told otherwise. */
export function invalid(message: string, protocol: Partial<ProtocolError> = {}, detail?: string): Refusal {
  const refusal: Refusal = {
    reason: 'invalid',
    message,
    protocol: { status: 400, code: -32600, ...protocol },
  }
  return detail === undefined ? refusal : { ...refusal, detail }
}

/** The upstream, the store or the audit log cannot serve this call now. */
export function unavailable(message: string, detail?: string): Refusal {
  const refusal: Refusal = { reason: 'unavailable', message, remedy: { kind: 'retry', afterSeconds: 1 } }
  return detail === undefined ? refusal : { ...refusal, detail }
}

/** Something that is not there, or that the caller may not know is there. */
export function unknown(
  what: 'route' | 'session' | 'name' | 'handle',
  message: string,
  detail?: string,
): Refusal {
  const refusal: Refusal = { reason: 'unknown', what, message }
  return detail === undefined ? refusal : { ...refusal, detail }
}
