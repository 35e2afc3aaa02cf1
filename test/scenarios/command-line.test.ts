/** `tollgate login` and what comes after it, with the built program, a gateway that runs, and a person in a browser. */
import { randomUUID } from 'node:crypto'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Folder, type Started } from '../../packages/gateway/src/cli/fixtures/tollgate.ts'
import { openOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { hasChromium, picture, startChromium, watch } from '../fixtures/chromium.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { Browser } from '../fixtures/oauth/browser.ts'
import { addPerson, enterCode, PASSWORD } from '../fixtures/oauth/person.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'
import { eventually } from '../fixtures/watched-gateway.ts'

let gateway: TestGateway
let issuer: Server
let issuerUrl: string
/** What the issuer outside was asked for tokens, and when. */
const polls: { readonly atMs: number; readonly fields: Record<string, string> }[] = []

beforeAll(async () => {
  issuer = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const [status, body] = answerOf(request.url ?? '', Buffer.concat(chunks).toString())
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
  issuerUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`
  gateway = await startTestGateway({
    config: `identity:
  authorizationServer: {}
  issuers: [ { name: corp, issuer: '${issuerUrl}', scopes: [tools] } ]
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`,
    policies: `@id("alice") permit (principal == User::"local/alice", action, resource);`,
  })
  const store = openOauthStore(join(gateway.folder, 'data'))
  if (!store.ok) throw new Error(store.error)
  await addPerson(store.value, 'alice')
  store.value.close()
})
afterAll(async () => {
  await gateway.close()
  await new Promise((resolve) => issuer.close(resolve))
})

function answerOf(path: string, text: string): [number, object] {
  const fields = Object.fromEntries(new URLSearchParams(text))
  if (path.startsWith('/.well-known/oauth-authorization-server'))
    return [
      200,
      {
        issuer: issuerUrl,
        token_endpoint: `${issuerUrl}/token`,
        device_authorization_endpoint: `${issuerUrl}/device`,
      },
    ]
  if (path === '/device')
    return [
      200,
      {
        device_code: randomUUID(),
        user_code: 'WDJB-MJHT\u001b[2J',
        verification_uri: `${issuerUrl}/enter`,
        expires_in: 60,
        interval: 1,
      },
    ]
  if (path !== '/token') return [404, {}]
  polls.push({ atMs: Date.now(), fields })
  if (polls.length === 1) return [400, { error: 'slow_down' }]
  return [200, { access_token: 'theirs', token_type: 'Bearer', expires_in: 600 }]
}

const at = () => ['--gateway', gateway.origin]
const FILE = '.config/tollgate/logins.json'

/** Starts a login and waits for the code. */
async function beginLogin(folder: Folder, args: readonly string[] = []): Promise<[Started, string]> {
  const started = folder.start(['login', ...at(), '--server', 'files', ...args])
  await started.says('Ctrl-C stops')
  return [started, /and enter +(\S+)/.exec(started.stderr)?.[1] ?? '']
}

/** Logs in, with a person who needs no window. */
async function logIn(folder: Folder): Promise<void> {
  const [started, code] = await beginLogin(folder)
  await enterCode(new Browser(gateway.origin), code)
  expect(await started.ended).toMatchObject({ code: 0, stdout: '' })
}

interface KeptLogin {
  accessToken: string
  refreshToken: string
  expiresAtMs: number
}
const kept = (folder: Folder) =>
  (JSON.parse(readFileSync(folder.at(FILE), 'utf8')) as { logins: KeptLogin[] }).logins
const expire = (folder: Folder) =>
  writeFileSync(
    folder.at(FILE),
    JSON.stringify({ version: 1, logins: kept(folder).map((login) => ({ ...login, expiresAtMs: 0 })) }),
  )
const callWith = (token: string) =>
  fetch(`${gateway.origin}/whoami/mcp/files`, { headers: { authorization: `Bearer ${token}` } })

describe.concurrent('at the gateway’s own authorization server', () => {
  test.skipIf(!hasChromium)(
    'a person says yes on a telephone, and commands and scripts act for them',
    async () => {
      using folder = new Folder()
      const browser = await startChromium()
      const context = await browser.newContext({
        viewport: { width: 390, height: 844 },
        isMobile: true,
        hasTouch: true,
      })
      const page = await context.newPage()
      const { loaded, complaints } = watch(page)
      const [started, code] = await beginLogin(folder)
      await page.goto(`${gateway.origin}/oauth/device`)
      await picture(page, 'device-code')
      await page.locator('input:focus').waitFor() // the field has it, once the page was drawn
      await page.keyboard.type('bbbb bbbb')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').waitFor()
      await picture(page, 'device-code-wrong')
      await page.getByLabel('Code').fill(code.toLowerCase())
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByRole('heading', { name: 'Does your device show this code?' }).waitFor()
      await picture(page, 'device-confirm')
      const confirm = await page.getByRole('main').innerText()
      for (const part of [
        code,
        'The tollgate command',
        'files',
        'Whoever shows you the code gets the access',
      ])
        expect(confirm).toContain(part)
      await page.getByRole('button', { name: 'Yes, continue' }).click()
      await picture(page, 'device-sign-in')
      await page.getByLabel('Name').fill('alice')
      await page.getByLabel('Password').fill(PASSWORD)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByRole('heading', { name: 'to act for you?' }).waitFor()
      await picture(page, 'device-consent')
      const consent = await page.getByRole('main').innerText()
      for (const part of ['The tollgate command', 'alice', 'files', 'whoever showed you the code', 'echo'])
        expect(consent).toContain(part)
      const isWide = await page.evaluate<boolean>('document.documentElement.scrollWidth > window.innerWidth')
      expect(isWide).toBe(false)
      await page.getByRole('button', { name: 'Allow', exact: true }).click()
      await page.getByRole('heading', { name: 'You are done' }).waitFor()
      await picture(page, 'device-done')
      expect(await started.ended).toMatchObject({ code: 0, stdout: '' })
      expect(new Set(loaded.map((url) => new URL(url).origin))).toEqual(new Set([gateway.origin]))
      // The one that the browser writes of every answer of 400.
      expect(complaints.filter((text) => !text.includes('status of 400'))).toEqual([])
      await browser.close()

      expect(statSync(folder.at(FILE)).mode & 0o777).toBe(0o600)
      expect(statSync(folder.at('.config/tollgate')).mode & 0o777).toBe(0o700)
      const { stdout } = await folder.run(['token', ...at(), 'files'])
      expect((await callWith(stdout.trim())).status).toBe(200)
      const who = await folder.run(['whoami', ...at()])
      expect(who.stdout).toMatch(/^principal +User::"local\/alice"\nagent +Agent::"local\/tollgate-cli"\n/)
      expect(who.stdout).toMatch(/proved by +token of local\n.*\n?signed in +password, \d{4}-/)
      const asked = gateway
        .entries()
        .filter((entry) => entry.kind === 'decision' && entry.method === 'whoami')
      expect(asked.at(-1)).toMatchObject({ principal: 'User::"local/alice"', agent: 'local/tollgate-cli' })
      expect(who.stdout + started.stderr).not.toContain(stdout.trim().slice(-40))
    },
  )

  test('a token is refreshed when it is needed, by one of many at once, and logging out ends it', async () => {
    using folder = new Folder()
    await logIn(folder)
    const [before] = kept(folder)
    expire(folder)
    const tokens = await Promise.all(Array.from({ length: 4 }, () => folder.run(['token', ...at(), 'files'])))
    expect(new Set(tokens.map(({ code }) => code))).toEqual(new Set([0]))
    expect(new Set(tokens.map(({ stdout }) => stdout)).size).toBe(1)
    const [after] = kept(folder)
    expect(after?.refreshToken).not.toBe(before?.refreshToken)
    expire(folder)
    const told = JSON.parse((await folder.run(['whoami', ...at(), 'files', '--json'])).stdout) as object
    expect(told).toMatchObject({ principal: 'User::"local/alice"', authentication: { issuer: 'local' } })

    const [last] = kept(folder)
    expect((await callWith(last?.accessToken ?? '')).status).toBe(200)
    const out = await folder.run(['logout', ...at(), 'files'])
    expect(out).toMatchObject({ code: 0, stdout: '' })
    expect(kept(folder)).toEqual([])
    await eventually(async () => expect((await callWith(last?.accessToken ?? '')).status).toBe(401))
    const gone = await folder.run(['token', ...at(), 'files'])
    expect(gone).toMatchObject({ code: 4, stdout: '' })
    expect(gone.stderr).toContain(`tollgate login --gateway ${gateway.origin} --server files`)
    expect(await folder.run(['logout', ...at(), 'files'])).toMatchObject({ code: 0 })
  })

  test('logging in again ends the login before; what others can read is not used', async () => {
    using folder = new Folder()
    await logIn(folder)
    const [before] = kept(folder)
    await logIn(folder)
    const [after, ...others] = kept(folder)
    expect(others).toEqual([])
    await eventually(async () => expect((await callWith(before?.accessToken ?? '')).status).toBe(401))
    expect((await callWith(after?.accessToken ?? '')).status).toBe(200)
    chmodSync(folder.at(FILE), 0o644)
    const refused = await folder.run(['token', ...at(), 'files'])
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('chmod 600') })
  })

  test('a login that was ended elsewhere says so, and how to begin again', async () => {
    using folder = new Folder()
    await logIn(folder)
    const store = openOauthStore(join(gateway.folder, 'data'))
    if (!store.ok) throw new Error(store.error)
    const [login] = kept(folder)
    await fetch(`${gateway.origin}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token: login?.refreshToken ?? '', client_id: 'tollgate-cli' }),
    })
    store.value.close()
    expire(folder)
    const ended = await folder.run(['token', ...at(), 'files'])
    expect(ended).toMatchObject({ code: 4, stdout: '' })
    expect(ended.stderr).toContain('The login has ended at the server')
    expect(kept(folder)).toEqual([])
  })

  test('a no in the browser is a no here', async () => {
    using folder = new Folder()
    const [started, code] = await beginLogin(folder)
    await enterCode(new Browser(gateway.origin), code, { action: 'deny' })
    expect(await started.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('was no') })
  })

  test('Ctrl-C ends it, and nothing is kept', async () => {
    using folder = new Folder()
    const [started] = await beginLogin(folder)
    started.child.kill('SIGINT')
    expect(await started.ended).toMatchObject({ code: 130, stderr: expect.stringContaining('Stopped') })
    expect((await folder.run(['token', ...at(), 'files'])).code).toBe(4)
  })
})

describe.concurrent('at an issuer outside', () => {
  test('a client that is known there waits as long as it is told to, and shows nothing that moves the cursor', async () => {
    using folder = new Folder()
    const [started] = await beginLogin(folder, ['--client-id', 'cli', '--issuer', issuerUrl, '--json'])
    expect(started.stderr).toContain('WDJB-MJHT\\u{1b}[2J')
    const { code, stdout } = await started.ended
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ server: 'files', issuer: issuerUrl, clientId: 'cli' })
    const [first, second] = polls
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(5900)
    expect(first?.fields).toMatchObject({ client_id: 'cli', resource: gateway.url('files') })
    expect((await folder.run(['token', ...at(), 'files'])).stdout).toBe('theirs\n')
    const out = await folder.run(['logout', ...at(), 'files'])
    expect(out).toMatchObject({ code: 1, stderr: expect.stringContaining('deleted here, but still good') })
    expect(kept(folder)).toEqual([])
  })

  test('an issuer that the gateway does not name is not gone to', async () => {
    using folder = new Folder()
    const args = [
      'login',
      ...at(),
      '--server',
      'files',
      '--client-id',
      'cli',
      '--issuer',
      'http://127.0.0.1:1',
    ]
    expect(await folder.run(args)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not name'),
    })
  })
})

describe.concurrent('what is missing is said', () => {
  test.each([
    ['a server', ['token', '--gateway', 'http://127.0.0.1:1'], 2, 'Say which server'],
    ['a safe address', ['token', '--gateway', 'http://gate.example.com', 'x'], 2, 'https'],
    ['a name that can be', ['token', '--gateway', 'http://127.0.0.1:1', '../x'], 2, 'no name'],
    [
      'a gateway',
      ['login', '--gateway', 'http://127.0.0.1:2', '--server', 'x'],
      1,
      'cannot be reached (ECONNREFUSED)',
    ],
    ['a login', ['whoami', '--gateway', 'http://127.0.0.1:1', 'x'], 4, 'tollgate login'],
  ])('%s', async (_title, args, code, text) => {
    using folder = new Folder()
    expect(await folder.run(args)).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(text) })
  })

  test('the configuration in the folder says which gateway and server it is', async () => {
    using folder = new Folder({
      'tollgate.yaml': 'listen: 127.0.0.1:7979\nservers: { only: { url: "https://x.example/mcp" } }\n',
    })
    const { code, stderr } = await folder.run(['token'])
    expect({ code, stderr }).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('--gateway http://127.0.0.1:7979 --server only'),
    })
  })
})
