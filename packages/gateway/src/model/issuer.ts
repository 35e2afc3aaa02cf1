/**
 * An issuer of tokens outside, as it is configured (`identity.issuers`), with every default and recipe filled in. What is
 * not written here is not trusted: a token brings neither its algorithm, nor its key, nor its issuer's address.
 */

/** Name of the issuer in this gateway: people who sign in here are `User::"local/…"`. */
export const LOCAL_ISSUER = 'local'

/** What proves that a token belongs to who shows it: a key (DPoP), a certificate (mutual TLS), or either. */
export type Bound = 'dpop' | 'mtls' | 'any'

/** Name of a claim, or a JSON Pointer (RFC 6901) to one inside others, such as `/realm_access/roles`. */
export type ClaimPath = string

/** Claims and the values that count, any of them; an empty list is any value. */
export type ClaimValues = ReadonlyMap<ClaimPath, readonly string[]>

export interface TokenIssuer {
  /** First part of the name of everyone it tells of, `User::"<name>/<subject>"`. Unique, without `/`. */
  readonly name: string
  /** `iss` of its tokens, byte for byte. A SPIFFE trust domain (`spiffe://…`) stands for tokens without `iss`. */
  readonly issuer: string
  /** Accepted in `aud` on every route, besides the URL of the route itself. */
  readonly audiences: readonly string[]
  /** Where its keys are, `file:` for a path; undefined: as its metadata says (OpenID Connect Discovery, RFC 8414). */
  readonly jwks: string | undefined
  readonly algorithms: readonly string[]
  /** `at+jwt`: `typ` says so (RFC 9068). `JWT`: it may also say `JWT`, or nothing, and the claims tell what it is. */
  readonly type: 'at+jwt' | 'JWT'
  /** Of tokens that `services` does not match. */
  readonly kind: 'user' | 'service' | 'agent'
  /** A token that has all of these is one of an agent that nobody stands behind. */
  readonly agents: ClaimValues
  /** A token that has all of these is one of a service. */
  readonly services: ClaimValues
  readonly subject: ClaimPath
  readonly subjectPrefix: string
  readonly groups: ClaimPath | undefined
  /** By tag. */
  readonly tags: ReadonlyMap<string, ClaimPath>
  /** The first of these that a token has names the client. */
  readonly clients: readonly ClaimPath[]
  /** How the client proved to the issuer that it is the one. */
  readonly clientProof: ClaimPath | undefined
  /** A token that is not bound to a key in this way is refused. */
  readonly bound?: Bound | undefined
  /** A token without all of these is refused. */
  readonly requires: ClaimValues
  /** Scopes that clients are told to ask for. */
  readonly scopes: readonly string[]
  /**
   * Where its word that a person may use a route through a client is taken (ID-JAG): the claims that such an assertion
   * must have. Undefined: it is not taken.
   */
  readonly enterprise: ClaimValues | undefined
  /** Whether clients without a token are sent there for one. */
  readonly authorizes: boolean
}

/** Which certificates are whose (`identity.certificates`), as it is configured. */
export interface CertificateRule {
  /** First part of the name of everyone it tells of. No issuer and no other rule has it. */
  readonly name: string
  readonly kind: 'user' | 'service' | 'agent'
  /** What names the principal, and what it has to be. */
  readonly match:
    | { readonly by: 'uri' | 'dns'; readonly pattern: string }
    | { readonly by: 'subject'; readonly attributes: ReadonlyMap<string, string> }
}
