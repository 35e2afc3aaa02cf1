/** Claims of tokens that are not issued by a grant of the library's own: what `extraTokenClaims` adds to each. */

const added = new WeakMap<object, Readonly<Record<string, unknown>>>()

/** Has a token carry these. */
export function addClaims(token: object, claims: Readonly<Record<string, unknown>>): void {
  added.set(token, claims)
}

/** Those that it was given. */
export function addedClaims(token: object): Readonly<Record<string, unknown>> {
  return added.get(token) ?? {}
}
