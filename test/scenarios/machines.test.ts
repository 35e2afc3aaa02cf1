/** Agents and services with a key of their own, by the official client, through the gateway that runs. */
import { join } from 'node:path'
import { Client, PrivateKeyJwtProvider, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { exportPKCS8 } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openOauthStore, type OpenOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { addMachine, type Machine } from '../fixtures/oauth/machine.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

let gateway: TestGateway
let store: OpenOauthStore
let nightly: Machine
let planner: Machine
beforeAll(async () => {
  gateway = await startTestGateway({
    config: `identity: { authorizationServer: {} }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`,
    policies: `@id("nightly") permit (principal == Service::"local/nightly", action == Action::"files__echo", resource)
        when { context.source.authentication.issuer == "local" };
      @id("planner") permit (principal == Agent::"local/planner", action == Action::"files__slow", resource);
      @id("connect") permit (principal, action in [Action::"connect"], resource);`,
  })
  const opened = openOauthStore(join(gateway.folder, 'data'))
  if (!opened.ok) throw new Error(opened.error)
  store = opened.value
  nightly = await addMachine(store, gateway.origin, 'nightly')
  planner = await addMachine(store, gateway.origin, 'planner', { kind: 'agent' })
})
afterAll(async () => {
  store.close()
  await gateway.close()
})

async function connect({ id, privateKey }: Machine): Promise<Client> {
  const authProvider = new PrivateKeyJwtProvider({
    clientId: id,
    privateKey: await exportPKCS8(privateKey),
    algorithm: 'ES256',
    expectedIssuer: gateway.origin,
  })
  const client = new Client({ name: id, version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url('files')), { authProvider }))
  return client
}

describe('the official client with a key', () => {
  test('calls as a service, which is the principal and has no agent', async () => {
    const client = await connect(nightly)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo'])
    const result = await client.callTool({ name: 'echo', arguments: { to: 'me' } })
    expect(result.structuredContent).toMatchObject({ arguments: { to: 'me' } })
    const entry = gateway.entries().findLast((each) => each.kind === 'decision')
    expect(entry).toMatchObject({
      principal: 'Service::"local/nightly"',
      agent: null,
      decision: 'allow',
      authentication: { clientProof: 'private_key_jwt' },
    })
    await client.close()
  })

  test('calls as an agent on its own, which policies tell from a service', async () => {
    const client = await connect(planner)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['slow'])
    await client.close()
  })

  test('is refused within five seconds of its revocation', async () => {
    const token = await planner.ownToken(gateway.url('files'))
    const call = async () => {
      const response = await fetch(gateway.url('files'), {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
      })
      await response.text()
      return response.status
    }
    expect(await call()).not.toBe(401)
    store.clients.revoke('planner', Date.now())
    await expect.poll(call, { timeout: 5000 }).toBe(401)
    await expect(connect(planner)).rejects.toThrow('client authentication failed')
  })
})
