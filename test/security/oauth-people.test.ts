/** Signing in, saying yes, and the link that a new person gets. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Browser, field } from '../fixtures/oauth/browser.ts'
import { PASSWORD } from '../fixtures/oauth/person.ts'
import { startTestServer, type TestServer } from '../fixtures/oauth/server.ts'

let server: TestServer
let client: string
let browser: Browser
beforeEach(async () => {
  server = await startTestServer()
  client = await server.register()
  browser = new Browser(server.origin)
})
afterEach(() => server.close())

const open = async (changes: Record<string, string | undefined> = {}, by = browser) =>
  by.follow(await by.get(server.authorizeUrl(client, changes)))

async function signIn(name = 'alice', password = PASSWORD, by = browser) {
  const page = await open({}, by)
  const fields = { csrf: field(page.text, 'csrf'), action: 'sign-in', name, password }
  return by.post(page.url, fields)
}

/** The consent page, for alice. */
async function consentPage() {
  return browser.follow(await signIn())
}

describe('signing in', () => {
  it('says the same to a wrong password and to a name that is not known', async () => {
    const texts = await Promise.all(
      ['alice', 'nobody'].map(async (name) => {
        const answer = await signIn(name, 'wrong', new Browser(server.origin))
        expect(answer.status).toBe(401)
        return answer.text.replace(/(value|action)="[^"]*"/g, '')
      }),
    )
    expect(texts[0]).toBe(texts[1])
    expect(texts[0]).toContain('role="alert"')
  })

  it('stops guessing at a name, also with the right password, also from elsewhere, for a while', async () => {
    for (let count = 0; count < 6; count++) expect((await signIn('alice', 'wrong')).status).toBe(401)
    expect((await signIn()).status).toBe(429)
    expect((await signIn('ALICE')).status).toBe(429)
    expect((await signIn('bob')).status).toBe(303)
    server.pass(15 * 60)
    expect((await signIn('alice', PASSWORD, new Browser(server.origin))).status).toBe(303)
  })

  it('is not for who was removed', async () => {
    server.store.people.remove('alice', Date.now())
    expect((await signIn()).status).toBe(401)
  })

  it('never shows a password again', async () => {
    expect((await signIn('alice', 'a wrong password')).text).not.toContain('a wrong password')
  })
})

describe('the consent page', () => {
  it('says who asks, where the answer goes, and what could be done', async () => {
    const { text } = await consentPage()
    for (const part of ['An app', 'app.example', 'alice', 'files', 'read', 'write'])
      expect(text).toContain(part)
    expect(text).not.toContain('on this computer')
  })

  it('holds no markup of a client', async () => {
    client = await server.register({ client_name: '<img src=x onerror=alert(1)>"\u202e' })
    const { text } = await consentPage()
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;\ufffd')
    expect(text).not.toContain('<img src=x')
  })

  it('warns of programs on this machine, and asks for those each time', async () => {
    const redirect_uri = 'http://127.0.0.1:3000/cb'
    client = await server.register({ redirect_uris: [redirect_uri] })
    const back = await server.consent(client, { redirect_uri }, browser)
    expect(back.searchParams.has('code')).toBe(true)
    const { text } = await open({ redirect_uri })
    expect(text).toContain('on this computer')
    expect(text).toContain('You allowed this before')
  })

  it('is not shown again for the same client, person and route', async () => {
    await server.consent(client, {}, browser)
    const back = await open()
    expect(back.url).toMatch(/^https:\/\/app\.example\/callback\?code=/)
    const other = await server.register()
    const asked = await browser.follow(await browser.get(server.authorizeUrl(other)))
    expect(asked.text).toContain('value="allow"')
  })

  it('is shown again once the client was revoked and another takes its name', async () => {
    await server.consent(client, {}, browser)
    server.store.clients.revoke(client, Date.now())
    expect((await open()).status).toBe(400)
  })

  it('gives nothing for a no', async () => {
    const page = await consentPage()
    const { url } = await browser.follow(
      await browser.post(page.url, { csrf: field(page.text, 'csrf'), action: 'deny' }),
    )
    expect(new URL(url).searchParams.get('error')).toBe('access_denied')
  })
})

describe('somebody else at the same browser', () => {
  const isSignIn = (text: string) => text.includes('name="password"')

  it('signs out whoever was there, for this and all that comes, and signs in themselves', async () => {
    const page = await consentPage()
    const fields = { csrf: field(page.text, 'csrf'), action: 'switch' }
    const asked = await browser.follow(await browser.post(page.url, fields))
    expect(isSignIn(asked.text)).toBe(true)
    const another = await open()
    expect(isSignIn(another.text)).toBe(true)
    // Nothing is left of what the first one could have allowed.
    const stale = { ...fields, action: 'allow' }
    expect((await browser.post(page.url, stale)).status).toBe(400)
    const signedIn = { csrf: field(asked.text, 'csrf'), action: 'sign-in', name: 'bob', password: PASSWORD }
    const { url } = await browser.follow(await browser.post(asked.url, signedIn))
    expect(new URL(url).searchParams.get('error')).toBe('invalid_target') // bob can use nothing
  })

  it('cannot be made to by another site', async () => {
    const page = await consentPage()
    expect((await browser.post(page.url, { csrf: 'x'.repeat(43), action: 'switch' })).status).toBe(403)
    expect((await open()).text).toContain('value="allow"')
  })

  it('takes the place of the one before when the client asks for signing in anew', async () => {
    await browser.follow(await signIn('bob'))
    const asked = await open({ prompt: 'login' })
    const fields = { csrf: field(asked.text, 'csrf'), action: 'sign-in', name: 'alice', password: PASSWORD }
    const { text } = await browser.follow(await browser.post(asked.url, fields))
    expect(text).toContain('<bdi>alice</bdi>')
  })
})

describe('a yes that is not one', () => {
  it('is a form without the token of its page', async () => {
    const page = await consentPage()
    for (const csrf of ['', 'x'.repeat(43)])
      expect((await browser.post(page.url, { csrf, action: 'allow' })).status).toBe(403)
  })

  it('is a form from another site', async () => {
    const page = await consentPage()
    const fields = { csrf: field(page.text, 'csrf'), action: 'allow' }
    for (const site of ['cross-site', 'same-site', 'none'])
      expect((await browser.post(page.url, fields, { 'sec-fetch-site': site })).status).toBe(403)
  })

  it('is a form from another browser, or for another interaction', async () => {
    const page = await consentPage()
    const fields = { csrf: field(page.text, 'csrf'), action: 'allow' }
    const stranger = new Browser(server.origin)
    expect((await stranger.post(page.url, fields)).status).toBe(400)
    const theirs = await open({}, stranger)
    expect((await stranger.post(theirs.url, fields)).status).toBe(403)
    expect((await stranger.post(page.url, fields)).status).toBe(400)
  })

  it('is one that skips signing in, or the page', async () => {
    const page = await open()
    const fields = { csrf: field(page.text, 'csrf'), action: 'allow' }
    expect((await browser.post(page.url, fields)).status).toBe(400)
    const resume = page.url.replace('/interaction/', '/authorize/')
    const { url, text } = await browser.follow(await browser.get(resume))
    expect(url).not.toContain('app.example')
    expect(text).toContain('name="password"')
  })

  it('is one after the person was removed', async () => {
    const page = await consentPage()
    const fields = { csrf: field(page.text, 'csrf'), action: 'allow' }
    server.store.people.remove('alice', Date.now())
    const { url, status } = await browser.follow(await browser.post(page.url, fields))
    expect(url).not.toContain('code=')
    expect(status).toBeGreaterThanOrEqual(400)
  })

  it('is one that comes again', async () => {
    const page = await consentPage()
    const fields = { csrf: field(page.text, 'csrf'), action: 'allow' }
    await browser.follow(await browser.post(page.url, fields))
    expect((await browser.post(page.url, fields)).status).toBe(400)
  })
})

describe('the link of a new person', () => {
  const invite = (name: string, seconds = 60, again = false) => {
    const nowMs = Date.now()
    const link = server.store.people.invite(name, { nowMs, expiresAtMs: nowMs + seconds * 1000, again })
    if (!link.ok) throw new Error(link.error)
    return `/oauth/welcome/${link.value}`
  }
  const fields = { password: 'four random words here', again: 'four random words here' }

  it('sets a password once; looking at it changes nothing', async () => {
    const link = invite('carol')
    for (let look = 0; look < 2; look++) expect((await browser.get(link)).status).toBe(200)
    expect((await browser.post(link, fields)).status).toBe(200)
    expect((await browser.post(link, fields)).status).toBe(404)
    expect((await browser.get(link)).status).toBe(404)
    expect(server.store.people.isActive('carol')).toBe(true)
  })

  it('is good for one of two who use it at once', async () => {
    const link = invite('carol')
    const both = await Promise.all([browser.post(link, fields), browser.post(link, fields)])
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 404])
  })

  it('ends in time, with a newer one, and with the person', async () => {
    const late = invite('carol')
    server.pass(61)
    expect((await browser.get(late)).status).toBe(404)
    const [older, newer] = [invite('dave', 600), invite('dave', 600)]
    expect((await browser.get(older)).status).toBe(404)
    expect((await browser.get(newer)).status).toBe(200)
    server.store.people.remove('dave', Date.now())
    expect((await browser.get(newer)).status).toBe(404)
  })

  it.each([
    ['short', 'at least 12'],
    ['aaaaaaaaaaaaaaaa', 'repeats'],
    ['carol1234567', 'hardly more than the name'],
  ])('does not take %s for a password', async (password, why) => {
    const link = invite('carol')
    const answer = await browser.post(link, { password, again: password })
    expect(answer.status).toBe(422)
    expect(answer.text).toContain(why)
    expect(answer.text).not.toContain(`"${password}"`)
    expect(server.store.people.isActive('carol')).toBe(false)
  })

  it('ends what was issued under the old password when it is used', async () => {
    const code = (await server.consent(client)).searchParams.get('code') ?? ''
    const { body } = await server.token(server.exchange(client, code))
    await browser.post(invite('alice', 60, true), fields)
    const again = {
      grant_type: 'refresh_token',
      client_id: client,
      refresh_token: String(body['refresh_token']),
    }
    expect((await server.token(again)).status).toBe(400)
    expect((await signIn()).status).toBe(401)
  })
})
