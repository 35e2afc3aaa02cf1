/** A person with an authenticator: Chromium's own, which does all that a real one does but wait for a finger. */
import { join } from 'node:path'
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, picture, startChromium, watch } from '../fixtures/chromium.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { invite } from '../fixtures/oauth/person.ts'
import { startApp } from '../fixtures/oauth/sdk-client.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

let gateway: TestGateway
let origin: string
let browser: Browser
beforeAll(async () => {
  if (!hasChromium) return
  const config = `identity: { authorizationServer: {} }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`
  gateway = await startTestGateway({
    config,
    policies: `@id("strong") permit (principal == User::"local/alice", action, resource)
      when { context.source.authentication has strength && context.source.authentication.strength == "phr" };
      @id("bob") permit (principal == User::"local/bob", action, resource);`,
  })
  // Passkeys belong to a name, and 127.0.0.1 is none.
  origin = gateway.origin.replace('127.0.0.1', 'localhost')
  expect(await gateway.reload({ config: `publicUrl: ${origin}\n${config}` })).toEqual([])
  browser = await startChromium()
})
afterAll(async () => {
  if (!hasChromium) return
  await browser.close()
  await gateway.close()
})

interface Device {
  readonly context: BrowserContext
  readonly page: Page
  readonly cdp: CDPSession
  readonly authenticatorId: string
}

async function startDevice(viewport = { width: 390, height: 844 }): Promise<Device> {
  const context = await browser.newContext({ viewport })
  const page = await context.newPage()
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return { context, page, cdp, authenticatorId }
}

async function enrol({ page }: Device, name: string): Promise<void> {
  await page.goto(`${origin}${invite(join(gateway.folder, 'data'), name)}`)
  await page.getByRole('button', { name: 'Make a passkey' }).click()
  await page.getByRole('heading', { name: 'Your passkey is set' }).waitFor()
}

describe.skipIf(!hasChromium)('a person with a passkey', () => {
  test('makes it, signs in with it, and policies see how', async () => {
    const device = await startDevice()
    const { page, cdp, authenticatorId } = device
    const { loaded, complaints } = watch(page)
    await page.goto(`${origin}${invite(join(gateway.folder, 'data'), 'alice')}`)
    await page.getByRole('button', { name: 'Make a passkey' }).waitFor()
    await picture(page, 'welcome-passkey-phone')
    await page.getByRole('button', { name: 'Make a passkey' }).press('Enter')
    await page.getByRole('heading', { name: 'Your passkey is set' }).waitFor()
    const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId })
    expect(credentials).toMatchObject([{ rpId: 'localhost', isResidentCredential: true }])

    const app = await startApp()
    const client = await app.connect(`${origin}/mcp/files`, async (address) => {
      await page.goto(address)
      await page.getByRole('button', { name: 'Use a passkey' }).waitFor()
      await picture(page, 'sign-in-passkey-phone')
      await page.getByRole('button', { name: 'Use a passkey' }).press('Enter')
      await page.getByRole('heading', { name: 'to act for you?' }).waitFor()
      await picture(page, 'consent-passkey-phone')
      await page.getByRole('button', { name: 'Allow', exact: true }).click()
      await page.getByText('Back in the app.').waitFor()
    })
    const result = await client.callTool({ name: 'echo', arguments: { to: 'you' } })
    expect(result.structuredContent).toMatchObject({ arguments: { to: 'you' } })
    const from = new Set(loaded.map((url) => new URL(url).origin))
    expect([...from].toSorted()).toEqual([origin, new URL(app.redirectUrl).origin].toSorted())
    expect(complaints).toEqual([])
    await app.close()
    await device.context.close()
  })

  test('signs in by name, and is somebody else when they say so', async () => {
    const [device, other] = [await startDevice({ width: 1200, height: 800 }), await startDevice()]
    await enrol(device, 'bob')
    await enrol(other, 'carol')
    const { page } = device
    const app = await startApp()
    const connected = app.connect(`${origin}/mcp/files`, async (address) => {
      await page.goto(address)
      await page.getByLabel('Name').fill('carol')
      await page.getByRole('button', { name: 'Use a passkey' }).click()
      await page.getByText('No passkey was used.').waitFor()
      await picture(page, 'sign-in-no-passkey')
      await page.getByLabel('Name').fill('bob')
      await page.getByRole('button', { name: 'Use a passkey' }).click()
      await page.getByRole('heading', { name: 'to act for you?' }).waitFor()
      await picture(page, 'consent-passkey')
      await page.getByRole('button', { name: 'Not you?' }).click()
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
      await page.getByRole('button', { name: 'Use a passkey' }).click()
      await page.getByRole('heading', { name: 'to act for you?' }).waitFor()
      await page.getByRole('button', { name: 'Allow', exact: true }).click()
      await page.getByText('Back in the app.').waitFor()
    })
    await (await connected).callTool({ name: 'echo', arguments: {} })
    await app.close()
    await Promise.all([device.context.close(), other.context.close()])
  })
})
