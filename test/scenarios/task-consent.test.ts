/** A person lets an agent work on one task: in a real browser, by the official client, in the gateway that runs. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openOauthStore, type OpenOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { hasChromium, picture, startChromium, watch } from '../fixtures/chromium.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { addMachine, claimsOf, type Machine } from '../fixtures/oauth/machine.ts'
import { addPerson, PASSWORD } from '../fixtures/oauth/person.ts'
import { CHALLENGE, VERIFIER } from '../fixtures/oauth/server.ts'
import { type App, startApp } from '../fixtures/oauth/sdk-client.ts'
import { closeClients, connectClient } from '../fixtures/sdk-clients.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'
import { startTokenIssuer } from '../fixtures/token-issuer.ts'

const ASKED = {
  type: 'tollgate_task',
  purpose: 'Tell the team <team@example.com> about the release.\nThe notes are in /srv/notes.',
  servers: ['files'],
  tools: {
    files__echo: { to: { enum: ['team@example.com', 'ada@example.com'] }, path: { within: ['/srv/notes'] } },
    files__env: {},
    files__slow: { ms: { type: 'integer', maximum: 10 } },
  },
  budget: { calls: 50, calls_per_tool: { files__echo: 20 }, result_bytes: 2_000_000 },
  expires_in: 5400,
  flow: 'ask',
}
const SDK = `{ command: ${JSON.stringify([process.execPath, SDK_SERVER])} }`
const TEMPLATES = {
  'tell-somebody': `description: Tell one person about something
parameters:
  who: { type: choice, choices: [ada@example.com, alan@example.com], description: Who is told }
  folder: { type: path, default: /work, description: What they are told of lies within }
grant:
  tools:
    files__echo: { to: { const: '{{who}}' }, path: { within: ['{{folder}}'] } }
  budget: { calls: 10 }
`,
  elsewhere: 'description: Nothing to do with files\ngrant: { servers: [mail] }\n',
}

let gateway: TestGateway
let store: OpenOauthStore
let browser: Browser
let helper: Machine
const apps: App[] = []
beforeAll(async () => {
  gateway = await startTestGateway({
    config: `identity: { authorizationServer: {} }
servers: { files: ${SDK}, notes: ${SDK}, mail: { url: 'http://127.0.0.1:9/mcp' } }
`,
    policies: `@id("people") permit (principal is User, action, resource);
      @id("services") permit (principal is Service, action, resource);
      @id("no-args") forbid (principal, action == Action::"files__args", resource);`,
  })
  mkdirSync(join(gateway.folder, 'tasks'))
  for (const [name, text] of Object.entries(TEMPLATES))
    writeFileSync(join(gateway.folder, 'tasks', `${name}.yaml`), text)
  const opened = openOauthStore(join(gateway.folder, 'data'))
  if (!opened.ok) throw new Error(opened.error)
  store = opened.value
  await addPerson(store, 'alice')
  helper = await addMachine(store, gateway.origin, 'helper')
  if (hasChromium) browser = await startChromium()
})
afterAll(async () => {
  await closeClients()
  await Promise.all(apps.map((app) => app.close()))
  if (hasChromium) await browser.close()
  store.close()
  await gateway.close()
})

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
})

/** The address that an application sends somebody to when it asks for a task. */
function asking(address: string, changes: object = {}): string {
  const url = new URL(address)
  url.searchParams.set('authorization_details', JSON.stringify([{ ...ASKED, ...changes }]))
  return url.href
}

async function signIn(page: Page, address: string): Promise<void> {
  await page.goto(address)
  await page.getByLabel('Name').fill('alice')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'to act for you?' }).waitFor()
}

/** An application that has been let in for a task, by a person who does this to the page. */
async function letIn(answer: (page: Page) => Promise<void>, changes: object = {}) {
  const app = await startApp({ name: 'Release notes' })
  apps.push(app)
  const page = await browser.newPage()
  const watched = watch(page)
  const client = await app.connect(gateway.url('files'), async (address) => {
    await signIn(page, asking(address, changes))
    await answer(page)
    await page.getByText('Back in the app.').waitFor()
  })
  await page.close()
  // A form that is refused is shown again, which browsers tell of.
  expect(watched.complaints.filter((text) => !text.includes('status of 422'))).toEqual([])
  const token = app.kept.tokens?.access_token ?? ''
  const [{ id = '' } = {}] = claimsOf(token)['authorization_details'] as { id?: string }[]
  return { app, client, token, id }
}

const allow = (page: Page) => page.getByRole('button', { name: 'Allow', exact: true }).click()
const ECHO = { name: 'echo', arguments: { to: 'team@example.com', path: '/srv/notes/1.md' } }

describe.skipIf(!hasChromium)('a person who is asked for a task', () => {
  test('reads what it could do, takes away, and what is left is all that the agent can', async () => {
    const { client, token, id } = await letIn(async (page) => {
      await picture(page, 'task-consent')
      const text = await page.getByRole('main').innerText()
      for (const part of [
        'team@example.com',
        '/srv/notes',
        'own words',
        '1 hour 30 minutes',
        '50 calls',
        '2 MB',
      ])
        expect(text).toContain(part)
      // By keyboard alone: each tick is reached and has a name.
      const env = page.getByRole('checkbox', { name: 'files__env' })
      await env.focus()
      await page.keyboard.press('Space')
      expect(await env.isChecked()).toBe(false)
      await page.getByLabel('For how long').selectOption({ label: '15 minutes' })
      await page.getByText('Limits').click()
      await page.getByLabel('Calls in all').fill('51')
      await page.evaluate('document.querySelectorAll("form").forEach((form) => { form.noValidate = true })')
      await allow(page)
      // What was taken away stays away when something else was wrong.
      expect(await page.getByRole('alert').innerText()).toContain('not raised')
      expect(await env.isChecked()).toBe(false)
      expect(await page.getByLabel('For how long').inputValue()).toBe('900')
      await page.getByLabel('Calls in all').fill('3')
      await page.getByLabel('Send, change and delete only').check()
      await picture(page, 'task-consent-trimmed')
      await page.getByRole('button', { name: 'Allow', exact: true }).focus()
      await page.keyboard.press('Enter')
    })
    expect(
      await (await connectClient('v2 pinned', gateway.url('files'), { key: token })).toolNames(),
    ).toEqual(['echo', 'slow'])
    expect((await client.callTool(ECHO)).isError).not.toBe(true)
    for (const [name, args] of [
      ['echo', { ...ECHO.arguments, to: 'mallory@example.com' }],
      ['echo', { ...ECHO.arguments, path: '/srv/notes/../secret' }],
      ['echo', { ...ECHO.arguments, cc: 'mallory@example.com' }],
      ['env', {}],
    ] as const) {
      const refused = await client.callTool({ name, arguments: args })
      expect(JSON.stringify(refused)).toContain('outside-task')
    }
    await client.callTool(ECHO)
    await client.callTool(ECHO)
    expect(JSON.stringify(await client.callTool(ECHO))).toContain('limited')
    expect(gateway.entries().findLast((each) => each.kind === 'decision')).toMatchObject({ task: id })
    const events = gateway.entries().filter((each) => each.kind === 'event')
    expect(events.filter(({ task }) => task === id).map(({ event }) => event)).toEqual(['task', 'token'])
    await client.close()
  })

  test('picks a template instead, on a telephone, and hears what is wrong', async () => {
    const app = await startApp({ name: 'Release notes' })
    apps.push(app)
    const view = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true } as const
    const context = await browser.newContext({ ...view, colorScheme: 'dark' })
    const page = await context.newPage()
    const client = await app.connect(gateway.url('files'), async (address) => {
      await signIn(page, asking(address))
      await picture(page, 'task-consent-phone')
      const isWide = () => page.evaluate<boolean>('document.documentElement.scrollWidth > window.innerWidth')
      expect(await isWide()).toBe(false)
      for (const box of await page.getByRole('checkbox').all()) await box.uncheck()
      await allow(page)
      expect(await page.getByRole('alert').innerText()).toContain('Leave something')
      await page.getByText('Use a template in place of this').click()
      expect(await page.getByRole('form', { name: 'Template elsewhere' }).count()).toBe(0)
      await picture(page, 'task-templates-phone')
      await page.getByLabel('What they are told of lies within').fill('work')
      await page.getByRole('button', { name: 'Look at tell-somebody' }).click()
      expect(await page.getByRole('alert').innerText()).toContain('must be an absolute path')
      expect(await page.getByLabel('What they are told of lies within').inputValue()).toBe('work')
      await page.getByLabel('What they are told of lies within').fill('/srv')
      await page.getByLabel('Who is told').selectOption('alan@example.com')
      await page.getByLabel('What the task is for').fill('Tell Alan')
      await page.getByRole('button', { name: 'Look at tell-somebody' }).click()
      await page.getByText('which you have picked').waitFor()
      await picture(page, 'task-picked-phone')
      expect(await isWide()).toBe(false)
      await allow(page)
      await page.getByText('Back in the app.').waitFor()
    })
    await context.close()
    const told = { name: 'echo', arguments: { to: 'alan@example.com', path: '/srv/x' } }
    expect((await client.callTool(told)).isError).not.toBe(true)
    expect(JSON.stringify(await client.callTool(ECHO))).toContain('outside-task')
    await client.close()
  })

  test('says that it is the same work, on another server: what was used up on one counts on the other', async () => {
    const task = { servers: [], tools: { files__echo: {}, notes__echo: {} }, budget: { calls: 2 } }
    const { app, token, id } = await letIn(allow, task)
    const { client_id: clientId = '' } = app.kept.client ?? {}
    const page = await browser.newPage()
    const address = new URL(`${gateway.origin}/oauth/authorize`)
    const query = {
      client_id: clientId,
      response_type: 'code',
      redirect_uri: app.redirectUrl,
      resource: gateway.url('notes'),
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
    }
    address.search = new URLSearchParams(query).toString()
    await signIn(page, asking(address.href, task))
    await picture(page, 'task-same-work')
    await page.getByRole('button', { name: 'Let it go on with this task' }).click()
    await page.getByText('Back in the app.').waitFor()
    const answer = await fetch(`${gateway.origin}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...query,
        grant_type: 'authorization_code',
        code: new URL(page.url()).searchParams.get('code') ?? '',
        code_verifier: VERIFIER,
      }),
    })
    await page.close()
    const { access_token: other = '' } = (await answer.json()) as { access_token?: string }
    expect(claimsOf(other)['authorization_details']).toEqual([{ type: 'tollgate_task', id }])
    const [files, notes] = await Promise.all([
      connectClient('v2 pinned', gateway.url('files'), { key: token }),
      connectClient('v2 pinned', gateway.url('notes'), { key: other }),
    ])
    const echo = { name: 'echo', arguments: {} }
    expect((await files.callTool(echo)).isError).not.toBe(true)
    expect((await notes.callTool(echo)).isError).not.toBe(true)
    for (const client of [files, notes])
      expect(JSON.stringify(await client.callTool(echo))).toContain('limited')
  })

  test('ends the task: the token is good no longer, within five seconds, nor is a refresh', async () => {
    const { app, client, token, id } = await letIn(allow)
    const headers = { ...HEADERS, authorization: `Bearer ${token}` }
    const opened = await fetch(gateway.url('files'), { method: 'POST', headers, body: INITIALIZE })
    const session = {
      'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
      'mcp-protocol-version': '2025-11-25',
    }
    const stream = await fetch(gateway.url('files'), { headers: { ...headers, ...session } })
    expect(stream.status).toBe(200)
    gateway.endTask(id)
    const ended = stream.text().then(
      () => 'ended',
      () => 'ended',
    )
    expect(await Promise.race([ended, sleep(5000, 'still open')])).toBe('ended')
    const again = await fetch(gateway.url('files'), { method: 'POST', headers, body: INITIALIZE })
    expect(again.status).toBe(401)
    const { client_id: clientId = '' } = app.kept.client ?? {}
    const refreshed = await fetch(`${gateway.origin}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: clientId,
        refresh_token: app.kept.tokens?.refresh_token ?? '',
      }),
    })
    expect(await refreshed.json()).toMatchObject({ error: 'invalid_grant' })
    await client.close().catch(() => undefined)
  })

  test('whoever the agent hands it to has the task too, or a part of it, and no more', async () => {
    const { token } = await letIn(allow)
    const handOn = async (more: Record<string, string> = {}) => {
      const { body } = await helper.token({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        ...more,
      })
      return connectClient('v2 pinned', gateway.url('files'), { key: String(body['access_token']) })
    }
    const same = await handOn()
    expect(await same.toolNames()).toEqual(['echo', 'env', 'slow'])
    expect((await same.callTool(ECHO)).isError).not.toBe(true)
    expect(JSON.stringify(await same.callTool({ name: 'crash', arguments: {} }))).toContain('outside-task')
    const wider = {
      type: 'tollgate_task',
      purpose: 'More',
      tools: { files__echo: { to: {}, path: {} }, files__crash: {} },
    }
    const part = await handOn({ authorization_details: JSON.stringify([wider]) })
    expect(await part.toolNames()).toEqual(['echo'])
    expect((await part.callTool(ECHO)).isError).not.toBe(true)
    for (const to of ['mallory@example.com', '']) {
      const refused = await part.callTool({ name: 'echo', arguments: { ...ECHO.arguments, to } })
      expect(JSON.stringify(refused)).toContain('outside-task')
    }
  })
})

test('a service narrows itself to a task', async () => {
  const details = [
    { type: 'tollgate_task', purpose: 'Say hello', tools: { files__echo: { to: { const: 'ada' } } } },
  ]
  const { body } = await helper.token({
    grant_type: 'client_credentials',
    resource: gateway.url('files'),
    authorization_details: JSON.stringify(details),
  })
  const client = await connectClient('v2 pinned', gateway.url('files'), { key: String(body['access_token']) })
  expect(await client.toolNames()).toEqual(['echo'])
  expect((await client.callTool({ name: 'echo', arguments: { to: 'ada' } })).isError).not.toBe(true)
  expect(JSON.stringify(await client.callTool({ name: 'echo', arguments: { to: 'bob' } }))).toContain(
    'outside-task',
  )
})

test('a token of an issuer outside is not for a task of ours, whatever it says, and is not taken for more', async () => {
  const issuer = await startTokenIssuer()
  const outside = await startTestGateway({
    config: `identity: { issuers: [{ name: corp, issuer: '${issuer.url}' }] }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`,
    policies: '@id("all") permit (principal, action, resource);',
  })
  const { id } = outside.task({ servers: ['files'] })
  const statusOf = async (details: unknown) => {
    const claims = { aud: outside.url('files'), client_id: 'app', authorization_details: details }
    const headers = { ...HEADERS, authorization: `Bearer ${await issuer.sign(claims)}` }
    return (await fetch(outside.url('files'), { method: 'POST', headers, body: INITIALIZE })).status
  }
  expect(await statusOf(undefined)).toBe(200)
  expect(await statusOf([{ type: 'something_else' }])).toBe(200)
  for (const details of [[{ type: 'tollgate_task', id }], [{ type: 'tollgate_task' }], [{ ...ASKED, id }]])
    expect(await statusOf(details)).toBe(401)
  await outside.close()
  await issuer.close()
})
