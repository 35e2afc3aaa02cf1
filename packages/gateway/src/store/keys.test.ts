import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashApiKey, isApiKey } from '../authn/api-key.ts'
import { type KeyStore, type NewKey, openKeyStore } from './keys.ts'

const here = path.dirname(fileURLToPath(import.meta.url))
const alice = { type: 'User', id: 'alice' }
let dataDir: string
const opened: KeyStore[] = []
beforeEach(() => {
  dataDir = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'tollgate-keys-')), 'data')
})
afterEach(() => {
  for (const store of opened.splice(0)) store.close()
  fs.rmSync(path.dirname(dataDir), { recursive: true })
})

describe('create', () => {
  it('gives a token that leads back to the key, and is kept nowhere', () => {
    const store = open()
    const { name, token } = create(store, { name: 'laptop', agent: 'coder', expiresAtMs: 9000 })
    expect(name).toBe('laptop')
    expect(isApiKey(token)).toBe(true)
    expect(store.find(hashApiKey(token))).toEqual({
      name,
      principal: alice,
      agent: 'coder',
      expiresAtMs: 9000,
    })
    expect(store.find(hashApiKey('tg_other'))).toBeUndefined()
    for (const file of fs.readdirSync(dataDir)) {
      expect(fs.readFileSync(path.join(dataDir, file)).includes(token.slice(3, 46))).toBe(false)
    }
  })

  it('gives other tokens and names each time', () => {
    const store = open()
    const made = Array.from({ length: 20 }, () => create(store, {}))
    expect(new Set(made.map(({ name }) => name)).size).toBe(20)
    expect(new Set(made.map(({ token }) => token)).size).toBe(20)
    expect(made[0]?.name).toMatch(/^key-[0-9a-z]{5}$/)
  })

  it('keeps names unique for ever', () => {
    const store = open()
    create(store, { name: 'laptop' })
    const again: NewKey = { name: 'laptop', principal: alice, nowMs: 1000 }
    expect(store.create(again)).toEqual({
      ok: false,
      error: 'There is a key named laptop already: choose another name.',
    })
    store.revoke('laptop', 2000)
    expect(store.create(again)).toEqual({
      ok: false,
      error: 'A revoked key was named laptop, and the name stays with it in the audit log: choose another.',
    })
  })

  it.each<[string, Partial<NewKey>, RegExp]>([
    ['an empty name', { name: '' }, /name of a key/],
    ['a long name', { name: 'x'.repeat(65) }, /name of a key/],
    ['a name with a newline', { name: 'a\nb' }, /name of a key/],
    ['a name that looks like a flag', { name: '-a' }, /name of a key/],
    ['a principal that is no entity', { principal: { type: 'User"', id: 'a' } }, /entity such as/],
    ['a principal without an id', { principal: { type: 'User', id: '' } }, /id of a principal/],
    ['a principal with an escape', { principal: { type: 'User', id: 'a\u001b[2J' } }, /id of a principal/],
    ['an agent that reads backwards', { agent: 'a\u202eb' }, /name of an agent/],
    ['an expiry that has passed', { expiresAtMs: 1000 }, /in the future/],
    ['an expiry that is no time', { expiresAtMs: Number.NaN }, /in the future/],
  ])('refuses %s', (_, fields, message) => {
    const result = open().create({ principal: alice, nowMs: 1000, ...fields })
    expect(result).toEqual({ ok: false, error: expect.stringMatching(message) })
  })
})

describe('list and revoke', () => {
  it('tell what became of each key', () => {
    const store = open()
    create(store, { name: 'one', nowMs: 1000 })
    create(store, { name: 'two', nowMs: 2000, agent: 'coder' })
    expect(store.revoke('one', 3000)).toMatchObject({ ok: true, value: { name: 'one', revokedAtMs: 3000 } })
    expect(store.revoke('one', 4000)).toMatchObject({ ok: true, value: { revokedAtMs: 3000 } })
    expect(store.list()).toEqual([
      { name: 'one', principal: alice, createdAtMs: 1000, revokedAtMs: 3000 },
      { name: 'two', principal: alice, agent: 'coder', createdAtMs: 2000 },
    ])
  })

  it('say clearly that there is no such key', () => {
    expect(open().revoke('nobody', 1)).toEqual({ ok: false, error: 'There is no key named "nobody".' })
  })
})

describe('changed', () => {
  it('tells once of each change, made here, on another connection or by another process', () => {
    const [here_, other] = [open(), open()]
    expect([here_.changed(), other.changed()]).toEqual([false, false])
    create(other, { name: 'one' })
    expect([here_.changed(), other.changed()]).toEqual([true, true])
    expect([here_.changed(), other.changed()]).toEqual([false, false])
    const code = `import { openKeyStore } from ${JSON.stringify(path.join(here, 'keys.ts'))}
      const store = openKeyStore(process.argv[1]); console.log(store.value.revoke('one', 5).ok); store.value.close()`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', code, dataDir], {
      encoding: 'utf8',
    })
    expect(output).toBe('true\n')
    expect([here_.changed(), here_.changed()]).toEqual([true, false])
    expect(here_.list()).toMatchObject([{ name: 'one', revokedAtMs: 5 }])
  })

  it("throws when the file was removed or replaced, for what is read then is nobody's truth", () => {
    const store = open()
    create(store, { name: 'one' })
    fs.renameSync(path.join(dataDir, 'tollgate.db'), path.join(dataDir, 'moved.db'))
    expect(() => store.changed()).toThrow(/ENOENT|replaced/)
    fs.copyFileSync(path.join(dataDir, 'moved.db'), path.join(dataDir, 'tollgate.db'))
    expect(() => store.changed()).toThrow('was replaced while it was open')
  })
})

describe('the database file', () => {
  it("is the owner's alone, with all that SQLite puts beside it", () => {
    create(open(), {})
    expect(fs.statSync(dataDir).mode & 0o777).toBe(0o700)
    const files = fs.readdirSync(dataDir)
    expect(files).toEqual(['tollgate.db', 'tollgate.db-shm', 'tollgate.db-wal'])
    for (const file of files) expect(fs.statSync(path.join(dataDir, file)).mode & 0o777).toBe(0o600)
  })

  it("becomes the owner's alone when it was not", () => {
    fs.mkdirSync(dataDir)
    fs.writeFileSync(path.join(dataDir, 'tollgate.db'), '', { mode: 0o644 })
    open()
    expect(fs.statSync(path.join(dataDir, 'tollgate.db')).mode & 0o777).toBe(0o600)
  })

  it('keeps keys when it is closed and opened', () => {
    const { token } = create(open(), { name: 'one' })
    opened.pop()?.close()
    expect(open().find(hashApiKey(token))?.name).toBe('one')
  })

  it('from a newer version is left alone', () => {
    open()
    const database = new DatabaseSync(path.join(dataDir, 'tollgate.db'))
    database.exec('UPDATE schema_version SET version = 99')
    database.close()
    const result = openKeyStore(dataDir)
    expect(result).toEqual({ ok: false, error: expect.stringMatching(/made by a newer version .*schema 99/) })
  })

  it('that is no database, or cannot be made, is told in a sentence', () => {
    fs.mkdirSync(dataDir)
    fs.writeFileSync(
      path.join(dataDir, 'tollgate.db'),
      'something else entirely, and long enough to be looked at',
    )
    expect(openKeyStore(dataDir)).toEqual({
      ok: false,
      error: expect.stringMatching(/tollgate\.db cannot be opened: /),
    })
    expect(openKeyStore(path.join(dataDir, 'tollgate.db', 'below'))).toMatchObject({ ok: false })
  })
})

function open(): KeyStore {
  const result = openKeyStore(dataDir)
  if (!result.ok) throw new Error(result.error)
  opened.push(result.value)
  return result.value
}

function create(store: KeyStore, fields: Partial<NewKey>): { name: string; token: string } {
  const result = store.create({ principal: alice, nowMs: 1000, ...fields })
  if (!result.ok) throw new Error(result.error)
  return result.value
}
