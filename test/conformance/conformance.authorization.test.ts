import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { Browser } from '../fixtures/oauth/browser.ts'
import { addPerson, allow } from '../fixtures/oauth/person.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'
import { type AuthorizationServerUnderTest, runAuthorizationConformance } from './run.ts'

// The suite takes seconds; this only bounds a run that hangs.
const hangMs = 120_000

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway({
    config: `identity: { authorizationServer: {} }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`,
    policies: '@id("alice") permit (principal == User::"local/alice", action, resource);',
  })
  const store = openOauthStore(join(gateway.folder, 'data'))
  if (!store.ok) throw new Error(store.error)
  await addPerson(store.value, 'alice')
  store.value.close()
})

afterAll(() => gateway.close())

/** The gateway as the suite knows it, with a client that registered itself. */
async function underTest(action: 'allow' | 'deny'): Promise<AuthorizationServerUnderTest> {
  const port = await freePort()
  const registered = await fetch(`${gateway.origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'The conformance suite',
      application_type: 'native',
      redirect_uris: [`http://127.0.0.1:${port}/callback`],
    }),
  })
  const { client_id: clientId } = (await registered.json()) as { client_id: string }
  return {
    url: gateway.origin,
    clientId,
    port,
    resource: gateway.url('files'),
    async person(address) {
      await fetch(await allow(new Browser(gateway.origin), address, { action }))
    },
  }
}

/** A port that nobody listens on, for the suite's own listener. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

test(
  'the authorization server in the gateway passes every scenario there is for one',
  async () => {
    const result = await runAuthorizationConformance(await underTest('allow'))
    expect(result).toEqual({ passed: 2, required: 2, failures: [] })
  },
  hangMs,
)

test(
  'a person who says no is a failure of the suite, not mistaken for a pass',
  async () => {
    const { passed, failures } = await runAuthorizationConformance(await underTest('deny'))
    expect(passed).toBe(1)
    expect(failures).toEqual([expect.stringMatching(/^authorization-code-grant: .*access_denied/)])
  },
  hangMs,
)
