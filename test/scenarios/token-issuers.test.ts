/** Issuers that are down, slow, huge or wrong, and issuers that change their keys: a gateway with a real one beside it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fetchJson } from '../../packages/gateway/src/server/fetch-json.ts'
import {
  answering,
  HUGE,
  type Misbehaviour,
  SILENT,
  startTokenIssuer,
  type TokenIssuer,
} from '../fixtures/token-issuer.ts'
import {
  eventually,
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'

let corp: TokenIssuer
let gateway: WatchedGateway
beforeEach(async () => {
  corp = await startTokenIssuer()
  gateway = await startWatchedGateway({ config: config(corp.url) })
})
afterEach(async () => {
  await gateway.close()
  await corp.close()
})

const config = (url: string, more = '') =>
  `identity: { issuers: [ { name: corp, issuer: '${url}'${more} } ] }`
const sign = (claims = {}, header = {}) => corp.sign({ aud: gateway.url('files'), ...claims }, header)
const call = (token: string) => gateway.send(gateway.legacy({ key: token }))

const faults: readonly (readonly [string, Misbehaviour, RegExp])[] = [
  ['fails', answering('{}', {}, 500), /HTTP 500/],
  ['answers 10 MB', HUGE, /larger than 65536 bytes/],
  ['answers a page', answering('<html>', { 'content-type': 'text/html' }), /is not JSON but text\/html/],
  [
    'answers JSON that is called a text',
    answering('{"keys":[]}', { 'content-type': 'text/plain' }),
    /is not JSON/,
  ],
  ['answers half', answering('{"keys":['), /not valid JSON/],
  ['answers something else', answering('[]'), /another issuer/],
  ['sends elsewhere', answering('', { location: 'http://127.0.0.1:9/keys' }, 302), /HTTP 302/],
  ['encodes its answer', answering('x', { 'content-encoding': 'gzip' }), /is encoded/],
  ['hangs up', (request) => void request.socket.destroy(), /cannot be fetched/],
]

describe('an issuer that', () => {
  test.each(faults)(
    '%s: known keys work on, unknown ones are refused, and it recovers',
    async (_, fault, why) => {
      corp.misbehave(fault)
      const early = await call(await sign())
      expectRefused(early, { status: 503, reason: 'unavailable', detail: why })
      corp.misbehave(undefined)
      // What failed is tried again only after a while, unless the issuer is new to the configuration.
      expect(
        await gateway.reload({ config: `${config(corp.url, `, jwks: '${corp.url}/keys'`)}\n${servers()}` }),
      ).toEqual([])
      expectAllowed(await call(await sign()))

      corp.misbehave(fault)
      expectAllowed(await call(await sign({ sub: 'bob' })))
      const stranger = await corp.rotate()
      const seen = await call(await corp.sign({ aud: gateway.url('files') }, {}, stranger))
      expect(seen.replies[0]?.status).toBe(401) // the keys are fresh: nobody is asked
      expect(seen.requests).toEqual([])
    },
  )

  test('does not answer: nobody waits longer than the limit, and keys do not count on it', async () => {
    corp.misbehave(SILENT)
    const began = performance.now()
    expect(await fetchJson(`${corp.url}/keys`, 200)).toEqual({
      ok: false,
      error: `${corp.url}/keys did not answer within 200 ms`,
    })
    expect(performance.now() - began).toBeLessThan(5000)
    let answered = false
    const waiting = call(await sign()).then((seen) => {
      answered = true
      return seen
    })
    const byKey = await gateway.send(gateway.legacy())
    expect([byKey.replies[0]?.status, answered]).toEqual([200, false])
    expect((await waiting).replies[0]?.status).toBe(503)
  })

  test('drips its answer: the limit is for all of it', async () => {
    corp.misbehave((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const drip = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(drip))
    })
    expect(await fetchJson(`${corp.url}/keys`, 200)).toMatchObject({ ok: false })
  })

  test('has a clock that is 5 minutes off is not believed, and is when it is right again', async () => {
    const now = Math.floor(Date.now() / 1000)
    const early = { iat: now + 300, nbf: now + 300, exp: now + 900 }
    expectRefused(await call(await sign(early)), { status: 401, reason: 'unauthenticated', detail: /nbf/ })
    const late = { iat: now - 900, nbf: now - 900, exp: now - 300 }
    expectRefused(await call(await sign(late)), { status: 401, reason: 'unauthenticated', detail: /exp/ })
    expectAllowed(await call(await sign({ iat: now + 20, nbf: now + 20 })))
    expectAllowed(await call(await sign()))
  })
})

test('http is for this machine only, whatever the configuration says', async () => {
  expect(await fetchJson('http://192.0.2.1/keys', 200)).toEqual({
    ok: false,
    error: 'http://192.0.2.1/keys is not https',
  })
})

describe('a reload', () => {
  test('without the issuer ends its tokens, sessions and streams at once', async () => {
    const token = await sign()
    const listen = {
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true } },
      key: token,
    }
    const stream = gateway.send(gateway.modern(listen), { deadlineMs: 10_000 })
    await gateway.upstream.received('subscriptions/listen')
    expect((await call(token)).replies[0]?.status).toBe(200)
    expect(await gateway.reload({ config: servers() })).toEqual([])
    const began = performance.now()
    await stream // or its deadline
    expect(performance.now() - began).toBeLessThan(5000)
    const { replies } = await call(token)
    expect(replies[0]?.status).toBe(401)
  })
})

test('a stream ends with the token it was opened with', async () => {
  const exp = Math.floor(Date.now() / 1000) - 28 // two seconds of the leeway are left
  const token = await sign({ exp })
  const listen = {
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true } },
    key: token,
  }
  const began = performance.now()
  await gateway.send(gateway.modern(listen), { deadlineMs: 10_000 })
  expect(performance.now() - began).toBeLessThan(6000)
  await eventually(async () => expect((await call(token)).replies[0]?.status).toBe(401))
})

/** The servers of the watched gateway, for a configuration that is written anew. */
function servers(): string {
  const at = (path: string) => new URL(path, gateway.upstream.url).href
  return `servers:\n  files: { url: '${at('/files')}' }\n  db: { url: '${at('/db')}' }\n`
}
