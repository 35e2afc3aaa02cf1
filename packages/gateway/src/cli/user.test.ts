import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openOauthStore } from '../store/oauth.ts'
import { Folder } from './fixtures/tollgate.ts'

const CONFIG = 'listen: 127.0.0.1:7171\nidentity: { authorizationServer: {} }\n'

describe('tollgate user', () => {
  it('prints a link alone on stdout, which the store knows, and keeps it in a private folder', async () => {
    using folder = new Folder({ 'tollgate.yaml': CONFIG })
    const ran = await folder.run(['user', 'add', 'alice'])
    expect(ran.code).toBe(0)
    const [, secret = ''] =
      /^http:\/\/127\.0\.0\.1:7171\/oauth\/welcome\/([\w-]{43})\n$/.exec(ran.stdout) ?? []
    expect(ran.stderr).not.toContain(secret)
    expect(ran.stderr).toContain('For passkeys the gateway needs a name')
    expect(statSync(folder.at('.tollgate/tollgate.db')).mode & 0o777).toBe(0o600)
    const store = openOauthStore(folder.at('.tollgate'))
    expect(store.ok && store.value.people.findByLink(secret, Date.now())).toBe('alice')
    expect(store.ok && store.value.people.findByLink(secret, Date.now() + 86_400_000)).toBe(undefined)
    if (store.ok) store.value.close()
  })

  it('lists people, and removes them for good', async () => {
    using folder = new Folder({ 'tollgate.yaml': CONFIG })
    await folder.run(['user', 'add', 'alice'])
    expect((await folder.run(['user', 'list'])).stdout).toMatch(
      /^NAME +PRINCIPAL +SIGNS IN WITH +ADDED +STATE\nalice +User::"local\/alice" +- +\d{4}-\d\d-\d\d +invited\n$/,
    )
    expect((await folder.run(['user', 'remove', 'alice'])).code).toBe(0)
    const [listed] = JSON.parse((await folder.run(['user', 'list', '--json'])).stdout) as object[]
    expect(listed).toMatchObject({ name: 'alice', principal: 'User::"local/alice"', state: 'removed' })
    const again = await folder.run(['user', 'add', 'alice'])
    expect(again).toMatchObject({ code: 1, stdout: '' })
    expect(again.stderr).toContain('the name stays theirs in the audit log')
    expect((await folder.run(['user', 'remove', 'bob'])).stderr).toContain('no person named "bob"')
  })

  it('makes another link for who has a password only when told to', async () => {
    using folder = new Folder({ 'tollgate.yaml': CONFIG })
    const { stdout } = await folder.run(['user', 'add', 'alice', '--json'])
    const { link } = JSON.parse(stdout) as { link: string }
    const store = openOauthStore(folder.at('.tollgate'))
    if (store.ok) store.value.people.useLink(link.slice(-43), 'hashed', Date.now())
    if (store.ok) store.value.close()
    expect((await folder.run(['user', 'add', 'alice'])).stderr).toContain('--reset')
    expect((await folder.run(['user', 'add', 'alice', '--reset'])).code).toBe(0)
  })

  it('adds to what somebody signs in with, or replaces it', async () => {
    using folder = new Folder({ 'tollgate.yaml': CONFIG })
    const store = openOauthStore(folder.at('.tollgate'))
    if (!store.ok) throw new Error(store.error)
    const { people } = store.value
    const use = async (id: string, ...options: string[]) => {
      const { stdout } = await folder.run(['user', 'add', 'alice', ...options])
      const passkey = { id, publicKey: new Uint8Array(1), counter: 0, transports: [] }
      expect(people.useLinkForPasskey(stdout.trim().slice(-43), passkey, Date.now())).toBe('alice')
    }
    await use('first')
    await use('second', '--another')
    expect((await folder.run(['user', 'list'])).stdout).toContain('2 passkeys')
    await use('third', '--reset')
    expect(people.passkeysOf('alice').map(({ id }) => id)).toEqual(['third'])
    store.value.close()
  })

  it('lists people of a provider once they signed in, removes them, and lets them in again', async () => {
    using folder = new Folder({ 'tollgate.yaml': CONFIG })
    const store = openOauthStore(folder.at('.tollgate'))
    if (!store.ok) throw new Error(store.error)
    const { people } = store.value
    const told = { account: 'corp/5f1e', issuer: 'https://sso.example', groups: [], tags: {} }
    expect((await folder.run(['user', 'add', 'corp/5f1e'])).stderr).toContain('Nobody has signed in')
    people.noteTold({ ...told, label: 'Ada\u001b[2J' }, Date.now())
    const { stdout } = await folder.run(['user', 'list'])
    expect(stdout).toContain('User::"local/corp/5f1e"')
    expect(stdout).not.toContain('\u001b[2J')
    expect((await folder.run(['user', 'add', 'corp/5f1e'])).stderr).toContain('can sign in already')
    expect((await folder.run(['user', 'remove', 'corp/5f1e'])).code).toBe(0)
    expect(people.noteTold({ ...told, label: 'Ada' }, Date.now())).toBe(false)
    expect((await folder.run(['user', 'add', 'corp/5f1e'])).code).toBe(0)
    expect(people.noteTold({ ...told, label: 'Ada' }, Date.now())).toBe(true)
    store.value.close()
  })

  it('takes no name that could be mistaken', async () => {
    using folder = new Folder({ 'tollgate.yaml': CONFIG })
    for (const name of ['', 'a b', '../x', 'a/b', '\u202ea', 'x'.repeat(65)])
      expect((await folder.run(['user', 'add', name])).code).toBe(1)
  })
})

describe('tollgate client', () => {
  it('lists clients with who let them in, and revokes them with all they were given', async () => {
    using folder = new Folder({ 'tollgate.yaml': CONFIG })
    const opened = openOauthStore(folder.at('.tollgate'))
    if (!opened.ok) throw new Error(opened.error)
    const { artifacts, clients, consents } = opened.value
    const nowMs = Date.now()
    const clientId = 'https://app.example/client.json'
    clients.note(
      { clientId, kind: 'document', name: 'App\u001b[2J', redirects: ['https://app.example/cb'] },
      nowMs,
    )
    consents.remember({ account: 'alice', clientId, resource: 'http://x/mcp/files', scope: 'mcp' }, nowMs)
    artifacts.put('RefreshToken', 'secret', { jti: 'secret', clientId, accountId: 'alice' }, nowMs + 1e6)

    const { stdout } = await folder.run(['client', 'list'])
    expect(stdout).toMatch(/client\.json +App\\u\{1b\}\[2J +app\.example +alice +\d{4}-\d\d-\d\d +active\n$/)
    expect((await folder.run(['client', 'revoke', clientId])).code).toBe(0)
    expect(artifacts.find('RefreshToken', 'secret')).toBeUndefined()
    expect(clients.isRevoked(clientId)).toBe(true)
    const [listed] = JSON.parse((await folder.run(['client', 'list', '--json'])).stdout) as object[]
    expect(listed).toMatchObject({ clientId, kind: 'document', consents: [], state: 'revoked' })
    expect((await folder.run(['client', 'revoke', 'other'])).stderr).toContain('no client "other"')
    opened.value.close()
  })

  it('takes back what one person let a client do, and signs people out', async () => {
    using folder = new Folder({ 'tollgate.yaml': CONFIG })
    const opened = openOauthStore(folder.at('.tollgate'))
    if (!opened.ok) throw new Error(opened.error)
    const { artifacts, clients, consents, people } = opened.value
    const nowMs = Date.now()
    clients.note({ clientId: 'c', kind: 'registered', name: 'App', redirects: [] }, nowMs)
    for (const account of ['alice', 'bob']) {
      people.invite(account, { nowMs, expiresAtMs: nowMs, again: false })
      consents.remember({ account, clientId: 'c', resource: 'http://x/mcp/files', scope: 'mcp' }, nowMs)
      artifacts.put('Grant', account, { jti: account, clientId: 'c', accountId: account }, nowMs + 1e6)
      artifacts.put('Session', account, { jti: account, uid: account, accountId: account }, nowMs + 1e6)
    }
    const kept = () =>
      ['Grant', 'Session'].flatMap((kind) => ['alice', 'bob'].filter((id) => artifacts.find(kind, id)))
    expect((await folder.run(['client', 'revoke', 'c', '--person', 'alice'])).code).toBe(0)
    expect(kept()).toEqual(['bob', 'alice', 'bob'])
    expect(clients.list()[0]?.consents).toEqual([{ account: 'bob', resource: 'http://x/mcp/files' }])
    const again = await folder.run(['client', 'revoke', 'c', '--person', 'alice'])
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('has not let') as string })
    expect((await folder.run(['user', 'sign-out', 'bob'])).code).toBe(0)
    expect(kept()).toEqual(['alice'])
    expect((await folder.run(['user', 'sign-out', 'eve'])).stderr).toContain('no person named "eve"')
    opened.value.close()
  })
})
