/**
 * What is revoked is written in one file. While that cannot be read nobody is let in by what it says, whatever they were
 * let in by before, and the gateway goes on refusing instead of ending.
 */
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openOauthStore } from '../../packages/gateway/src/store/oauth.ts'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { grant } from '../fixtures/oauth/grant.ts'
import { startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'

let issuer: TokenIssuer
let gateway: TestGateway
beforeEach(async () => {
  issuer = await startTokenIssuer()
  gateway = await startTestGateway({
    config: `identity:
  authorizationServer: {}
  issuers: [{ name: corp, issuer: ${issuer.url} }]
servers: { files: { url: 'http://127.0.0.1:9/mcp' } }
`,
    policies: PERMIT_ALL,
  })
})
afterEach(async () => {
  await gateway.close()
  await issuer.close()
})

async function ask(token: string): Promise<number> {
  const response = await fetch(`${gateway.origin}/whoami/mcp/files`, {
    headers: { authorization: `Bearer ${token}` },
  })
  await response.body?.cancel()
  return response.status
}

test('callers who were let in before are not while the file is gone, and are again once it is back', async () => {
  const opened = openOauthStore(join(gateway.folder, 'data'))
  if (!opened.ok) throw new Error(opened.error)
  const { token: own } = await grant(opened.value, 'ada', gateway.url('files'))
  opened.value.close()
  const tokens = {
    key: gateway.key('ada'),
    own,
    corp: await issuer.sign({ sub: 'ada', aud: gateway.url('files') }),
  }
  const all = () => Promise.all(Object.values(tokens).map(ask))
  const file = join(gateway.folder, 'data', 'tollgate.db')
  expect(await all()).toEqual([200, 200, 200])
  renameSync(file, `${file}.away`)
  await expect.poll(all, { timeout: 4000 }).toEqual([503, 503, 503])
  renameSync(`${file}.away`, file)
  await expect.poll(all, { timeout: 4000 }).toEqual([200, 200, 200])
})
