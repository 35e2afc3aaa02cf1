/**
 * Recipes against tokens of the same shape as the real ones: header and claims as the products' documentation shows them.
 * Each has the principal, agent, groups and tags that come of it, and next to it the token that must not pass for one.
 */
import { SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { createKey, type SigningKey } from '../../../../test/fixtures/token-issuer.ts'
import { showConfigError } from '../config/config.ts'
import { parseConfig } from '../config/load.ts'
import { parseStrictJson } from '../mcp/strict-json.ts'
import { showEntity } from '../model/caller.ts'
import { ok } from '../model/result.ts'
import { Tokens } from './tokens.ts'

const ROUTE = 'https://gate.example.com/mcp/files'
const nowMs = Date.parse('2026-05-01T08:00:00Z')
const now = nowMs / 1000
const times = { iat: now - 60, nbf: now - 60, exp: now + 3600 }
type Members = Record<string, unknown>

let key: SigningKey
beforeAll(async () => {
  key = await createKey('k1', 'RS256')
})

/** What becomes of a token by these lines of configuration. */
async function ask(issuer: string, header: Members, claims: Members, jwk: Members = {}) {
  const parsed = parseConfig(
    't.yaml',
    `publicUrl: https://gate.example.com\nidentity: { issuers: [ { ${issuer} } ] }`,
  )
  if (!parsed.ok) throw new Error(parsed.error.map(showConfigError).join('\n'))
  const tokens = new Tokens({
    now: () => nowMs,
    parseJson: (bytes) => parseStrictJson(bytes, { maxJsonDepth: 16, maxJsonMembers: 5000 }),
    fetchJson: (url) =>
      Promise.resolve(
        ok(
          url.includes('.well-known')
            ? { issuer: parsed.value.issuers[0]?.issuer, jwks_uri: 'https://keys.example.com' }
            : { keys: [{ ...key.jwk, ...jwk }] },
        ),
      ),
  })
  tokens.replace(parsed.value.issuers)
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header })
    .sign(key.privateKey)
  const answer = await tokens.find(token, ROUTE)
  if (answer.kind !== 'known') return answer.kind === 'refused' ? answer.detail : answer.cause
  const { principal, agent, known, authentication } = answer.caller
  return {
    principal: showEntity(principal),
    agent: agent?.id,
    groups: known?.groups.map(({ id }) => id),
    tags: known?.tags,
    credential: authentication.credential,
  }
}

const without = (claims: Members, ...names: string[]) =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)))

describe('Entra ID', () => {
  const tenant = '0b9c7c2e-1d2f-4a8e-9a55-3f1d1f6f2f10'
  const issuer = `name: entra, recipe: entra, issuer: 'https://login.microsoftonline.com/${tenant}/v2.0', audience: [8d3a1f6e-api]`
  const header = { typ: 'JWT' }
  const user = {
    aud: '8d3a1f6e-api',
    iss: `https://login.microsoftonline.com/${tenant}/v2.0`,
    ...times,
    aio: 'AXQAi/8TAAAA',
    azp: 'f1b2c3d4-ide',
    azpacr: '0',
    name: 'Ada Lovelace',
    oid: '6e5b0a3f-ada',
    preferred_username: 'ada@example.com',
    rh: '0.ARoA',
    scp: 'mcp',
    sid: '1f2e',
    sub: 'pairwise-sub',
    tid: tenant,
    uti: 'dQ0p',
    ver: '2.0',
    groups: ['0a1b-engineering'],
  }
  it('a person through an application', async () => {
    expect(await ask(issuer, header, user)).toMatchObject({
      principal: 'User::"entra/6e5b0a3f-ada"',
      agent: 'entra/f1b2c3d4-ide',
      groups: ['entra/0a1b-engineering'],
    })
  })
  it('an application on its own', async () => {
    const app = {
      ...without(user, 'scp', 'name', 'preferred_username', 'groups'),
      idtyp: 'app',
      roles: ['Call'],
      sub: user.oid,
    }
    expect(await ask(issuer, header, app)).toMatchObject({
      principal: 'Service::"entra/f1b2c3d4-ide"',
      agent: undefined,
    })
  })
  it('not an ID token, even when both have the same audience', async () => {
    expect(await ask(issuer, header, without(user, 'azp', 'azpacr', 'scp'))).toMatch(/azp is not as required/)
    expect(await ask(issuer, header, { ...user, nonce: 'n' })).toMatch(/ID token/)
  })
  it('not with groups that did not fit', async () => {
    const overage = {
      ...without(user, 'groups'),
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: {} },
    }
    expect(await ask(issuer, header, overage)).toMatch(/groups are not in the token/)
    expect(await ask(issuer, header, { ...without(user, 'groups'), hasgroups: true })).toMatch(
      /groups are not in/,
    )
  })
  it('not of another tenant', async () => {
    const elsewhere = { ...user, iss: 'https://login.microsoftonline.com/9188040d/v2.0' }
    expect(await ask(issuer, header, elsewhere)).toBe('no such issuer')
  })
})

describe('Okta', () => {
  const issuer = 'name: okta, recipe: okta, issuer: https://acme.okta.com/oauth2/default'
  const user = {
    ver: 1,
    jti: 'AT.MNAoEQ_jbKq',
    iss: 'https://acme.okta.com/oauth2/default',
    aud: ROUTE,
    iat: now,
    exp: now + 3600,
    cid: '0oa1ide',
    uid: '00u1ada',
    scp: ['mcp'],
    auth_time: now - 600,
    sub: 'ada@example.com',
    groups: ['Engineering', 'Everyone'],
  }
  it('a person through an application', async () => {
    expect(await ask(issuer, {}, user)).toMatchObject({
      principal: 'User::"okta/ada@example.com"',
      agent: 'okta/0oa1ide',
      groups: ['okta/Engineering', 'okta/Everyone'],
      credential: 'okta/AT.MNAoEQ_jbKq',
    })
  })
  it('an application on its own', async () => {
    const app = { ...without(user, 'uid', 'auth_time', 'groups'), sub: '0oa1ide' }
    expect(await ask(issuer, {}, app)).toMatchObject({
      principal: 'Service::"okta/0oa1ide"',
      agent: undefined,
    })
  })
  it('not an ID token', async () => {
    const id = { ...without(user, 'cid', 'uid', 'scp'), jti: 'ID.radCQMOQ', amr: ['pwd'], idp: '00o1' }
    expect(await ask(issuer, {}, id)).toMatch(/cid is not as required/)
    expect(await ask(issuer, {}, { ...user, at_hash: 'x' })).toMatch(/ID token/)
  })
})

describe('Keycloak', () => {
  const issuer =
    'name: corp, recipe: keycloak, issuer: https://sso.example.com/realms/corp, groups: /realm_access/roles'
  const header = { typ: 'JWT' }
  const user = {
    ...without(times, 'nbf'),
    auth_time: now - 60,
    jti: 'onrtac:7b1f',
    iss: 'https://sso.example.com/realms/corp',
    aud: [ROUTE, 'account'],
    sub: 'f1c4f64e-2c0c-4cda',
    typ: 'Bearer',
    azp: 'ide',
    sid: '4c0a3a8a',
    acr: '1',
    'allowed-origins': ['http://localhost'],
    realm_access: { roles: ['offline_access', 'engineering'] },
    scope: 'email profile',
    email_verified: true,
    preferred_username: 'ada',
  }
  it('a person through a client', async () => {
    expect(await ask(issuer, header, user)).toMatchObject({
      principal: 'User::"corp/f1c4f64e-2c0c-4cda"',
      agent: 'corp/ide',
      groups: ['corp/offline_access', 'corp/engineering'],
    })
  })
  it('with the header that a client can be set to', async () => {
    expect(await ask(issuer, { typ: 'at+jwt' }, user)).toMatchObject({
      principal: 'User::"corp/f1c4f64e-2c0c-4cda"',
    })
  })
  it('a service account', async () => {
    const account = {
      ...without(user, 'auth_time', 'sid'),
      azp: 'batch',
      client_id: 'batch',
      clientHost: '10.0.0.9',
      clientAddress: '10.0.0.9',
      preferred_username: 'service-account-batch',
    }
    expect(await ask(issuer, header, account)).toMatchObject({
      principal: 'Service::"corp/batch"',
      agent: undefined,
    })
  })
  it.each(['ID', 'Refresh', 'Logout', 'Offline', undefined])(
    'not a token whose claim typ is %s',
    async (typ) => {
      expect(await ask(issuer, header, typ === undefined ? without(user, 'typ') : { ...user, typ })).toMatch(
        /typ is not/,
      )
    },
  )
})

describe('Google', () => {
  const issuer = 'name: google, recipe: google, requires: { email: [deploy@acme.iam.gserviceaccount.com] }'
  const header = { typ: 'JWT' }
  const account = {
    aud: ROUTE,
    azp: '1122334455',
    email: 'deploy@acme.iam.gserviceaccount.com',
    email_verified: true,
    ...without(times, 'nbf'),
    iss: 'https://accounts.google.com',
    sub: '1122334455',
  }
  it('a service account', async () => {
    expect(await ask(issuer, header, account)).toMatchObject({
      principal: 'Service::"google/1122334455"',
      agent: undefined,
      tags: { email: 'deploy@acme.iam.gserviceaccount.com' },
    })
  })
  it('not that of anybody else, nor one that is not verified', async () => {
    expect(await ask(issuer, header, { ...account, email: 'deploy@evil.iam.gserviceaccount.com' })).toMatch(
      /email is not/,
    )
    expect(await ask(issuer, header, { ...account, email_verified: false })).toMatch(/email_verified is not/)
  })
  it('not an ID token of a person', async () => {
    expect(await ask(issuer, header, { ...account, aud: '1.apps.googleusercontent.com' })).toMatch(
      /another audience/,
    )
    expect(await ask(issuer, header, { ...account, at_hash: 'HK6E' })).toMatch(/ID token/)
  })
})

describe('GitHub Actions', () => {
  const issuer = 'name: ci, recipe: github-actions, requires: { repository_owner: [acme] }'
  const header = { typ: 'JWT', x5t: 'eBZ_cn3sXYAd0ch4THBKHIgOwOE' }
  const job = {
    ...times,
    jti: '9b2c5d1e',
    sub: 'repo:acme/site:environment:prod',
    environment: 'prod',
    aud: ROUTE,
    ref: 'refs/heads/main',
    sha: '1f2d',
    repository: 'acme/site',
    repository_owner: 'acme',
    actor_id: '12',
    repository_visibility: 'private',
    repository_id: '74',
    repository_owner_id: '65',
    run_id: '1',
    run_number: '10',
    run_attempt: '2',
    runner_environment: 'github-hosted',
    actor: 'ada',
    workflow: 'deploy',
    head_ref: '',
    base_ref: '',
    event_name: 'workflow_dispatch',
    ref_type: 'branch',
    workflow_ref: 'acme/site/.github/workflows/deploy.yml@refs/heads/main',
    job_workflow_ref: 'acme/site/.github/workflows/deploy.yml@refs/heads/main',
    iss: 'https://token.actions.githubusercontent.com',
  }
  it('a job', async () => {
    expect(await ask(issuer, header, job)).toMatchObject({
      principal: 'Service::"ci/repo:acme/site:environment:prod"',
      agent: undefined,
      tags: {
        repository: 'acme/site',
        ref: 'refs/heads/main',
        environment: 'prod',
        event: 'workflow_dispatch',
      },
    })
  })
  it('not of another organisation, nor for another audience', async () => {
    expect(await ask(issuer, header, { ...job, repository_owner: 'evil' })).toMatch(/repository_owner is not/)
    expect(await ask(issuer, header, { ...job, aud: 'https://github.com/acme' })).toMatch(/another audience/)
  })
})

describe('Kubernetes', () => {
  const issuer = 'name: k8s, recipe: kubernetes, issuer: https://kubernetes.default.svc.cluster.local'
  const pod = {
    aud: [ROUTE],
    ...times,
    iss: 'https://kubernetes.default.svc.cluster.local',
    jti: 'ea28ed49',
    'kubernetes.io': {
      namespace: 'builds',
      node: { name: 'node-1', uid: '646e7c5e' },
      pod: { name: 'runner-7', uid: '1f2e' },
      serviceaccount: { name: 'runner', uid: 'a087d5a0' },
      warnafter: now + 3000,
    },
    sub: 'system:serviceaccount:builds:runner',
  }
  it('a service account', async () => {
    expect(await ask(issuer, {}, pod)).toMatchObject({
      principal: 'Service::"k8s/system:serviceaccount:builds:runner"',
      tags: { namespace: 'builds', serviceAccount: 'runner', pod: 'runner-7' },
    })
  })
  it('not the older kind, nor a person, nor a token for the cluster itself', async () => {
    const older = {
      iss: 'kubernetes/serviceaccount',
      sub: pod.sub,
      'kubernetes.io/serviceaccount/namespace': 'builds',
    }
    expect(await ask(issuer, {}, older)).toBe('no such issuer')
    expect(await ask(issuer, {}, without(pod, 'kubernetes.io'))).toMatch(/is not as required/)
    expect(await ask(issuer, {}, { ...pod, sub: 'ada' })).toMatch(/does not begin with/)
    expect(await ask(issuer, {}, { ...pod, aud: [pod.iss] })).toMatch(/another audience/)
  })
})

describe('SPIFFE', () => {
  const domain =
    'name: mesh, recipe: spiffe, issuer: spiffe://example.org, jwks: https://spire.example.org/keys'
  const svid = { sub: 'spiffe://example.org/ns/builds/sa/runner', aud: [ROUTE], exp: now + 300, iat: now }
  it.each([{}, { typ: 'JWT' }, { typ: 'JOSE' }])(
    'a workload of a trust domain, with the header %j',
    async (header) => {
      expect(await ask(domain, header, svid, { use: 'jwt-svid' })).toMatchObject({
        principal: 'Service::"mesh/spiffe://example.org/ns/builds/sa/runner"',
      })
    },
  )
  it('a workload whose server names itself', async () => {
    const server =
      'name: mesh, recipe: spiffe, issuer: https://spire.example.org, subjectPrefix: spiffe://example.org/'
    const named = { ...svid, iss: 'https://spire.example.org' }
    expect(await ask(server, {}, named)).toMatchObject({
      principal: expect.stringContaining('mesh/spiffe://example.org/'),
    })
    expect(await ask(server, {}, { ...named, sub: 'spiffe://evil.org/a' })).toMatch(/does not begin with/)
  })
  it.each([
    ['spiffe://evil.org/ns/builds', 'no such issuer'],
    ['spiffe://example.org', 'no such issuer'],
    ['spiffe://example.org.evil.org/a', 'no such issuer'],
    ['SPIFFE://example.org/a', 'no such issuer'],
  ])('not %s', async (sub, why) => {
    expect(await ask(domain, {}, { ...svid, sub })).toBe(why)
  })
  it('not with a key for certificates', async () => {
    expect(await ask(domain, {}, svid, { use: 'x509-svid' })).toMatch(/no keys that verify/)
  })
})

it('whatever two issuers write, they never tell of the same principal', async () => {
  const one = 'name: a, issuer: https://a.example.com'
  const same = { aud: ROUTE, ...times, iss: 'https://a.example.com' }
  const answers = await Promise.all(
    ['b/ada', '../b/ada', 'ada'].map((sub) => ask(one, { typ: 'at+jwt' }, { ...same, sub })),
  )
  for (const answer of answers)
    expect(answer).toMatchObject({ principal: expect.stringMatching(/^User::"a\//) })
})
