/** The policies of docs/guides/identity.md on certificates and bound tokens, and the callers they are about. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DecisionEntry } from '../../packages/gateway/src/model/entry.ts'
import { type Authority, createAuthority, type Issued } from '../fixtures/certificates.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { RAW_SERVER } from '../fixtures/stdio-upstream.ts'
import { agentWith, sendOverTls, toolCall } from '../fixtures/tls-client.ts'
import { type Claims, startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'

const guide = readFileSync(path.join(import.meta.dirname, '../../docs/guides/identity.md'), 'utf8')
const policies = [...guide.matchAll(/^```cedar\n(.*?)^```/gms)].map(([, text]) => text).join('\n')
const rules = guide.match(/^ {2}certificates:\n( {4}.*\n)+/m)?.[0] ?? ''

let folder: string
let corp: TokenIssuer
let authority: Authority
let gateway: TestGateway
let indexer: Issued

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tollgate-tls-'))
  const at = (name: string) => path.join(folder, name)
  corp = await startTokenIssuer()
  authority = await createAuthority()
  const server = await authority.issueForServer()
  indexer = await named('spiffe://example.org/ns/prod/indexer')
  writeFileSync(at('cert.pem'), server.cert)
  writeFileSync(at('key.pem'), server.key)
  writeFileSync(at('ca.pem'), authority.pem)
  gateway = await startTestGateway({
    config: `tls: { cert: ${at('cert.pem')}, key: ${at('key.pem')}, clientCa: ${at('ca.pem')} }
identity:
  issuers: [ { name: corp, issuer: '${corp.url}', groups: groups } ]
${rules}servers: { files: { command: ${JSON.stringify([process.execPath, RAW_SERVER, 'modern'])} } }
`,
    policies: `${policies}\npermit (principal in Group::"corp/operators", action, resource);`,
  })
})
afterAll(async () => {
  await gateway.close()
  await corp.close()
  rmSync(folder, { recursive: true })
})

const named = (uri: string) => authority.issue({ names: [{ type: 'url', value: uri }] })

async function call(tool: string, certificate?: Issued, token?: string): Promise<DecisionEntry> {
  const agent = agentWith(authority.pem, certificate)
  const authorization = token === undefined ? undefined : `Bearer ${token}`
  const response = await sendOverTls(gateway.url('files'), { agent, authorization, body: toolCall(tool) })
  await response.toArray()
  agent.destroy()
  return gateway.entries().findLast(({ kind }) => kind === 'decision') as DecisionEntry
}

test('a service with a certificate reads, and nothing else', async () => {
  expect(await call('read', indexer)).toMatchObject({
    principal: 'Service::"fleet/spiffe://example.org/ns/prod/indexer"',
    decision: 'allow',
    policies: ['indexer-reads'],
    authentication: { method: 'certificate', issuer: 'fleet' },
  })
  expect(await call('write', indexer)).toMatchObject({ decision: 'deny' })
  const neighbour = await named('spiffe://example.org/ns/prod/mailer')
  expect(await call('read', neighbour)).toMatchObject({ decision: 'deny', reason: expect.any(String) })
})

test.each([
  ['a job', { names: [{ type: 'dns', value: 'a.jobs.example.com' }] }, 'Agent::"nightly/a.jobs.example.com"'],
  ['a person', { subject: 'CN=ada,OU=operations,O=Example' }, 'User::"admins/ada"'],
] as const)('%s is told by its certificate', async (_, options, principal) => {
  const certificate = await authority.issue({
    ...options,
    names: 'names' in options ? [...options.names] : [],
  })
  expect(await call('read', certificate)).toMatchObject({ principal, decision: 'deny' })
})

test('operators write with proof', async () => {
  const tokenOf = (claims: Claims) =>
    corp.sign({ aud: gateway.url('files'), client_id: 'app', groups: ['operators'], ...claims })
  const bound = await tokenOf({ cnf: { 'x5t#S256': indexer.thumbprint } })
  expect(await call('write', indexer, bound)).toMatchObject({
    principal: 'User::"corp/ada"',
    decision: 'allow',
    authentication: { method: 'token', bound: 'mtls' },
  })
  const plain = await tokenOf({})
  expect(await call('read', undefined, plain)).toMatchObject({ decision: 'allow' })
  expect(await call('write', undefined, plain)).toMatchObject({
    decision: 'deny',
    policies: ['operators-write-with-proof'],
  })
})
