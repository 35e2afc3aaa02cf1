/**
 * People, agents and workloads, each by the credential that its kind has: every one makes a call, one policy for each kind
 * tells it from the others, and the log says who it was, through what, for whom, and how that was proved.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openOauthStore, type OpenOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import type { DecisionEntry } from '../../packages/gateway/src/model/entry.ts'
import { createAuthority } from '../fixtures/certificates.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { grant } from '../fixtures/oauth/grant.ts'
import { addMachine } from '../fixtures/oauth/machine.ts'
import { postModern } from '../fixtures/raw-http.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'
import { agentWith, sendOverTls, toolCall } from '../fixtures/tls-client.ts'
import { startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'

/** Each permits one kind of caller, by what makes it that kind. */
const POLICIES = `
@id("person-through-agent")
permit (principal is User, action == Action::"files__echo", resource)
when {
  principal == User::"local/ada" && context has agent &&
  context.source.authentication.method == "token" && context.source.authentication.strength == "password"
};

@id("agent-alone")
permit (principal is Agent, action == Action::"files__echo", resource)
when { context.source.authentication.clientProof == "private_key_jwt" };

@id("service")
permit (principal == Service::"local/nightly", action == Action::"files__echo", resource);

@id("ci-job")
permit (principal is Service, action == Action::"files__echo", resource)
when {
  context.source.authentication has issuer && context.source.authentication.issuer == "ci" &&
  principal.hasTag("environment") && principal.getTag("environment") == "prod"
};

@id("pod")
permit (principal is Service, action == Action::"files__echo", resource)
when { principal.hasTag("namespace") && principal.getTag("namespace") == "builds" };

@id("workload")
permit (
  principal == Service::"mesh/spiffe://example.org/ns/builds/sa/runner",
  action == Action::"files__echo",
  resource
);

@id("certificate")
permit (principal is Service, action == Action::"files__echo", resource)
when {
  principal == Service::"fleet/spiffe://example.org/ns/prod/reporter" &&
  context.source.authentication.method == "certificate"
};

@id("key")
permit (principal == User::"operator", action == Action::"files__echo", resource);
`

let ci: TokenIssuer
let k8s: TokenIssuer
let mesh: TokenIssuer
let gateway: TestGateway
let store: OpenOauthStore
beforeAll(async () => {
  ;[ci, k8s, mesh] = await Promise.all([
    startTokenIssuer('RS256'),
    startTokenIssuer('RS256'),
    startTokenIssuer(),
  ])
  gateway = await startTestGateway({
    config: `identity:
  authorizationServer: {}
  issuers:
    - { name: ci, recipe: github-actions, issuer: '${ci.url}', requires: { repository_owner: [acme] } }
    - { name: k8s, recipe: kubernetes, issuer: '${k8s.url}' }
    - { name: mesh, recipe: spiffe, issuer: 'spiffe://example.org', jwks: '${mesh.url}/keys' }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`,
    policies: POLICIES,
  })
  const opened = openOauthStore(join(gateway.folder, 'data'))
  if (!opened.ok) throw new Error(opened.error)
  store = opened.value
})
afterAll(async () => {
  store.close()
  await gateway.close()
  await Promise.all([ci.close(), k8s.close(), mesh.close()])
})

const ECHO = { id: 1, method: 'tools/call', params: { name: 'echo', arguments: { text: 'hello' } } }

/** The entry of a call with this credential. */
async function entryOf(credential: string): Promise<DecisionEntry> {
  const response = await postModern(gateway.url('files'), ECHO, { key: credential })
  await response.text()
  const entry = gateway.entries().findLast(({ kind }) => kind === 'decision')
  return entry as DecisionEntry
}

const job = { sub: 'repo:acme/site:environment:prod', repository: 'acme/site', repository_owner: 'acme' }
const pod = {
  sub: 'system:serviceaccount:builds:runner',
  'kubernetes.io': { namespace: 'builds', serviceaccount: { name: 'runner', uid: 'a087d5a0' } },
}
const aud = () => gateway.url('files')

/** A credential of each kind, the policy that lets it in, and what the log says of it. */
const KINDS: readonly [string, string, () => Promise<{ credential: string; told: object }>][] = [
  [
    'a person through an agent',
    'person-through-agent',
    async () => {
      const { token, clientId } = await grant(store, 'ada', aud())
      const proof = { method: 'token', issuer: 'local', strength: 'password', clientProof: 'none' }
      return {
        credential: token,
        told: { principal: 'User::"local/ada"', agent: `local/${clientId}`, authentication: proof },
      }
    },
  ],
  [
    'an agent on its own',
    'agent-alone',
    async () => {
      const planner = await addMachine(store, gateway.origin, 'planner', { kind: 'agent' })
      const proof = { method: 'token', issuer: 'local', clientProof: 'private_key_jwt' }
      return {
        credential: await planner.ownToken(aud()),
        told: { principal: 'Agent::"local/planner"', agent: null, authentication: proof },
      }
    },
  ],
  [
    'a service',
    'service',
    async () => {
      const nightly = await addMachine(store, gateway.origin, 'nightly')
      const proof = { method: 'token', issuer: 'local', clientProof: 'private_key_jwt' }
      return {
        credential: await nightly.ownToken(aud()),
        told: { principal: 'Service::"local/nightly"', agent: null, authentication: proof },
      }
    },
  ],
  [
    'a job in CI',
    'ci-job',
    async () => ({
      credential: await ci.sign({ ...job, aud: aud(), environment: 'prod' }, { typ: 'JWT' }),
      told: {
        principal: 'Service::"ci/repo:acme/site:environment:prod"',
        authentication: { method: 'token', issuer: 'ci' },
      },
    }),
  ],
  [
    'a pod',
    'pod',
    async () => ({
      credential: await k8s.sign({ ...pod, aud: [aud()] }, { typ: undefined }),
      told: {
        principal: 'Service::"k8s/system:serviceaccount:builds:runner"',
        authentication: { method: 'token', issuer: 'k8s' },
      },
    }),
  ],
  [
    'a SPIFFE workload',
    'workload',
    async () => ({
      credential: await mesh.sign(
        { iss: undefined, sub: 'spiffe://example.org/ns/builds/sa/runner', aud: [aud()] },
        { typ: 'JWT' },
      ),
      told: {
        principal: 'Service::"mesh/spiffe://example.org/ns/builds/sa/runner"',
        authentication: { method: 'token', issuer: 'mesh' },
      },
    }),
  ],
  [
    'somebody with a key',
    'key',
    async () => ({
      credential: gateway.key('operator', 'editor'),
      told: { principal: 'User::"operator"', agent: 'editor' },
    }),
  ],
]

describe('a call is allowed by the policy for its kind of caller, and recorded as theirs:', () => {
  test.each(KINDS)('%s', async (_kind, policy, make) => {
    const { credential, told } = await make()
    const entry = await entryOf(credential)
    expect(entry).toMatchObject({ decision: 'allow', policies: [policy], source: '127.0.0.1', ...told })
    expect(JSON.stringify(gateway.entries())).not.toContain(credential)
  })
})

test.each<[string, () => Promise<string>]>([
  ['a person who is somebody else', async () => (await grant(store, 'eve', aud())).token],
  ['another service', async () => (await addMachine(store, gateway.origin, 'weekly')).ownToken(aud())],
  ['a job of another environment', () => ci.sign({ ...job, aud: aud(), environment: 'dev' }, { typ: 'JWT' })],
  [
    'a pod of another namespace',
    () =>
      k8s.sign(
        { ...pod, aud: aud(), 'kubernetes.io': { ...pod['kubernetes.io'], namespace: 'web' } },
        { typ: undefined },
      ),
  ],
  [
    'another workload',
    () =>
      mesh.sign({ iss: undefined, sub: 'spiffe://example.org/ns/web/sa/runner', aud: aud() }, { typ: 'JWT' }),
  ],
])('%s is refused', async (_who, sign) => {
  expect(await entryOf(await sign())).toMatchObject({ decision: 'deny' })
})

test('a program with a certificate, likewise, and one whose certificate has another name is refused', async () => {
  const authority = await createAuthority()
  const server = await authority.issueForServer()
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-fleet-'))
  const files = { 'ca.pem': authority.pem, 'cert.pem': server.cert, 'key.pem': server.key }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const fleet = await startTestGateway({
    config: `tls: { cert: ${folder}/cert.pem, key: ${folder}/key.pem, clientCa: ${folder}/ca.pem }
identity: { certificates: [ { name: fleet, uri: 'spiffe://example.org/ns/prod/' } ] }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`,
    policies: POLICIES,
  })
  const entryOfWorkload = async (uri: string) => {
    const certificate = await authority.issue({ names: [{ type: 'url', value: uri }] })
    const agent = agentWith(authority.pem, certificate)
    await (
      await sendOverTls(fleet.url('files'), { agent, body: toolCall('echo', { text: 'hello' }) })
    ).toArray()
    agent.destroy()
    const entry = fleet.entries().findLast(({ kind }) => kind === 'decision')
    return { entry, credential: `fleet/sha256:${certificate.thumbprint}` }
  }
  const reporter = await entryOfWorkload('spiffe://example.org/ns/prod/reporter')
  expect(reporter.entry).toMatchObject({
    decision: 'allow',
    policies: ['certificate'],
    principal: 'Service::"fleet/spiffe://example.org/ns/prod/reporter"',
    credential: reporter.credential,
    authentication: { method: 'certificate', issuer: 'fleet' },
  })
  const other = await entryOfWorkload('spiffe://example.org/ns/prod/other')
  expect(other.entry).toMatchObject({ decision: 'deny', credential: other.credential })
  await fleet.close()
  rmSync(folder, { recursive: true })
})
