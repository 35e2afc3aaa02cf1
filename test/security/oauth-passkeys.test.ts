/** Passkeys: what a browser's answer must be, before it makes or opens anything. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Authenticator, type Lies } from '../fixtures/oauth/authenticator.ts'
import { Browser, field } from '../fixtures/oauth/browser.ts'
import { startTestServer, type TestServer } from '../fixtures/oauth/server.ts'

let server: TestServer
let client: string
let browser: Browser
beforeEach(async () => {
  server = await startTestServer({ host: 'localhost' })
  client = await server.register()
  browser = new Browser(server.origin)
})
afterEach(() => server.close())

interface Challenge {
  readonly challenge: string
  readonly rpId: string
  readonly rp: { readonly id: string }
  readonly user: { readonly id: string }
  readonly userVerification: string
  readonly allowCredentials?: readonly { readonly id: string }[]
  readonly excludeCredentials: readonly { readonly id: string }[]
}

function invite(name: string, changes: { again?: boolean; keeps?: boolean } = {}): string {
  const nowMs = Date.now()
  const link = server.store.people.invite(name, {
    nowMs,
    expiresAtMs: nowMs + 60_000,
    again: true,
    ...changes,
  })
  if (!link.ok) throw new Error(link.error)
  return `/oauth/welcome/${link.value}`
}

const ask = async (path: string, fields: Record<string, string> = {}, by = browser) =>
  JSON.parse((await by.post(path, { action: 'passkey-options', ...fields })).text) as Challenge

/** Makes a passkey at the link, honestly but for `lies`. */
async function enrol(link: string, lies: Lies = {}, made = new Authenticator(server.origin)) {
  const options = await ask(link)
  const answer = await browser.post(link, { action: 'passkey', credential: made.create(options, lies) })
  return { made, answer }
}

const newPasskey = async (name: string) => (await enrol(invite(name))).made

/** An interaction where somebody is to sign in. */
async function open(by = browser) {
  const page = await by.follow(await by.get(server.authorizeUrl(client)))
  const [path, csrf] = [new URL(page.url).pathname, field(page.text, 'csrf')]
  return {
    ask: (name = '') => ask(path, { csrf, name }, by),
    answer: (credential: string) => by.post(path, { csrf, action: 'passkey', credential }),
  }
}

const isIn = async (passkey: Authenticator, lies: Lies = {}) => {
  const page = await open()
  return (await page.answer(passkey.get(await page.ask(), lies))).status === 303
}

describe('a passkey signs in', () => {
  it('whom it was made for, found by itself and by name, and the token says how', async () => {
    const passkey = await newPasskey('alice')
    const page = await open()
    const options = await page.ask()
    expect(options).toMatchObject({ rpId: 'localhost', userVerification: 'required' })
    expect(options.allowCredentials ?? []).toEqual([])
    const consent = await browser.follow(await page.answer(passkey.get(options)))
    expect(consent.text).toContain('<bdi>alice</bdi>')
    const back = await browser.follow(
      await browser.post(consent.url, { csrf: field(consent.text, 'csrf'), action: 'allow' }),
    )
    const code = new URL(back.url).searchParams.get('code') ?? ''
    const { body } = await server.token(server.exchange(client, code))
    const claims = Buffer.from(String(body['access_token']).split('.')[1] ?? '', 'base64url').toString()
    expect(JSON.parse(claims)).toMatchObject({ sub: 'alice', acr: 'phr' })

    browser = new Browser(server.origin)
    const again = await open()
    const named = await again.ask('alice')
    expect(named.allowCredentials).toMatchObject([{ id: passkey.id }])
    expect((await again.answer(passkey.get(named))).status).toBe(303)
  })

  it('beside others of the same person, each with a count of its own', async () => {
    const first = await newPasskey('alice')
    const link = invite('alice', { keeps: true })
    expect((await ask(link)).excludeCredentials).toMatchObject([{ id: first.id }])
    const { made: second } = await enrol(link)
    for (const each of [first, second, first]) {
      expect(await isIn(each)).toBe(true)
      browser = new Browser(server.origin)
    }
  })

  it('with a count that is always 0, as synced ones have', async () => {
    const passkey = await newPasskey('alice')
    for (let count = 0; count < 2; count++) {
      expect(await isIn(passkey, { counter: 0 })).toBe(true)
      browser = new Browser(server.origin)
    }
  })
})

describe('an answer is not good', () => {
  it.each<[string, Lies]>([
    ['of another origin', { origin: 'http://localhost:1' }],
    ['of an origin that begins like ours', { origin: 'http://localhost.evil.example' }],
    ['for another relying party', { rpId: 'evil.example' }],
    ['without the person verified', { unverified: true }],
    ['that is one to creating', { type: 'webauthn.create' }],
    ['to a challenge that nobody made', { challenge: 'x'.repeat(43) }],
    ['by a key that is not known', { id: 'x'.repeat(43) }],
    ['for another person than the key is of', { userHandle: 'x'.repeat(43) }],
  ])('%s', async (_what, lies) => {
    const passkey = await newPasskey('alice')
    expect(await isIn(passkey, lies)).toBe(false)
    expect(await isIn(passkey)).toBe(true)
  })

  it('by somebody else than was named', async () => {
    await newPasskey('alice')
    const bobs = await newPasskey('bob')
    const page = await open()
    expect((await page.answer(bobs.get(await page.ask('alice')))).status).toBe(401)
    expect((await page.answer(bobs.get(await page.ask('bob')))).status).toBe(303)
  })

  it('signed by one key in the name of another', async () => {
    const alices = await newPasskey('alice')
    const bobs = await newPasskey('bob')
    expect(await isIn(bobs, { id: alices.id, userHandle: server.store.people.handleOf('alice') })).toBe(false)
  })

  it('the second time, in this browser and in another', async () => {
    const passkey = await newPasskey('alice')
    const page = await open()
    const answer = passkey.get(await page.ask(), { counter: 0 })
    expect((await page.answer(answer)).status).toBe(303)
    const other = await open(new Browser(server.origin))
    expect((await other.answer(answer)).status).toBe(401)
  })

  it('after its challenge was tried with a wrong one', async () => {
    const passkey = await newPasskey('alice')
    const page = await open()
    const options = await page.ask()
    expect((await page.answer(passkey.get(options, { unverified: true }))).status).toBe(401)
    expect((await page.answer(passkey.get(options))).status).toBe(401)
  })

  it('on the page of another interaction', async () => {
    const passkey = await newPasskey('alice')
    const [mine, theirs] = [await open(), await open(new Browser(server.origin))]
    expect((await theirs.answer(passkey.get(await mine.ask()))).status).toBe(401)
  })

  it('after five minutes', async () => {
    const passkey = await newPasskey('alice')
    const page = await open()
    const options = await page.ask()
    server.pass(5 * 60)
    expect((await page.answer(passkey.get(options))).status).toBe(401)
  })

  it('with a count that does not go on; operators hear of it', async () => {
    const passkey = await newPasskey('alice')
    expect(await isIn(passkey, { counter: 7 })).toBe(true)
    browser = new Browser(server.origin)
    for (const counter of [7, 6, 0]) expect(await isIn(passkey, { counter })).toBe(false)
    expect(server.notes.join()).toContain('a passkey of alice counts back')
    expect(await isIn(passkey, { counter: 8 })).toBe(true)
  })

  it.each(['', '{}', 'null', '[]', '{"id":{}}', '{"id":"x","response":{}}', '{'])(
    'that is %j',
    async (credential) => {
      const page = await open()
      await page.ask()
      expect((await page.answer(credential)).status).toBe(401)
    },
  )

  it('of a person who was removed', async () => {
    const passkey = await newPasskey('alice')
    server.store.people.remove('alice', Date.now())
    expect(await isIn(passkey)).toBe(false)
  })
})

describe('a new passkey', () => {
  it.each<[string, Lies]>([
    ['of another origin', { origin: 'http://localhost:1' }],
    ['for another relying party', { rpId: 'evil.example' }],
    ['without the person verified', { unverified: true }],
    ['to a challenge that nobody made', { challenge: 'x'.repeat(43) }],
    ['that is an answer to signing in', { type: 'webauthn.get' }],
  ])('is not taken %s', async (_what, lies) => {
    const link = invite('carol')
    expect((await enrol(link, lies)).answer.status).toBe(422)
    expect(server.store.people.isActive('carol')).toBe(false)
    expect((await enrol(link)).answer.status).toBe(200)
    expect(server.store.people.isActive('carol')).toBe(true)
  })

  it('is not taken at another link, nor with the challenge of a page for signing in', async () => {
    const [carols, daves] = [invite('carol'), invite('dave')]
    const made = new Authenticator(server.origin)
    const options = await ask(carols)
    const at = async (link: string, challenge: Challenge) =>
      (await browser.post(link, { action: 'passkey', credential: made.create(challenge) })).status
    expect(await at(daves, options)).toBe(422)
    const { challenge } = await (await open()).ask()
    expect(await at(daves, { ...(await ask(daves)), challenge })).toBe(422)
  })

  it('is not taken with an id that is somebody else’s', async () => {
    const alices = await newPasskey('alice')
    const { answer } = await enrol(invite('carol'), { id: alices.id })
    expect(answer.status).toBe(422)
    expect(server.store.people.passkey(alices.id)?.account).toBe('alice')
  })

  it('ends its link, and without --another what there was before', async () => {
    const first = await newPasskey('alice')
    const link = invite('alice')
    expect((await enrol(link)).answer.status).toBe(200)
    expect((await browser.get(link)).status).toBe(404)
    expect(await isIn(first)).toBe(false)
    expect(server.store.people.passwordOf('alice')).toBeUndefined()
  })
})

describe('the page', () => {
  it('asks names that are not known for something, always the same, as if they were', async () => {
    const passkey = await newPasskey('alice')
    const page = await open()
    const ids = async (name: string) => (await page.ask(name)).allowCredentials?.map(({ id }) => id)
    const [nobody] = (await ids('nobody')) ?? []
    expect(nobody).toHaveLength(passkey.id.length)
    expect(await ids('nobody')).toEqual([nobody])
    expect(await ids('bob')).not.toEqual([nobody])
  })

  it('has a script of ours, and only where there are passkeys', async () => {
    const policy = (answer: { headers: Headers }) => answer.headers.get('content-security-policy')
    const page = await browser.follow(await browser.get(server.authorizeUrl(client)))
    expect(policy(page)).toContain("script-src 'self'")
    expect(page.text.match(/<script[^>]*>/g)).toEqual(['<script src="/oauth/passkey.js" defer>'])
    const script = await browser.get('/oauth/passkey.js')
    expect(script.headers.get('content-type')).toContain('text/javascript')
    const passkey = await newPasskey('alice')
    const asked = await open()
    const consent = await browser.follow(await asked.answer(passkey.get(await asked.ask())))
    expect(policy(consent)).not.toContain('script-src')

    const plain = await startTestServer()
    const other = new Browser(plain.origin)
    const answer = await other.follow(await other.get(plain.authorizeUrl(await plain.register())))
    expect(policy(answer)).not.toContain('script-src')
    expect(answer.text).not.toContain('passkey')
    const csrf = field(answer.text, 'csrf')
    expect((await other.post(answer.url, { csrf, action: 'passkey-options' })).status).toBe(400)
    await plain.close()
  })

  it('gives challenges only to its own forms', async () => {
    const page = await browser.follow(await browser.get(server.authorizeUrl(client)))
    const fields = { csrf: 'x'.repeat(43), action: 'passkey-options' }
    expect((await browser.post(page.url, fields)).status).toBe(403)
  })
})
