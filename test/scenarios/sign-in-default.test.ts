/** A gateway that nobody but this machine reaches lets people sign in, without a word about it in the configuration. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { grant } from '../fixtures/oauth/grant.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'

const SERVERS = `servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }\n`
const OFF = `identity: { authorizationServer: false }\n${SERVERS}`
const PATHS = ['/oauth/authorize', '/oauth/style.css', '/.well-known/oauth-authorization-server']

let gateway: TestGateway
let token: string
beforeAll(async () => {
  gateway = await startTestGateway({ config: SERVERS, policies: PERMIT_ALL })
  const store = openOauthStore(join(gateway.folder, 'data'))
  if (!store.ok) throw new Error(store.error)
  token = (await grant(store.value, 'alice', gateway.url('files'))).token
  store.value.close()
})
afterAll(() => gateway.close())

const call = (authorization?: string) =>
  fetch(gateway.url('files'), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(authorization === undefined ? {} : { authorization: `Bearer ${authorization}` }),
    },
    body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
  })

describe('without a word in the configuration', () => {
  test('a client without a token is told where to get one, and a person gets it', async () => {
    expect((await call()).headers.get('www-authenticate')).toContain('resource_metadata=')
    expect((await call(token)).status).toBe(200)
  })

  test('API keys are good as before', async () => {
    expect((await call(gateway.key('alice'))).status).toBe(200)
  })

  test('nobody else can read what it signs with', () => {
    expect(statSync(join(gateway.folder, 'data', 'signing-keys.json')).mode & 0o777).toBe(0o600)
  })
})

describe('a reload', () => {
  test('turns it off and on, and its tokens with it', async () => {
    expect(await gateway.reload({ config: OFF })).toEqual([])
    expect((await call(token)).status).toBe(401)
    expect((await call()).headers.get('www-authenticate')).toBe('Bearer realm="tollgate"')
    for (const path of PATHS) expect((await fetch(gateway.origin + path)).status).not.toBe(200)
    expect(await gateway.reload({ config: SERVERS })).toEqual([])
    expect((await call(token)).status).toBe(200)
  })

  test('changes its settings', async () => {
    const register = () => fetch(`${gateway.origin}/oauth/register`, { method: 'POST' })
    expect((await register()).status).not.toBe(404)
    const closed = `identity: { authorizationServer: { registration: false } }\n${SERVERS}`
    expect(await gateway.reload({ config: closed })).toEqual([])
    expect((await register()).status).toBe(404)
  })

  test('turns it on where it was off at the start', async () => {
    const off = await startTestGateway({ config: OFF, policies: PERMIT_ALL })
    for (const path of PATHS) expect((await fetch(off.origin + path)).status).not.toBe(200)
    expect(await off.reload({ config: SERVERS })).toEqual([])
    expect((await fetch(`${off.origin}/.well-known/oauth-authorization-server`)).status).toBe(200)
    await off.close()
  })
})
