/** People of an identity provider outside, with the official clients, which know nothing but the gateway's address. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type IdentityProvider, startIdentityProvider } from '../fixtures/oauth/identity-provider.ts'
import { startApp } from '../fixtures/oauth/sdk-client.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

let corp: IdentityProvider
let gateway: TestGateway
beforeAll(async () => {
  corp = await startIdentityProvider({ ada: ['engineering'], bob: ['sales'] })
  gateway = await startTestGateway({
    config: `identity:
  issuers:
    - { name: corp, issuer: '${corp.issuer}', groups: groups, scopes: [mcp] }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`,
    policies: `
@id("engineers-echo")
permit (principal in Group::"corp/engineering", action == Action::"files__echo", resource)
when { context has agent };
@id("sales-look")
permit (principal in Group::"corp/sales", action == Action::"files__whoami", resource);`,
  })
})
afterAll(async () => {
  await gateway.close()
  await corp.close()
})

test.each(['v1', 'v2'] as const)(
  'the client of SDK %s finds the provider by itself, and calls as the person who signed in there',
  async (sdk) => {
    const app = await startApp({ sdk })
    const client = await app.connect(gateway.url('files'), async (address) => {
      expect(address).toContain(`${corp.issuer}/auth`)
      await fetch(await corp.signIn(address, 'ada'))
    })
    const answer = await client.callTool({ name: 'echo', arguments: { text: 'hello' } })
    expect(JSON.stringify(answer.content)).toContain('hello')
    expect(
      gateway.entries().findLast((entry) => entry.kind === 'decision' && entry.tool !== null),
    ).toMatchObject({
      principal: 'User::"corp/ada"',
      agent: `corp/${app.kept.client?.client_id}`,
      authentication: { method: 'token', issuer: 'corp' },
      tool: 'files__echo',
      decision: 'allow',
      policies: ['engineers-echo'],
    })
    await app.close()
  },
)

test('the policies of a group are not for who is in another', async () => {
  const app = await startApp()
  const client = await app.connect(gateway.url('files'), async (address) => {
    await fetch(await corp.signIn(address, 'bob'))
  })
  const refused = client.callTool({ name: 'echo', arguments: { text: 'hello' } })
  await expect(refused.then(({ isError }) => isError)).rejects.toThrow(/not|unknown/i)
  await app.close()
})
