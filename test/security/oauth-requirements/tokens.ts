/**
 * What a resource server has to refuse: the good token of the issuer `corp` with one thing changed. Nothing that is changed
 * makes it good elsewhere, so the detail on record says that it was refused for this and nothing else.
 */
import { CompactSign } from 'jose'
import { expectAllowed, expectRefused } from '../../fixtures/watched-gateway.ts'
import { expect } from 'vitest'
import type { Requirement } from './requirement.ts'
import { assemble, now, type TokenCase } from './token-case.ts'
import { keysAndAlgorithms } from './token-keys.ts'
import type { World } from './world.ts'

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
