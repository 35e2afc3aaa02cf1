/** Requests that a client sends ahead (RFC 9126): what a browser then carries is a reference, good once and for its client. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Browser } from '../fixtures/oauth/browser.ts'
import { allow } from '../fixtures/oauth/person.ts'
import { startTestServer, type TestServer } from '../fixtures/oauth/server.ts'

let server: TestServer
let client: string
beforeAll(async () => {
  server = await startTestServer()
  client = await server.register()
})
afterAll(() => server.close())

/** Pushes the request that `authorizeUrl` has in its address. */
async function push(changes: Record<string, string | undefined> = {}) {
  const body = new URL(server.authorizeUrl(client, changes)).searchParams
  const response = await fetch(`${server.origin}/oauth/par`, { method: 'POST', body })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

function addressOf(clientId: string, requestUri: unknown): string {
  const query = new URLSearchParams({ client_id: clientId, request_uri: String(requestUri) })
  return `${server.origin}/oauth/authorize?${query.toString()}`
}

it('is told of in the metadata', async () => {
  const response = await fetch(`${server.origin}/.well-known/oauth-authorization-server`)
  expect(await response.json()).toMatchObject({
    pushed_authorization_request_endpoint: `${server.origin}/oauth/par`,
  })
})

it('leads to a code like any other request, and to no second one', async () => {
  const { status, body } = await push()
  expect({ status, body }).toMatchObject({ status: 201, body: { expires_in: expect.any(Number) } })
  const address = addressOf(client, body['request_uri'])
  const back = await allow(new Browser(server.origin), address)
  expect(back.searchParams.get('state')).toBe('a-state')
  const code = back.searchParams.get('code') ?? ''
  expect((await server.token(server.exchange(client, code))).status).toBe(200)
  const again = await new Browser(server.origin).get(address)
  expect(again.status).toBe(400)
  expect(again.text).toContain('invalid_request_uri')
})

it('is not for another client', async () => {
  const other = await server.register()
  const { body } = await push()
  const answer = await new Browser(server.origin).get(addressOf(other, body['request_uri']))
  expect({ status: answer.status, location: answer.location }).toEqual({ status: 400, location: undefined })
})

it.each([
  ['an address that was not registered', { redirect_uri: 'https://evil.example/cb' }, 'invalid_request'],
  [
    'no proof key for the code',
    { code_challenge: undefined, code_challenge_method: undefined },
    'invalid_request',
  ],
  ['another resource', { resource: 'https://elsewhere.example/mcp/files' }, 'invalid_target'],
  ['no resource', { resource: undefined }, 'invalid_target'],
])('is refused at once with %s', async (_title, changes, error) => {
  expect(await push(changes)).toMatchObject({ status: 400, body: { error } })
})

it('of what was made up, there is none', async () => {
  for (const uri of ['urn:ietf:params:oauth:request_uri:made-up', 'https://app.example/request.jwt']) {
    const { status, location } = await new Browser(server.origin).get(addressOf(client, uri))
    expect({ status, location }).toEqual({ status: 400, location: undefined })
  }
})
