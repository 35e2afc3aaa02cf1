/**
 * Certificates of callers (RFC 8705; X.509-SVID): who is known by one, which ones are not believed, and that a token which
 * is bound to one is nobody else's. Real TLS connections, with certificates of every kind.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DecisionEntry } from '../../packages/gateway/src/model/entry.ts'
import {
  type Authority,
  createAuthority,
  garbledNames,
  type Issued,
  selfSigned,
  SubjectAlternativeNameExtension,
} from '../fixtures/certificates.ts'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { startRecordingUpstream, type RecordingUpstream } from '../fixtures/recording-upstream.ts'
import { type Claims, startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'
import { RAW_SERVER } from '../fixtures/stdio-upstream.ts'
import { agentWith, sendOverTls, toolCall } from '../fixtures/tls-client.ts'
import { eventually } from '../fixtures/watched-gateway.ts'

const LIVE = 'live'
const WORKER = 'spiffe://example.org/ns/prod/worker'
const RULES = `  certificates:
    - { name: mesh, uri: spiffe://example.org/ns/prod/ }
    - { name: one, uri: spiffe://example.org/ns/dev/robot, kind: agent }
    - { name: jobs, dns: '*.jobs.example.com', kind: agent }
    - { name: staff, subject: { O: Example, OU: people }, kind: user }
`

let folder: string
let corp: TokenIssuer
let upstream: RecordingUpstream
let authority: Authority
let other: Authority
let server: Issued
let worker: Issued
let gateway: TestGateway

const at = (name: string) => join(folder, name)
const configOf = (
  tls: string,
  issuer = '',
) => `tls: { cert: ${at('cert.pem')}, key: ${at('key.pem')}, ${tls} }
identity:
  issuers: [ { name: corp, issuer: '${corp.url}'${issuer} } ]
${RULES}servers:
  files: { url: '${upstream.url}' }
  live: { command: ${JSON.stringify([process.execPath, RAW_SERVER, 'legacy'])}, sharing: per-session }
`
const CA = () => `clientCa: ${at('ca.pem')}`

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-tls-'))
  corp = await startTokenIssuer()
  upstream = await startRecordingUpstream()
  authority = await createAuthority()
  other = await createAuthority('Another authority')
  server = await other.issueForServer()
  worker = await authority.issue({ names: [{ type: 'url', value: WORKER }] })
  writeFileSync(at('cert.pem'), server.cert)
  writeFileSync(at('key.pem'), server.key)
  writeFileSync(at('ca.pem'), authority.pem)
  gateway = await startTestGateway({ config: configOf(CA()), policies: PERMIT_ALL })
})
afterAll(async () => {
  await gateway.close()
  await corp.close()
  await upstream.close()
  rmSync(folder, { recursive: true })
})

interface Sent {
  readonly certificate?: Issued | undefined
  readonly authorization?: string
  readonly agent?: Agent
  readonly gate?: TestGateway
  readonly server?: string
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** Sends a call; with no agent, on a connection of its own. */
async function send({ certificate, agent, gate = gateway, server: name = 'files', ...rest }: Sent = {}) {
  const own = agent ?? agentWith(other.pem, certificate)
  const body = rest.body ?? (rest.method === 'GET' ? undefined : toolCall('echo'))
  return { response: await sendOverTls(gate.url(name), { ...rest, agent: own, body }), own }
}

/** How a call ended, and what the log says of it. */
async function call(sent: Sent = {}) {
  const { response, own } = await send(sent)
  const text = (await response.toArray()).join('')
  if (sent.agent === undefined) own.destroy()
  const entry = (sent.gate ?? gateway)
    .entries()
    .filter(({ kind }) => kind === 'decision')
    .at(-1) as DecisionEntry
  return { status: response.statusCode, text, entry }
}

const bearer = (token: string) => `Bearer ${token}`
const tokenOf = (claims: Claims) => corp.sign({ aud: audiences(), client_id: 'app', ...claims })
const audiences = () => ['files', 'live'].map((name) => gateway.url(name))
const boundTo = ({ thumbprint }: Issued, claims: Claims = {}) =>
  tokenOf({ cnf: { 'x5t#S256': thumbprint }, ...claims })

describe('whose a certificate is', () => {
  test.each<[string, () => Promise<Issued>, string]>([
    ['the URI of a workload', async () => worker, `Service::"mesh/${WORKER}"`],
    [
      'one URI exactly',
      () => authority.issue({ names: [{ type: 'url', value: 'spiffe://example.org/ns/dev/robot' }] }),
      'Agent::"one/spiffe://example.org/ns/dev/robot"',
    ],
    [
      'a DNS name below another',
      () => authority.issue({ names: [{ type: 'dns', value: 'Nightly.jobs.example.com' }] }),
      'Agent::"jobs/nightly.jobs.example.com"',
    ],
    [
      'attributes of the subject',
      () => authority.issue({ subject: 'CN=Ada,OU=people,O=Example' }),
      'User::"staff/Ada"',
    ],
    [
      'a certificate for anything',
      () => authority.issue({ usages: [], names: [{ type: 'url', value: WORKER }] }),
      `Service::"mesh/${WORKER}"`,
    ],
  ])('%s', async (_, issue, principal) => {
    const certificate = await issue()
    const { status, entry } = await call({ certificate })
    expect(status).toBe(200)
    expect(entry).toMatchObject({
      principal,
      decision: 'allow',
      credential: expect.stringMatching(new RegExp(`^[a-z]+/sha256:${certificate.thumbprint}$`)),
      authentication: { method: 'certificate', issuer: expect.stringMatching(/^[a-z]+$/) },
    })
  })

  const nobody: readonly [string, () => Promise<Issued>][] = [
    ['another trust domain', () => named('spiffe://example.com/ns/prod/worker')],
    ['the trust domain of a rule as its beginning', () => named('spiffe://example.org.evil/ns/prod/worker')],
    ['another namespace', () => named('spiffe://example.org/ns/production/worker')],
    ['the namespace itself', () => named('spiffe://example.org/ns/prod/')],
    ['a way up', () => named('spiffe://example.org/ns/prod/../dev/robot')],
    ['a way up that is escaped', () => named('spiffe://example.org/ns/prod/%2e%2e/worker')],
    ['an empty part', () => named('spiffe://example.org/ns/prod//worker')],
    ['a query', () => named('spiffe://example.org/ns/prod/worker?x')],
    ['a character behind the name that ends it', () => named(`${WORKER}\0.evil`)],
    ['a second URI', () => named(WORKER, 'spiffe://example.org/ns/prod/other')],
    ['a second URI of another kind', () => named(WORKER, 'https://example.com/')],
    ['a name inside another one', () => named(`https://evil.example/, URI:${WORKER}`)],
    ['a name inside another one, in quotes', () => named(`x", URI:${WORKER}, URI:"y`)],
    ['the URI as a DNS name', () => authority.issue({ names: [{ type: 'dns', value: `x, URI:${WORKER}` }] })],
    ['a wildcard', () => authority.issue({ names: [{ type: 'dns', value: '*.jobs.example.com' }] })],
    [
      'the domain of a rule itself',
      () => authority.issue({ names: [{ type: 'dns', value: 'jobs.example.com' }] }),
    ],
    [
      'the end of a name only',
      () => authority.issue({ names: [{ type: 'dns', value: 'evil-jobs.example.com' }] }),
    ],
    [
      'two DNS names that fit',
      () =>
        authority.issue({
          names: [
            { type: 'dns', value: 'a.jobs.example.com' },
            { type: 'dns', value: 'b.jobs.example.com' },
          ],
        }),
    ],
    ['the CN alone', () => authority.issue({ subject: `CN=${WORKER}` })],
    ['a subject in the CN', () => authority.issue({ subject: 'CN=Ada\\, O=Example\\, OU=people' })],
    ['lines in the CN', () => authority.issue({ subject: 'CN="Ada\nO=Example\nOU=people"' })],
    ['an attribute twice', () => authority.issue({ subject: 'CN=Ada,OU=people,OU=other,O=Example' })],
    ['two CN', () => authority.issue({ subject: 'CN=Ada,CN=Bob,OU=people,O=Example' })],
    ['alternative names that cannot be read', () => authority.issue({ extensions: [garbledNames(WORKER)] })],
    ['no name at all', () => authority.issue()],
  ]
  test.each(nobody)('%s is nobody', async (_, issue) => {
    const { status, entry, text } = await call({ certificate: await issue() })
    expect({ status, text }).toMatchObject({
      status: 401,
      text: expect.stringMatching(/nobody here is known|is not accepted here/),
    })
    expect(entry).toMatchObject({ decision: 'deny', reason: 'unauthenticated', principal: null })
  })

  const named = (...uris: string[]) => {
    const names = new SubjectAlternativeNameExtension(uris.map((value) => ({ type: 'url', value })))
    return authority.issue({ extensions: [names] })
  }
})

describe('a certificate that is not good', () => {
  const names = [{ type: 'url' as const, value: WORKER }]
  const hour = 3_600_000
  const bad: readonly [string, () => Promise<Issued>, string][] = [
    ['of another authority', () => other.issue({ names }), 'IN_CHAIN|UNABLE_TO'],
    ['of nobody', () => selfSigned('CN=worker', names), 'SELF_SIGNED'],
    [
      'of an authority of the same name',
      async () => (await createAuthority()).issue({ names }),
      'UNABLE_TO|SIGNATURE',
    ],
    [
      'that has expired',
      () => authority.issue({ names, notBeforeMs: Date.now() - 2 * hour, notAfterMs: Date.now() - hour }),
      'expired',
    ],
    [
      'that is not good yet',
      () => authority.issue({ names, notBeforeMs: Date.now() + hour }),
      'NOT_YET_VALID',
    ],
    ['for servers', () => authority.issue({ names, usages: ['1.3.6.1.5.5.7.3.1'] }), 'PURPOSE'],
  ]
  test.each(bad)('%s', async (_, issue, detail) => {
    const certificate = await issue()
    const token = bearer(await tokenOf({}))
    for (const authorization of [undefined, bearer(gateway.key('alice')), token]) {
      const { status, entry } = await call({
        certificate,
        ...(authorization === undefined ? {} : { authorization }),
      })
      expect(status).toBe(401)
      expect(entry).toMatchObject({ decision: 'deny', detail: expect.stringMatching(new RegExp(detail)) })
    }
  })

  test('without one, whoever has another credential calls, and who has none does not', async () => {
    expect(await call({ authorization: bearer(gateway.key('bob')) })).toMatchObject({ status: 200 })
    expect(await call()).toMatchObject({ status: 401 })
  })

  test('its header is not one', async () => {
    const headers = {
      'x-forwarded-client-cert': `URI=${WORKER}`,
      'client-cert': `:${Buffer.from(worker.cert).toString('base64')}:`,
      'x-ssl-client-verify': 'SUCCESS',
    }
    expect(await call({ headers })).toMatchObject({ status: 401, entry: { principal: null } })
  })
})

describe('a token that is bound to a certificate', () => {
  test('is good on a connection with that certificate, and tells itself who is calling', async () => {
    const authorization = bearer(await boundTo(worker))
    const { status, entry } = await call({ certificate: worker, authorization })
    expect(status).toBe(200)
    expect(entry).toMatchObject({
      principal: 'User::"corp/ada"',
      authentication: { method: 'token', issuer: 'corp', bound: 'mtls' },
    })
  })

  test('is nothing without it, with another one, and as a token of DPoP', async () => {
    const token = await boundTo(worker)
    const twin = await authority.issue({ names: [{ type: 'url', value: WORKER }] })
    for (const sent of [
      { authorization: bearer(token) },
      { certificate: twin, authorization: bearer(token) },
      { certificate: worker, authorization: `DPoP ${token}` },
    ]) {
      const { status, entry } = await call(sent)
      expect(status).toBe(401)
      expect(entry.detail).toMatch(/without a certificate|another certificate|not bound to a key/)
    }
  })

  test('does not make one that is not bound worse', async () => {
    const authorization = bearer(await tokenOf({}))
    expect(await call({ certificate: worker, authorization })).toMatchObject({
      status: 200,
      entry: { principal: 'User::"corp/ada"' },
    })
  })

  test('can be asked of an issuer', async () => {
    const strict = await startTestGateway({ config: configOf(CA(), ', bound: any'), policies: PERMIT_ALL })
    const aud = strict.url('files')
    const sent = async (token: Promise<string>) =>
      (await call({ gate: strict, certificate: worker, authorization: bearer(await token) })).status
    expect(await sent(tokenOf({ aud }))).toBe(401)
    expect(await sent(boundTo(worker, { aud }))).toBe(200)
    await strict.close()
  })

  test('what is told of it before anyone asks', async () => {
    const { origin } = new URL(gateway.url('files'))
    const asked = request(`${origin}/.well-known/oauth-protected-resource/mcp/files`, {
      agent: agentWith(other.pem),
    })
    asked.end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const told = JSON.parse((await response.toArray()).join(''))
    expect(told).toMatchObject({ tls_client_certificate_bound_access_tokens: true })
  })
})

test('the certificate of a declared proxy is not that of those it calls for', async () => {
  const proxied = await startTestGateway({
    config: `publicUrl: https://gate.example.com\ntrustedProxies: [127.0.0.1]\n${configOf(CA())}`,
    policies: PERMIT_ALL,
  })
  const headers = { 'x-forwarded-for': '10.0.0.9' }
  expect(await call({ certificate: worker, headers })).toMatchObject({ status: 200 })
  const sent = { gate: proxied, certificate: worker, headers }
  expect(await call(sent)).toMatchObject({ status: 401, entry: { principal: null } })
  const aud = 'https://gate.example.com/mcp/files'
  for (const [token, status] of [
    [await tokenOf({ aud }), 200],
    [await boundTo(worker, { aud }), 401],
  ] as const)
    expect(await call({ ...sent, authorization: bearer(token) })).toMatchObject({ status })
  await proxied.close()
})

test('where certificates are required there is no connection without a good one', async () => {
  const strict = await startTestGateway({
    config: configOf(`${CA()}, clientCertificates: required`),
    policies: PERMIT_ALL,
  })
  expect(await call({ gate: strict, certificate: worker })).toMatchObject({ status: 200 })
  const bad = await other.issue({ names: [{ type: 'url', value: WORKER }] })
  const authorization = bearer(strict.key('alice'))
  for (const certificate of [undefined, bad])
    await expect(call({ gate: strict, certificate, authorization })).rejects.toThrow(
      /ECONNRESET|socket|alert|EPIPE/,
    )
  await strict.close()
})

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'no session is resumed, so each connection is judged: %s',
  async (version) => {
    const options = {
      host: '127.0.0.1',
      port: Number(new URL(gateway.origin).port),
      ca: other.pem,
      cert: worker.cert,
      key: worker.key,
      minVersion: version,
      maxVersion: version,
    }
    const sessions: Buffer[] = []
    const open = async (session?: Buffer): Promise<TLSSocket> => {
      const socket = connect(session === undefined ? options : { ...options, session })
      socket.on('session', (ticket) => sessions.push(ticket))
      await once(socket, 'secureConnect')
      socket.write('GET /mcp/files HTTP/1.1\r\nHost: x\r\n\r\n')
      await once(socket, 'data')
      return socket
    }
    const first = await open()
    const ticket = sessions.at(-1) ?? first.getSession()
    first.destroy()
    const second = await open(ticket)
    expect(second.isSessionReused()).toBe(false)
    second.destroy()
  },
)

/** An event stream, and when it ended. */
async function openStream(sent: Sent) {
  const { response: begun } = await send({
    ...sent,
    server: LIVE,
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }),
  })
  await begun.toArray()
  const session = String(begun.headers['mcp-session-id'])
  const { response } = await send({
    ...sent,
    server: LIVE,
    method: 'GET',
    headers: { 'mcp-session-id': session },
  })
  expect(response.statusCode).toBe(200)
  const ended = new Promise<number>((resolve) => response.once('close', () => resolve(Date.now())))
  response.on('error', () => undefined)
  response.resume()
  return { ended, session }
}

describe('what is opened with a certificate ends with it', () => {
  test('when it expires', async () => {
    const notAfterMs = Math.ceil(Date.now() / 1000) * 1000 + 2000
    const brief = await authority.issue({ names: [{ type: 'url', value: WORKER }], notAfterMs })
    const agent = agentWith(other.pem, brief)
    const { ended } = await openStream({ agent })
    expect(await ended).toBeGreaterThanOrEqual(notAfterMs - 50)
    const { status, entry } = await call({ agent })
    expect(status).toBe(401)
    expect(entry.detail).toMatch(/it has expired/)
    agent.destroy()
  })

  test('when its rule goes', async () => {
    const agent = agentWith(other.pem, worker)
    const { ended } = await openStream({ agent })
    const config = configOf(CA())
    expect(await gateway.reload({ config: config.replace(/.*name: mesh.*\n/, '') })).toEqual([])
    await ended
    expect(await call({ agent })).toMatchObject({ status: 401 })
    expect(await gateway.reload({ config })).toEqual([])
    expect(await call({ agent })).toMatchObject({ status: 200 })
    agent.destroy()
  })

  test.each<[string, () => Promise<string>]>([
    [
      'when it is revoked',
      async () => {
        writeFileSync(at('crl.pem'), await authority.revoke([worker.serial]))
        return `${CA()}, clientCrl: ${at('crl.pem')}`
      },
    ],
    [
      'when its authority goes',
      async () => {
        writeFileSync(at('ca.pem'), other.pem)
        return CA()
      },
    ],
    [
      'when the list of what is revoked is out of date',
      async () => {
        writeFileSync(at('crl.pem'), await authority.revoke([], Date.now() - 1000))
        return `${CA()}, clientCrl: ${at('crl.pem')}`
      },
    ],
  ])('%s', async (_, change) => {
    const [agent, idle] = [
      agentWith(other.pem, worker),
      new Agent({ keepAlive: true, ca: other.pem, ...worker }),
    ]
    const { ended } = await openStream({ agent })
    expect(await call({ agent: idle })).toMatchObject({ status: 200 })
    const bound = { agent: agentWith(other.pem, worker), authorization: bearer(await boundTo(worker)) }
    const { ended: boundEnded } = await openStream(bound)
    expect(await gateway.reload({ config: configOf(await change()) })).toEqual([])
    await Promise.all([ended, boundEnded])
    for (const again of [agent, idle]) expect(await call({ agent: again })).toMatchObject({ status: 401 })
    expect(await call(bound)).toMatchObject({ status: 401 })
    expect(await call({ authorization: bearer(gateway.key('carol')) })).toMatchObject({ status: 200 })

    writeFileSync(at('ca.pem'), authority.pem)
    expect(await gateway.reload({ config: configOf(CA()) })).toEqual([])
    await eventually(async () => expect(await call({ agent: idle })).toMatchObject({ status: 200 }))
    for (const each of [agent, idle, bound.agent]) each.destroy()
  })

  test('a list that revokes others leaves it alone', async () => {
    const unlucky = await authority.issue({ names: [{ type: 'url', value: WORKER }] })
    writeFileSync(at('crl.pem'), await authority.revoke([unlucky.serial]))
    expect(await gateway.reload({ config: configOf(`${CA()}, clientCrl: ${at('crl.pem')}`) })).toEqual([])
    expect(await call({ certificate: worker })).toMatchObject({ status: 200 })
    expect(await call({ certificate: unlucky })).toMatchObject({
      status: 401,
      entry: { detail: expect.stringContaining('CERT_REVOKED') },
    })
    expect(await gateway.reload({ config: configOf(CA()) })).toEqual([])
  })

  test('files that do not hold what they should change nothing', async () => {
    for (const [file, content, tls] of [
      ['ca.pem', '', CA()],
      ['ca.pem', server.key, CA()],
      ['crl.pem', 'nothing', `${CA()}, clientCrl: ${at('crl.pem')}`],
    ] as const) {
      writeFileSync(at(file), content)
      expect(await gateway.reload({ config: configOf(tls) })).toEqual([
        expect.stringMatching(/^tls: client(Ca|Crl): /),
      ])
      writeFileSync(at('ca.pem'), authority.pem)
    }
    expect(await call({ certificate: worker })).toMatchObject({ status: 200 })
  })
})
