/** Over TLS the cookies of the authorization server have names that a browser holds to what they promise; so it is asked. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, fetch } from 'undici'
import { expect, test } from 'vitest'
import { openOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { selfSigned } from '../fixtures/certificates.ts'
import { hasChromium, startChromium } from '../fixtures/chromium.ts'
import { PERMIT_ALL, startTestGateway } from '../fixtures/gateway.ts'
import { addPerson, PASSWORD } from '../fixtures/oauth/person.ts'
import { CHALLENGE } from '../fixtures/oauth/server.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

const REDIRECT = 'https://app.example/callback'

test.skipIf(!hasChromium)(
  'Chromium takes them: __Host- for the session, __Secure- for a sign-in',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tls-'))
    const pair = await selfSigned('CN=gate', [{ type: 'ip', value: '127.0.0.1' }])
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    writeFileSync(cert, pair.cert)
    writeFileSync(key, pair.key)
    const gateway = await startTestGateway({
      config: `tls: { cert: '${cert}', key: '${key}' }
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`,
      policies: PERMIT_ALL,
    })
    const store = openOauthStore(join(gateway.folder, 'data'))
    if (!store.ok) throw new Error(store.error)
    await addPerson(store.value, 'alice')
    store.value.close()
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
    const registered = await fetch(`${gateway.origin}/oauth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: 'An app', redirect_uris: [REDIRECT] }),
      dispatcher,
    })
    const { client_id: clientId } = (await registered.json()) as { client_id: string }
    await dispatcher.close()
    const query = new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: REDIRECT,
      resource: gateway.url('files'),
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
    })

    const browser = await startChromium()
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    const page = await context.newPage()
    await page.goto(`${gateway.origin}/oauth/authorize?${query.toString()}`)
    await page.getByLabel('Name').fill('alice')
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'to act for you?' }).waitFor()
    const cookies = await context.cookies(page.url())
    await browser.close()
    await gateway.close()
    rmSync(folder, { recursive: true })

    const kept = { secure: true, httpOnly: true, sameSite: 'Lax' }
    const signedIn = cookies.filter(({ name }) => name.startsWith('__Host-'))
    expect(signedIn.map(({ name }) => name).toSorted()).toEqual([
      '__Host-tollgate-session',
      '__Host-tollgate-session.sig',
    ])
    for (const cookie of signedIn) expect(cookie).toMatchObject({ ...kept, path: '/', domain: '127.0.0.1' })
    const others = cookies.filter((each) => !signedIn.includes(each))
    expect(others.length).toBeGreaterThan(0)
    for (const cookie of others) {
      expect(cookie).toMatchObject({ ...kept, path: new URL(page.url()).pathname })
      expect(cookie.name).toMatch(/^__Secure-tollgate-/)
    }
  },
)
