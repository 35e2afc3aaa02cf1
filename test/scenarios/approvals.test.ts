/**
 * Approvals, end to end: an agent makes a call that a person has to approve, learns by MCP itself where that is done, the
 * person does it in a browser, and the call of the official client completes. In both eras, with a password and a passkey.
 */
import { join } from 'node:path'
import { UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { hasChromium, picture, startChromium, watch } from '../fixtures/chromium.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { addPerson, invite, PASSWORD } from '../fixtures/oauth/person.ts'
import { closeClients, connectV1, connectV2 } from '../fixtures/sdk-clients.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

const POLICIES = `@id("all") permit (principal, action in Action::"tools/call", resource in Server::"files");
@id("asked") @remedy("approval") forbid (principal, action == Action::"files__echo", resource)
when { context.input has text && context.input.text like "deploy*" } unless { context has approval };
@id("lead") permit (principal == User::"local/lead", action == Action::"approvals/approve", resource in Server::"files");`
const CONFIG = `identity: { authorizationServer: {} }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`
const WITH_URLS = { elicitation: { url: {}, form: {} } }
const DEPLOY = { name: 'echo', arguments: { text: 'deploy \u202etxt.exe to <b>prod</b>' } }

let gateway: TestGateway
let origin: string
let browser: Browser
beforeAll(async () => {
  gateway = await startTestGateway({ config: CONFIG, policies: POLICIES })
  origin = gateway.origin.replace('127.0.0.1', 'localhost')
  expect(await gateway.reload({ config: `publicUrl: ${origin}\n${CONFIG}` })).toEqual([])
  const store = openOauthStore(join(gateway.folder, 'data'))
  if (!store.ok) throw new Error(store.error)
  await addPerson(store.value, 'lead')
  await addPerson(store.value, 'intern')
  store.value.close()
  if (hasChromium) browser = await startChromium()
})
afterEach(closeClients)
afterAll(async () => {
  await browser?.close()
  await gateway.close()
})

const PHONE = { width: 390, height: 844 }

async function open(
  url: string,
  name = 'lead',
  viewport = PHONE,
): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({ viewport })
  const page = await context.newPage()
  await page.goto(url)
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).press('Enter')
  await page.waitForURL(/\/approvals\//)
  return { context, page }
}

async function answer(url: string, button: 'Approve' | 'Deny'): Promise<void> {
  const { context, page } = await open(url)
  await page.getByRole('button', { name: button, exact: true }).press('Enter')
  await page.getByRole('heading', { name: button === 'Approve' ? 'Approved' : 'Denied' }).waitFor()
  await context.close()
}

const textOf = (result: object) => (result as { content: { text: string }[] }).content[0]?.text ?? ''
const urlIn = (text: string) => /http:\S+\/approvals\/\S+/.exec(text)?.[0] ?? ''

describe.skipIf(!hasChromium)(
  'the call of the official client completes once a person has approved it',
  () => {
    test('2026-07-28: the client opens the page, and waits', async () => {
      const seen: string[] = []
      const client = await connectV2('v2 pinned', gateway.url('files'), {
        key: gateway.key('ada', 'helper'),
        capabilities: WITH_URLS,
      })
      let answered: Promise<void> | undefined
      client.setRequestHandler('elicitation/create', ({ params }) => {
        if (params.mode !== 'url') throw new Error('not a page')
        seen.push(params.url)
        answered = answer(params.url, 'Approve')
        return { action: 'accept' }
      })
      const result = await client.callTool(DEPLOY)
      await answered
      expect(result.isError).not.toBe(true)
      expect(textOf(result)).toContain('deploy')
      expect(seen).toHaveLength(1)
      expect(seen[0]).toMatch(new RegExp(`^${origin}/approvals/a-[a-z2-7]{24}$`))
      expect(gateway.entries().filter(({ kind }) => kind === 'event')).toContainEqual(
        expect.objectContaining({ event: 'approval', result: 'done', principal: 'User::"local/lead"' }),
      )
    })

    test('2026-07-28: a user who does not open it is told why the call was refused', async () => {
      const client = await connectV2('v2 pinned', gateway.url('files'), {
        key: gateway.key('bea'),
        capabilities: WITH_URLS,
      })
      client.setRequestHandler('elicitation/create', () => ({ action: 'decline' }))
      const result = await client.callTool(DEPLOY)
      expect(result.isError).toBe(true)
      expect(textOf(result)).toContain('approval-required')
    })

    test('2026-07-28: a no ends the waiting', async () => {
      const client = await connectV2('v2 pinned', gateway.url('files'), {
        key: gateway.key('cleo'),
        capabilities: WITH_URLS,
      })
      let answered: Promise<void> | undefined
      client.setRequestHandler('elicitation/create', ({ params }) => {
        answered = answer('url' in params ? params.url : '', 'Deny')
        return { action: 'accept' }
      })
      const result = await client.callTool(DEPLOY)
      await answered
      expect(textOf(result)).toContain('said no')
    })

    test.each(['v2 legacy', 'v1'] as const)(
      '2025-11-25, %s: the error names the page, and the call made again goes through',
      async (sdk) => {
        const options = { key: gateway.key(`dora ${sdk}`), capabilities: WITH_URLS }
        const client =
          sdk === 'v1'
            ? await connectV1(gateway.url('files'), options)
            : await connectV2(sdk, gateway.url('files'), options)
        const thrown: unknown = await client.callTool(DEPLOY).catch((problem: unknown) => problem)
        const { code, data } = thrown as {
          code: number
          data: { elicitations: { url: string; mode: string }[] }
        }
        expect(code).toBe(-32042)
        if (sdk === 'v1') expect(thrown).toBeInstanceOf(UrlElicitationRequiredError)
        const [elicitation] = data.elicitations
        expect(elicitation?.mode).toBe('url')
        await answer(elicitation?.url ?? '', 'Approve')
        expect(textOf(await client.callTool(DEPLOY))).toContain('deploy')
      },
    )

    test.each(['v2 pinned', 'v2 legacy'] as const)(
      '%s that opens no pages: the refusal has the link',
      async (flavour) => {
        const key = gateway.key(`eve ${flavour}`)
        const client = await connectV2(flavour, gateway.url('files'), { key })
        const refused = await client.callTool(DEPLOY)
        expect(refused.isError).toBe(true)
        await answer(urlIn(textOf(refused)), 'Approve')
        expect(textOf(await client.callTool(DEPLOY))).toContain('deploy')
        expect((await client.callTool(DEPLOY)).isError).toBe(true)
      },
    )
  },
)

describe.skipIf(!hasChromium)('the page', () => {
  async function asked(who: string, text = 'deploy \u202etxt.exe to <b>prod</b>'): Promise<string> {
    const client = await connectV2('v2 pinned', gateway.url('files'), { key: gateway.key(who, 'helper') })
    return urlIn(textOf(await client.callTool({ name: 'echo', arguments: { text } })))
  }

  test('shows the exact call, what cannot be seen too, and loads nothing from elsewhere', async () => {
    const { context, page } = await open(await asked('fay'))
    const { loaded, complaints } = watch(page)
    await page.reload()
    await expect(page.getByLabel('Arguments').textContent()).resolves.toBe(
      '{\n  "text": "deploy \\u202etxt.exe to <b>prod</b>"\n}',
    )
    const text = await page.getByRole('main').textContent()
    for (const each of ['User::"fay"', 'helper', 'files', 'Policy "asked" forbids this call'])
      expect(text).toContain(each)
    expect(loaded.every((url) => url.startsWith(origin))).toBe(true)
    expect(complaints).toEqual([])
    await picture(page, 'approval-phone')
    await page.setViewportSize({ width: 1280, height: 900 })
    await picture(page, 'approval-desktop')
    await page.keyboard.press('Tab')
    await context.close()
  })

  test('shows nothing to somebody who may not decide it', async () => {
    const { context, page } = await open(await asked('gil'), 'intern')
    await page.getByRole('heading', { name: 'Not yours to decide' }).waitFor()
    expect(await page.getByRole('main').textContent()).not.toContain('deploy')
    await picture(page, 'approval-not-yours')
    await context.close()
  })

  test('is opened by no key and no token, only by signing in', async () => {
    const url = await asked('hal')
    for (const headers of [{}, { authorization: `Bearer ${gateway.key('hal')}` }]) {
      const response = await fetch(url, { headers, redirect: 'manual' })
      expect(response.status).toBe(303)
      expect(response.headers.get('location')).toMatch(/^\/oauth\/authorize\?/)
      const posted = await fetch(url, {
        method: 'POST',
        headers,
        redirect: 'manual',
        body: new URLSearchParams({ action: 'approve' }),
      })
      expect(posted.status).toBe(303)
    }
  })

  test('takes no form but its own, and no frame', async () => {
    const url = await asked('ivy')
    const { context, page } = await open(url)
    const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
    const shown = await fetch(url, { headers: { cookie } })
    expect(shown.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    const csrf = await page.locator('input[name=csrf]').first().inputValue()
    const post = (token: string, site = 'same-origin') =>
      fetch(url, {
        method: 'POST',
        headers: { cookie, 'sec-fetch-site': site },
        body: new URLSearchParams({ action: 'approve', csrf: token }),
      })
    expect((await post('')).status).toBe(403)
    expect((await post(csrf, 'cross-site')).status).toBe(403)
    expect((await post(csrf)).status).toBe(200)
    expect((await post(csrf)).status).toBe(410)
    await context.close()
  })

  test('takes a passkey for it where that is configured', async () => {
    const stepUp = `publicUrl: ${origin}\napprovals: { stepUp: passkey }\n${CONFIG}`
    expect(
      await gateway.reload({ config: stepUp, policies: POLICIES.replace('local/lead', 'local/chief') }),
    ).toEqual([])
    const url = await asked('jo')
    const context = await browser.newContext({ viewport: PHONE })
    const page = await context.newPage()
    const cdp = await context.newCDPSession(page)
    await cdp.send('WebAuthn.enable')
    await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    await page.goto(`${origin}${invite(join(gateway.folder, 'data'), 'chief')}`)
    await page.getByRole('button', { name: 'Make a passkey' }).click()
    await page.getByRole('heading', { name: 'Your passkey is set' }).waitFor()
    await page.goto(url)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.getByRole('button', { name: 'Approve with a passkey' }).waitFor()
    await picture(page, 'approval-passkey')
    const csrf = await page.locator('input[name=csrf]').first().inputValue()
    const without = await context.request.post(url, {
      form: { action: 'approve', csrf },
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    expect(without.status()).toBe(422)
    await page.getByRole('button', { name: 'Approve with a passkey' }).click()
    await page.getByRole('heading', { name: 'Approved' }).waitFor()
    await context.close()
  })
})
