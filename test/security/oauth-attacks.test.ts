/** What clients, known and unknown, can and cannot do besides what oauth-requirements has for each requirement. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Browser } from '../fixtures/oauth/browser.ts'
import { startTestServer, type TestServer } from '../fixtures/oauth/server.ts'

let server: TestServer
let client: string
beforeAll(async () => {
  server = await startTestServer()
  client = await server.register()
})
afterAll(() => server.close())

describe('a redirect', () => {
  it.each(['http://127.0.0.1:3000/cb', 'http://localhost/cb', 'http://[::1]:9/cb'])(
    'can be registered for this machine: %s',
    async (uri) => {
      expect(await server.register({ redirect_uris: [uri] })).toMatch(/^[\w-]+$/)
    },
  )
})

describe('a request', () => {
  it('from a client that is not known is refused here', async () => {
    const answer = await new Browser(server.origin).get(server.authorizeUrl('nobody'))
    expect(answer.status).toBe(400)
    expect(answer.location).toBeUndefined()
  })

  it.each(['secrets', 'not-there'])(
    'for %s, out of reach or not there, ends in the same words',
    async (name) => {
      const back = await server.consent(client, { resource: server.resource(name) })
      expect(Object.fromEntries(back.searchParams)).toEqual({
        error: 'invalid_target',
        error_description: 'there is no such resource',
        iss: server.origin,
        state: 'a-state',
      })
    },
  )

  it('cannot be shown in a frame, nor its pages cached or scripted', async () => {
    const browser = new Browser(server.origin)
    const page = await browser.follow(await browser.get(server.authorizeUrl(client)))
    expect(page.headers.get('x-frame-options')).toBe('DENY')
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' https://app.example; frame-ancestors 'none'; base-uri 'none'",
    )
    expect(page.text).not.toMatch(/<script|style=|https?:\/\//)
  })
})

describe('what is kept for strangers', () => {
  const counted = (own: TestServer) => {
    const begin = {
      authorize: (id: string) => fetch(own.authorizeUrl(id), { redirect: 'manual' }),
      push: (id: string) =>
        fetch(`${own.origin}/oauth/par`, {
          method: 'POST',
          body: new URLSearchParams(new URL(own.authorizeUrl(id)).search),
        }),
      code: () => fetch(`${own.origin}/oauth/device`),
    }
    return async (how: keyof typeof begin, id: string) => (await begin[how](id)).status
  }

  it.each(['authorize', 'push', 'code'] as const)('is bounded, by address: %s', async (how) => {
    let address = '10.0.0.1'
    const own = await startTestServer({ addressOf: () => address })
    const id = await own.register()
    const begin = counted(own)
    for (let count = 0; count < 299; count++) await begin('push', id)
    expect(await begin(how, id)).toBeLessThan(400)
    expect(await begin(how, id)).toBe(429)
    address = '10.0.0.2'
    expect(await begin(how, id)).toBeLessThan(400)
    address = '10.0.0.1'
    own.pass(900)
    expect(await begin(how, id)).toBeLessThan(400)
    await own.close()
  })
})

describe('what the library does not expect', () => {
  it.each([{ grant_types: null }, { grant_types: 5 }, { grant_types: { find: 1 } }, { grant_types: [null] }])(
    'is refused as any other mistake: %j',
    async (metadata) => {
      const before = server.notes.length
      await expect(server.register(metadata)).rejects.toThrow('invalid_client_metadata')
      expect(server.notes.length).toBe(before)
    },
  )

  it('is told to operators in one line, and written nowhere else', async () => {
    const written = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    vi.spyOn(server.store.artifacts, 'put').mockImplementation(() => {
      throw new Error('the disk is full')
    })
    await fetch(`${server.origin}/oauth/device`)
    expect(written).not.toHaveBeenCalled()
    expect(server.notes.at(-1)).toMatch(/^authorization server: [^\n]+$/)
    written.mockRestore()
  })
})

describe('registration', () => {
  it('is bounded in speed, for one address', async () => {
    const own = await startTestServer()
    for (let count = 0; count < 30; count++) await own.register()
    await expect(own.register()).rejects.toThrow('too many registrations')
    own.pass(3600)
    await own.register()
    await own.close()
  })

  it('is bounded in speed, for everyone together', async () => {
    let address = 0
    const own = await startTestServer({ addressOf: () => `10.0.0.${address}` })
    for (; address < 10; address++) for (let count = 0; count < 30; count++) await own.register()
    await expect(own.register()).rejects.toThrow('too many registrations')
    await own.close()
  })

  it('is bounded in number, until some are revoked', async () => {
    const own = await startTestServer()
    for (let count = 0; count < 1000; count++)
      own.store.clients.note(
        { clientId: `c${count}`, kind: 'registered', name: undefined, redirects: [] },
        Date.now(),
      )
    await expect(own.register()).rejects.toThrow('too many clients are registered')
    own.store.clients.revoke('c0', Date.now())
    await own.register()
    await own.close()
  })

  it('forgets clients that nobody let in', async () => {
    const own = await startTestServer()
    const [unused, used] = [await own.register(), await own.register()]
    await own.consent(used)
    own.store.clients.forgetUnused(Date.now() + 1)
    expect(own.store.clients.list().map(({ clientId }) => clientId)).toEqual([used])
    const answer = await new Browser(own.origin).get(own.authorizeUrl(unused))
    expect(answer.status).toBe(400)
    await own.close()
  })

  it('can be off', async () => {
    const own = await startTestServer({ registration: false })
    const answer = await fetch(`${own.origin}/oauth/register`, { method: 'POST' })
    expect(answer.status).toBe(404)
    await own.close()
  })
})
