/** Signatures: tokens that are signed in another way, by another key, or tell in their header where a key is to be had. */
import { createHmac } from 'node:crypto'
import { exportSPKI, importJWK } from 'jose'
import { createKey } from '../../fixtures/token-issuer.ts'
import { assemble, part, type TokenCase } from './token-case.ts'
import type { World } from './world.ts'

export const keysAndAlgorithms: readonly TokenCase[] = [
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
