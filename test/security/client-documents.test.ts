/** Clients that are told of by a document at their own address, and where such addresses must not lead (CIMD; SSRF). */
import { generateKeyPair, SignJWT } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { createPublicFetch, isPublicAddress } from '../../packages/gateway/src/server/public-fetch.ts'
import { Browser } from '../fixtures/oauth/browser.ts'
import { ASSERTION_TYPE } from '../fixtures/oauth/machine.ts'
import { REDIRECT, startTestServer, type TestServer } from '../fixtures/oauth/server.ts'

const ID = 'https://app.example/client.json'
const DOCUMENT = { client_id: ID, client_name: 'Documented', redirect_uris: [REDIRECT] }

let running: TestServer | undefined
afterEach(async () => {
  await running?.close()
  running = undefined
})

/** A server to which every address answers with this. */
async function withDocument(document: object, init: ResponseInit = {}) {
  const fetched: string[] = []
  const started = await startTestServer({
    fetch: async (url) => {
      fetched.push(url)
      const headers = { 'content-type': 'application/json', 'cache-control': 'max-age=60' }
      return new Response(JSON.stringify(document), { headers, ...init })
    },
  })
  running = started
  return { fetched, server: started }
}

/** A server, and a client whose document names keys elsewhere; what is there has no end. */
async function startKeysElsewhere() {
  const fetched: string[] = []
  let sent = 0
  const endless = () =>
    new ReadableStream({
      pull(stream) {
        sent += 65_536
        if (sent > 20_000_000) stream.close()
        else stream.enqueue(new Uint8Array(65_536))
      },
    })
  const keys = 'https://app.example/keys.json'
  const document = { ...DOCUMENT, token_endpoint_auth_method: 'private_key_jwt', jwks_uri: keys }
  const headers = { 'content-type': 'application/json', 'cache-control': 'max-age=3600' }
  const server = await startTestServer({
    fetch: async (url) => {
      fetched.push(url)
      return new Response(url === keys ? endless() : JSON.stringify(document), { headers })
    },
  })
  running = server
  const { privateKey } = await generateKeyPair('ES256')
  return {
    fetched,
    sentBytes: () => sent,
    /** Shows a code, and an assertion in the name of the client. */
    async prove() {
      const assertion = await new SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuer(ID)
        .setSubject(ID)
        .setAudience(server.origin)
        .setExpirationTime('1m')
        .sign(privateKey)
      const proof = { client_assertion_type: ASSERTION_TYPE, client_assertion: assertion }
      return server.token(server.exchange(ID, 'x', proof))
    },
  }
}

describe('a client with a document', () => {
  it('is asked about under its host, gets tokens, and can be revoked', async () => {
    const { fetched, server } = await withDocument(DOCUMENT)
    const browser = new Browser(server.origin)
    const page = await browser.follow(await browser.get(server.authorizeUrl(ID)))
    expect(page.text).toContain('Documented')
    const back = await server.consent(ID)
    const { status } = await server.token(server.exchange(ID, back.searchParams.get('code') ?? ''))
    expect(status).toBe(200)
    expect(fetched).toEqual([ID])
    expect(server.store.clients.list()).toMatchObject([{ clientId: ID, kind: 'document' }])
    server.store.clients.revoke(ID, Date.now())
    expect((await browser.get(server.authorizeUrl(ID))).status).toBe(400)
  })

  it.each<[string, object, boolean]>([
    ['says nothing of it', {}, true],
    ['lists the type, among others', { authorization_details_types: ['payment', 'tollgate_task'] }, true],
    ['lists others alone', { authorization_details_types: ['payment'] }, false],
  ])('may ask for a task, unless it asks for other things: it %s', async (_title, more, may) => {
    const { server } = await withDocument({ ...DOCUMENT, ...more })
    const details = [{ type: 'tollgate_task', purpose: 'Some work', servers: ['files'] }]
    const asked = server.authorizeUrl(ID, { authorization_details: JSON.stringify(details) })
    const browser = new Browser(server.origin)
    const page = await browser.follow(await browser.get(asked))
    const error = URL.parse(page.url)?.searchParams.get('error')
    expect(error ?? 'asked to sign in').toBe(may ? 'asked to sign in' : 'invalid_authorization_details')
  })

  it.each<[string, object, ResponseInit?]>([
    ['names another client', { ...DOCUMENT, client_id: 'https://other.example/client.json' }],
    ['has no redirects', { ...DOCUMENT, redirect_uris: [] }],
    ['redirects elsewhere', { ...DOCUMENT, redirect_uris: ['https://other.example/cb'] }],
    ['redirects to a script', { ...DOCUMENT, redirect_uris: ['javascript:alert(1)', REDIRECT] }],
    ['holds a secret', { ...DOCUMENT, client_secret: 'x' }],
    ['is not found', DOCUMENT, { status: 404 }],
    ['is somewhere else', DOCUMENT, { status: 302, headers: { location: 'http://127.0.0.1/' } }],
    ['is huge', { ...DOCUMENT, more: 'x'.repeat(1_000_000) }],
  ])('is refused when it %s', async (_title, document, init) => {
    const { server } = await withDocument(document, init)
    const answer = await new Browser(server.origin).get(server.authorizeUrl(ID))
    expect(answer.status).toBe(400)
    expect(answer.location).toBeUndefined()
  })

  it.each([
    'http://app.example/client.json',
    'https://user@app.example/client.json',
    'https://app.example/a/../client.json',
    'https://app.example/client.json#x',
  ])('is not fetched from %s', async (id) => {
    const { fetched, server } = await withDocument({ ...DOCUMENT, client_id: id })
    expect((await new Browser(server.origin).get(server.authorizeUrl(id))).status).toBe(400)
    expect(fetched).toEqual([])
  })

  it('makes no more than 60 fetches a minute', async () => {
    const { fetched, server } = await withDocument({})
    const browser = new Browser(server.origin)
    for (let count = 0; count < 70; count++) await browser.get(server.authorizeUrl(`${ID}?${count}`))
    expect(fetched).toHaveLength(60)
  })

  it('has its keys fetched no further than keys go, and no more often than documents', async () => {
    const started = await startKeysElsewhere()
    expect((await started.prove()).status).toBe(401)
    expect(started.sentBytes()).toBeLessThan(1_000_000)
    for (let count = 0; count < 70; count++) await started.prove()
    expect(started.fetched).toHaveLength(60)
  })

  it('is not known where documents are off', async () => {
    const started = await startTestServer({ metadataDocuments: false })
    running = started
    expect((await new Browser(started.origin).get(started.authorizeUrl(ID))).status).toBe(400)
  })
})

describe('an address that a stranger names', () => {
  const inside = [
    ...['127.0.0.1', '127.255.255.255', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    ...[
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
      '198.18.0.1',
      '192.0.2.1',
    ],
    ...['::', '::1', 'fc00::1', 'fd12::1', 'fe80::1', 'fec0::1', 'ff02::1', '2001:db8::1', '100::1'],
    ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '::127.0.0.1', '::ffff:0:127.0.0.1'],
    ...['64:ff9b::7f00:1', '64:ff9b:1::a00:1', '2002:7f00:1::', '2002:a9fe:a9fe::1', '2001:0:7f00:1::'],
  ]
  it.each(inside)('%s is not of the public internet', async (address) => {
    expect(isPublicAddress(address)).toBe(false)
    const host = address.includes(':') ? `[${address}]` : address
    await expect(createPublicFetch()(`https://${host}/c`, {})).rejects.toThrow('public internet')
    // Nor by a name, also where another address of it would do.
    const family = address.includes(':') ? 6 : 4
    const found = [
      { address: '93.184.215.14', family: 4 },
      { address, family },
    ]
    const byName = createPublicFetch({ resolve: (_name, take) => take(null, found) })
    const failed = await byName('https://app.example/c', {}).catch(
      (problem: unknown) => (problem as Error).cause,
    )
    expect(String(failed)).toContain('public internet')
  })

  it('may be a name that nobody has: the fetch fails, and nothing else', async () => {
    const failed = await createPublicFetch()('https://nobody.invalid/c', {}).catch(
      (problem: unknown) => problem,
    )
    expect(String((failed as Error).cause)).toContain('nobody.invalid')
  })

  it.each(['93.184.215.14', '8.8.8.8', '2606:4700::1111', '172.32.0.1'])('%s is', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.each(['http://app.example/c', 'https://app.example:8443/c', 'file:///etc/passwd', 'ftp://app.example/'])(
    'is nothing but https on its own port: %s',
    async (address) => {
      await expect(createPublicFetch()(address, {})).rejects.toThrow('is not https on its own port')
    },
  )
})
