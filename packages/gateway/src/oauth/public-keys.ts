import type { JSONWebKeySet } from 'jose'

/** What anybody may know of the keys that sign here. */
export function publicKeySet(keys: readonly object[]): JSONWebKeySet {
  const published = ({ kty, crv, x, y, kid, alg, use }: Readonly<Record<string, unknown>>) => {
    return { kty, crv, x, y, kid, alg, use }
  }
  return { keys: keys.map((key) => published(key as Readonly<Record<string, unknown>>)) } as JSONWebKeySet
}
