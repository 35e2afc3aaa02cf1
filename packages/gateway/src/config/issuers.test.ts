import { describe, expect, it } from 'vitest'
import { showConfigError } from './config.ts'
import { parseConfig } from './load.ts'

function parse(issuers: string, top = '') {
  return parseConfig('/etc/t.yaml', `${top}\nidentity:\n  issuers:\n${issuers}`)
}

function load(issuers: string, top = '') {
  const result = parse(issuers, top)
  if (!result.ok) throw new Error(result.error.map(showConfigError).join('\n'))
  return result.value
}

function errors(issuers: string, top = ''): string {
  const result = parse(issuers, top)
  return result.ok ? '' : result.error.map(showConfigError).join('\n')
}

describe('an issuer', () => {
  it('needs a name and an address, and is strict in everything else', () => {
    expect(load('    - { name: corp, issuer: https://idp.example.com }').issuers).toEqual([
      {
        name: 'corp',
        issuer: 'https://idp.example.com',
        audiences: [],
        jwks: undefined,
        algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
        type: 'at+jwt',
        kind: 'user',
        agents: new Map(),
        clientProof: undefined,
        services: new Map(),
        subject: 'sub',
        subjectPrefix: '',
        groups: undefined,
        tags: new Map(),
        clients: ['client_id', 'azp'],
        requires: new Map(),
        scopes: [],
        authorizes: true,
      },
    ])
  })

  it('has what its recipe knows, and what is written goes before that', () => {
    const [issuer] = load(
      '    - { name: ci, recipe: github-actions, requires: { repository_owner: [acme] }, tags: { sha: sha }, subject: repository }',
    ).issuers
    expect(issuer).toMatchObject({
      issuer: 'https://token.actions.githubusercontent.com',
      kind: 'service',
      subject: 'repository',
      authorizes: false,
    })
    expect(issuer?.tags.get('sha')).toBe('sha')
    expect(issuer?.tags.get('ref')).toBe('ref')
    expect([...(issuer?.requires ?? [])]).toEqual([
      ['repository', []],
      ['repository_owner', ['acme']],
    ])
  })

  it('that is a trust domain has only the subjects in it', () => {
    const [issuer] = load(
      '    - { name: mesh, recipe: spiffe, issuer: spiffe://example.org, jwks: https://spire.example.org/keys }',
    ).issuers
    expect(issuer?.subjectPrefix).toBe('spiffe://example.org/')
  })
})

describe('issuers are refused', () => {
  const corp = 'name: corp, issuer: https://idp.example.com'
  it.each([
    [
      'names with a /',
      '{ name: a/b, issuer: https://idp.example.com }',
      'identity.issuers[0].name must be a name of',
    ],
    [
      'http',
      '{ name: a, issuer: http://idp.example.com }',
      'identity.issuers[0].issuer must be an https URL',
    ],
    ['HS256', `{ ${corp}, algorithms: [HS256] }`, 'identity.issuers[0].algorithms[0] must be RS256,'],
    ['none', `{ ${corp}, algorithms: [none] }`, 'algorithms[0] must be RS256,'],
    ['keys over http', `{ ${corp}, jwks: http://idp.example.com/keys }`, 'jwks must be an https URL'],
    ['no address', '{ name: corp }', 'identity.issuers[0].issuer is missing'],
    ['all of GitHub', '{ name: ci, recipe: github-actions }', 'requires must name one of repository_owner'],
    [
      'all of GitHub, by a claim that all have',
      '{ name: ci, recipe: github-actions, requires: { repository: [] } }',
      'requires must name one of repository_owner',
    ],
    ['all of Google', '{ name: g, recipe: google }', 'requires must name one of email'],
    [
      'ID tokens of Google',
      '{ name: g, recipe: google, requires: { email: [a@b.c] }, audience: [1.apps.googleusercontent.com] }',
      'audience must not be a client id',
    ],
    ['a trust domain elsewhere', '{ name: a, issuer: spiffe://example.org }', 'only with recipe: spiffe'],
    [
      'a trust domain without keys',
      '{ name: a, recipe: spiffe, issuer: spiffe://example.org }',
      'jwks is missing',
    ],
    [
      'workloads of whichever domain',
      '{ name: a, recipe: spiffe, issuer: https://spire.example.org }',
      'subjectPrefix is missing',
    ],
    [
      'subjects of another domain',
      '{ name: a, recipe: spiffe, issuer: spiffe://example.org, jwks: https://x.example.org/k, subjectPrefix: spiffe:// }',
      'subjectPrefix must begin with spiffe://example.org/',
    ],
    [
      'a misspelt recipe',
      '{ name: a, recipe: keyclock, issuer: https://a.example.com }',
      'did you mean keycloak?',
    ],
    ['an unknown key', `{ ${corp}, audiance: [x] }`, 'did you mean audience?'],
  ])('for %s', (_, issuer, message) => {
    expect(errors(`    - ${issuer}`)).toContain(message)
  })

  it.each(['name', 'issuer'])('when two have the same %s', (key) => {
    const other = { name: 'other', issuer: 'https://other.example.com' }
    const same = { ...other, [key]: key === 'name' ? 'corp' : 'https://idp.example.com' }
    const message = errors(`    - { ${corp} }\n    - { name: ${same.name}, issuer: ${same.issuer} }`)
    expect(message).toContain(`identity.issuers[1].${key} is that of identity.issuers[0] too`)
  })

  it('where nothing says by which address callers know the gateway', () => {
    const everywhere = "listen: '[::]:7070'\ntrustedProxies: [10.0.0.1]"
    expect(errors(`    - { ${corp} }`, everywhere)).toContain('publicUrl is missing')
    expect(errors(`    - { ${corp} }`, `${everywhere}\npublicUrl: https://gate.example.com`)).toBe('')
  })
})

describe('publicUrl', () => {
  it.each(['https://gate.example.com', 'https://gate.example.com:8443', 'http://localhost:7070'])(
    '%s',
    (url) => {
      expect(load(`    []`, `publicUrl: ${url}`).publicUrl).toBe(url)
    },
  )
  it.each([
    'http://gate.example.com',
    'https://gate.example.com/',
    'https://gate.example.com/mcp',
    'https://GATE.example.com',
    'https://a@gate.example.com',
    'http://127.0.0.1.example.com',
    'gate.example.com',
  ])('%s is refused', (url) => {
    expect(errors(`    []`, `publicUrl: ${url}`)).toContain('publicUrl must be https://')
  })
})
