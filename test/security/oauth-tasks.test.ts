/** Tasks in OAuth messages (RFC 9396): what is asked for, what is given, and that no request makes more of it. */
import { afterAll, describe, expect, it } from 'vitest'
import { Browser, field, fieldsOf } from '../fixtures/oauth/browser.ts'
import { claimsOf } from '../fixtures/oauth/machine.ts'
import { allow, type Answers, enterCode } from '../fixtures/oauth/person.ts'
import { ASKED, asking, startTaskServer } from '../fixtures/oauth/task-server.ts'

const { server, client, worker, grant, taskOf, end, errorOf } = await startTaskServer()
afterAll(() => server.close())

describe('a task that a person says yes to', () => {
  it('is started for them and the client, and the token is for it', async () => {
    const body = await grant()
    const task = taskOf(body.access_token)
    expect(task).toMatchObject({
      principal: { type: 'User', id: 'local/alice' },
      agent: `local/${client}`,
      issuedBy: { type: 'User', id: 'local/alice' },
      grant: ASKED,
    })
    expect(claimsOf(body.access_token)['authorization_details']).toEqual([
      { type: 'tollgate_task', id: task?.id },
    ])
    expect(body.authorization_details).toMatchObject([{ ...ASKED, id: task?.id }])
    expect(server.happenings.at(-1)).toMatchObject({ event: 'token', task: task?.id })
  })

  it('is asked for by a request that was pushed', async () => {
    const { origin } = server
    const query = Object.fromEntries(new URL(server.authorizeUrl(client, asking())).searchParams)
    const pushed = await fetch(`${origin}/oauth/par`, { method: 'POST', body: new URLSearchParams(query) })
    const { request_uri: uri = '' } = (await pushed.json()) as { request_uri?: string }
    const at = `${origin}/oauth/authorize?${new URLSearchParams({ client_id: client, request_uri: uri }).toString()}`
    const back = await allow(new Browser(origin), at)
    const { body } = await server.token(server.exchange(client, back.searchParams.get('code') ?? ''))
    expect(taskOf(body['access_token'])?.grant).toMatchObject(ASKED)
  })

  it('is asked for by a program that shows a code', async () => {
    const asked = await fetch(`${server.origin}/oauth/device-authorization`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'tollgate-cli', resource: server.resource(), ...asking() }),
    })
    const { user_code: code, device_code: device } = (await asked.json()) as Record<string, string>
    const answers: Answers = { change: (fields) => fields.filter(([name]) => name !== 'server') }
    const last = await enterCode(new Browser(server.origin), code ?? '', answers)
    expect(last.text).toContain('You are done')
    const { body } = await server.token({
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      client_id: 'tollgate-cli',
      device_code: device ?? '',
      resource: server.resource(),
    })
    expect(taskOf(body['access_token'])).toMatchObject({
      agent: 'local/tollgate-cli',
      grant: { ...ASKED, servers: [] },
    })
  })

  it('is told of in the metadata', async () => {
    const metadata = await fetch(`${server.origin}/.well-known/oauth-authorization-server`)
    expect(await metadata.json()).toMatchObject({ authorization_details_types_supported: ['tollgate_task'] })
  })

  it('is what a template says, with the values that the client gives', async () => {
    const body = await grant({
      authorization_details: JSON.stringify([
        { type: 'tollgate_task', template: 'code-change', parameters: { folder: '/work' }, purpose: 'Dates' },
      ]),
    })
    expect(taskOf(body.access_token)?.grant).toMatchObject({
      purpose: 'Dates',
      template: expect.stringMatching(/^code-change@/) as string,
      tools: { files__write: { path: { within: ['/work'] } } },
    })
  })

  it('is asked about anew each time, and is no yes to anything else', async () => {
    const own = await server.register()
    const browser = new Browser(server.origin)
    await allow(browser, server.authorizeUrl(own, asking()))
    for (const parameters of [asking(), {}]) {
      const page = await browser.follow(await browser.get(server.authorizeUrl(own, parameters)))
      expect(page.text).toContain('to act for you?')
    }
    // A yes to everything is remembered, and is none to a task.
    await allow(browser, server.authorizeUrl(own))
    const plain = await browser.follow(await browser.get(server.authorizeUrl(own)))
    expect(new URL(plain.url).searchParams.has('code')).toBe(true)
    const task = await browser.follow(await browser.get(server.authorizeUrl(own, asking())))
    expect(task.text).toContain('What it is for')
    const silent = await browser.follow(
      await browser.get(server.authorizeUrl(own, { ...asking(), prompt: 'none' })),
    )
    expect(new URL(silent.url).searchParams.get('error')).toBe('consent_required')
  })

  it('ends with the client, and with the consent', async () => {
    const [one, two] = [await server.register(), await server.register()]
    const first = taskOf((await grant(asking(), {}, one)).access_token)
    const second = taskOf((await grant(asking(), {}, two)).access_token)
    server.store.clients.revoke(one, Date.now())
    server.store.clients.withdraw(two, 'alice', Date.now())
    for (const task of [first, second]) expect(server.tasks.find(task?.id ?? '')?.ended).toBeDefined()
  })

  it('is asked for by a client that registered for just that', async () => {
    const own = await server.register({ authorization_details_types: ['tollgate_task'] })
    expect(taskOf((await grant(asking(), {}, own)).access_token)).toMatchObject({ grant: ASKED })
  })

  it('does not let its client be forgotten', async () => {
    const own = await server.register()
    await grant(asking(), {}, own)
    server.store.clients.forgetUnused(Date.now() + 1000)
    expect(server.store.clients.list().some(({ clientId }) => clientId === own)).toBe(true)
  })
})

describe('the page', () => {
  /** Alice at the page, signed in. */
  const pageFor = async (parameters: Record<string, string>) => {
    const browser = new Browser(server.origin)
    await allow(browser, server.authorizeUrl(client, parameters), { action: 'deny' })
    const page = await browser.follow(await browser.get(server.authorizeUrl(client, parameters)))
    return { browser, page, text: page.text }
  }

  it('shows what the client wrote as its words, and as text', async () => {
    const { text } = await pageFor(asking({ purpose: '<script>alert(1)</script>' }))
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(text).not.toContain('<script>alert')
    expect(text).toContain('the program’s own words')
    for (const part of ['/srv/src', '^fix/', 'files__push', '200 calls', '1 hour'])
      expect(text).toContain(part)
  })

  it('lets a person take away, and never add', async () => {
    const left = await grant(asking(), {
      change: (fields) =>
        fields
          .filter(([name, value]) => !(name === 'tool' && value === 'files__push') && name !== 'server')
          .map(([name, value]) => [
            name,
            { expires_in: '300', flow: 'strict', calls: '7', result_bytes: '1000' }[name] ?? value,
          ]),
    })
    expect(taskOf(left.access_token)?.grant).toMatchObject({
      servers: [],
      tools: { files__write: ASKED.tools.files__write },
      expires_in: 300,
      flow: 'strict',
      budget: { calls: 7, result_bytes: 1000 },
    })
    expect(Object.keys(taskOf(left.access_token)?.grant.tools ?? {})).toEqual(['files__write'])
    expect(left.authorization_details).toMatchObject([{ expires_in: 300, flow: 'strict' }])
    expect(Number(claimsOf(left.access_token)['exp'])).toBeLessThanOrEqual(Date.now() / 1000 + 301)
  })

  it.each<[string, [string, string][]]>([
    ['a tool that was not asked for', [['tool', 'files__delete']]],
    ['a server that was not asked for', [['server', 'mail']]],
    ['more time', [['expires_in', '7200']]],
    ['no time', [['expires_in', '0']]],
    ['a time that is none', [['expires_in', '1e9']]],
    ['more calls', [['calls', '201']]],
    ['more calls of a tool', [['calls of files__push', '3']]],
    ['more bytes', [['result_bytes', '2000001']]],
    ['a laxer flow', [['flow', 'off']]],
    ['another flow', [['flow', 'none']]],
    ['another page', [['seen', 'x']]],
    ['a template that is not there', [['template', 'everything']]],
  ])('refuses a form with %s', async (_, added) => {
    const { browser, page } = await pageFor(asking())
    const names = new Set(added.map(([name]) => name))
    const isReplaced = (name: string) => names.has(name) && name !== 'tool' && name !== 'server'
    const fields = fieldsOf(page.text, 'allow').filter(([name]) => !isReplaced(name))
    const before = server.tasks.list().length
    const answer = await browser.post(page.url, [...fields, ...added, ['action', 'allow']])
    expect(answer.status).toBe(422)
    expect(answer.text).toContain('role="alert"')
    expect(server.tasks.list()).toHaveLength(before)
  })

  it('refuses a form that keeps nothing, and one that holds no fields at all', async () => {
    const { browser, page } = await pageFor(asking())
    const nothing = fieldsOf(page.text, 'allow').filter(([name]) => name !== 'tool' && name !== 'server')
    for (const fields of [nothing, nothing.filter(([name]) => name === 'csrf')])
      expect((await browser.post(page.url, [...fields, ['action', 'allow']])).status).toBe(422)
  })

  it('lets a person pick a template in place of what was asked for', async () => {
    const { browser, page } = await pageFor(asking())
    const pick = (folder: string): [string, string][] => [
      ...fieldsOf(page.text, 'template').filter(([name]) => name !== 'parameter folder'),
      ['parameter folder', folder],
      ['action', 'template'],
    ]
    const wrong = await browser.post(page.url, pick('relative'))
    expect(wrong.status).toBe(422)
    expect(wrong.text).toContain('must be an absolute path')
    const picked = await browser.post(page.url, pick('/srv/docs'))
    expect(picked.text).toContain('/srv/docs')
    expect(picked.text).not.toContain('files__push')
    const back = await browser.follow(
      await browser.post(page.url, [...fieldsOf(picked.text, 'allow'), ['action', 'allow']]),
    )
    const { body } = await server.token(
      server.exchange(client, new URL(back.url).searchParams.get('code') ?? ''),
    )
    expect(taskOf(body['access_token'])?.grant).toMatchObject({
      purpose: 'Change code in one folder',
      tools: { files__write: { path: { within: ['/srv/docs'] } } },
      budget: { calls: 50 },
    })
  })
})

describe('one task on several servers', () => {
  const wide = asking({ servers: ['files', 'mail'] })
  /** A person at the page about another server. */
  const pageAt = async (resource: string, { name = 'alice', clientId = client } = {}) => {
    const browser = new Browser(server.origin)
    const address = server.authorizeUrl(clientId, { ...wide, resource })
    await allow(browser, address, { name, action: 'deny' })
    return { browser, page: await browser.follow(await browser.get(address)) }
  }
  const goOn = async ({ browser, page }: Awaited<ReturnType<typeof pageAt>>, task = '') => {
    const fields: [string, string][] = [
      ['csrf', field(page.text, 'csrf')],
      ['task', task],
      ['action', 'go-on'],
    ]
    return browser.follow(await browser.post(page.url, fields))
  }

  it('goes on where the person says that it is the same work', async () => {
    const { access_token: token } = await grant(wide)
    const task = taskOf(token)
    const at = await pageAt(server.resource('mail'))
    expect(at.page.text).toContain('Is it still the same work?')
    const back = await goOn(at, task?.id)
    const code = new URL(back.url).searchParams.get('code') ?? ''
    const { body } = await server.token(server.exchange(client, code, { resource: server.resource('mail') }))
    expect(claimsOf(body['access_token'])['aud']).toBe(server.resource('mail'))
    expect(taskOf(body['access_token'])?.id).toBe(task?.id)
    expect(server.happenings.at(-2)).toMatchObject({ event: 'consent', task: task?.id })
  })

  it('is nobody else’s, no other client’s, and of no use where it has none', async () => {
    const narrow = taskOf((await grant()).access_token)
    const other = taskOf((await grant(wide, {}, await server.register())).access_token)
    const bobs = taskOf((await grant(wide, { name: 'bob' })).access_token)
    const over = taskOf((await grant(wide)).access_token)
    end(over?.id)
    const at = await pageAt(server.resource('mail'))
    for (const task of [narrow, other, bobs, over, undefined]) {
      expect(at.page.text).not.toContain(task?.id ?? 'none')
      expect((await goOn(at, task?.id)).status).toBe(422)
    }
  })
})

describe('what cannot be asked for', () => {
  it.each<[string, unknown]>([
    ['another type', [{ ...ASKED, type: 'payment_initiation' }]],
    ['no type', [{ purpose: 'x', servers: ['files'] }]],
    ['a second type', [ASKED, { type: 'openid_credential' }]],
    ['two tasks', [ASKED, ASKED]],
    ['no list', ASKED],
    ['no object', ['tollgate_task']],
    ['a task that runs, by its id', [{ type: 'tollgate_task', id: 't-aaaaaaaaaaaaaaaa' }]],
    ['an id of its own choice', [{ ...ASKED, id: 't-aaaaaaaaaaaaaaaa' }]],
    ['a parent', [{ ...ASKED, parent: 't-aaaaaaaaaaaaaaaa' }]],
    ['no purpose', [{ ...ASKED, purpose: undefined }]],
    ['nothing to use', [{ type: 'tollgate_task', purpose: 'x' }]],
    ['an unknown member', [{ ...ASKED, toools: {} }]],
    ['a budget of nothing', [{ ...ASKED, budget: { calls: 0 } }]],
    ['a year', [{ ...ASKED, expires_in: 31_536_000 }]],
    ['a constraint that is none', [{ ...ASKED, tools: { files__write: { path: { within: 7 } } } }]],
    ['a template that is not there', [{ type: 'tollgate_task', template: 'code-chance' }]],
    ['a template with more', [{ ...ASKED, template: 'code-change' }]],
    ['a template by a path', [{ type: 'tollgate_task', template: '../x' }]],
    ['a template without its parameters', [{ type: 'tollgate_task', template: 'code-change' }]],
  ])('%s', async (_, asked) => {
    const parameter = { authorization_details: JSON.stringify(asked) }
    const before = server.tasks.list().length
    expect(await errorOf(parameter)).toBe('invalid_authorization_details')
    const own = { grant_type: 'client_credentials', resource: server.resource(), ...parameter }
    expect((await worker.token(own)).body).toMatchObject({ error: 'invalid_authorization_details' })
    expect(server.tasks.list()).toHaveLength(before)
  })

  it('what is no JSON', async () => {
    expect(await errorOf({ authorization_details: '[{' })).toBe('invalid_authorization_details')
  })

  it('a type by a client that lists others: it cannot even register', async () => {
    await expect(server.register({ authorization_details_types: ['payment_initiation'] })).rejects.toThrow(
      'invalid_client_metadata',
    )
  })
})
