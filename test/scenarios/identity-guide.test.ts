/**
 * The policies of docs/guides/identity.md, and the callers they are about: each makes a call, is told from the others by
 * the policy that is meant for it, and the audit log says who, through what and how proved.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Claims, startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'
import { startWatchedGateway, type WatchedGateway } from '../fixtures/watched-gateway.ts'
import { openKeyStore } from '../../packages/gateway/src/store/keys.ts'

const guide = readFileSync(path.join(import.meta.dirname, '../../docs/guides/identity.md'), 'utf8')
const policies = [...guide.matchAll(/^```cedar\n(.*?)^```/gms)].map(([, text]) => text).join('\n')

const NAMES = ['corp', 'agents', 'ci', 'k8s', 'mesh'] as const
type Name = (typeof NAMES)[number]
let issuers: Record<Name, TokenIssuer>
let gateway: WatchedGateway
let backup: string

beforeAll(async () => {
  issuers = Object.fromEntries(
    await Promise.all(NAMES.map(async (name) => [name, await startTokenIssuer()] as const)),
  ) as Record<Name, TokenIssuer>
  const at = (name: Name) => `name: ${name}, issuer: '${issuers[name].url}', algorithms: [ES256]`
  gateway = await startWatchedGateway({
    // Alice is how the fixture finds out that the servers are there.
    policies: `${policies}\npermit (principal == User::"alice", action, resource);`,
    config: `identity:
  issuers:
    - { ${at('corp')}, recipe: keycloak, groups: groups, tags: { department: department } }
    - { ${at('agents')}, kind: agent, groups: teams }
    - { ${at('ci')}, recipe: github-actions, requires: { repository_owner: [acme] } }
    - { ${at('k8s')}, recipe: kubernetes }
    - { name: mesh, recipe: spiffe, algorithms: [ES256], issuer: 'spiffe://example.org', jwks: '${issuers.mesh.url}/keys' }
`,
  })
  const store = openKeyStore(path.join(gateway.folder, 'data'))
  if (!store.ok) throw new Error(store.error)
  const made = store.value.create({ principal: { type: 'Service', id: 'backup' }, nowMs: Date.now() })
  store.value.close()
  if (!made.ok) throw new Error(made.error)
  backup = made.value.token
})
afterAll(async () => {
  await gateway.close()
  await Promise.all(Object.values(issuers).map((issuer) => issuer.close()))
})

/** Claims and header of a token, and the issuer that signs it. */
interface Shown {
  readonly by: Name
  readonly claims: Claims
  readonly header?: Claims
}

const seconds = () => Math.floor(Date.now() / 1000)
const person: Claims = { typ: 'Bearer', sub: 'ada', azp: 'editor' }
const researcher: Claims = { ...person, department: 'research', auth_time: seconds() - 60, acr: '1' }
const callers: Record<string, Shown | 'key'> = {
  'a service with a key': 'key',
  'an engineer': { by: 'corp', claims: { ...person, groups: ['engineering'] }, header: { typ: 'JWT' } },
  'a researcher': { by: 'corp', claims: researcher, header: { typ: 'JWT' } },
  'a researcher through another application': {
    by: 'corp',
    claims: { ...researcher, azp: 'chat' },
    header: { typ: 'JWT' },
  },
  'a researcher of yesterday': {
    by: 'corp',
    claims: { ...researcher, auth_time: seconds() - 90_000 },
    header: { typ: 'JWT' },
  },
  'somebody who left': {
    by: 'corp',
    claims: { ...person, sub: 'ada-who-left', groups: ['engineering'] },
    header: { typ: 'JWT' },
  },
  'a service by client credentials': {
    by: 'corp',
    claims: { typ: 'Bearer', sub: 'a1b2', azp: 'nightly', client_id: 'nightly' },
    header: { typ: 'JWT' },
  },
  'an agent on its own': {
    by: 'agents',
    claims: { sub: 'planner', client_id: 'planner', teams: ['planning'] },
  },
  'a job': {
    by: 'ci',
    claims: {
      sub: 'repo:acme/site:environment:prod',
      repository: 'acme/site',
      repository_owner: 'acme',
      environment: 'prod',
    },
    header: { typ: 'JWT' },
  },
  'a job of a fork': {
    by: 'ci',
    claims: {
      sub: 'repo:acme/fork:environment:prod',
      repository: 'acme/fork',
      repository_owner: 'acme',
      environment: 'prod',
    },
    header: { typ: 'JWT' },
  },
  'a pod': {
    by: 'k8s',
    claims: {
      sub: 'system:serviceaccount:builds:runner',
      'kubernetes.io': { namespace: 'builds', serviceaccount: { name: 'runner', uid: 'a087' } },
    },
    header: { typ: undefined },
  },
  'a SPIFFE workload': {
    by: 'mesh',
    claims: { iss: undefined, sub: 'spiffe://example.org/ns/builds/sa/runner' },
    header: { typ: undefined },
  },
}

async function call(who: string, tool: string) {
  const shown = callers[who]
  if (shown === undefined) throw new Error(who)
  const key =
    shown === 'key'
      ? backup
      : await issuers[shown.by].sign({ aud: gateway.url('files'), jti: 'j', ...shown.claims }, shown.header)
  const { decisions } = await gateway.send(gateway.legacy({ key, params: { name: tool, arguments: {} } }))
  return decisions[0]
}

describe('policies tell callers apart', () => {
  test.each([
    ['a service with a key', 'read', 'Service::"backup"', 'backup-reads'],
    ['an engineer', 'read', 'User::"corp/ada"', 'engineers-read'],
    ['a researcher', 'write', 'User::"corp/ada"', 'research-writes'],
    ['a service by client credentials', 'read', 'Service::"corp/nightly"', 'nightly-report'],
    ['an agent on its own', 'read', 'Agent::"agents/planner"', 'planners-read'],
    ['a job', 'write', 'Service::"ci/repo:acme/site:environment:prod"', 'deployments-write'],
    ['a pod', 'read', 'Service::"k8s/system:serviceaccount:builds:runner"', 'builds-read'],
    ['a SPIFFE workload', 'read', 'Service::"mesh/spiffe://example.org/ns/builds/sa/runner"', 'runner-reads'],
  ])('%s may %s', async (who, tool, principal, policy) => {
    const entry = await call(who, tool)
    expect(entry).toMatchObject({ principal, decision: 'allow', policies: [policy] })
    // Only a person has somebody calling for them.
    expect(entry?.agent).toBe(principal.startsWith('User') ? 'corp/editor' : null)
    const shown = callers[who]
    if (shown === 'key') expect(entry).not.toHaveProperty('authentication')
    else expect(entry?.authentication).toMatchObject({ method: 'token', issuer: shown?.by })
  })

  test.each([
    ['a service with a key', 'write'],
    ['an engineer', 'write'],
    ['a researcher', 'read'],
    ['a researcher through another application', 'write'],
    ['a researcher of yesterday', 'write'],
    ['somebody who left', 'read'],
    ['a service by client credentials', 'write'],
    ['an agent on its own', 'write'],
    ['a job', 'read'],
    ['a job of a fork', 'write'],
    ['a pod', 'write'],
    ['a SPIFFE workload', 'write'],
  ])('%s may not %s', async (who, tool) => {
    expect(await call(who, tool)).toMatchObject({ decision: 'deny' })
  })
})
