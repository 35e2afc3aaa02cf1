/** Codes that a person enters for a program without a browser (RFC 8628): whose they are, what they give, and to whom. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Browser, field } from '../fixtures/oauth/browser.ts'
import { createProofKey } from '../fixtures/oauth/dpop.ts'
import { enterCode, PASSWORD, submitCode } from '../fixtures/oauth/person.ts'
import { startTestServer, type TestServer } from '../fixtures/oauth/server.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const CLI = 'tollgate-cli'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server.close())

interface Asked {
  readonly status: number
  readonly body: Record<string, string>
}

async function ask(changes: Record<string, string | undefined> = {}): Promise<Asked> {
  const fields = { client_id: CLI, resource: server.resource(), ...changes }
  const given = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  )
  const body = new URLSearchParams(given as [string, string][])
  const response = await fetch(`${server.origin}/oauth/device-authorization`, { method: 'POST', body })
  return { status: response.status, body: (await response.json()) as Record<string, string> }
}

const poll = ({ body }: Asked, changes: Record<string, string> = {}) =>
  server.token({
    grant_type: GRANT,
    client_id: CLI,
    device_code: String(body['device_code']),
    resource: server.resource(),
    ...changes,
  })

const browse = () => new Browser(server.origin)
const claimsOf = (jwt: unknown) =>
  JSON.parse(Buffer.from(String(jwt).split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

describe('a browser whose page is lost', () => {
  it.each([
    ['enters a code', 'POST', '/oauth/device'],
    ['comes back', 'GET', '/oauth/device/x'],
  ])('is told to start again when it %s, and operators are told nothing', async (_title, method, path) => {
    const body = method === 'POST' ? { body: new URLSearchParams({ user_code: 'BCDF-GHJK', xsrf: 'x' }) } : {}
    const response = await fetch(server.origin + path, { method, ...body })
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('Start again where the code was shown')
    expect(server.notes).toEqual([])
  })
})

describe('a code', () => {
  it('is asked for with a route, and nothing else', async () => {
    const { status, body } = await ask()
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        user_code: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/),
        verification_uri: `${server.origin}/oauth/device`,
        expires_in: 600,
        interval: 2,
      },
    })
    const other = { resource: 'https://elsewhere.example/mcp/files' }
    for (const changes of [{ resource: undefined }, other, { resource: `${server.origin}/mcp/files/x` }])
      expect(await ask(changes)).toMatchObject({ status: 400, body: { error: 'invalid_target' } })
  })

  it('gives the program a token once its person has said yes, once, and nothing before', async () => {
    const asked = await ask()
    expect(await poll(asked)).toMatchObject({ status: 400, body: { error: 'authorization_pending' } })
    const last = await enterCode(browse(), asked.body['user_code'] ?? '')
    expect(last.text).toContain('You are done')
    const { status, body } = await poll(asked)
    expect(status).toBe(200)
    expect(claimsOf(body['access_token'])).toMatchObject({
      sub: 'alice',
      aud: server.resource(),
      client_id: CLI,
      acr: 'password',
      auth_time: expect.any(Number),
    })
    const refresh = {
      grant_type: 'refresh_token',
      client_id: CLI,
      refresh_token: String(body['refresh_token']),
    }
    expect((await server.token(refresh)).status).toBe(200)
    expect(await poll(asked)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await server.token(refresh)).status).toBe(400) // it was shown again: what came of it is over
  })

  it('that a person says no to, at either page, is over', async () => {
    for (const refuse of [
      async (code: string) => {
        const browser = browse()
        const { text } = await submitCode(browser, code)
        return browser.post('/oauth/device', { xsrf: field(text, 'xsrf'), user_code: code, abort: 'yes' })
      },
      (code: string) => enterCode(browse(), code, { action: 'deny' }),
    ]) {
      const asked = await ask()
      expect((await refuse(asked.body['user_code'] ?? '')).text).toContain('Nothing was allowed')
      expect(await poll(asked)).toMatchObject({ status: 400, body: { error: 'access_denied' } })
      expect((await submitCode(browse(), asked.body['user_code'] ?? '')).text).toContain(
        'This code is not good',
      )
    }
  })

  it('ends after ten minutes', async () => {
    const realNow = Date.now
    const asked = await ask()
    Date.now = () => realNow() + 601_000
    try {
      expect((await submitCode(browse(), asked.body['user_code'] ?? '')).text).toContain(
        'This code is not good',
      )
      expect(await poll(asked)).toMatchObject({ status: 400, body: { error: 'expired_token' } })
    } finally {
      Date.now = realNow
    }
  })

  it('says nothing of servers that its person cannot reach', async () => {
    const ends = []
    for (const [name, route] of [
      ['bob', 'files'],
      ['alice', 'nowhere'],
    ] as const) {
      const asked = await ask({ resource: server.resource(route) })
      const { text } = await enterCode(browse(), asked.body['user_code'] ?? '', { name })
      expect(text).not.toContain('value="allow"')
      ends.push([text, await poll(asked)])
    }
    expect(ends[0]).toEqual(ends[1])
    expect(ends[0]).toMatchObject([expect.any(String), { status: 400, body: { error: 'invalid_target' } }])
  })
})

describe('whose it is', () => {
  it('no other client gets what was allowed', async () => {
    const other = await server.register({ grant_types: [GRANT], response_types: [], redirect_uris: [] })
    const asked = await ask()
    await enterCode(browse(), asked.body['user_code'] ?? '')
    expect(await poll(asked, { client_id: other })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
    expect((await poll(asked)).status).toBe(200)
  })

  it('a client that did not ask for the grant when it registered has none', async () => {
    const client = await server.register()
    expect(await ask({ client_id: client })).toMatchObject({ status: 400 })
    const asked = await ask()
    expect(await poll(asked, { client_id: client })).toMatchObject({ status: 400 })
  })

  it('one that was revoked is not let in, the command line neither', async () => {
    const asked = await ask()
    await enterCode(browse(), asked.body['user_code'] ?? '')
    expect(server.store.clients.list()).toMatchObject([{ clientId: CLI, kind: 'built-in' }])
    expect(server.store.clients.revoke(CLI, Date.now()).ok).toBe(true)
    expect(await poll(asked)).toMatchObject({ body: { error: 'invalid_client' } })
    expect(await ask()).toMatchObject({ body: { error: 'invalid_client' } })
  })

  it('what is kept of it is of no use to whoever reads the store', async () => {
    const asked = await ask()
    const browser = browse()
    const code = asked.body['user_code'] ?? ''
    const { text } = await submitCode(browser, code)
    await browser.post('/oauth/device', { xsrf: field(text, 'xsrf'), user_code: code, confirm: 'yes' })
    const database = new DatabaseSync(join(server.folder, 'tollgate.db'), { readOnly: true })
    const rows = database.prepare('SELECT * FROM oauth_artifacts').all()
    database.close()
    expect(JSON.stringify(rows)).not.toContain(asked.body['device_code'])
    const device = rows.find(({ kind }) => kind === 'DeviceCode')
    const reference = `#${String(device?.['id_hash'])}`
    expect(JSON.stringify(rows)).toContain(reference)
    await enterCode(browse(), (await ask()).body['user_code'] ?? '')
    expect(await poll(asked, { device_code: reference })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', error_description: 'grant request is invalid' },
    })
  })
})

it('gives a program that proves a key a token that is bound to it', async () => {
  const key = await createProofKey()
  const asked = await ask()
  await enterCode(browse(), asked.body['user_code'] ?? '')
  const response = await fetch(`${server.origin}/oauth/token`, {
    method: 'POST',
    headers: { dpop: await key.prove(`${server.origin}/oauth/token`) },
    body: new URLSearchParams({
      grant_type: GRANT,
      client_id: CLI,
      device_code: String(asked.body['device_code']),
      resource: server.resource(),
    }),
  })
  const body = (await response.json()) as Record<string, unknown>
  expect(body['token_type']).toBe('DPoP')
  expect(claimsOf(body['access_token'])['cnf']).toEqual({ jkt: key.thumbprint })
  const refresh = {
    grant_type: 'refresh_token',
    client_id: CLI,
    refresh_token: String(body['refresh_token']),
  }
  expect(await server.token(refresh)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
})

describe('the person', () => {
  it('is asked about the access each time, whatever they allowed before and whatever the program sends', async () => {
    for (const changes of [{}, {}, { redirect_uri: 'https://app.example/callback' }]) {
      const asked = await ask(changes)
      const browser = browse()
      const code = asked.body['user_code'] ?? ''
      const last = await enterCode(browser, code)
      expect(last.text).toContain('You are done')
      const again = await ask(changes)
      const { text } = await submitCode(browser, again.body['user_code'] ?? '')
      expect(text).toContain('Whoever shows you the code gets the access')
      const fields = { xsrf: field(text, 'xsrf'), user_code: String(again.body['user_code']), confirm: 'yes' }
      const page = await browser.follow(await browser.post('/oauth/device', fields))
      expect(page.text).toContain('value="allow"')
      expect(page.text).toContain('whoever showed you the code')
      expect(page.text).toContain('Whoever shows you the code gets the access')
      expect(await poll(again)).toMatchObject({ body: { error: 'authorization_pending' } })
    }
  })

  it('can be somebody else than who is signed in at the browser', async () => {
    const own = browse()
    const first = await ask()
    await enterCode(own, first.body['user_code'] ?? '')
    const next = await ask()
    const confirm = await submitCode(own, next.body['user_code'] ?? '')
    const yes = {
      xsrf: field(confirm.text, 'xsrf'),
      user_code: String(next.body['user_code']),
      confirm: 'yes',
    }
    const consent = await own.follow(await own.post('/oauth/device', yes))
    const other = { csrf: field(consent.text, 'csrf'), action: 'switch' }
    const signIn = await own.follow(await own.post(consent.url, other))
    expect(signIn.text).toContain('name="password"')
    expect(await poll(next)).toMatchObject({ body: { error: 'authorization_pending' } })
    const fields = { csrf: field(signIn.text, 'csrf'), action: 'sign-in', name: 'alice', password: PASSWORD }
    const again = await own.follow(await own.post(signIn.url, fields))
    const allowed = { csrf: field(again.text, 'csrf'), action: 'allow' }
    const last = await own.follow(await own.post(again.url, allowed))
    expect(last.text).toContain('You are done')
    expect((await poll(next)).status).toBe(200)
  })

  it('cannot be made to enter one by a form elsewhere, nor by an address alone', async () => {
    const asked = await ask()
    const code = asked.body['user_code'] ?? ''
    const browser = browse()
    const filled = await browser.get(String(asked.body['verification_uri_complete']))
    expect(filled.text).toContain(`value="${code}"`)
    expect(filled.text).not.toContain('<script')
    const { text } = await browser.get('/oauth/device')
    const xsrf = field(text, 'xsrf')
    const fields = { user_code: code, confirm: 'yes' }
    const foreign = { 'sec-fetch-site': 'cross-site' }
    for (const [sent, headers] of [
      [{ ...fields, xsrf }, foreign],
      [fields, {}],
      [{ ...fields, xsrf: 'x'.repeat(xsrf.length) }, {}],
    ] as const) {
      const answer = await browser.post('/oauth/device', sent, headers)
      expect(answer.location).toBeUndefined()
      expect(answer.status).toBeGreaterThanOrEqual(400)
    }
    expect(await poll(asked)).toMatchObject({ body: { error: 'authorization_pending' } })
  })

  it('sees pages that load nothing from elsewhere and cannot be framed', async () => {
    const { text, headers } = await browse().get('/oauth/device?user_code=%22%3E%3Cscript%3E')
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'self'/)
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(text).not.toContain('<script')
    expect(text).not.toMatch(/https?:\/\//)
  })
})

describe('who tries', () => {
  it('has thirty tries in a quarter of an hour, good or not', async () => {
    const browser = browse()
    const { text } = await browser.get('/oauth/device')
    const fields = { xsrf: field(text, 'xsrf'), user_code: 'BBBB-BBBB' }
    let xsrf = fields.xsrf
    for (let tries = 0; tries < 30; tries++) {
      const answer = await browser.post('/oauth/device', { ...fields, xsrf })
      expect(answer.status).toBe(400)
      xsrf = field(answer.text, 'xsrf')
    }
    const asked = await ask()
    const good = { xsrf, user_code: String(asked.body['user_code']) }
    expect((await browser.post('/oauth/device', good)).status).toBe(429)
    server.pass(901)
    expect((await browser.post('/oauth/device', good)).status).toBe(200)
  })

  it('gets no more than sixty codes in that time', async () => {
    for (let asked = 0; asked < 60; asked++) expect((await ask()).status).toBe(200)
    expect(await ask()).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } })
  })
})
