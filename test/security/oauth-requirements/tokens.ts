/**
 * What a resource server has to refuse: the good token of the issuer `corp` with one thing changed. Nothing that is changed
 * makes it good elsewhere, so the detail on record says that it was refused for this and nothing else.
 */
import { createHmac } from 'node:crypto'
import { CompactSign, exportSPKI, importJWK } from 'jose'
import { type Claims, createKey } from '../../fixtures/token-issuer.ts'
import { expectAllowed, expectRefused } from '../../fixtures/watched-gateway.ts'
import { expect } from 'vitest'
import type { Requirement } from './requirement.ts'
import type { World } from './world.ts'

type TokenCase = readonly [
  where: string,
  must: string,
  attempt: string,
  token: (world: World) => string | Promise<string>,
  detail: RegExp,
]

const now = () => Math.floor(Date.now() / 1000)

/** Three parts, whatever they say. */
function assemble(header: object | string, claims: object | string, signature = ''): string {
  const text = (part: object | string) => (typeof part === 'string' ? part : JSON.stringify(part))
  return `${[header, claims].map((part) => Buffer.from(text(part)).toString('base64url')).join('.')}.${signature}`
}
const part = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString()) as Claims

/** A token of the right key whose JSON is exactly this. */
function signedText({ corp }: World, claims: string): Promise<string> {
  return new CompactSign(Buffer.from(claims))
    .setProtectedHeader({ alg: corp.key.alg, kid: corp.key.kid, typ: 'at+jwt' })
    .sign(corp.key.privateKey)
}

const audience: readonly TokenCase[] = [
  [
    'MCP authorization, Token Handling; RFC 8707, 2',
    'a token was issued for this server',
    'another audience',
    (w) => w.good({ aud: 'https://elsewhere.example.com' }),
    /another audience/,
  ],
  [
    'RFC 8707, 2',
    'a token is good at the resource it names and at no other',
    'the token of another route',
    (w) => w.good({ aud: w.route('db') }),
    /another audience/,
  ],
  [
    'RFC 8707, 2',
    'a token is good at the resource it names and at no other',
    'the gateway, where only routes are configured',
    (w) => w.other.sign({ aud: w.gateway.origin }),
    /another audience/,
  ],
  [
    'RFC 8707, 2',
    'a token is good at the resource it names and at no other',
    'the route of every server',
    (w) => w.good({ aud: `${w.gateway.origin}/mcp` }),
    /another audience/,
  ],
  [
    'RFC 8707, 2',
    'a token is good at the resource it names and at no other',
    'the beginning of the route',
    (w) => w.good({ aud: w.route().slice(0, -1) }),
    /another audience/,
  ],
  [
    'RFC 8707, 2',
    'a token is good at the resource it names and at no other',
    'the route and a slash',
    (w) => w.good({ aud: `${w.route()}/` }),
    /another audience/,
  ],
  [
    'RFC 8707, 2',
    'a token is good at the resource it names and at no other',
    'the route in capitals',
    (w) => w.good({ aud: w.route().toUpperCase() }),
    /another audience/,
  ],
  [
    'RFC 9068, 2.2',
    'a token names its audience',
    'no audience',
    (w) => w.good({ aud: undefined }),
    /missing required "aud"/,
  ],
  [
    'RFC 9068, 2.2',
    'a token names its audience',
    'an empty audience',
    (w) => w.good({ aud: [] }),
    /another audience/,
  ],
  [
    'RFC 7519, 4.1.3',
    'an audience is text',
    'an audience that is a number',
    (w) => w.good({ aud: [7, w.route()] }),
    /aud is not a text/,
  ],
]

const keysAndAlgorithms: readonly TokenCase[] = [
  [
    'RFC 8725, 3.1',
    'a token is signed',
    'no signature',
    async (w) => assemble({ alg: 'none', typ: 'at+jwt' }, part(await w.good(), 1)),
    /cannot be read|not a JWT|alg/i,
  ],
  [
    'RFC 8725, 3.1',
    'a token is signed',
    'no signature, and something where it would be',
    async (w) => assemble({ alg: 'none', typ: 'at+jwt', kid: 'key-1' }, part(await w.good(), 1), 'e30'),
    /not allowed/,
  ],
  [
    'RFC 8725, 3.1',
    'a token is signed',
    'nOnE',
    async (w) => assemble({ alg: 'nOnE', typ: 'at+jwt' }, part(await w.good(), 1), 'e30'),
    /not allowed/,
  ],
  [
    'RFC 8725, 2.1',
    'a public key is no shared secret (RS256 to HS256)',
    'the public key as a secret',
    async (w) => {
      const spki = await exportSPKI(
        (await importJWK(w.rsa.key.jwk, 'RS256')) as Parameters<typeof exportSPKI>[0],
      )
      const claims = part(await w.rsa.sign({ aud: w.route() }), 1)
      const unsigned = assemble({ alg: 'HS256', typ: 'at+jwt', kid: w.rsa.key.kid }, claims).slice(0, -1)
      return `${unsigned}.${createHmac('sha256', spki).update(unsigned).digest('base64url')}`
    },
    /not allowed/,
  ],
  [
    'RFC 8725, 3.1',
    'only algorithms that were agreed on are taken',
    'an algorithm that is not accepted',
    async (w) => {
      const key = await createKey('key-1', 'ES384')
      return w.corp.sign({ aud: w.route() }, { alg: 'ES384' }, key)
    },
    /not allowed/,
  ],
  [
    'RFC 8725, 3.5',
    'keys are the issuer’s, not the token’s (jwk)',
    'a key in the header',
    (w) => w.forged({ jwk: w.foreign.jwk }),
    /signature/,
  ],
  [
    'RFC 8725, 3.10',
    'keys are not fetched from where a token says (jku)',
    'the address of keys',
    (w) => w.forged({ jku: w.baitUrl }),
    /signature/,
  ],
  [
    'RFC 8725, 3.10',
    'certificates are not fetched from where a token says (x5u)',
    'the address of a certificate',
    (w) => w.forged({ x5u: w.baitUrl }),
    /signature/,
  ],
  [
    'RFC 8725, 3.10',
    'certificates are not taken from a token (x5c)',
    'a certificate',
    (w) => w.forged({ x5c: ['MIIB'] }),
    /signature/,
  ],
  [
    'RFC 7515, 4.1.11',
    'what has to be understood is understood, or refused (crit)',
    'an extension that has to be understood',
    (w) => w.good({}, { crit: ['urn:example:x'], 'urn:example:x': 1 }).catch(async () => critical(w)),
    /crit|Extension|extension/i,
  ],
  [
    'RFC 8725, 3.10',
    'the name of a key is looked up among known names, nowhere else (kid)',
    'a path',
    (w) => w.forged({ kid: '../../../../dev/null' }),
    /does not have/,
  ],
  [
    'RFC 8725, 3.10',
    'the name of a key is looked up among known names, nowhere else (kid)',
    'SQL',
    (w) => w.forged({ kid: "key-1' UNION SELECT 'x" }),
    /does not have/,
  ],
  [
    'RFC 8725, 3.10',
    'the name of a key is looked up among known names, nowhere else (kid)',
    'an address',
    (w) => w.forged({ kid: w.baitUrl }),
    /does not have/,
  ],
  [
    'RFC 8725, 3.10',
    'the name of a key is looked up among known names, nowhere else (kid)',
    'not a text',
    (w) => w.forged({ kid: 1 }).catch(() => numbered(w)),
    /does not have|kid/,
  ],
  [
    'RFC 8725, 3.8',
    'a key is one of the issuer that the token names',
    'the key of another issuer',
    (w) => w.corp.sign({ aud: w.route() }, {}, w.other.key),
    /signature/,
  ],
  [
    'RFC 8725, 3.8',
    'one issuer does not speak for another',
    'one issuer, signed by another',
    (w) => w.other.sign({ aud: w.route(), iss: w.corp.url }),
    /signature/,
  ],
  [
    'RFC 8725, 3.8',
    'the issuer is one that is trusted, byte for byte',
    'an unknown issuer',
    (w) => w.good({ iss: 'https://idp.example.com' }),
    /no such issuer/,
  ],
  [
    'RFC 8725, 3.8',
    'the issuer is one that is trusted, byte for byte',
    'no issuer',
    (w) => w.good({ iss: undefined }),
    /no such issuer/,
  ],
  [
    'RFC 8725, 3.8',
    'the issuer is one that is trusted, byte for byte',
    'the issuer and a slash',
    (w) => w.good({ iss: `${w.corp.url}/` }),
    /no such issuer/,
  ],
  [
    'RFC 8725, 3.3',
    'what is signed was not changed',
    'another signature',
    async (w) => `${(await w.good()).slice(0, -8)}AAAAAAAA`,
    /signature/,
  ],
  [
    'RFC 8725, 3.3',
    'what is signed was not changed',
    'other claims under the signature',
    async (w) => {
      const [header, , signature] = (await w.good()).split('.')
      const claims = Buffer.from(JSON.stringify({ ...part(await w.good(), 1), sub: 'root' })).toString(
        'base64url',
      )
      return `${header}.${claims}.${signature}`
    },
    /signature/,
  ],
]

/** The library that signs does not do what it refuses to read. */
async function critical(w: World): Promise<string> {
  const claims = part(await w.good(), 1)
  return assemble(
    { alg: 'ES256', typ: 'at+jwt', kid: 'key-1', crit: ['urn:example:x'], 'urn:example:x': 1 },
    claims,
    'AAAA',
  )
}
async function numbered(w: World): Promise<string> {
  return assemble({ alg: 'ES256', typ: 'at+jwt', kid: 1 }, part(await w.good(), 1), 'AAAA')
}

const claims: readonly TokenCase[] = [
  [
    'RFC 9068, 2.2',
    'a token says when it ends',
    'no expiry',
    (w) => w.good({ exp: undefined }),
    /missing required "exp"/,
  ],
  [
    'RFC 9068, 2.2',
    'a token says when it ends',
    'an expiry that is a text',
    (w) => w.good({ exp: '9999999999' }),
    /exp/,
  ],
  [
    'MCP authorization, Token Handling; RFC 9068, 4',
    'a token that has ended is answered with 401',
    'expired, leeway included',
    (w) => w.good({ exp: now() - 31 }),
    /exp/,
  ],
  [
    'RFC 7519, 4.1.5',
    'a token is not good before its time',
    'not good yet, leeway included',
    (w) => w.good({ nbf: now() + 40 }),
    /nbf/,
  ],
  [
    'RFC 8725, 3.11',
    'one kind of token is not taken for another',
    'JWT',
    (w) => w.good({}, { typ: 'JWT' }),
    /typ/,
  ],
  [
    'RFC 9068, 4',
    'an access token says that it is one',
    'none',
    (w) => w.good({}, { typ: undefined }),
    /typ/,
  ],
  [
    'RFC 8725, 3.11',
    'one kind of token is not taken for another',
    'of a logout token',
    (w) => w.good({}, { typ: 'logout+jwt' }),
    /typ/,
  ],
  [
    'RFC 8725, 3.11',
    'one kind of token is not taken for another',
    'of a proof of possession',
    (w) => w.good({}, { typ: 'dpop+jwt' }),
    /typ/,
  ],
  [
    'RFC 8725, 3.11',
    'one kind of token is not taken for another',
    'of an ID-JAG',
    (w) => w.good({}, { typ: 'oauth-id-jag+jwt' }),
    /typ/,
  ],
  [
    'RFC 9068, 4',
    'an ID token is no access token',
    'at_hash',
    (w) => w.good({ at_hash: 'x' }),
    /an ID token/,
  ],
  ['RFC 9068, 4', 'an ID token is no access token', 'nonce', (w) => w.good({ nonce: 'x' }), /an ID token/],
  [
    'RFC 9449, 7.1',
    'a token that is bound to a key is nothing without its proof',
    'bound to a key, without its proof',
    (w) => w.good({ cnf: { jkt: 'x' } }),
    /bound to a key/,
  ],
  [
    'RFC 8705, 3',
    'a token that is bound to a certificate is nothing without it',
    'bound to a certificate',
    (w) => w.good({ cnf: { 'x5t#S256': 'x' } }),
    /bound to a key/,
  ],
  [
    'RFC 9068, 2.2',
    'a token names its subject',
    'no subject',
    (w) => w.good({ sub: undefined }),
    /does not name anyone/,
  ],
  [
    'RFC 9068, 2.2',
    'a token names its subject',
    'an empty subject',
    (w) => w.good({ sub: '' }),
    /does not name anyone/,
  ],
  [
    'RFC 7519, 4.1.2',
    'a subject is text',
    'a subject that is not a text',
    (w) => w.good({ sub: ['ada'] }).catch(() => signedText(w, sub(w, '["ada"]'))),
    /does not name|sub/,
  ],
  [
    'design: names',
    'a name can be shown',
    'control characters',
    (w) => w.good({ sub: 'ada\nbob' }),
    /does not name anyone/,
  ],
  [
    'RFC 7519, 4',
    'a claim stands once',
    'two subjects',
    (w) => signedText(w, sub(w, '"ada","sub":"root"')),
    /not a JWT/,
  ],
  [
    'design: groups',
    'groups are known as a whole or not at all',
    'a group that is not a text',
    (w) => w.good({ groups: ['a', { b: 1 }] }),
    /not a list of groups/,
  ],
  [
    'design: groups',
    'groups are known as a whole or not at all',
    'groups that are elsewhere',
    (w) => w.good({ _claim_names: { groups: 'src1' } }),
    /not in the token/,
  ],
  [
    'design: tags',
    'a tag is text',
    'a tag that is a list',
    (w) => w.good({ dept: ['a'] }),
    /dept is not a text/,
  ],
]
const sub = (w: World, json: string) =>
  `{"iss":${JSON.stringify(w.corp.url)},"aud":${JSON.stringify(w.route())},"exp":${now() + 600},"sub":${json}}`

const form: readonly TokenCase[] = [
  [
    'RFC 7519, 7.2',
    'what is no JWT is refused',
    'two parts',
    async (w) => (await w.good()).split('.').slice(0, 2).join('.'),
    /./,
  ],
  [
    'RFC 7519, 7.2',
    'what is no JWT is refused',
    'five parts',
    async (w) => `${await w.good()}.a.b`,
    /not a JWT/,
  ],
  ['RFC 7515, 2', 'base64url has no padding', 'padding', async (w) => `${await w.good()}=`, /not a JWT/],
  [
    'RFC 7519, 7.2',
    'what is no JWT is refused',
    'a header that is a list',
    () => assemble('["ES256"]', '{}', 'AA'),
    /not a JWT/,
  ],
  [
    'RFC 7519, 7.2',
    'what is no JWT is refused',
    'claims that are not JSON',
    () => assemble('{"alg":"ES256"}', '{iss:1}', 'AA'),
    /not a JWT/,
  ],
  [
    'RFC 7519, 7.2',
    'what is no JWT is refused',
    'deep nesting',
    () => assemble('{"alg":"ES256"}', `{"a":${'['.repeat(40)}${']'.repeat(40)}}`, 'AA'),
    /not a JWT/,
  ],
  [
    'design: limits',
    'what cannot be good is not looked at for long',
    'a token of 12 kB with an unknown issuer',
    (w) => w.good({ iss: 'x', pad: 'x'.repeat(9000) }),
    /no such issuer/,
  ],
]

const REFUSED = { status: 401, code: -31000, reason: 'unauthenticated' } as const

const goodOne = async (world: World) => {
  expectAllowed(await world.withToken(await world.good()))
}

export const tokenRequirements: readonly Requirement[] = [
  ...audience,
  ...keysAndAlgorithms,
  ...claims,
  ...form,
].map(([where, must, attempt, make, detail]) => ({
  where,
  must,
  attempt,
  honest: goodOne,
  async attack(world) {
    const token = await make(world)
    const seen = await world.withToken(token)
    expectRefused(seen, { ...REFUSED, detail })
    expect(seen.replies[0]?.headers['www-authenticate']).toContain('error="invalid_token"')
    expect(JSON.stringify([seen.decisions, seen.replies, world.gateway.log])).not.toContain(token)
    expect(seen.decisions[0]?.principal).toBeNull()
    expect(world.looks()).toBe(0)
    await goodOne(world)
  },
}))
