import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openOauthStore, type OpenOauthStore } from './oauth.ts'
import { loadSigningKeys } from './signing-keys.ts'

let folder: string
let store: OpenOauthStore
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-oauth-'))
  const opened = openOauthStore(folder)
  if (!opened.ok) throw new Error(opened.error)
  store = opened.value
})
afterEach(() => {
  store.close()
  rmSync(folder, { recursive: true })
})

describe('artifacts', () => {
  it('keep no id, link or session cookie that could be used by who reads the file', () => {
    const { artifacts, people } = store
    const link = people.invite('alice', { nowMs: 0, expiresAtMs: 10, again: false })
    artifacts.put('RefreshToken', 'the-token', { jti: 'the-token', grantId: 'g' }, 1e15)
    artifacts.put('Interaction', 'an-uid', { jti: 'an-uid', session: { cookie: 'a-cookie', uid: 'u' } }, 1e15)
    const bytes = ['tollgate.db', 'tollgate.db-wal'].map((name) => readFileSync(join(folder, name), 'latin1'))
    for (const secret of ['the-token', 'an-uid', 'a-cookie', link.ok ? link.value : '?'])
      expect(bytes.join('')).not.toContain(secret)
    expect(artifacts.find('RefreshToken', 'the-token')).toEqual({ jti: 'the-token', grantId: 'g' })
    expect(artifacts.find('Interaction', 'an-uid')).toEqual({ jti: 'an-uid', session: { uid: 'u' } })
  })

  it('are used once, found by their session, and end with their grant', () => {
    const { artifacts } = store
    artifacts.put('AuthorizationCode', 'a', { jti: 'a', grantId: 'g' }, 1e15)
    artifacts.put('AuthorizationCode', 'b', { jti: 'b', grantId: 'h' }, 1e15)
    artifacts.put('Session', 's', { jti: 's', uid: 'u', accountId: 'alice' }, 1e15)
    expect(artifacts.consume('AuthorizationCode', 'a', 5000)).toBe(true)
    expect(artifacts.consume('AuthorizationCode', 'a', 6000)).toBe(false)
    expect(artifacts.consume('AuthorizationCode', 'none', 6000)).toBe(false)
    expect(artifacts.find('AuthorizationCode', 'a')).toMatchObject({ consumed: 5 })
    expect(artifacts.findByUid('Session', 'u')).toMatchObject({ accountId: 'alice' })
    artifacts.destroyOfGrant('AuthorizationCode', 'g')
    expect(artifacts.find('AuthorizationCode', 'a')).toBeUndefined()
    expect(artifacts.find('AuthorizationCode', 'b')).toBeDefined()
  })

  it('stay used when they are written again, and go when they have expired', () => {
    const { artifacts } = store
    artifacts.put('RefreshToken', 'a', { jti: 'a' }, 100)
    artifacts.consume('RefreshToken', 'a', 0)
    artifacts.put('RefreshToken', 'a', { jti: 'a' }, 100)
    expect(artifacts.consume('RefreshToken', 'a', 0)).toBe(false)
    artifacts.put('Client', 'c', { client_id: 'c' }, undefined)
    artifacts.sweep(101)
    expect(artifacts.find('RefreshToken', 'a')).toBeUndefined()
    expect(artifacts.find('Client', 'c')).toBeDefined()
  })
})

describe('signing keys', () => {
  const DAY_MS = 86_400_000
  const file = () => join(folder, 'signing-keys.json')

  it('are private, and the same the next time', async () => {
    const first = await loadSigningKeys(folder, Date.now())
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(await loadSigningKeys(folder, Date.now())).toEqual(first)
  })

  it('rotate after 30 days; the former stays for a day, for tokens that it has signed', async () => {
    const start = Date.now()
    const [former] = (await loadSigningKeys(folder, start)).keys
    const rotated = (await loadSigningKeys(folder, start + 30 * DAY_MS)).keys
    expect(rotated.map(({ kid }) => kid)).toEqual([expect.not.stringMatching(former?.kid ?? ''), former?.kid])
    const later = (await loadSigningKeys(folder, start + 32 * DAY_MS)).keys
    expect(later.map(({ kid }) => kid)).toEqual([rotated[0]?.kid])
  })

  it('that others could read are not used', async () => {
    await loadSigningKeys(folder, Date.now())
    const text = readFileSync(file(), 'utf8')
    rmSync(file())
    writeFileSync(file(), text, { mode: 0o644 })
    await expect(loadSigningKeys(folder, Date.now())).rejects.toThrow('can be read by others')
  })
})
