import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Browser, field } from '../../../../test/fixtures/oauth/browser.ts'
import { allow, PASSWORD } from '../../../../test/fixtures/oauth/person.ts'
import { startTestServer, type TestServer } from '../../../../test/fixtures/oauth/server.ts'
import type { Happening } from './ports.ts'

const recorded: Happening[] = []
let isOnRecord = true
let server: TestServer
let client: string
beforeAll(async () => {
  server = await startTestServer({
    record: async (_request, happening) => {
      recorded.push(happening)
      return isOnRecord
    },
  })
  client = await server.register()
})
afterAll(() => server.close())
beforeEach(() => {
  isOnRecord = true
  recorded.length = 0
})

const newCode = async () => (await server.consent(client)).searchParams.get('code') ?? ''
/** At the page of their link. */
async function setPassword(name: string) {
  const nowMs = Date.now()
  const link = server.store.people.invite(name, { nowMs, expiresAtMs: nowMs + 60_000, again: false })
  const address = `/oauth/welcome/${link.ok ? link.value : ''}`
  return new Browser(server.origin).post(address, { password: PASSWORD, again: PASSWORD })
}

const lastRecorded = (event: Happening['event']) => recorded.findLast((each) => each.event === event)

describe('on record is', () => {
  it('a token that is given: to whom, for whom, by which grant, for what, and its name in the entries of calls', async () => {
    const { body } = await server.token(server.exchange(client, await newCode()))
    const [, claims = ''] = String(body['access_token']).split('.')
    const { jti } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { jti: string }
    expect(lastRecorded('token')).toEqual({
      event: 'token',
      result: 'done',
      account: 'alice',
      client,
      detail: `authorization_code for ${server.resource()}, tokens local/${jti.split('.')[0]}.*`,
    })
  })

  it('a token that is refused, with the reason', async () => {
    await server.token(server.exchange(client, 'guessed'))
    expect(lastRecorded('token')).toMatchObject({ result: 'refused', client, account: null })
    expect(lastRecorded('token')?.detail).toContain('invalid_grant')
  })

  it('a client that registers itself, and one that may not', async () => {
    const made = await server.register()
    expect(lastRecorded('registration')).toMatchObject({ result: 'done', client: made })
    await expect(server.register({ redirect_uris: ['javascript:alert(1)'] })).rejects.toThrow(
      'invalid_redirect_uri',
    )
    expect(lastRecorded('registration')).toMatchObject({ result: 'refused', client: null })
  })

  it('who signs in, and what they let in or not', async () => {
    client = await server.register() // one that nobody has let in before
    await newCode()
    expect(recorded.filter(({ event }) => event === 'sign-in' || event === 'consent')).toEqual([
      { event: 'sign-in', result: 'done', account: 'alice', client, detail: 'password' },
      { event: 'consent', result: 'done', account: 'alice', client, detail: `for ${server.resource()}` },
    ])
    const stranger = await server.register()
    await allow(new Browser(server.origin), server.authorizeUrl(stranger), { action: 'deny' })
    expect(lastRecorded('consent')).toMatchObject({ result: 'refused', account: 'alice' })
  })

  it.each([
    ['a person', 'alice', 'alice'],
    ['nobody, whose name may be a password in the wrong field', 'hunter2 hunter2', null],
  ])('a sign-in with a wrong password, of %s', async (_who, name, account) => {
    const browser = new Browser(server.origin)
    const page = await browser.follow(await browser.get(server.authorizeUrl(client)))
    await browser.post(page.url, {
      csrf: field(page.text, 'csrf'),
      action: 'sign-in',
      name,
      password: 'wrong',
    })
    expect(recorded).toEqual([
      { event: 'sign-in', result: 'refused', account, client, detail: 'wrong name or password' },
    ])
  })

  it('a password that is set', async () => {
    await setPassword('carol')
    expect(recorded).toEqual([
      { event: 'credential', result: 'done', account: 'carol', client: null, detail: 'a password' },
    ])
  })

  it('no credential', async () => {
    const code = await newCode()
    const { body } = await server.token(server.exchange(client, code))
    for (const secret of [code, body['access_token'], body['refresh_token']]) {
      expect(JSON.stringify(recorded)).not.toContain(secret)
    }
  })
})

describe('while nothing can be put on record', () => {
  it('no token is given', async () => {
    const code = await newCode()
    isOnRecord = false
    const { status, body } = await server.token(server.exchange(client, code))
    expect(status).toBe(503)
    expect(body).toMatchObject({ error: 'temporarily_unavailable' })
    expect(JSON.stringify(body)).not.toContain('token"')
  })

  it('nobody signs in and no consent counts', async () => {
    client = await server.register()
    const browser = new Browser(server.origin)
    isOnRecord = false
    const signIn = await browser.follow(await browser.get(server.authorizeUrl(client)))
    const person = { csrf: field(signIn.text, 'csrf'), action: 'sign-in', name: 'alice', password: PASSWORD }
    expect((await browser.post(signIn.url, person)).status).toBe(503)
    isOnRecord = true
    const consent = await browser.follow(await browser.post(signIn.url, person))
    isOnRecord = false
    const yes = { csrf: field(consent.text, 'csrf'), action: 'allow' }
    expect((await browser.post(consent.url, yes)).status).toBe(503)
  })

  it('no password is set', async () => {
    isOnRecord = false
    expect((await setPassword('dave')).status).toBe(503)
    expect(server.store.people.passwordOf('dave')).toBeUndefined()
  })

  it('no client is told its id', async () => {
    isOnRecord = false
    await expect(server.register()).rejects.toThrow('temporarily_unavailable')
  })
})
