import { describe, expect, it } from 'vitest'
import { showConfigError } from './config.ts'
import { parseConfig } from './load.ts'

const CORP = { name: 'corp', issuer: 'https://sso.example.com/realms/corp', clientId: 'tollgate' }

function parse(signIn: object) {
  const identity = { authorizationServer: { signIn } }
  return parseConfig('/etc/tollgate/t.yaml', `identity: ${JSON.stringify(identity)}`)
}

function load(signIn: object) {
  const result = parse(signIn)
  if (!result.ok) throw new Error(result.error.map(showConfigError).join('\n'))
  return result.value.authorizationServer?.signIn
}

function errors(signIn: object): string {
  const result = parse(signIn)
  return result.ok ? '' : result.error.map(showConfigError).join('\n')
}

describe('a provider that people sign in through', () => {
  it('is a name, an address and a client', () => {
    expect(load(CORP)).toMatchObject({
      label: 'corp',
      clientId: 'tollgate',
      tellsOf: {
        name: 'corp',
        issuer: CORP.issuer,
        subject: 'sub',
        scopes: ['openid', 'profile'],
        clients: [],
      },
    })
    expect(load(CORP)).not.toHaveProperty('clientSecret')
  })

  it('has a secret elsewhere, and claims of its own', () => {
    const written = { clientSecret: 'file:./secret', groups: 'groups', tags: { department: 'dept' } }
    expect(load({ ...CORP, ...written })).toMatchObject({
      clientSecret: { kind: 'file', path: '/etc/tollgate/secret' },
      tellsOf: { groups: 'groups', tags: new Map([['department', 'dept']]) },
    })
  })

  it.each<[string, object, string]>([
    ['the secret itself', { clientSecret: 'hunter2hunter2' }, 'clientSecret must be a reference'],
    ['the name of this gateway', { name: 'local' }, 'name must be another name'],
    ['a name with a slash', { name: 'a/b' }, 'name must be a name of letters'],
    ['an address without TLS', { issuer: 'http://sso.example.com' }, 'issuer must be an https URL'],
    ['a trust domain', { issuer: 'spiffe://example.org' }, 'nobody signs in through SPIFFE'],
    ['no openid', { scopes: ['profile'] }, 'scopes must have openid'],
    ['everybody', { issuer: 'https://accounts.google.com' }, 'requires must name one of hd, email, sub'],
    ['a key that is not there', { secret: 'env:X' }, 'secret'],
  ])('is refused with %s', (_what, changes, message) => {
    expect(errors({ ...CORP, ...changes })).toContain(message)
    expect(errors({ ...CORP, ...changes })).not.toContain('hunter2')
  })

  it('may be one where everybody has an account, for some of them', () => {
    const google = { ...CORP, issuer: 'https://accounts.google.com', requires: { hd: ['example.com'] } }
    expect(load(google)?.tellsOf.requires).toEqual(new Map([['hd', ['example.com']]]))
  })
})
