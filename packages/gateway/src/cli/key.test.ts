import { existsSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Folder } from './fixtures/tollgate.ts'
import { parseLifetime } from './key.ts'

const create = ['key', 'create', '--principal', 'User::"alice"']

describe('tollgate key', () => {
  it('shows a key once, alone on stdout, and keeps it in a private folder', async () => {
    using folder = new Folder({ 'tollgate.yaml': '' })
    const ran = await folder.run([
      ...create,
      '--agent',
      'claude-code',
      '--name',
      'laptop',
      '--expires',
      '30d',
    ])
    expect(ran.code).toBe(0)
    expect(ran.stdout).toMatch(/^tg_[\w-]{51}\n$/)
    expect(ran.stderr).toContain('Key laptop calls for User::"alice" through claude-code, until ')
    expect(ran.stderr).not.toContain(ran.stdout.trim())
    expect(statSync(folder.at('.tollgate')).mode & 0o777).toBe(0o700)

    const listed = await folder.run(['key', 'list'])
    expect(listed.stdout).toMatch(
      /^NAME +PRINCIPAL +AGENT +CREATED +EXPIRES +STATE\nlaptop +User::"alice" +claude-code +\d{4}-\d\d-\d\d +\d{4}-\d\d-\d\d +active\n$/,
    )
    expect(listed.stdout).not.toContain(ran.stdout.trim())

    expect((await folder.run(['key', 'revoke', 'laptop'])).code).toBe(0)
    expect((await folder.run(['key', 'list'])).stdout).toContain('revoked')
  })

  it('speaks JSON', async () => {
    using folder = new Folder({ 'tollgate.yaml': '' })
    const made = JSON.parse(
      (await folder.run([...create, '--name', 'ci', '--expires', 'never', '--json'])).stdout,
    ) as object
    expect(made).toEqual({
      name: 'ci',
      token: expect.stringMatching(/^tg_/) as string,
      principal: 'User::"alice"',
      agent: null,
      expiresAt: null,
    })
    const [listed] = JSON.parse((await folder.run(['key', 'list', '--json'])).stdout) as object[]
    expect(listed).toMatchObject({ name: 'ci', principal: 'User::"alice"', expiresAt: null, state: 'active' })
    const revoked = JSON.parse((await folder.run(['key', 'revoke', 'ci', '--json'])).stdout) as object
    expect(revoked).toMatchObject({ name: 'ci', state: 'revoked' })
  })

  it('says no with 1', async () => {
    using folder = new Folder({ 'tollgate.yaml': '' })
    expect((await folder.run([...create, '--name', 'a'])).code).toBe(0)
    const again = await folder.run([...create, '--name', 'a'])
    expect(again).toMatchObject({ code: 1, stdout: '' })
    expect(again.stderr).toContain('There is a key named a already')
    expect(await folder.run(['key', 'revoke', 'b'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'There is no key named "b".\n',
    })
  })

  it('makes nothing where it only looks', async () => {
    using folder = new Folder({ 'tollgate.yaml': '' })
    expect(await folder.run(['key', 'list', '--json'])).toEqual({ code: 0, stdout: '[]\n', stderr: '' })
    expect((await folder.run(['key', 'revoke', 'a'])).code).toBe(1)
    expect(existsSync(folder.at('.tollgate'))).toBe(false)
  })
})

describe('a lifetime', () => {
  it.each([
    ['90m', 5_400_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['8w', 4_838_400_000],
    ['never', null],
    ['', undefined],
    ['0d', undefined],
    ['30', undefined],
    ['-1d', undefined],
    ['1.5d', undefined],
    ['9999999w', undefined],
  ])('%s', (text, lifetimeMs) => expect(parseLifetime(text)).toBe(lifetimeMs))
})
