/** A person of a provider like Keycloak, a real browser, and the official client: two sign-in pages, one yes, one call. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { hasChromium, picture, startChromium, watch } from '../fixtures/chromium.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { startApp } from '../fixtures/oauth/sdk-client.ts'
import { CLIENT, startUpstream, type Upstream } from '../fixtures/oauth/upstream.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

let upstream: Upstream
let gateway: TestGateway
let browser: Browser
beforeAll(async () => {
  if (!hasChromium) return
  upstream = await startUpstream()
  gateway = await startTestGateway({
    config: `identity:
  authorizationServer:
    signIn:
      name: corp
      label: Corp
      issuer: ${upstream.issuer}
      clientId: ${CLIENT.id}
      clientSecret: file:./secret
      groups: groups
      tags: { department: department }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`,
    policies: `@id("research") permit (principal in Group::"local/corp/engineering", action, resource)
      when { principal.hasTag("department") && principal.getTag("department") == "research" };`,
  })
  writeFileSync(join(gateway.folder, 'secret'), `${CLIENT.secret}\n`)
  upstream.know(gateway.origin)
  browser = await startChromium()
})
afterAll(async () => {
  if (!hasChromium) return
  await browser.close()
  await gateway.close()
  await upstream.close()
})

describe.skipIf(!hasChromium)('a person of a provider', () => {
  test.each([
    ['phone', { width: 390, height: 844 }],
    ['desk', { width: 1200, height: 800 }],
  ])('signs in there, says yes here, and policies see groups and tags (%s)', async (size, viewport) => {
    const context = await browser.newContext({ viewport })
    const page = await context.newPage()
    const { complaints } = watch(page)
    const app = await startApp()
    const client = await app.connect(gateway.url('files'), async (address) => {
      await page.goto(address)
      await page.getByText('A test app', { exact: true }).waitFor()
      await picture(page, `sign-in-upstream-${size}`)
      expect(await page.getByLabel('Password').count()).toBe(0) // nobody has one
      await page.getByRole('button', { name: 'Continue with Corp' }).press('Enter')
      await page.getByRole('heading', { name: 'Corp', exact: true }).waitFor()
      await page.getByLabel('Name').fill('ada')
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByRole('heading', { name: 'to act for you?' }).waitFor()
      await picture(page, `consent-upstream-${size}`)
      const text = await page.getByRole('main').innerText()
      for (const part of ['Ada of Corp', 'corp/ada', 'echo']) expect(text).toContain(part)
      await page.getByRole('button', { name: 'Allow', exact: true }).click()
      await page.getByText('Back in the app.').waitFor()
    })
    const result = await client.callTool({ name: 'echo', arguments: { to: 'you' } })
    expect(result.structuredContent).toMatchObject({ arguments: { to: 'you' } })
    const call = gateway.entries().find((entry) => JSON.stringify(entry).includes('files__echo'))
    expect(call).toMatchObject({ principal: 'User::"local/corp/ada"' })
    expect(JSON.stringify(gateway.entries())).not.toContain(CLIENT.secret)
    expect(gateway.log.join()).not.toContain(CLIENT.secret)
    expect(complaints).toEqual([])
    await app.close()
    await context.close()
  })

  test('who was removed is out of what is open, and barred', async () => {
    const page = await browser.newPage()
    const app = await startApp()
    const go = async (address: string) => {
      await page.goto(address)
      await page.getByRole('button', { name: 'Continue with Corp' }).click()
      await page.getByLabel('Name').fill('ada')
      await page.getByRole('button', { name: 'Log in' }).click()
    }
    const client = await app.connect(gateway.url('files'), async (address) => {
      await go(address)
      await page.getByRole('button', { name: 'Allow', exact: true }).click()
      await page.getByText('Back in the app.').waitFor()
    })
    await client.callTool({ name: 'echo', arguments: {} })
    const token = app.kept.tokens?.access_token
    const store = openOauthStore(join(gateway.folder, 'data'))
    if (!store.ok) throw new Error(store.error)
    store.value.people.remove('corp/ada', Date.now())
    store.value.close()
    const call = () =>
      fetch(gateway.url('files'), {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
      })
    await expect.poll(async () => (await call()).status, { timeout: 5000 }).toBe(401)

    const other = await startApp()
    const again = other.connect(gateway.url('files'), async (address) => {
      await page.goto(address)
      await page.getByRole('button', { name: 'Continue with Corp' }).click()
      await page.getByText('does not let you in here').waitFor()
      await picture(page, 'sign-in-upstream-barred')
      await page.getByRole('button', { name: 'Cancel' }).click()
      await page.getByText('Back in the app.').waitFor()
    })
    await expect(again).rejects.toThrow('did not allow it')
    await Promise.all([app.close(), other.close(), page.close()])
  })

  test('who is nobody to the policies gets nothing, and learns no more', async () => {
    const page = await browser.newPage()
    const app = await startApp()
    const connected = app.connect(gateway.url('files'), async (address) => {
      await page.goto(address)
      await page.getByRole('button', { name: 'Continue with Corp' }).click()
      await page.getByLabel('Name').fill('eve')
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByText('Back in the app.').waitFor()
    })
    await expect(connected).rejects.toThrow('there is no such resource')
    await app.close()
    await page.close()
  })
})
