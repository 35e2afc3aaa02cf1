/** A company's identity provider says who may use what through which client, and the official client asks nobody else. */
import { join } from 'node:path'
import {
  Client,
  createPrivateKeyJwtAuth,
  CrossAppAccessProvider,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openOauthStore, type OpenOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { addMachine, type Machine } from '../fixtures/oauth/machine.ts'
import { connectClient, closeClients } from '../fixtures/sdk-clients.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'
import { type Claims, startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'

const POLICIES = `@id("engineers") permit (principal in Group::"corp/engineering", action, resource)
  when { principal.hasTag("department") && principal.getTag("department") == "research" };`

let corp: TokenIssuer
let gateway: TestGateway
let store: OpenOauthStore
let desk: Machine
const configOf = (issuers: string) => `identity:
  authorizationServer: {}
  issuers: ${issuers}
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`
const corpSettings = () =>
  `[{ name: corp, issuer: '${corp.url}', enterprise: true, groups: groups, tags: { department: dept } }]`
beforeAll(async () => {
  corp = await startTokenIssuer()
  gateway = await startTestGateway({ config: configOf(corpSettings()), policies: POLICIES })
  const opened = openOauthStore(join(gateway.folder, 'data'))
  if (!opened.ok) throw new Error(opened.error)
  store = opened.value
  desk = await addMachine(store, gateway.origin, 'desk')
})
afterAll(async () => {
  await closeClients()
  store.close()
  await gateway.close()
  await corp.close()
})

/** What the provider's token endpoint would answer with. */
const word = (claims: Claims) =>
  corp.sign(
    {
      client_id: 'desk',
      groups: ['engineering'],
      dept: 'research',
      exp: Math.floor(Date.now() / 1000) + 300,
      ...claims,
    },
    { typ: 'oauth-id-jag+jwt' },
  )

/** The official client, which proves itself with its key instead of a secret. */
async function connect(): Promise<Client> {
  const provider = new CrossAppAccessProvider({
    clientId: 'desk',
    clientSecret: 'none',
    expectedIssuer: gateway.origin,
    assertion: ({ authorizationServerUrl, resourceUrl, scope }) =>
      word({ aud: new URL(authorizationServerUrl).origin, resource: resourceUrl, scope }),
  })
  const { privateKey } = desk
  const { exportJWK } = await import('jose')
  const authProvider = Object.assign(provider, {
    addClientAuthentication: createPrivateKeyJwtAuth({
      issuer: 'desk',
      subject: 'desk',
      privateKey: await exportJWK(privateKey),
      alg: 'ES256',
    }),
  })
  const client = new Client({ name: 'desk', version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url('files')), { authProvider }))
  return client
}

test('the official client calls for a person whom nobody asked, by the name that the provider’s own tokens give', async () => {
  const client = await connect()
  const result = await client.callTool({ name: 'echo', arguments: { to: 'ada' } })
  expect(result.isError).not.toBe(true)
  expect(gateway.entries().findLast((each) => each.kind === 'decision')).toMatchObject({
    decision: 'allow',
    principal: 'User::"corp/ada"',
    agent: 'local/desk',
  })
  expect(gateway.entries().findLast((each) => each.kind === 'event' && each.event === 'token')).toMatchObject(
    {
      principal: 'User::"corp/ada"',
      client: 'desk',
    },
  )
  await client.close()

  // The provider's own token, for the route, tells of the same person.
  const own = await corp.sign({
    aud: gateway.url('files'),
    client_id: 'ide',
    groups: ['engineering'],
    dept: 'research',
  })
  const direct = await connectClient('v2 pinned', gateway.url('files'), { key: own })
  await direct.toolNames()
  expect(gateway.entries().findLast((each) => each.kind === 'decision')).toMatchObject({
    principal: 'User::"corp/ada"',
    agent: 'corp/ide',
  })
})

test('what is handed on for a person of a provider is on record as theirs', async () => {
  const { body } = await desk.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: await word({ aud: gateway.origin, resource: gateway.url('files') }),
  })
  const helper = await addMachine(store, gateway.origin, 'helper', { kind: 'agent' })
  const exchanged = await helper.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: String(body['access_token']),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  })
  expect(exchanged.status).toBe(200)
  expect(gateway.entries().findLast((each) => each.kind === 'event' && each.event === 'token')).toMatchObject(
    { principal: 'User::"corp/ada"', client: 'helper' },
  )
})

test('tokens of a provider end with its settings', async () => {
  const { body } = await desk.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: await word({ aud: gateway.origin, resource: gateway.url('files') }),
  })
  const call = async () => {
    const response = await fetch(gateway.url('files'), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${String(body['access_token'])}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    })
    await response.text()
    return response.status
  }
  expect(await call()).not.toBe(401)
  expect(await gateway.reload({ config: configOf('[]') })).toEqual([])
  await expect.poll(call, { timeout: 5000 }).toBe(401)
})

test('needs the authorization server', async () => {
  const config = configOf(corpSettings()).replace('authorizationServer: {}', 'authorizationServer: false')
  await expect(startTestGateway({ config, policies: POLICIES })).rejects.toThrow('authorizationServer: {}')
})
