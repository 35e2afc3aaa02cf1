import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Folder } from './fixtures/tollgate.ts'
import { parsePublicKeys } from './public-keys.ts'

const CONFIG = 'listen: 127.0.0.1:7171\nidentity: { authorizationServer: {} }\n'
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = String(ec.publicKey.export({ type: 'spki', format: 'pem' }))
const jwk = ec.publicKey.export({ format: 'jwk' })

describe('tollgate client add', () => {
  it('makes a client known by its key, once, and for good', async () => {
    using folder = new Folder({ 'tollgate.yaml': CONFIG, 'key.pem': pem })
    const added = await folder.run(['client', 'add', 'nightly', '--public-key', 'key.pem'])
    expect(added).toMatchObject({ code: 0, stdout: '' })
    expect(added.stderr).toContain('Service::"local/nightly"')
    const { stdout } = await folder.run(['client', 'list'])
    expect(stdout).toMatch(/^nightly +nightly +- +the operator, as Service::"local\/nightly" .* active$/m)
    expect((await folder.run(['client', 'add', 'nightly', '--public-key', 'key.pem'])).stderr).toContain(
      'already',
    )
    expect((await folder.run(['client', 'revoke', 'nightly'])).code).toBe(0)
    expect((await folder.run(['client', 'add', 'nightly', '--public-key', 'key.pem'])).stderr).toContain(
      'was revoked',
    )
  })

  it('says who it is to policies, and takes no other kinds, names and redirects', async () => {
    using folder = new Folder({ 'tollgate.yaml': CONFIG, 'key.jwk': JSON.stringify(jwk) })
    const add = (...args: string[]) =>
      folder.run(['client', 'add', ...args, '--public-key', 'key.jwk', '--json'])
    const { stdout } = await add(
      'planner',
      '--kind',
      'agent',
      '--redirect',
      'https://a.example/cb',
      'https://b.example/cb',
    )
    expect(JSON.parse(stdout)).toMatchObject({
      clientId: 'planner',
      principal: 'Agent::"local/planner"',
      redirects: ['https://a.example/cb', 'https://b.example/cb'],
    })
    expect((await add('x', '--kind', 'user')).code).toBe(2)
    expect((await add('x', '--redirect', 'http://app.example/cb')).stderr).toContain('https')
    for (const name of ['a b', 'https://x', 'a/b', '', 'x'.repeat(65)]) expect((await add(name)).code).toBe(1)
  })
})

describe('a file of keys', () => {
  it.each([
    ['PEM', pem],
    ['a JWK', JSON.stringify(jwk)],
    ['a JWK Set', JSON.stringify({ keys: [{ ...jwk, kid: 'one' }] })],
    ['an Ed25519 key', generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' })],
    [
      'an RSA key',
      generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }),
    ],
  ])('may be %s', (_title, text) => {
    const keys = parsePublicKeys(String(text))
    expect(keys.ok && keys.value.keys).toHaveLength(1)
    expect(JSON.stringify(keys)).not.toContain('"d"')
  })

  it.each([
    ['a private key', ec.privateKey.export({ type: 'pkcs8', format: 'pem' }), 'private key'],
    ['a private JWK', JSON.stringify(ec.privateKey.export({ format: 'jwk' })), 'private key'],
    ['a shared secret', '{"kty":"oct","k":"c2VjcmV0"}', 'private key'],
    [
      'a short RSA key',
      generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' }),
      '2048',
    ],
    [
      'another curve',
      generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ type: 'spki', format: 'pem' }),
      'P-256',
    ],
    ['an empty set', '{"keys":[]}', 'no public key'],
    ['nothing', '', 'no public key'],
    ['something else', '{"kty":"EC"}', 'no public key'],
  ])('may not be %s', (_title, text, why) => {
    const keys = parsePublicKeys(String(text))
    expect(keys.ok ? '' : keys.error).toContain(why)
  })
})
