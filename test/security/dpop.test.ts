/**
 * Tokens that are bound to a key by DPoP (RFC 9449; A5), at the gateway as a resource server. Honest proofs come from an
 * official client; each attack is one of them with one thing changed, and of it the upstream sees nothing.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type IncomingMessage, request as ask } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PERMIT_ALL, startTestGateway } from '../fixtures/gateway.ts'
import { type Claims, startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'
import {
  expectAllowed,
  expectRefused,
  type Seen,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'
import { withHeader, withLine, withoutHeader } from '../fixtures/wire.ts'

interface HolderKey {
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly jwk: Claims
  readonly jkt: string
}

let corp: TokenIssuer
let gateway: WatchedGateway
let mine: HolderKey
let theirs: HolderKey
let token: string

beforeAll(async () => {
  corp = await startTokenIssuer()
  const strict = `{ name: strict, issuer: '${corp.url}/strict', jwks: '${corp.url}/keys', bound: dpop }`
  gateway = await startWatchedGateway({
    config: `identity:\n  issuers:\n    - { name: corp, issuer: '${corp.url}' }\n    - ${strict}\n`,
  })
  mine = await createHolderKey()
  theirs = await createHolderKey()
  token = await boundTo(mine)
})
afterAll(async () => {
  await gateway.close()
  await corp.close()
})

async function createHolderKey(alg = 'ES256'): Promise<HolderKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { privateKey, publicKey, jwk: { ...jwk }, jkt: await calculateJwkThumbprint(jwk) }
}

const now = () => Math.floor(Date.now() / 1000)
const boundTo = (key: HolderKey, claims: Claims = {}) =>
  corp.sign({ aud: gateway.url('files'), client_id: 'app', cnf: { jkt: key.jkt }, ...claims })

interface Forged {
  readonly claims?: Claims
  readonly header?: Claims
  readonly key?: HolderKey
  readonly token?: string
}

/** A proof, as good as the client's own but for what is changed. */
async function prove({
  claims = {},
  header = {},
  key = mine,
  token: shown = token,
}: Forged = {}): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', Buffer.from(shown))
  const good = {
    jti: randomUUID(),
    htm: 'POST',
    htu: gateway.url('files'),
    iat: now(),
    ath: Buffer.from(digest).toString('base64url'),
  }
  const all = Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined)
  const named = Object.entries({ alg: 'ES256', typ: 'dpop+jwt', jwk: key.jwk, ...header })
  return new SignJWT(Object.fromEntries(all))
    .setProtectedHeader(
      Object.fromEntries(named.filter(([, value]) => value !== undefined)) as { alg: string },
    )
    .sign(key.privateKey)
}

const call = (proof: string, shown = token) =>
  withLine(withHeader(gateway.legacy(), 'Authorization', `DPoP ${shown}`), 'DPoP', proof)
const send = (proof: string, shown = token) => gateway.send(call(proof, shown))

const REFUSED = { status: 401, code: -31000, reason: 'unauthenticated' } as const
const challengeOf = ({ replies }: Seen) => replies[0]?.headers['www-authenticate'] ?? ''

function expectNotProved(seen: Seen, detail: RegExp): void {
  expectRefused(seen, { ...REFUSED, detail })
  expect(challengeOf(seen)).toMatch(/^DPoP algs="ES256 .*", error="invalid_dpop_proof", resource_metadata="/)
}

describe('the holder of the key', () => {
  test('calls with proofs that an official client makes, one for each request', async () => {
    const handle = oauth.DPoP({}, { privateKey: mine.privateKey, publicKey: mine.publicKey })
    const request = gateway.legacy()
    for (let turn = 0; turn < 2; turn++) {
      const response = await oauth.protectedResourceRequest(
        token,
        'POST',
        new URL(gateway.url('files')),
        new Headers(
          withoutHeader(withoutHeader(request, 'Authorization'), 'Host').headers.map(([...line]) => line),
        ),
        String(request.body),
        { DPoP: handle, [oauth.allowInsecureRequests]: true },
      )
      expect(await response.json()).toMatchObject({ result: {} })
    }
    const { decisions, requests } = gateway.since()
    expect(requests).toHaveLength(2)
    expect(JSON.stringify(requests)).not.toContain('dpop')
    for (const entry of decisions)
      expect(entry).toMatchObject({ decision: 'allow', authentication: { method: 'token', bound: 'dpop' } })
  })

  test.each(['ES384', 'EdDSA', 'PS256', 'RS256'])('may have a key of %s', async (alg) => {
    const key = await createHolderKey(alg)
    const shown = await boundTo(key)
    expectAllowed(await send(await prove({ key, token: shown, header: { alg } }), shown))
  })

  test('may have a clock that is four minutes off, and a query in the address', async () => {
    expectAllowed(await send(await prove({ claims: { iat: now() - 240 } })))
    expectAllowed(await send(await prove({ claims: { iat: now() + 240 } })))
    expectAllowed(await send(await prove({ claims: { htu: `${gateway.url('files')}?x=1#y` } })))
  })
})

/** Compact, whatever it says; not signed. */
const unsigned = (header: object, claims: object) =>
  `${[header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.AAAA`

async function withSecret(alg: string, secret: Uint8Array, jwk: Claims): Promise<string> {
  const claims = JSON.parse(Buffer.from((await prove()).split('.')[1] ?? '', 'base64url').toString())
  return new SignJWT(claims).setProtectedHeader({ alg, typ: 'dpop+jwt', jwk }).sign(secret)
}

type Attack = readonly [title: string, proof: () => string | Promise<string>, detail: RegExp]

const attacks: readonly Attack[] = [
  ['the key of someone else', () => prove({ key: theirs }), /confirmation mismatch/],
  [
    'the right key named, another one signing',
    () => prove({ key: theirs, header: { jwk: mine.jwk } }),
    /signature/,
  ],
  ['another method', () => prove({ claims: { htm: 'GET' } }), /htm/],
  ['no method', () => prove({ claims: { htm: undefined } }), /htm/],
  ['another route', () => prove({ claims: { htu: gateway.url('db') } }), /htu/],
  ['another host', () => prove({ claims: { htu: 'https://elsewhere.example/mcp/files' } }), /htu/],
  ['an address that is none', () => prove({ claims: { htu: 'files' } }), /URL/],
  ['no address', () => prove({ claims: { htu: undefined } }), /htu/],
  ['another token', async () => prove({ token: await boundTo(mine) }), /ath/],
  ['no token', () => prove({ claims: { ath: undefined } }), /ath/],
  ['six minutes ago', () => prove({ claims: { iat: now() - 360 } }), /iat/],
  ['in six minutes', () => prove({ claims: { iat: now() + 360 } }), /iat/],
  ['no time', () => prove({ claims: { iat: undefined } }), /iat/],
  ['a time in words', () => prove({ claims: { iat: 'now' } }), /iat/],
  ['no jti', () => prove({ claims: { jti: undefined } }), /jti/],
  ['a jti that is a number', () => prove({ claims: { jti: 7 } }), /jti/],
  ['an expiry that is past', () => prove({ claims: { exp: now() - 60 } }), /exp/],
  ['another typ', () => prove({ header: { typ: 'JWT' } }), /typ/],
  ['no key', () => prove({ header: { jwk: undefined } }), /jwk/],
  ['a key by reference', () => prove({ header: { jwk: undefined, jku: 'http://127.0.0.1:1/' } }), /jwk/],
  [
    'the private key',
    async () => prove({ header: { jwk: { ...(await exportJWK(mine.privateKey)) } } }),
    /key|usage/i,
  ],
  ['alg none', () => unsigned({ alg: 'none', typ: 'dpop+jwt', jwk: mine.jwk }, {}), /alg/],
  ['alg RS1', () => unsigned({ alg: 'RS1', typ: 'dpop+jwt', jwk: mine.jwk }, {}), /alg/],
  [
    'a symmetric key',
    () =>
      withSecret('HS256', Buffer.alloc(32, 1), { kty: 'oct', k: Buffer.alloc(32, 1).toString('base64url') }),
    /alg/,
  ],
  [
    'HS256 with the public key',
    () => withSecret('HS256', Buffer.from(JSON.stringify(mine.jwk)), mine.jwk),
    /alg/,
  ],
  [
    'an extension that is critical',
    () => unsigned({ alg: 'ES256', typ: 'dpop+jwt', jwk: mine.jwk, crit: ['x'], x: 1 }, {}),
    /crit/,
  ],
  ['no JWT', () => 'proof', /not a JWT/],
  ['nothing', () => '', /not a JWT|without its proof/],
  ['a giant that is well signed', () => prove({ claims: { x: 'x'.repeat(7000) } }), /too long/],
  [
    'two jti in one proof',
    async () => {
      const { CompactSign } = await import('jose')
      const claims = Buffer.from((await prove()).split('.')[1] ?? '', 'base64url').toString()
      return new CompactSign(Buffer.from(claims.replace('{', '{"jti":"another",')))
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: mine.jwk })
        .sign(mine.privateKey)
    },
    /not a JWT/,
  ],
]

describe('a proof that is not good is refused', () => {
  test.each<Attack>(attacks)('%s', async (_, make, detail) => {
    expectNotProved(await send(await make()), detail)
    expectAllowed(await send(await prove()))
  })

  test('none at all', async () => {
    expectNotProved(await gateway.send(withoutHeader(call(''), 'DPoP')), /without its proof/)
  })

  test('two of them, both good', async () => {
    expectNotProved(
      await gateway.send(withLine(call(await prove()), 'dpop', await prove())),
      /more than one proof/,
    )
  })
})

describe('a token is shown in the way it is bound', () => {
  test('as Bearer, with its proof or without, it is refused', async () => {
    const downgraded = withHeader(call(await prove()), 'Authorization', `Bearer ${token}`)
    for (const request of [downgraded, withoutHeader(downgraded, 'DPoP')]) {
      const seen = await gateway.send(request)
      expectRefused(seen, { ...REFUSED, detail: /without its proof/ })
      expect(challengeOf(seen)).toMatch(/^DPoP algs=".*", error="invalid_token"/)
    }
  })

  test('one that is not bound is not made better by a proof', async () => {
    const plain = await boundTo(mine, { cnf: undefined })
    expectRefused(await send(await prove({ token: plain }), plain), {
      ...REFUSED,
      detail: /not bound to a key/,
    })
    expectAllowed(await gateway.send(gateway.legacy({ key: plain })))
  })

  test('a key of the gateway is not a token', async () => {
    expectRefused(await send(await prove({ token: gateway.alice }), gateway.alice), REFUSED)
  })

  test.each<[string, unknown]>([
    ['a key and a certificate', { jkt: 'A'.repeat(43), 'x5t#S256': 'A'.repeat(43) }],
    ['a key that is written out', { jwk: { kty: 'oct', k: 'AAAA' } }],
    ['a thumbprint that is none', { jkt: 'x' }],
    ['nothing', {}],
    ['null', null],
    ['a text', 'jkt'],
  ])('bound to %s, it is good for nobody', async (_, cnf) => {
    const odd = await boundTo(mine, { cnf })
    expectRefused(await send(await prove({ token: odd }), odd), { ...REFUSED, detail: /cnf/ })
    expectRefused(await gateway.send(gateway.legacy({ key: odd })), { ...REFUSED, detail: /cnf/ })
  })

  test('an issuer may be held to it', async () => {
    const iss = `${corp.url}/strict`
    const plain = await boundTo(mine, { iss, cnf: undefined })
    expectRefused(await gateway.send(gateway.legacy({ key: plain })), {
      ...REFUSED,
      detail: /not bound .*as required/,
    })
    const bound = await boundTo(mine, { iss })
    expectAllowed(await send(await prove({ token: bound }), bound))
  })
})

describe('a proof is good once', () => {
  test('replayed, it is refused', async () => {
    const proof = await prove()
    expectAllowed(await send(proof))
    expectNotProved(await send(proof), /a replay/)
  })

  test('another proof with the same jti is the same proof', async () => {
    const claims = { jti: randomUUID() }
    expectAllowed(await send(await prove({ claims })))
    expectNotProved(await send(await prove({ claims })), /a replay/)
  })

  test('of two at the same time, one passes', async () => {
    const request = call(await prove())
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        fetch(gateway.url('files'), {
          method: 'POST',
          headers: withoutHeader(request, 'Host').headers.map(([...line]) => line),
          body: String(request.body),
        }),
      ),
    )
    expect(answers.map(({ status }) => status).filter((status) => status !== 401)).toEqual([200])
    expect(gateway.since().requests).toHaveLength(1)
  })

  test('what was refused for another reason is not used up', async () => {
    const proof = await prove({ claims: { htu: gateway.url('db') } })
    expectNotProved(await send(proof), /htu/)
    const elsewhere = gateway.legacy({ server: 'db' })
    const shown = withLine(withHeader(elsewhere, 'Authorization', `DPoP ${token}`), 'DPoP', proof)
    expectRefused(await gateway.send(shown), { ...REFUSED, detail: /another audience/ })
  })

  test('also after a restart, whenever it says that it was made', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-socket-'))
    const listen = `unix:${join(folder, 'gate.sock')}`
    const again = await startTestGateway({
      listen,
      config: `publicUrl: https://gate.example.com
identity: { issuers: [ { name: corp, issuer: '${corp.url}' } ] }
servers: { files: { url: '${gateway.upstream.url}' } }
`,
      policies: PERMIT_ALL,
    })
    const htu = 'https://gate.example.com/mcp/files'
    const shown = await boundTo(mine, { aud: htu })
    const make = (claims: Claims = {}) => prove({ token: shown, claims: { htu, ...claims } })
    const statusOf = async (proof: string) => {
      const headers = withHeader(call(proof, shown), 'Host', 'gate.example.com').headers
      const socketPath = join(folder, 'gate.sock')
      const asked = ask({ socketPath, method: 'POST', path: '/mcp/files', headers: headers.flat() })
      asked.end(gateway.legacy().body)
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      response.resume()
      return response.statusCode
    }
    const proofs = [await make(), await make({ iat: now() + 200 })]
    for (const proof of proofs) expect(await statusOf(proof)).toBe(200)
    await again.restart()
    for (const proof of proofs) expect(await statusOf(proof)).toBe(401)
    expect(again.entries().at(-1)).toMatchObject({
      reason: 'unauthenticated',
      detail: expect.stringContaining('a replay'),
    })
    expect(await statusOf(await make())).toBe(200)
    await again.close()
    rmSync(folder, { recursive: true })
  })
})

test('a session is not taken over by another key of the same principal and client', async () => {
  const other = await boundTo(theirs)
  const start = gateway.legacy({
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
  })
  const shown = (key: HolderKey, of: string, request = start) =>
    prove({ key, token: of }).then((proof) =>
      gateway.send(withLine(withHeader(request, 'Authorization', `DPoP ${of}`), 'DPoP', proof)),
    )
  const session = (await shown(mine, token)).replies[0]?.headers['mcp-session-id'] ?? ''
  expect(session).not.toBe('')
  const next = gateway.legacy({ session })
  expectAllowed(await shown(mine, token, next))
  expectRefused(await shown(theirs, other, next), { status: 404, reason: 'unknown' })
  const plain = await boundTo(mine, { cnf: undefined })
  expectRefused(await gateway.send(gateway.legacy({ session, key: plain })), {
    status: 404,
    reason: 'unknown',
  })
  expectAllowed(await shown(mine, await boundTo(mine), next))
})

test('what is told of it before anyone asks', async () => {
  const metadata = await fetch(`${gateway.origin}/.well-known/oauth-protected-resource/mcp/files`)
  const told = (await metadata.json()) as Claims
  expect(told['dpop_signing_alg_values_supported']).toEqual(expect.arrayContaining(['ES256', 'EdDSA']))
  expect(told['dpop_bound_access_tokens_required']).toBeUndefined()
  const stranger = await gateway.send(withoutHeader(gateway.legacy(), 'Authorization'))
  expect(challengeOf(stranger)).toMatch(/^Bearer realm="tollgate", resource_metadata=".*", DPoP algs="ES256 /)
})

test("the gateway's own tokens may be held to it, and clients are told", async () => {
  const own = await startTestGateway({
    config: `identity: { authorizationServer: { bound: dpop } }
servers: { files: { url: '${gateway.upstream.url}' } }
`,
    policies: PERMIT_ALL,
  })
  const answer = await fetch(`${own.origin}/.well-known/oauth-protected-resource/mcp/files`)
  expect(await answer.json()).toMatchObject({ dpop_bound_access_tokens_required: true })
  const stranger = await fetch(own.url('files'), { method: 'POST' })
  expect(stranger.headers.get('www-authenticate')).toMatch(/^Bearer .*, DPoP algs="ES256 /)
  await own.close()
})
