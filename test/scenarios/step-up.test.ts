/**
 * More scopes when a call needs them: the official client, told so by a 403, sends the person to say yes to them by
 * itself, and then the call goes through. Nobody is asked twice for what they gave.
 */
import { join } from 'node:path'
import { UnauthorizedError } from '@modelcontextprotocol/client'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { Browser } from '../fixtures/oauth/browser.ts'
import { addPerson, allow } from '../fixtures/oauth/person.ts'
import { startApp } from '../fixtures/oauth/sdk-client.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway({
    config: `identity: { authorizationServer: {} }
servers:
  files:
    command: ${JSON.stringify([process.execPath, SDK_SERVER])}
    scopes: ['files:read']
    tools: { echo: { scopes: ['files:write'] } }
`,
    policies: '@id("alice") permit (principal == User::"local/alice", action, resource);',
  })
  const store = openOauthStore(join(gateway.folder, 'data'))
  if (!store.ok) throw new Error(store.error)
  await addPerson(store.value, 'alice')
  store.value.close()
})
afterAll(() => gateway.close())

test('a client that lacks a scope gets it, and the call goes through', async () => {
  const app = await startApp()
  const browser = new Browser(gateway.origin)
  const asked: string[] = []
  const person = async (address: string) => {
    asked.push(new URL(address).searchParams.get('scope') ?? '')
    await fetch(await allow(browser, address))
  }
  const scopes = () =>
    String(decodeJwt(app.kept.tokens?.access_token ?? '')['scope'])
      .split(' ')
      .toSorted()
  const url = gateway.url('files')

  const client = await app.connect(url, person)
  expect(asked).toHaveLength(1)
  expect(scopes()).toEqual(['files:read', 'mcp'])

  const write = { name: 'echo', arguments: { a: 1 } }
  await expect(client.callTool(write)).rejects.toThrow(UnauthorizedError)
  await app.authorize(url, person)
  expect(asked).toHaveLength(2)
  expect(asked[1]).toContain('files:write')
  expect(scopes()).toEqual(['files:read', 'files:write', 'mcp'])
  expect(JSON.stringify((await client.callTool(write)).content)).toContain('arguments')

  const events = gateway.entries().filter((entry) => entry.kind === 'event' && entry.event === 'consent')
  expect(events.map((entry) => ('detail' in entry ? entry.detail : ''))).toEqual([
    `for ${url} with mcp files:read`,
    expect.stringMatching(/files:write/),
  ])
  await app.close()
})
