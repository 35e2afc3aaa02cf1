/**
 * Requirements that are tried in files of their own, for each needs a setting of its own: providers outside, proofs, chains
 * of programs, certificates. Here they have their line, and the table sees to it that the test is there.
 *
 * Without a line, for nobody here is asked: that broader scopes imply narrower ones (MCP authorization, Step-Up), for scopes
 * have no hierarchy here; what clients send and keep (MCP authorization, Resource Parameter; client registration,
 * Authorization Server Binding); messages between windows (RFC 9700, 4.17), for there is no such response.
 */

export interface NeighbourRequirement {
  readonly where: string
  readonly must: string
  /** In test/security. */
  readonly file: string
  /** The test's own title, or the line of its table. */
  readonly test: string
}

const DPOP = 'dpop.test.ts'
const DPOP_ISSUED = 'oauth-dpop.test.ts'
const EXCHANGE = 'oauth-exchange.test.ts'
const MACHINES = 'oauth-machines.test.ts'
const UPSTREAM = 'oauth-upstream.test.ts'
const PEOPLE = 'oauth-people.test.ts'

const line = (where: string, must: string, file: string, test: string): NeighbourRequirement => ({
  where,
  must,
  file,
  test,
})

export const neighbourRequirements: readonly NeighbourRequirement[] = [
  line('RFC 9449, 11.1', 'a proof is good once (replay)', DPOP, 'replayed, it is refused'),
  line(
    'RFC 9449, 11.1',
    'a proof is good once (at the same time)',
    DPOP,
    'of two at the same time, one passes',
  ),
  line(
    'RFC 9449, 7.1',
    'a bound token is no bearer token (downgrade)',
    DPOP,
    'as Bearer, with its proof or without, it is refused',
  ),
  line('RFC 9449, 4.3', 'a proof names its key and holds no private one', DPOP, 'the private key'),
  line('RFC 9449, 4.3', 'a proof is signed by asymmetric means', DPOP, 'HS256 with the public key'),
  line(
    'RFC 9449, 5',
    'a bound refresh token needs its key',
    DPOP_ISSUED,
    'is not refreshed without a proof, nor with that of another key, and then still is with its own',
  ),
  line(
    'RFC 9449, 10',
    'a code is bound to the thumbprint that went with its request',
    DPOP_ISSUED,
    'does not come from the one key when another one’s thumbprint went with the request (RFC 9449, 10)',
  ),
  line('RFC 8693, 2.1', 'an exchange does not widen: scope', EXCHANGE, 'for more scopes'),
  line('RFC 8693, 2.1', 'an exchange does not widen: resource', EXCHANGE, 'for another route'),
  line('RFC 8693, 2.1', 'an exchange does not widen: audience', EXCHANGE, 'for another audience'),
  line(
    'RFC 8705, 3',
    'a token that is bound to a certificate comes with it',
    'mtls.test.ts',
    'is nothing without it, with another one, and as a token of DPoP',
  ),
  line(
    'RFC 8693, 2.1',
    'an exchange does not widen: lifetime',
    EXCHANGE,
    'gives a token of the same person, for the same route, by the client that asked',
  ),
  line(
    'RFC 8693, 4.1',
    'a chain is not made up',
    EXCHANGE,
    'with a chain that was forged, or a key that is another’s',
  ),
  line(
    'RFC 7523, 3; RFC 9700, 2.5',
    'an assertion is good once',
    MACHINES,
    'is good once, also when it comes twice at the same time',
  ),
  line(
    'RFC 7523, 3',
    'an assertion is by the client’s own key',
    MACHINES,
    'by the key of another client is refused',
  ),
  line(
    'RFC 9700, 2.5',
    'a client with a key proves itself by it',
    MACHINES,
    'is what such a client proves itself with: its name is not enough',
  ),
  line('RFC 9126, 4', 'a pushed request is its client’s', 'oauth-par.test.ts', 'is not for another client'),
  line(
    'RFC 9126, 4',
    'a pushed request is good once',
    'oauth-par.test.ts',
    'leads to a code like any other request, and to no second one',
  ),
  line(
    'RFC 8628, 5.1',
    'codes for devices are not guessed',
    'oauth-device.test.ts',
    'has thirty tries in a quarter of an hour, good or not',
  ),
  line(
    'RFC 8628, 5.4',
    'a person is asked about a device',
    'oauth-device.test.ts',
    'cannot be made to enter one by a form elsewhere, nor by an address alone',
  ),
  line(
    'RFC 9700, 4.7; MCP security best practices, Confused Deputy',
    'a state is good once (replay)',
    UPSTREAM,
    'twice',
  ),
  line(
    'RFC 9700, 4.7',
    'a state is bound to its browser',
    UPSTREAM,
    'in another browser, which leaves it good for the right one',
  ),
  line('RFC 9700, 4.7', 'a state ends', UPSTREAM, 'after ten minutes'),
  line(
    'RFC 9700, 4.5',
    'a code of a provider belongs to its request',
    UPSTREAM,
    'with the code of another interaction: it was asked for with another verifier',
  ),
  line(
    'RFC 9700, 4.4; RFC 9207, 2.4',
    'an answer is of the provider that was asked (mix-up)',
    UPSTREAM,
    'of another issuer (mix-up)',
  ),
  line(
    'RFC 9207, 2.4',
    'an issuer that is always there is missed',
    UPSTREAM,
    'of no issuer, where there always is one',
  ),
  line(
    'MCP security best practices, Confused Deputy',
    'consent before anyone is sent to a provider',
    UPSTREAM,
    'before they pressed a button on a page that names the client and where its answer goes',
  ),
  line(
    'MCP security best practices, Confused Deputy',
    'consent for each client, also behind a provider',
    UPSTREAM,
    'again for another client because they said yes to one',
  ),
  line(
    'MCP security best practices, Confused Deputy',
    'an answer is given once',
    PEOPLE,
    'is one that comes again',
  ),
  line(
    'OAuth 2.1, 7.1',
    'what is kept is of no use to a thief',
    'oauth-device.test.ts',
    'what is kept of it is of no use to whoever reads the store',
  ),
  line(
    'RFC 7523, 3',
    'an assertion is good once',
    'oauth-machines.test.ts',
    'is good once, also when it comes twice at the same time',
  ),
  line(
    'RFC 8693, 2.2',
    'an exchange gives no more than there was',
    '../../packages/gateway/src/oauth/grants/narrowing.test.ts',
    'is never more than the token gives, for the same principal, with everyone named in order',
  ),
  line(
    'MCP, Enterprise-Managed Authorization',
    'the word of a provider is good once',
    'oauth-enterprise.test.ts',
    'is good once, also at the same time and after a restart',
  ),
  line(
    'MCP security considerations, Communication Security',
    'nothing but loopback without TLS',
    'exposure.test.ts',
    'all addresses without TLS',
  ),
]
