import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser } from '../../../../test/fixtures/oauth/browser.ts'
import { startTestServer, type TestServer } from '../../../../test/fixtures/oauth/server.ts'

/** On `files`, alice may be given `files:read` and `files:write`; `files:secret` is of a tool that she cannot see. */
let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

async function give(scope: string, client?: string) {
  const id = client ?? (await server.register())
  const back = await server.consent(id, { scope })
  expect(back.searchParams.get('error_description')).toBeNull()
  const { body } = await server.token(server.exchange(id, back.searchParams.get('code') ?? ''))
  return { client: id, scope: body['scope'], refreshToken: String(body['refresh_token']) }
}

describe('scopes that servers ask for', () => {
  it.each([
    ['mcp files:read offline_access', 'mcp files:read'],
    ['files:read files:write', 'mcp files:read files:write'],
    ['files:write files:write mcp', 'mcp files:write'],
    ['mcp files:secret files:read', 'mcp files:read'],
    ['mcp nothing-there', 'mcp'],
    ['openid files:read', 'mcp files:read'],
  ])('asked for %s, a token has %s', async (asked, given) => {
    const words = (scope: unknown) => String(scope).split(' ').toSorted()
    expect(words((await give(asked)).scope)).toEqual(words(given))
  })

  it('stay through refreshing, unless fewer are asked for, and never become more', async () => {
    const { client, refreshToken } = await give('mcp files:read files:write')
    const refresh = (token: unknown, more = {}) =>
      server.token({ grant_type: 'refresh_token', client_id: client, refresh_token: String(token), ...more })
    const all = await refresh(refreshToken)
    expect(String(all.body['scope']).split(' ').toSorted()).toEqual(['files:read', 'files:write', 'mcp'])
    const fewer = await refresh(all.body['refresh_token'], { scope: 'mcp files:read' })
    expect(String(fewer.body['scope']).split(' ').toSorted()).toEqual(['files:read', 'mcp'])
    const { refreshToken: narrow, client: other } = await give('mcp files:read')
    const fields = { grant_type: 'refresh_token', client_id: other, refresh_token: narrow }
    const more = await server.token({ ...fields, scope: 'mcp files:read files:write' })
    expect(more.body).toMatchObject({ error: 'invalid_scope' })
  })

  it('are named on the page, and asked about again where an earlier yes lacks one', async () => {
    const client = await server.register()
    const browser = new Browser(server.origin)
    const come = async (scope: string) =>
      browser.follow(await browser.get(server.authorizeUrl(client, { scope })))
    await server.consent(client, { scope: 'mcp files:read' }, browser)
    expect((await come('mcp files:read')).url).toMatch(/^https:\/\/app\.example\/callback\?code=/)
    const page = await come('mcp files:read files:write files:secret')
    expect(page.text).toContain('<code>files:read</code>, <code>files:write</code>')
    expect(page.text).not.toContain('files:secret')
    await server.consent(client, { scope: 'mcp files:read files:write' }, browser)
    expect((await come('mcp files:write')).url).toMatch(/^https:\/\/app\.example\/callback\?code=/)
  })

  it('are not bound by what a client said when it registered', async () => {
    const client = await server.register({ scope: 'mcp files:read' })
    expect(String((await give('mcp files:read files:write', client)).scope)).toContain('files:write')
  })

  it('make no difference for a server that is not there, before or after signing in', async () => {
    for (const scope of ['mcp', 'mcp files:read', 'mcp nothing-there']) {
      const client = await server.register()
      const resource = `${server.origin}/mcp/nowhere`
      const back = await server.consent(client, { scope, resource })
      expect(back.searchParams.get('error')).toBe('invalid_target')
    }
  })
})
