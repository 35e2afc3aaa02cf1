/**
 * The official clients, which know only the address of a server behind the gateway: they find the authorization server,
 * become known to it in either way, send a person's browser there, and come back with a token that calls a tool. Then they
 * refresh; and who replays a refresh token ends everything that came of the same yes.
 */
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { hasChromium, picture, startChromium } from '../fixtures/chromium.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { startInternet, type TestInternet } from '../fixtures/internet.ts'
import { addPerson, PASSWORD } from '../fixtures/oauth/person.ts'
import { type App, metadataOf, startApp } from '../fixtures/oauth/sdk-client.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

let gateway: TestGateway
let internet: TestInternet
let browser: Browser
beforeAll(async () => {
  if (!hasChromium) return
  internet = await startInternet()
  gateway = await startTestGateway({
    config: `identity: { authorizationServer: {} }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`,
    policies: '@id("alice") permit (principal == User::"local/alice", action, resource);',
    replacements: { internet },
  })
  const store = openOauthStore(join(gateway.folder, 'data'))
  if (!store.ok) throw new Error(store.error)
  await addPerson(store.value, 'alice')
  store.value.close()
  browser = await startChromium()
})
afterAll(async () => {
  if (!hasChromium) return
  await browser.close()
  await gateway.close()
  await internet.close()
})

/** Alice, at a browser that has never been here; returns what the consent page said. */
async function signIn(address: string, title: string): Promise<string> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(address)
  await page.getByLabel('Name').fill('alice')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'to act for you?' }).waitFor()
  await picture(page, title)
  const text = await page.getByRole('main').innerText()
  await page.getByRole('button', { name: 'Allow', exact: true }).click()
  await page.getByText('Back in the app.').waitFor()
  await context.close()
  return text
}

const neverAsked = () => Promise.reject(new Error('the person was asked again'))

const refreshWith = (app: App, token = '') =>
  fetch(`${gateway.origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: app.kept.client?.client_id ?? '',
      refresh_token: token,
    }),
  })

const ping = (app: App) =>
  fetch(gateway.url('files'), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${app.kept.tokens?.access_token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
  })

describe.skipIf(!hasChromium).each([
  { sdk: 'v2', by: 'a document at its own address', path: '/v2/client.json' },
  { sdk: 'v2', by: 'registering itself', path: undefined },
  { sdk: 'v1', by: 'a document at its own address', path: '/v1/client.json' },
  { sdk: 'v1', by: 'registering itself', path: undefined },
] as const)('the official SDK $sdk, known by $by', ({ sdk, path }) => {
  const name = `App of ${sdk}`
  let app: App
  beforeAll(async () => {
    const document = path === undefined ? undefined : internet.url(path)
    app = await startApp({ name, sdk, ...(document === undefined ? {} : { document }) })
    if (path !== undefined)
      internet.publish(path, { client_id: document, ...metadataOf(name, app.redirectUrl) })
  })
  afterAll(() => app.close())

  test('has a person sign in and say yes, and calls a tool for them', async () => {
    const seen: string[] = []
    const client = await app.connect(gateway.url('files'), async (address) => {
      seen.push(await signIn(address, `consent-${sdk}-${path === undefined ? 'registered' : 'document'}`))
    })
    const result = await client.callTool({ name: 'echo', arguments: { to: 'you' } })
    expect(result.structuredContent).toMatchObject({ arguments: { to: 'you' } })
    await client.close()

    const clientId = app.kept.client?.client_id ?? ''
    expect(seen).toEqual([expect.stringContaining(name)])
    expect(seen[0]).toContain(
      path === undefined ? 'chose this name itself' : 'This is what app.example says of it.',
    )
    if (path === undefined) expect(clientId).toMatch(/^[\w-]{16,}$/)
    else expect(clientId).toBe(internet.url(path))
    expect(internet.asked.filter((asked) => asked === path)).toHaveLength(path === undefined ? 0 : 1)
    const call = gateway.entries().findLast((entry) => JSON.stringify(entry).includes('files__echo'))
    expect(call).toMatchObject({ principal: 'User::"local/alice"', agent: `local/${clientId}` })
  })

  test('refreshes, and the refresh token changes', async () => {
    const before = app.kept.tokens
    app.kept.tokens = { ...before!, access_token: 'gone' }
    const client = await app.connect(gateway.url('files'), neverAsked)
    await client.callTool({ name: 'echo', arguments: {} })
    await client.close()
    expect(app.kept.tokens?.access_token).not.toBe(before?.access_token)
    expect(app.kept.tokens?.refresh_token).not.toBe(before?.refresh_token)

    // Who replays the first one ends the second one, and what was got with it.
    expect((await ping(app)).status).toBe(200)
    expect((await refreshWith(app, before?.refresh_token)).status).toBe(400)
    expect((await refreshWith(app, app.kept.tokens?.refresh_token)).status).toBe(400)
    await expect.poll(async () => (await ping(app)).status, { timeout: 5000 }).toBe(401)
  })
})
