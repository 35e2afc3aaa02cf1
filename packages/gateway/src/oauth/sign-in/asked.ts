/** One request about one interaction: what the pages of signing in and of consent have in common. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'

export interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly details: Awaited<ReturnType<Provider['interactionDetails']>>
  readonly client: ClientFacts
  /** What forms of its pages must hold. */
  readonly csrf: string
}

/** The client that asks for access. */
export interface ClientFacts {
  readonly clientId: string
  readonly name: string
  /** Host of the document that tells of it; undefined when it told of itself. */
  readonly documentHost: string | undefined
  readonly redirects: readonly string[]
  /** Undefined for a program that showed a code. */
  readonly redirectUri: string | undefined
}

/** The address of the page, where its forms go. */
export function pathOf({ details }: Asked): string {
  return `/oauth/interaction/${details.uid}`
}

/** Where the answer of the client's request goes, as people are shown it; undefined for a program that showed a code. */
export function redirectHostOf({ redirectUri = '' }: ClientFacts): string | undefined {
  return URL.parse(redirectUri)?.host
}

/** Where forms about this client may end. */
export function leadsTo({ redirectUri = '' }: ClientFacts): readonly string[] {
  const origin = URL.parse(redirectUri)?.origin
  return origin === undefined || origin === 'null' ? [] : [origin]
}
