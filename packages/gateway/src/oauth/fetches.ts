/**
 * What is fetched because a client says so: the document that tells of it, and the keys that the document names. Anybody
 * can have that done, so the number and the size of it are bounded.
 */
import type { Configuration } from 'oidc-provider'

export interface Fetches {
  /** Fetches from nowhere but the public internet. */
  fetch(url: string, init: RequestInit): Promise<Response>
  /** Whether something may be fetched now. */
  mayFetch(): boolean
}

/** Bytes. Keys have no bound of the library's. */
const LIMITS = {
  'client_id metadata document': 5 * 1024,
  jwks_uri: 64 * 1024,
  sector_identifier_uri: 5 * 1024,
}

/** The library's settings for it. */
export function fetchesOf(fetches: Fetches): Configuration {
  const fetchBounded = async (url: string, init: RequestInit): Promise<Response> => {
    if (!fetches.mayFetch()) throw new Error('too much was fetched in this minute')
    return fetches.fetch(url, init)
  }
  return { fetch: fetchBounded as never, fetchResponseBodyLimits: LIMITS }
}
