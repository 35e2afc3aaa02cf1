/** Signing in through a provider: what must hold before anybody is sent there, and of what comes back. */
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SignInConfig } from '../../packages/gateway/src/config/config.ts'
import { createProviderFetch } from '../../packages/gateway/src/server/provider-fetch.ts'
import { Browser, field } from '../fixtures/oauth/browser.ts'
import { startTestServer, type TestServer } from '../fixtures/oauth/server.ts'
import { CLIENT, startUpstream, type Upstream } from '../fixtures/oauth/upstream.ts'
import { signInSettings } from '../fixtures/oauth/upstream-settings.ts'

let server: TestServer
let upstream: Upstream
let client: string
let browser: Browser
let secret: string
let settings: SignInConfig
beforeEach(async () => {
  secret = CLIENT.secret
  upstream = await startUpstream()
  settings = signInSettings(upstream.issuer)
  const signIn = {
    settings,
    secret: () => secret,
    fetch: createProviderFetch(500),
  }
  server = await startTestServer({
    signIn,
    routes: {
      has: () => true,
      offeredTo: async (person, name) =>
        person === 'corp/ada' && name === 'files' ? { server: name, tools: ['read'], scopes: [] } : undefined,
      scopesAt: () => [],
      scopes: () => [],
    },
  })
  upstream.know(server.origin)
  client = await server.register()
  browser = new Browser(server.origin)
})
afterEach(async () => {
  await server.close()
  await upstream.close()
})

async function open(by = browser, changes: Record<string, string> = {}) {
  const page = await by.follow(await by.get(server.authorizeUrl(client, changes)))
  return { ...page, url: page.url, csrf: field(page.text, 'csrf') }
}

/** Presses the button and returns the address that the browser is led to. */
async function leave(by = browser, page?: { url: string; csrf: string }) {
  const { url, csrf } = page ?? (await open(by))
  const answer = await by.post(url, { csrf, action: 'continue' })
  const [, address = ''] = /http-equiv="refresh" content="0; url=([^"]*)"/.exec(answer.text) ?? []
  return { answer, address: address.replaceAll('&amp;', '&'), page: url }
}

/** Comes back from the provider, and goes on for as long as there is nothing to answer. */
const comeBack = async (back: URL, by = browser) => by.follow(await by.get(back.href))

const signIn = async (name = 'ada', by = browser) =>
  comeBack(await upstream.signIn((await leave(by)).address, name), by)

const isConsent = (text: string) => text.includes('value="allow"')
const isSignIn = (text: string) => text.includes('value="continue"')

describe('a person of the provider', () => {
  it('signs in there and says yes here, and the token says who, how, and with which groups', async () => {
    upstream.lies = { idToken: { acr: 'gold' } }
    const page = await signIn()
    expect(page.text).toContain('<bdi>Ada of Corp</bdi>, <bdi>corp/ada</bdi>')
    const back = await browser.follow(
      await browser.post(page.url, { csrf: field(page.text, 'csrf'), action: 'allow' }),
    )
    const code = new URL(back.url).searchParams.get('code') ?? ''
    const { body } = await server.token(server.exchange(client, code))
    const [, payload = ''] = String(body['access_token']).split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
    expect(claims).toMatchObject({
      sub: 'corp/ada',
      acr: 'gold',
      groups: ['corp/engineering', 'corp/local/staff'],
      tags: { department: 'research' },
    })
    // Groups change at the next sign-in, also in what was given before.
    upstream.lies = { idToken: { groups: [] } }
    await signIn('ada', new Browser(server.origin))
    const refreshed = await server.token({
      grant_type: 'refresh_token',
      client_id: client,
      refresh_token: String(body['refresh_token']),
    })
    const [, next = ''] = String(refreshed.body['access_token']).split('.')
    expect(JSON.parse(Buffer.from(next, 'base64url').toString())).toMatchObject({ groups: [] })

    server.store.people.remove('corp/ada', Date.now())
    const ended = { grant_type: 'refresh_token', client_id: client }
    const token = String(refreshed.body['refresh_token'])
    expect((await server.token({ ...ended, refresh_token: token })).status).toBe(400)
    const barred = await signIn('ada', new Browser(server.origin))
    expect(barred.status).toBe(403)
    expect(server.store.people.readmit('corp/ada').ok).toBe(true)
    expect(isConsent((await signIn('ada', new Browser(server.origin))).text)).toBe(true)
  })

  it('is not a person of this gateway, whatever the provider calls them', async () => {
    const page = await signIn('alice')
    expect(page.url).toContain('error=invalid_target') // alice may use files, corp/alice nothing
    expect(server.store.people.toldOf('alice')).toBeUndefined()
    expect(server.store.people.toldOf('corp/alice')).toBeDefined()
  })

  it('is not a person of another provider of the same name', async () => {
    server.store.people.noteTold(
      { account: 'corp/ada', issuer: 'https://before.example', label: undefined, groups: [], tags: {} },
      Date.now(),
    )
    const page = await signIn()
    expect(page.status).toBe(403)
    expect(page.text).toContain('name="anew"') // there they are asked who they are again
  })

  it('can say that they are somebody else, and is asked there anew', async () => {
    const page = await signIn()
    const asked = await browser.follow(
      await browser.post(page.url, { csrf: field(page.text, 'csrf'), action: 'switch' }),
    )
    expect(isSignIn(asked.text)).toBe(true)
    const { address } = await leave(browser, { url: asked.url, csrf: field(asked.text, 'csrf') })
    expect(new URL(address).searchParams.get('prompt')).toBe('login')
  })

  it('must have what is required', async () => {
    Object.assign(settings.tellsOf, { requires: new Map([['tenant', ['corp']]]) })
    upstream.lies = { idToken: { tenant: 'other' } }
    expect((await signIn()).status).toBe(403)
    upstream.lies = { idToken: { tenant: 'corp' } }
    expect((await signIn('ada', new Browser(server.origin))).status).toBe(200)
    expect(server.notes.join()).toContain('the claim tenant is not as required')
  })

  it.each<[string, object]>([
    ['more groups than a token can carry', { groups: Array.from({ length: 500 }, (_, n) => `group-${n}`) }],
    ['groups that stand elsewhere', { _claim_names: { groups: 'src1' } }],
    ['groups that are not names', { groups: [{}] }],
    ['no name', { sub: '' }],
  ])('is not let in with %s, for a rule about them would not hold', async (_what, idToken) => {
    upstream.lies = { idToken: { ...idToken } }
    expect((await signIn()).status).toBeGreaterThanOrEqual(400)
    expect(server.store.people.toldOf('corp/ada')).toBeUndefined()
  })
})

describe('nobody is sent to the provider', () => {
  it('before they pressed a button on a page that names the client and where its answer goes', async () => {
    const page = await open()
    expect(page.text).toContain('An app')
    expect(page.text).toContain('app.example')
    expect(upstream.asked).toEqual([])
    expect(page.headers.get('content-security-policy')).not.toContain(upstream.issuer)
    const { address } = await leave(browser, page)
    expect(Object.fromEntries(new URL(address).searchParams)).toMatchObject({
      redirect_uri: `${server.origin}/oauth/callback`,
      response_type: 'code',
      code_challenge_method: 'S256',
    })
  })

  it('by a form of another site, another browser, or without the token of the page', async () => {
    const { url, csrf } = await open()
    const send = (by: Browser, fields: object, headers = {}) =>
      by.post(url, { action: 'continue', csrf, ...fields }, headers)
    expect((await send(browser, { csrf: 'x'.repeat(43) })).status).toBe(403)
    expect((await send(browser, {}, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await send(new Browser(server.origin), {})).status).toBe(400)
    expect(upstream.asked).toEqual([])
  })

  it('again for another client because they said yes to one', async () => {
    const page = await signIn()
    await browser.follow(await browser.post(page.url, { csrf: field(page.text, 'csrf'), action: 'allow' }))
    client = await server.register({ client_name: 'Another' })
    const other = await browser.follow(await browser.get(server.authorizeUrl(client)))
    expect(isConsent(other.text)).toBe(true)
  })
})

describe('an answer is not taken', () => {
  it('twice', async () => {
    const back = await upstream.signIn((await leave()).address, 'ada')
    expect(isConsent((await comeBack(back)).text)).toBe(true)
    expect((await comeBack(back)).status).toBe(400)
  })

  it('again after it failed, though its code is still good', async () => {
    const back = await upstream.signIn((await leave()).address, 'ada')
    upstream.lies = { answer: { at: /token/, with: (request) => request.destroy() } }
    expect((await comeBack(back)).status).toBe(502)
    upstream.lies = {}
    expect((await comeBack(back)).status).toBe(400)
    expect(server.store.people.toldOf('corp/ada')).toBeUndefined()
  })

  it('for more than one of two that come at once', async () => {
    const back = await upstream.signIn((await leave()).address, 'ada')
    const both = await Promise.all([browser.get(back.href), browser.get(back.href)])
    const pages = both.map(({ location = '' }) => browser.get(location))
    const statuses = (await Promise.all(pages)).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([303, 400])
  })

  it('by a form', async () => {
    const { address, page } = await leave()
    const back = await upstream.signIn(address, 'ada')
    expect((await browser.post(`${page}/return${back.search}`, {})).status).toBe(400)
  })

  it('in another browser, which leaves it good for the right one', async () => {
    const back = await upstream.signIn((await leave()).address, 'ada')
    const thief = new Browser(server.origin)
    expect((await comeBack(back, thief)).status).toBe(400)
    await open(thief)
    expect((await comeBack(back, thief)).status).toBe(400)
    expect(isConsent((await comeBack(back)).text)).toBe(true)
  })

  it('on the page of another interaction, whether of the same browser or not', async () => {
    const [mine, other] = [await open(), await open()]
    const back = await upstream.signIn((await leave(browser, mine)).address, 'ada')
    const answer = await browser.get(`${other.url}/return${back.search}`)
    expect(answer.status).toBe(400)
    expect(isSignIn(answer.text)).toBe(true)
  })

  it('with the code of another interaction: it was asked for with another verifier', async () => {
    const [mine, other] = [await leave(), await leave(new Browser(server.origin))]
    const [back, stolen] = [
      await upstream.signIn(mine.address, 'bob'),
      await upstream.signIn(other.address, 'ada'),
    ]
    back.searchParams.set('code', stolen.searchParams.get('code') ?? '')
    expect((await comeBack(back)).status).toBe(502)
  })

  it.each([
    ['made up', 'x'.repeat(43)],
    ['none', ''],
  ])('with a state that is %s', async (_what, state) => {
    const back = await upstream.signIn((await leave()).address, 'ada')
    back.searchParams.set('state', state)
    expect((await comeBack(back)).status).toBe(400)
  })

  it('after ten minutes', async () => {
    const back = await upstream.signIn((await leave()).address, 'ada')
    server.pass(10 * 60)
    expect((await comeBack(back)).status).toBe(400)
  })

  it.each([
    ['of another issuer (mix-up)', (back: URL) => back.searchParams.set('iss', 'https://evil.example')],
    ['of no issuer, where there always is one', (back: URL) => back.searchParams.delete('iss')],
    ['of two issuers', (back: URL) => back.searchParams.append('iss', 'https://evil.example')],
    ['of two codes', (back: URL) => back.searchParams.append('code', 'x')],
  ])('%s', async (_what, change) => {
    const back = await upstream.signIn((await leave()).address, 'ada')
    change(back)
    const page = await comeBack(back)
    expect(page.status).toBe(502)
    expect(isSignIn(page.text)).toBe(true)
    expect(upstream.asked.filter((path) => path.startsWith('/token'))).toEqual([])
  })

  it.each<[string, Upstream['lies']]>([
    ['for another client', { idToken: { aud: 'another' } }],
    ['for several clients, and another one asked', { idToken: { aud: ['tollgate', 'x'], azp: 'x' } }],
    ['with another nonce', { idToken: { nonce: 'another' } }],
    ['without a nonce', { idToken: { nonce: undefined } }],
    ['of another issuer', { idToken: { iss: 'https://evil.example' } }],
    ['that has expired', { idToken: { exp: 1 } }],
    ['by another key', { forged: true }],
  ])('with an ID token %s', async (_what, lies) => {
    const back = await upstream.signIn((await leave()).address, 'ada')
    upstream.lies = lies
    expect((await comeBack(back)).status).toBe(502)
    expect(server.store.people.toldOf('corp/ada')).toBeUndefined()
  })

  it('that is a no', async () => {
    const { address } = await leave()
    const back = new URL(`${server.origin}/oauth/callback?error=access_denied&iss=${upstream.issuer}`)
    back.searchParams.set('state', new URL(address).searchParams.get('state') ?? '')
    const page = await comeBack(back)
    expect(page.status).toBe(502)
    expect(isSignIn(page.text)).toBe(true)
  })
})

describe('a provider that is', () => {
  const tell = (at: RegExp, answer: NonNullable<Upstream['lies']['answer']>['with']) => {
    upstream.lies = { answer: { at, with: answer } }
  }

  it('down is said so at once, people of this gateway go on, and it works again when it is back', async () => {
    tell(/well-known/, (request) => request.destroy())
    const { answer, page } = await leave()
    expect(answer.status).toBe(502)
    expect(answer.text).toContain('Signing in through Corp did not work')
    expect(answer.text).toContain('name="password"')
    expect(server.notes.join()).toContain('sign-in through corp: ')
    upstream.lies = {}
    expect((await leave(browser, { url: page, csrf: field(answer.text, 'csrf') })).address).not.toBe('')
  })

  it('endless is cut off', async () => {
    let sent = 0
    tell(/well-known/, (_request, response) => {
      response.setHeader('content-type', 'application/json')
      const more = () => {
        while (sent < 10_000_000 && response.write('[[[[[[[['.repeat(1024))) sent += 8192
      }
      response.on('drain', more)
      more()
    })
    expect((await leave()).answer.status).toBe(502)
    expect(sent).toBeLessThan(10_000_000)
  })

  it('silent is given up', async () => {
    tell(/token/, () => undefined)
    const page = await signIn()
    expect(page.status).toBe(502)
    expect(server.notes.join()).toContain('did not answer within')
  })

  it.each<[string, object]>([
    ['another issuer than was configured', { issuer: 'https://evil.example' }],
    ['somewhere that is no address to go to', { authorization_endpoint: 'javascript:alert(1)' }],
  ])('%s is not believed', async (_what, metadata) => {
    upstream.lies = { metadata }
    const { answer, address } = await leave()
    expect(answer.status).toBe(502)
    expect(address).toBe('')
  })

  it('sending elsewhere is not followed', async () => {
    let reached = false
    const other = createServer(() => (reached = true))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    tell(/token/, (_request, response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${port}/` }).end(),
    )
    expect((await signIn()).status).toBe(502)
    expect(reached).toBe(false)
    other.close()
  })

  it('told a wrong secret says no, and nobody learns the right one', async () => {
    secret = 'not the secret'
    expect((await signIn()).status).toBe(502)
    expect(server.notes.join()).not.toContain('not the secret')
    secret = CLIENT.secret
    expect(isConsent((await signIn()).text)).toBe(true)
  })
})
