/** Work that is handed on: a person's agent has another do a part of it, which has a third one do a part of that. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openOauthStore, type OpenOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { Browser } from '../fixtures/oauth/browser.ts'
import { addMachine, type Machine } from '../fixtures/oauth/machine.ts'
import { addPerson, allow } from '../fixtures/oauth/person.ts'
import { CHALLENGE, REDIRECT, VERIFIER } from '../fixtures/oauth/server.ts'
import { connectClient, closeClients } from '../fixtures/sdk-clients.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

let gateway: TestGateway
let store: OpenOauthStore
let [researcher, reader]: Machine[] = []
beforeAll(async () => {
  gateway = await startTestGateway({
    config: `identity: { authorizationServer: {} }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`,
    policies: `@id("connect") permit (principal == User::"local/ada", action == Action::"connect", resource);
      @id("twice") permit (principal == User::"local/ada", action == Action::"files__echo", resource)
        when { context has delegation && context.delegation.depth == 2 &&
          context.delegation.chain.contains(Agent::"local/researcher") && context.agent == Agent::"local/reader" };`,
  })
  const opened = openOauthStore(join(gateway.folder, 'data'))
  if (!opened.ok) throw new Error(opened.error)
  store = opened.value
  researcher = await addMachine(store, gateway.origin, 'researcher', { kind: 'agent' })
  reader = await addMachine(store, gateway.origin, 'reader', { kind: 'agent' })
  await addPerson(store, 'ada')
})
afterAll(async () => {
  await closeClients()
  store.close()
  await gateway.close()
})

/** A token for ada, by an application that she has let in. */
async function signIn(): Promise<{ client: string; token: string }> {
  const post = async (path: string, init: RequestInit) =>
    (await (await fetch(gateway.origin + path, { method: 'POST', ...init })).json()) as Record<string, string>
  const { client_id: client = '' } = await post('/oauth/register', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [REDIRECT] }),
  })
  const common = { client_id: client, redirect_uri: REDIRECT, resource: gateway.url('files') }
  const query = { ...common, response_type: 'code', code_challenge: CHALLENGE, code_challenge_method: 'S256' }
  const address = `${gateway.origin}/oauth/authorize?${new URLSearchParams(query).toString()}`
  const code =
    (await allow(new Browser(gateway.origin), address, { name: 'ada' })).searchParams.get('code') ?? ''
  const body = new URLSearchParams({
    ...common,
    grant_type: 'authorization_code',
    code,
    code_verifier: VERIFIER,
  })
  const { access_token: token = '' } = await post('/oauth/token', { body })
  return { client, token }
}

async function handOn(actor: Machine | undefined, token: string): Promise<string> {
  const answer = await actor?.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  })
  return String(answer?.body['access_token'])
}

const toolsOf = async (token: string) => {
  const client = await connectClient('v2 pinned', gateway.url('files'), { key: token })
  return client.toolNames()
}

test('a policy asks how often it was handed on and by whom, and the log tells everyone in order', async () => {
  const { client, token } = await signIn()
  const first = await handOn(researcher, token)
  const second = await handOn(reader, first)
  expect(await toolsOf(token)).toEqual([])
  expect(await toolsOf(first)).toEqual([])
  const connected = await connectClient('v2 pinned', gateway.url('files'), { key: second })
  expect(await connected.toolNames()).toEqual(['echo'])
  expect((await connected.callTool({ name: 'echo', arguments: { to: 'ada' } })).isError).not.toBe(true)
  expect(gateway.entries().findLast((each) => each.kind === 'decision')).toMatchObject({
    decision: 'allow',
    principal: 'User::"local/ada"',
    agent: 'local/reader',
    delegation: [`local/${client}`, 'local/researcher', 'local/reader'],
    policies: ['twice'],
  })
})

test('a stream that the last one has open ends with the one in the middle, within five seconds', async () => {
  const { token } = await signIn()
  const last = await handOn(reader, await handOn(researcher, token))
  const headers = {
    authorization: `Bearer ${last}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
  const opened = await fetch(gateway.url('files'), { method: 'POST', headers, body })
  expect(opened.status).toBe(200)
  const session = {
    'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
    'mcp-protocol-version': '2025-11-25',
  }
  const stream = await fetch(gateway.url('files'), { headers: { ...headers, ...session } })
  expect(stream.status).toBe(200)
  store.clients.revoke('researcher', Date.now())
  const ended = stream.text().then(
    () => 'ended',
    () => 'ended',
  )
  expect(await Promise.race([ended, sleep(5000, 'still open')])).toBe('ended')
  const again = await fetch(gateway.url('files'), { method: 'POST', headers, body })
  expect(again.status).toBe(401)
})
