/**
 * An issuer that fails while a gateway depends on it: whoever is known works on, whoever is not is refused, others are
 * served meanwhile, and when the issuer is well again nobody has to do anything. The gateway's clock is moved instead of
 * waited for.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { messagesOf, postModern } from '../fixtures/raw-http.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../fixtures/recording-upstream.ts'
import {
  answering,
  createKey,
  HUGE,
  type Misbehaviour,
  SILENT,
  type SigningKey,
  startTokenIssuer,
  type TokenIssuer,
} from '../fixtures/token-issuer.ts'
import { eventually } from '../fixtures/watched-gateway.ts'

let upstream: RecordingUpstream
let corp: TokenIssuer
let gateway: TestGateway
let skewMs: number
const pass = (seconds: number) => (skewMs += seconds * 1000)

beforeEach(async () => {
  skewMs = 0
  upstream = await startRecordingUpstream()
  corp = await startTokenIssuer()
  gateway = await startTestGateway({
    config: `servers: { files: { url: '${upstream.url}' } }
identity: { issuers: [ { name: corp, issuer: '${corp.url}' } ] }
`,
    policies: PERMIT_ALL,
    replacements: { now: () => Date.now() + skewMs },
  })
})
afterEach(async () => {
  await gateway.close()
  await corp.close()
  await upstream.close()
})

const sign = (sub: string, key = corp.key) =>
  corp.sign({ sub, aud: gateway.url('files'), exp: Math.floor((Date.now() + skewMs) / 1000) + 7200 }, {}, key)

async function call(key: string) {
  const request = { id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } }
  const response = await postModern(gateway.url('files'), request, { key })
  for await (const _ of messagesOf(response));
  return response.status
}
const health = () => gateway.gateway.status().issuers[0]

const faults: readonly (readonly [string, Misbehaviour, RegExp])[] = [
  ['does not answer', SILENT, /did not answer within/],
  ['drips', drip, /did not answer within/],
  ['answers 10 MB', HUGE, /larger than/],
  ['answers a page', answering('<html>', { 'content-type': 'text/html' }), /is not JSON but/],
  ['sends elsewhere', answering('', { location: 'http://127.0.0.1:9/' }, 302), /HTTP 302/],
  ['answers half a document', answering('{"keys":['), /not valid JSON/],
  ['fails', answering('{}', {}, 503), /HTTP 503/],
  ['hangs up', (request) => void request.socket.destroy(), /cannot be fetched/],
]

function drip(_: unknown, response: Parameters<Misbehaviour>[1]): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  const more = setInterval(() => response.write(' '), 50)
  response.on('close', () => clearInterval(more))
}

describe('an issuer that', () => {
  test.each(faults)(
    '%s: known keys work on, others are served, and it recovers by itself',
    async (_, fault, why) => {
      expect(health()).toMatchObject({ state: 'idle', keys: 0 })
      const known = await sign('ada')
      expect(await call(known)).toBe(200)
      expect(health()).toMatchObject({ state: 'ready', keys: 1 })

      // It fails, and changes its keys meanwhile.
      corp.misbehave(fault)
      const old = corp.key
      const fresh = await corp.rotate()
      pass(60)
      const key = gateway.key('grace')
      const waiting = call(await sign('eve', fresh)).then((status) => ({ status, atMs: performance.now() }))
      const others = await Promise.all([call(known), call(await sign('bob', old)), call(key)])
      const othersAtMs = performance.now()
      expect(others).toEqual([200, 200, 200])
      const stranger = await waiting
      expect(stranger.status).toBe(503)
      if (fault === SILENT || fault === drip) expect(othersAtMs).toBeLessThan(stranger.atMs)
      expect(health()).toMatchObject({ state: 'failed', keys: 1, failure: expect.stringMatching(why) })

      // Well again: nobody reloads, nobody restarts.
      corp.misbehave(undefined)
      pass(60)
      expect(await call(await sign('eve', fresh))).toBe(200)
      expect(await call(known)).toBe(200)
      expect(health()).toMatchObject({ state: 'ready', keys: 2 })
    },
    20_000,
  )

  test('is down from the start lets nobody in, and everybody once it is there', async () => {
    corp.misbehave((request) => void request.socket.destroy())
    expect(await call(await sign('ada'))).toBe(503)
    expect(await call(gateway.key('grace'))).toBe(200)
    expect(health()).toMatchObject({ state: 'failed', keys: 0 })
    corp.misbehave(undefined)
    pass(31)
    expect(await call(await sign('ada'))).toBe(200)
  })

  test('withdraws a key: its tokens end while it can be reached, and within a day when it cannot', async () => {
    const known = await sign('ada')
    expect(await call(known)).toBe(200)
    await corp.rotate('replace')
    pass(301)
    await eventually(async () => expect(await call(known)).toBe(401))

    const next = await corp.sign({ sub: 'ada', aud: gateway.url('files'), exp: 4_000_000_000 })
    expect(await call(next)).toBe(200)
    corp.misbehave((request) => void request.socket.destroy())
    pass(23 * 3600)
    expect(await call(next)).toBe(200)
    pass(2 * 3600)
    expect(await call(next)).toBe(503)
  })

  test.each([
    ['ahead', 300],
    ['behind', -300],
  ])(
    'has a clock that is 5 minutes %s is not believed, and is when it is right again',
    async (_, seconds) => {
      const at = (offset: number) => {
        const now = Math.floor((Date.now() + skewMs) / 1000) + offset
        return corp.sign({ sub: 'ada', aud: gateway.url('files'), iat: now, nbf: now, exp: now + 200 })
      }
      expect(await call(await at(0))).toBe(200)
      expect(await call(await at(seconds))).toBe(401)
      expect(await call(await at(Math.sign(seconds) * 20))).toBe(200)
      expect(await call(await at(0))).toBe(200)
    },
  )
})

test('an issuer that cannot be reached has its keys in a file, which may change', async () => {
  const file = join(gateway.folder, 'keys.json')
  const write = (key: SigningKey) => writeFileSync(file, JSON.stringify({ keys: [key.jwk] }))
  const config = `servers: { files: { url: '${upstream.url}' } }
identity: { issuers: [ { name: corp, issuer: '${corp.url}', jwks: 'file:./keys.json' } ] }
`
  corp.misbehave((request) => void request.socket.destroy())
  expect(await gateway.reload({ config })).toEqual([])
  const known = await sign('ada')
  expect(await call(known)).toBe(503)
  expect(health()).toMatchObject({ state: 'failed', failure: expect.stringContaining('cannot be read') })
  write(corp.key)
  pass(31)
  expect(await call(known)).toBe(200)
  write(await createKey('key-2'))
  pass(301)
  await eventually(async () => expect(await call(known)).toBe(401))
  writeFileSync(file, 'x'.repeat(70_000))
  pass(301)
  await eventually(() =>
    expect(health()).toMatchObject({
      state: 'failed',
      keys: 1,
      failure: expect.stringMatching(/larger than/),
    }),
  )
  expect(corp.asked).toEqual([])
})
