import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { addMachine } from '../../../../test/fixtures/oauth/machine.ts'
import { startTestServer } from '../../../../test/fixtures/oauth/server.ts'
import { Folder, type Started } from './fixtures/tollgate.ts'

async function tell(started: Started, token: string) {
  started.child.stdin?.end(token)
  return started.ended
}

describe('tollgate token inspect', () => {
  it('says whose a token is, and why it is not good any more', async () => {
    const server = await startTestServer()
    const nightly = await addMachine(server.store, server.origin, 'nightly')
    const token = await nightly.ownToken(server.resource())
    using folder = new Folder({
      'tollgate.yaml': `data: ${server.folder}\nidentity: { authorizationServer: {} }\n`,
    })
    const inspect = (shown: string) => tell(folder.start(['token', 'inspect', '--json']), shown)
    const good = await inspect(`${token}\n`)
    expect(JSON.parse(good.stdout)).toMatchObject({
      active: true,
      principal: 'Service::"local/nightly"',
      audience: server.resource(),
      scope: 'mcp',
      credential: expect.stringMatching(/^local\/[\w-]{43}\.[\w-]+$/),
    })
    const said = await tell(folder.start(['token', 'inspect']), token)
    expect(said).toMatchObject({ code: 0 })
    expect(said.stdout).toContain('Service::"local/nightly"')

    for (const other of ['x', `${token.slice(0, -8)}${randomBytes(6).toString('base64url')}`])
      expect(JSON.parse((await inspect(other)).stdout)).toEqual({
        active: false,
        why: 'it is no access token of this server',
      })
    server.store.clients.revoke('nightly', Date.now())
    const ended = await inspect(token)
    expect(ended.code).toBe(1)
    expect(JSON.parse(ended.stdout)).toEqual({ active: false, why: 'it was revoked' })
    await server.close()
  })
})
