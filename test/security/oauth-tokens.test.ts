/**
 * Tokens of issuers outside (A3, A4): one negative test for each requirement that a resource server has. Every case is
 * the good token with one thing changed; the good one goes through before and after, and of the changed one the upstream
 * sees nothing.
 */
import { createHmac, randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportSPKI, importJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Claims,
  createKey,
  type SigningKey,
  startTokenIssuer,
  type TokenIssuer,
} from '../fixtures/token-issuer.ts'
import {
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'
import { withHeader, withLine, withoutHeader } from '../fixtures/wire.ts'

let corp: TokenIssuer
let other: TokenIssuer
let rsa: TokenIssuer
let gateway: WatchedGateway
/** Published by nobody. */
let foreign: SigningKey
/** Where a header points to; counts who looks. */
let bait: Server
let baitUrl: string
let looks = 0

beforeAll(async () => {
  corp = await startTokenIssuer()
  other = await startTokenIssuer()
  rsa = await startTokenIssuer('RS256')
  foreign = await createKey('key-1')
  bait = createServer((_, response) => {
    looks++
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ keys: [foreign.jwk] }))
  })
  await new Promise<void>((resolve) => bait.listen(0, '127.0.0.1', resolve))
  baitUrl = `http://127.0.0.1:${(bait.address() as AddressInfo).port}/keys`
  const wide = 'https://gate.example.com'
  gateway = await startWatchedGateway({
    config: `identity:
  issuers:
    - { name: corp, issuer: '${corp.url}', groups: groups, tags: { department: dept }, audience: ['${wide}'] }
    - { name: other, issuer: '${other.url}' }
    - { name: rsa, issuer: '${rsa.url}' }
    - { name: loose, issuer: '${baitUrl}', jwks: '${other.url}/keys', type: JWT, subject: email }
`,
  })
})
afterAll(async () => {
  await gateway.close()
  await Promise.all([corp.close(), other.close(), rsa.close()])
  bait.closeAllConnections()
  bait.close()
})

const REFUSED = { status: 401, code: -31000, reason: 'unauthenticated' } as const
const route = (server = 'files') => gateway.url(server)
const now = () => Math.floor(Date.now() / 1000)
const good = (claims: Claims = {}, header: Claims = {}) => corp.sign({ aud: route(), ...claims }, header)
const withToken = (token: string, server = 'files') => gateway.send(gateway.legacy({ key: token, server }))

/** Three parts, whatever they say. */
function assemble(header: object | string, claims: object | string, signature = ''): string {
  const text = (part: object | string) => (typeof part === 'string' ? part : JSON.stringify(part))
  return `${[header, claims].map((part) => Buffer.from(text(part)).toString('base64url')).join('.')}.${signature}`
}
const part = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString()) as Claims

/** A header of these members, signed by the key that nobody published. */
const forged = async (header: Claims) => corp.sign({ aud: route() }, header, foreign)

/** A token of the right key whose JSON is exactly this. */
async function signedText(claims: string): Promise<string> {
  const { CompactSign } = await import('jose')
  return new CompactSign(Buffer.from(claims))
    .setProtectedHeader({ alg: corp.key.alg, kid: corp.key.kid, typ: 'at+jwt' })
    .sign(corp.key.privateKey)
}

type Case = readonly [
  requirement: string,
  title: string,
  token: () => string | Promise<string>,
  detail: RegExp,
]

const audience: readonly Case[] = [
  [
    'RFC 8707, 2; MCP: audience',
    'another audience',
    () => good({ aud: 'https://elsewhere.example.com' }),
    /another audience/,
  ],
  ['RFC 8707, 2', 'the token of another route', () => good({ aud: route('db') }), /another audience/],
  [
    'RFC 8707, 2',
    'the gateway, where only routes are configured',
    () => other.sign({ aud: gateway.origin }),
    /another audience/,
  ],
  [
    'RFC 8707, 2',
    'the route of every server',
    () => good({ aud: `${gateway.origin}/mcp` }),
    /another audience/,
  ],
  [
    'RFC 8707, 2',
    'the beginning of the route',
    () => good({ aud: route().slice(0, -1) }),
    /another audience/,
  ],
  ['RFC 8707, 2', 'the route and a slash', () => good({ aud: `${route()}/` }), /another audience/],
  ['RFC 8707, 2', 'the route in capitals', () => good({ aud: route().toUpperCase() }), /another audience/],
  ['RFC 9068, 2.2', 'no audience', () => good({ aud: undefined }), /missing required "aud"/],
  ['RFC 9068, 2.2', 'an empty audience', () => good({ aud: [] }), /another audience/],
  ['RFC 7519, 4.1.3', 'an audience that is a number', () => good({ aud: [7, route()] }), /aud is not a text/],
]

const keysAndAlgorithms: readonly Case[] = [
  [
    'RFC 8725, 3.1: alg none',
    'no signature',
    async () => assemble({ alg: 'none', typ: 'at+jwt' }, part(await good(), 1)),
    /cannot be read|not a JWT|alg/i,
  ],
  [
    'RFC 8725, 3.1: alg none',
    'no signature, and something where it would be',
    async () => assemble({ alg: 'none', typ: 'at+jwt', kid: 'key-1' }, part(await good(), 1), 'e30'),
    /not allowed/,
  ],
  [
    'RFC 8725, 3.1: alg none',
    'nOnE',
    async () => assemble({ alg: 'nOnE', typ: 'at+jwt' }, part(await good(), 1), 'e30'),
    /not allowed/,
  ],
  [
    'RFC 8725, 2.1: RS256 → HS256',
    'the public key as a secret',
    async () => {
      const spki = await exportSPKI(
        (await importJWK(rsa.key.jwk, 'RS256')) as Parameters<typeof exportSPKI>[0],
      )
      const claims = part(await rsa.sign({ aud: route() }), 1)
      const unsigned = assemble({ alg: 'HS256', typ: 'at+jwt', kid: rsa.key.kid }, claims).slice(0, -1)
      return `${unsigned}.${createHmac('sha256', spki).update(unsigned).digest('base64url')}`
    },
    /not allowed/,
  ],
  [
    'RFC 8725, 3.1: algorithms are pinned',
    'an algorithm that is not accepted',
    async () => {
      const key = await createKey('key-1', 'ES384')
      return corp.sign({ aud: route() }, { alg: 'ES384' }, key)
    },
    /not allowed/,
  ],
  ['RFC 8725, 3.5: jwk', 'a key in the header', () => forged({ jwk: foreign.jwk }), /signature/],
  ['RFC 8725, 3.10: jku', 'the address of keys', () => forged({ jku: baitUrl }), /signature/],
  ['RFC 8725, 3.10: x5u', 'the address of a certificate', () => forged({ x5u: baitUrl }), /signature/],
  ['RFC 8725, 3.10: x5c', 'a certificate', () => forged({ x5c: ['MIIB'] }), /signature/],
  [
    'RFC 7515, 4.1.11: crit',
    'an extension that has to be understood',
    () => good({}, { crit: ['urn:example:x'], 'urn:example:x': 1 }).catch(async () => critical()),
    /crit|Extension|extension/i,
  ],
  ['RFC 8725, 3.10: kid', 'a path', () => forged({ kid: '../../../../dev/null' }), /does not have/],
  ['RFC 8725, 3.10: kid', 'SQL', () => forged({ kid: "key-1' UNION SELECT 'x" }), /does not have/],
  ['RFC 8725, 3.10: kid', 'an address', () => forged({ kid: baitUrl }), /does not have/],
  [
    'RFC 8725, 3.10: kid',
    'not a text',
    () => forged({ kid: 1 }).catch(() => numbered()),
    /does not have|kid/,
  ],
  [
    'RFC 8725, 3.8: issuer and key',
    'the key of another issuer',
    () => corp.sign({ aud: route() }, {}, other.key),
    /signature/,
  ],
  [
    'RFC 8725, 3.8: mix-up',
    'one issuer, signed by another',
    () => other.sign({ aud: route(), iss: corp.url }),
    /signature/,
  ],
  ['RFC 8725, 3.8', 'an unknown issuer', () => good({ iss: 'https://idp.example.com' }), /no such issuer/],
  ['RFC 8725, 3.8', 'no issuer', () => good({ iss: undefined }), /no such issuer/],
  ['RFC 8725, 3.8', 'the issuer and a slash', () => good({ iss: `${corp.url}/` }), /no such issuer/],
  ['RFC 8725, 3.3', 'another signature', async () => `${(await good()).slice(0, -8)}AAAAAAAA`, /signature/],
  [
    'RFC 8725, 3.3',
    'other claims under the signature',
    async () => {
      const [header, , signature] = (await good()).split('.')
      const claims = Buffer.from(JSON.stringify({ ...part(await good(), 1), sub: 'root' })).toString(
        'base64url',
      )
      return `${header}.${claims}.${signature}`
    },
    /signature/,
  ],
]

/** The library that signs does not do what it refuses to read. */
async function critical(): Promise<string> {
  const claims = part(await good(), 1)
  return assemble(
    { alg: 'ES256', typ: 'at+jwt', kid: 'key-1', crit: ['urn:example:x'], 'urn:example:x': 1 },
    claims,
    'AAAA',
  )
}
async function numbered(): Promise<string> {
  return assemble({ alg: 'ES256', typ: 'at+jwt', kid: 1 }, part(await good(), 1), 'AAAA')
}

const claims: readonly Case[] = [
  ['RFC 9068, 2.2: exp', 'no expiry', () => good({ exp: undefined }), /missing required "exp"/],
  ['RFC 9068, 2.2: exp', 'an expiry that is a text', () => good({ exp: '9999999999' }), /exp/],
  ['RFC 9068, 4: exp', 'expired, leeway included', () => good({ exp: now() - 31 }), /exp/],
  ['RFC 7519, 4.1.5: nbf', 'not good yet, leeway included', () => good({ nbf: now() + 40 }), /nbf/],
  ['RFC 8725, 3.11: typ', 'JWT', () => good({}, { typ: 'JWT' }), /typ/],
  ['RFC 9068, 4: typ', 'none', () => good({}, { typ: undefined }), /typ/],
  ['RFC 8725, 3.11: typ', 'of a logout token', () => good({}, { typ: 'logout+jwt' }), /typ/],
  ['RFC 8725, 3.11: typ', 'of a proof of possession', () => good({}, { typ: 'dpop+jwt' }), /typ/],
  ['RFC 8725, 3.11: typ', 'of an ID-JAG', () => good({}, { typ: 'oauth-id-jag+jwt' }), /typ/],
  ['RFC 9068, 4: ID token', 'at_hash', () => good({ at_hash: 'x' }), /an ID token/],
  ['RFC 9068, 4: ID token', 'nonce', () => good({ nonce: 'x' }), /an ID token/],
  [
    'RFC 9449, 7.1: downgrade',
    'bound to a key, without its proof',
    () => good({ cnf: { jkt: 'x' } }),
    /bound to a key/,
  ],
  ['RFC 8705, 3', 'bound to a certificate', () => good({ cnf: { 'x5t#S256': 'x' } }), /bound to a key/],
  ['RFC 9068, 2.2: sub', 'no subject', () => good({ sub: undefined }), /does not name anyone/],
  ['RFC 9068, 2.2: sub', 'an empty subject', () => good({ sub: '' }), /does not name anyone/],
  [
    'RFC 7519, 4.1.2',
    'a subject that is not a text',
    () => good({ sub: ['ada'] }).catch(() => signedText(sub('["ada"]'))),
    /does not name|sub/,
  ],
  ['a name can be shown', 'control characters', () => good({ sub: 'ada\nbob' }), /does not name anyone/],
  [
    'RFC 7519, 4: claims are unique',
    'two subjects',
    () => signedText(sub('"ada","sub":"root"')),
    /not a JWT/,
  ],
  [
    'groups are whole',
    'a group that is not a text',
    () => good({ groups: ['a', { b: 1 }] }),
    /not a list of groups/,
  ],
  [
    'groups are whole',
    'groups that are elsewhere',
    () => good({ _claim_names: { groups: 'src1' } }),
    /not in the token/,
  ],
  ['tags are text', 'a tag that is a list', () => good({ dept: ['a'] }), /dept is not a text/],
]
const sub = (json: string) =>
  `{"iss":${JSON.stringify(corp.url)},"aud":${JSON.stringify(route())},"exp":${now() + 600},"sub":${json}}`

const form: readonly Case[] = [
  ['RFC 7519, 7.2', 'two parts', async () => (await good()).split('.').slice(0, 2).join('.'), /./],
  ['RFC 7519, 7.2', 'five parts', async () => `${await good()}.a.b`, /not a JWT/],
  ['RFC 7515, 2: base64url', 'padding', async () => `${await good()}=`, /not a JWT/],
  ['RFC 7519, 7.2', 'a header that is a list', () => assemble('["ES256"]', '{}', 'AA'), /not a JWT/],
  [
    'RFC 7519, 7.2',
    'claims that are not JSON',
    () => assemble('{"alg":"ES256"}', '{iss:1}', 'AA'),
    /not a JWT/,
  ],
  [
    'RFC 7519, 7.2',
    'deep nesting',
    () => assemble('{"alg":"ES256"}', `{"a":${'['.repeat(40)}${']'.repeat(40)}}`, 'AA'),
    /not a JWT/,
  ],
  [
    'bounded',
    'a token of 12 kB with an unknown issuer',
    () => good({ iss: 'x', pad: 'x'.repeat(9000) }),
    /no such issuer/,
  ],
]

describe.each([
  ['whom it is for', audience],
  ['keys and algorithms', keysAndAlgorithms],
  ['claims', claims],
  ['form', form],
])('a token is refused by %s', (_, cases) => {
  test.each(cases)('%s: %s', async (_requirement, _title, make, detail) => {
    expectAllowed(await withToken(await good()))
    const token = await make()
    const seen = await withToken(token)
    expectRefused(seen, { ...REFUSED, detail })
    expect(seen.replies[0]?.headers['www-authenticate']).toContain('error="invalid_token"')
    expect(JSON.stringify([seen.decisions, seen.replies, gateway.log])).not.toContain(token)
    expect(seen.decisions[0]?.principal).toBeNull()
    expectAllowed(await withToken(await good()))
    expect(looks).toBe(0)
  })
})

describe('an issuer whose access tokens do not say what they are', () => {
  const loose = (more: Claims, header: Claims = { typ: 'JWT' }) =>
    other.sign(
      { iss: baitUrl, aud: route(), email: 'ada@example.com', email_verified: true, ...more },
      header,
    )

  test.each([
    ['JWT', { typ: 'JWT' }],
    ['nothing', { typ: undefined }],
    ['at+jwt', { typ: 'application/at+jwt' }],
  ])('may say %s', async (_, header) => {
    expectAllowed(await withToken(await loose({}, header)))
  })

  const cases: readonly Case[] = [
    ['RFC 9068, 4: ID token', 'at_hash', () => loose({ at_hash: 'x' }), /an ID token/],
    ['RFC 9068, 4: ID token', 'nonce', () => loose({ nonce: 'x' }), /an ID token/],
    ['RFC 9068, 4: ID token', 'for a client', () => loose({ aud: 'client' }), /another audience/],
    ['RFC 8725, 3.11', 'a logout token', () => loose({}, { typ: 'logout+jwt' }), /typ/],
    ['an address is verified', 'not', () => loose({ email_verified: false }), /not verified/],
    ['an address is verified', 'not said', () => loose({ email_verified: undefined }), /not verified/],
  ]
  test.each(cases)('%s: %s', async (_requirement, _title, make, detail) => {
    expectRefused(await withToken(await make()), { ...REFUSED, detail })
  })
})

describe('a token elsewhere than in the header', () => {
  test('RFC 6750, 2.3; MCP: in the address', async () => {
    const token = await good()
    const request = gateway.legacy({ key: token })
    expectAllowed(await gateway.send(request))
    for (const each of [request, withoutHeader(request, 'Authorization')]) {
      const seen = await gateway.send({ ...each, target: `/mcp/files?access_token=${token}` })
      expectRefused(seen, REFUSED)
      expect(JSON.stringify([seen.decisions, seen.replies, gateway.log])).not.toContain(token)
    }
  })

  test('RFC 6750, 2: in two headers', async () => {
    const token = await good()
    const request = withLine(gateway.legacy({ key: token }), 'Authorization', `Bearer ${token}`)
    expectRefused(await gateway.send(request), { status: 400, reason: 'invalid' })
  })

  test('RFC 6750, 2.1: under another scheme', async () => {
    const request = withHeader(gateway.legacy(), 'Authorization', `DPoP ${await good()}`)
    expectRefused(await gateway.send(request), REFUSED)
  })

  test('a token larger than a request head: refused before it is read', async () => {
    const seen = await withToken(await good({ pad: 'x'.repeat(20_000) }))
    expect(seen.replies[0]?.status).toBe(431)
    expect(seen.requests).toEqual([])
  })
})

describe('RFC 9700, 4.10; MCP: every request proves it anew', () => {
  test('a session of one principal is not another’s, and goes on with the next token of the same', async () => {
    const initialize = {
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    }
    const opened = await gateway.send(gateway.legacy({ ...initialize, key: await good() }))
    const session = opened.replies[0]?.headers['mcp-session-id'] ?? ''
    expect(session).not.toBe('')
    const ask = async (token: string) => gateway.send(gateway.legacy({ key: token, session }))
    expectAllowed(await ask(await good()))
    expectRefused(await ask(await good({ sub: 'bob' })), { status: 404, reason: 'unknown' })
    expectRefused(await ask(await other.sign({ aud: route() })), { status: 404, reason: 'unknown' })
    expectRefused(await ask('x.y.z'), REFUSED)
    expectAllowed(await ask(await good()))
  })

  test('the same subject at two issuers is two principals', async () => {
    const [one, two] = [await withToken(await good()), await withToken(await other.sign({ aud: route() }))]
    expect([one.decisions[0]?.principal, two.decisions[0]?.principal]).toEqual([
      'User::"corp/ada"',
      'User::"other/ada"',
    ])
  })

  test('the token does not reach the upstream, whole or in part', async () => {
    const token = await good()
    const { rawHeaders, body } = expectAllowed(await withToken(token))
    const seen = `${rawHeaders.join('\n')}\n${body.toString()}`
    for (const each of token.split('.')) expect(seen).not.toContain(each)
  })
})

describe('what is on record', () => {
  test('who, through which client, how proved, by which issuer; never the token', async () => {
    const jti = randomUUID()
    const token = await good({ jti, client_id: 'ide', acr: 'mfa', auth_time: 1_700_000_000 })
    const { decisions } = await withToken(token)
    expect(decisions).toMatchObject([
      {
        principal: 'User::"corp/ada"',
        agent: 'corp/ide',
        credential: `corp/${jti}`,
        authentication: { method: 'token', issuer: 'corp', strength: 'mfa', at: '2023-11-14T22:13:20.000Z' },
      },
    ])
    expect(JSON.stringify(decisions)).not.toContain(token)
  })

  test('a client on its own is a service, not a person', async () => {
    const { decisions } = await withToken(await good({ sub: 'batch', client_id: 'batch' }))
    expect(decisions).toMatchObject([{ principal: 'Service::"corp/batch"', agent: null }])
  })

  test('a configured audience is good for every route', async () => {
    const token = await good({ aud: ['https://gate.example.com'] })
    expectAllowed(await withToken(token))
    expectAllowed(await withToken(token, 'db'))
  })
})

test('the signing library would make the forged ones good if it were asked: the control of this file', async () => {
  const token = await new SignJWT({ iss: corp.url, sub: 'ada', aud: route(), exp: now() + 60 })
    .setProtectedHeader({ alg: 'ES256', kid: 'key-1', typ: 'at+jwt', jku: baitUrl, jwk: foreign.jwk })
    .sign(corp.key.privateKey)
  expectAllowed(await withToken(token))
  expect(looks).toBe(0)
})
