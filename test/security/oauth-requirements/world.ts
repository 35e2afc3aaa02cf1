/**
 * Everyone who takes part: issuers outside and a gateway that trusts them; the authorization server, a client of it and a
 * person at a browser; another one that fetches documents of clients from an internet of its own.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createPublicFetch } from '../../../packages/gateway/src/server/public-fetch.ts'
import { startInternet, type TestInternet } from '../../fixtures/internet.ts'
import { Browser } from '../../fixtures/oauth/browser.ts'
import { startTestServer, type TestServer } from '../../fixtures/oauth/server.ts'
import {
  type Claims,
  createKey,
  type SigningKey,
  startTokenIssuer,
  type TokenIssuer,
} from '../../fixtures/token-issuer.ts'
import { type Seen, startWatchedGateway, type WatchedGateway } from '../../fixtures/watched-gateway.ts'

export interface World {
  readonly gateway: WatchedGateway
  /** Trusted; its tokens may also be for `https://gate.example.com`. */
  readonly corp: TokenIssuer
  readonly other: TokenIssuer
  /** Signs with RS256. */
  readonly rsa: TokenIssuer
  /** Published by nobody. */
  readonly foreign: SigningKey
  /** Where a header may point to: the foreign key is there. */
  readonly baitUrl: string
  /** How often somebody looked there. */
  looks(): number
  route(server?: string): string
  /** A token of `corp` for the route `files`, as it should be but for these. */
  good(claims?: Claims, header?: Claims): Promise<string>
  /** The same header and claims, signed by the foreign key. */
  forged(header: Claims): Promise<string>
  withToken(token: string, server?: string): Promise<Seen>
  readonly server: TestServer
  /** Registered at `server`. */
  readonly client: string
  /** Alice is signed in there, and has let the client in. */
  readonly person: Browser
  readonly internet: TestInternet
  /** Fetches from there. */
  readonly documented: TestServer
  close(): Promise<void>
}

/** Starts all of them. */
export async function startWorld(): Promise<World> {
  const [corp, other, rsa] = await Promise.all([
    startTokenIssuer(),
    startTokenIssuer(),
    startTokenIssuer('RS256'),
  ])
  const foreign = await createKey('key-1')
  let looks = 0
  const bait = createServer((_, response) => {
    looks++
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: [foreign.jwk] }))
  })
  await new Promise<void>((resolve) => bait.listen(0, '127.0.0.1', resolve))
  const baitUrl = `http://127.0.0.1:${(bait.address() as AddressInfo).port}/keys`
  const gateway = await startWatchedGateway({
    config: `identity:
  issuers:
    - { name: corp, issuer: '${corp.url}', groups: groups, tags: { department: dept }, audience: ['https://gate.example.com'] }
    - { name: other, issuer: '${other.url}' }
    - { name: rsa, issuer: '${rsa.url}' }
    - { name: loose, issuer: '${baitUrl}', jwks: '${other.url}/keys', type: JWT, subject: email }
`,
  })
  const route = (name = 'files') => gateway.url(name)
  const server = await startTestServer()
  const client = await server.register()
  const person = new Browser(server.origin)
  await server.consent(client, {}, person)
  const internet = await startInternet()
  const documented = await startTestServer({ fetch: createPublicFetch(internet) })
  return {
    ...{ gateway, corp, other, rsa, foreign, baitUrl, route, server, client, person, internet, documented },
    looks: () => looks,
    good: (claims = {}, header = {}) => corp.sign({ aud: route(), ...claims }, header),
    forged: (header) => corp.sign({ aud: route() }, header, foreign),
    withToken: (token, name = 'files') => gateway.send(gateway.legacy({ key: token, server: name })),
    async close() {
      await gateway.close()
      await Promise.all([corp, other, rsa, server, documented, internet].map((each) => each.close()))
      bait.closeAllConnections()
      bait.close()
    },
  }
}
