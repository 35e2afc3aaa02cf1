/** A person, a real browser, and the official client, which knows only the address of a server behind the gateway. */
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, picture, startChromium, watch } from '../fixtures/chromium.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { invite } from '../fixtures/oauth/person.ts'
import { type App, startApp } from '../fixtures/oauth/sdk-client.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

const PASSWORD = 'correct horse battery'

let gateway: TestGateway
let app: App
let browser: Browser
beforeAll(async () => {
  if (!hasChromium) return
  gateway = await startTestGateway({
    config: `identity: { authorizationServer: {} }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`,
    policies: `@id("alice") permit (principal == User::"local/alice", action, resource);
      @id("no-slow") forbid (principal, action == Action::"files__slow", resource);`,
  })
  app = await startApp()
  browser = await startChromium()
})
afterAll(async () => {
  if (!hasChromium) return
  await browser.close()
  await app.close()
  await gateway.close()
})

const claimsOf = (token = '') =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

describe.skipIf(!hasChromium)('a person with a browser', () => {
  test('sets a password, lets the client in by keyboard alone, and its calls are theirs', async () => {
    const page = await browser.newPage()
    const { loaded, complaints } = watch(page)
    await page.goto(gateway.origin + invite(join(gateway.folder, 'data'), 'alice'))
    await picture(page, 'welcome')
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByLabel('The same again').fill(PASSWORD)
    await page.getByRole('button', { name: 'Set password' }).click()
    await page.getByRole('heading', { name: 'Your password is set' }).waitFor()
    await picture(page, 'welcome-done')

    const client = await app.connect(gateway.url('files'), async (address) => {
      await page.goto(address)
      await picture(page, 'sign-in')
      await page.locator('input:focus').waitFor() // the first field has it, once the page was drawn
      await page.keyboard.type('alice')
      await page.keyboard.press('Tab')
      await page.keyboard.type(PASSWORD)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'to act for you?' }).waitFor()
      await picture(page, 'consent')
      const text = await page.getByRole('main').innerText()
      for (const part of ['A test app', '127.0.0.1', 'alice', 'files', 'echo', 'on this computer'])
        expect(text).toContain(part)
      expect(text).not.toContain('slow')
      await page.getByRole('button', { name: 'Allow', exact: true }).focus()
      await page.keyboard.press('Enter')
      await page.getByText('Back in the app.').waitFor()
    })
    const result = await client.callTool({ name: 'echo', arguments: { to: 'you' } })
    expect(result.structuredContent).toMatchObject({ arguments: { to: 'you' } })

    const { access_token: token, refresh_token: refresh } = app.kept.tokens ?? {}
    expect(refresh).toBeDefined()
    const { client_id: clientId } = app.kept.client ?? {}
    expect(claimsOf(token)).toMatchObject({
      iss: gateway.origin,
      sub: 'alice',
      aud: gateway.url('files'),
      client_id: clientId,
    })
    const call = gateway.entries().find((entry) => JSON.stringify(entry).includes('files__echo'))
    expect(JSON.stringify(call)).toContain('local/alice')
    expect(JSON.stringify(call)).toContain(`local/${clientId}`)
    expect(JSON.stringify(gateway.entries())).not.toContain(String(token).slice(-40))

    const from = new Set(loaded.map((url) => new URL(url).origin))
    expect([...from].toSorted()).toEqual([gateway.origin, new URL(app.redirectUrl).origin].toSorted())
    expect(complaints).toEqual([])
    await client.close()
    await page.close()
  })

  test('sees pages that fit a telephone, in the dark too, and hears what is wrong', async () => {
    const context = await browser.newContext({
      viewport: { width: 360, height: 640 },
      colorScheme: 'dark',
      isMobile: true,
      hasTouch: true,
    })
    const page = await context.newPage()
    const other = await startApp({ name: 'A program with quite a long name that says little' })
    const connected = other.connect(gateway.url('files'), async (address) => {
      await page.goto(address)
      await page.getByLabel('Name').fill('alice')
      await page.getByLabel('Password').fill('not the password')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('alert').waitFor()
      expect(await page.getByLabel('Name').inputValue()).toBe('alice')
      await picture(page, 'sign-in-wrong-phone')
      await page.getByLabel('Password').fill(PASSWORD)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('heading', { name: 'to act for you?' }).waitFor()
      await picture(page, 'consent-phone')
      const isWide = await page.evaluate<boolean>('document.documentElement.scrollWidth > window.innerWidth')
      expect(isWide).toBe(false)
      await page.getByRole('button', { name: 'Do not allow' }).click()
      await page.getByText('Back in the app.').waitFor()
    })
    await expect(connected).rejects.toThrow('the person did not allow it')
    await other.close()
    await context.close()
  })
})
