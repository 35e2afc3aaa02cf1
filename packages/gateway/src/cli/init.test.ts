import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { Folder } from './fixtures/tollgate.ts'

const clients = JSON.stringify({
  mcpServers: {
    files: {
      command: 'node',
      args: ['server.js'],
      env: { GITHUB_TOKEN: 'ghp_0123456789abcdefghij', LEVEL: 'warn' },
    },
    'my docs': { type: 'http', url: 'https://docs.example.com/mcp' },
    bad: { command: 'x', cwd: '~/y' },
  },
})

describe('tollgate init', () => {
  it('writes a configuration and a policy that check finds good', async () => {
    using folder = new Folder()
    const ran = await folder.run(['init'])
    expect(ran).toMatchObject({ code: 0, stdout: 'tollgate.yaml\npolicies/main.cedar\n' })
    expect(ran.stderr).toContain(`tollgate key create --principal 'User::"${userInfo().username}"'`)
    expect((await folder.run(['check', '--offline'])).stdout).toMatch(/^ok .*: 0 servers, 2 policies\n$/)
  })

  it('writes an example that is good once its # are taken away', async () => {
    using folder = new Folder()
    await folder.run(['init'])
    const text = readFileSync(folder.at('tollgate.yaml'), 'utf8')
    const example = text
      .replace('servers: {}\n', '')
      .replace(/^# (servers:| {2,})/gm, '$1')
      .replace(/^# (identity:)/m, '$1')
    folder.write('tollgate.yaml', example)
    expect((await folder.run(['check', '--offline'])).stdout).toMatch(/^ok .*: 3 servers, 2 policies\n$/)
    const policy = readFileSync(folder.at('policies/main.cedar'), 'utf8')
    const [head, examples] = policy.split('// Examples:\n//\n')
    folder.write('policies/main.cedar', `${head}${examples?.replace(/^\/\/ ?/gm, '')}`)
    expect((await folder.run(['check', '--offline'])).stdout).toMatch(/^ok .*: 3 servers, 5 policies\n$/)
  })

  it.each([
    ['--import', ['--import', 'clients.json']],
    ['an argument', ['clients.json']],
  ])('takes servers over by %s, without their secrets', async (_title, args) => {
    using folder = new Folder({ 'clients.json': clients })
    const ran = await folder.run(['init', ...args])
    expect(ran.code).toBe(0)
    expect(ran.stderr).toContain('note: files: set the variable GITHUB_TOKEN where tollgate starts')
    expect(ran.stderr).toContain('note: my docs is called my-docs here')
    expect(ran.stderr).toContain('note: bad was left out: servers.bad.cwd must be written in full')
    const config = readFileSync(folder.at('tollgate.yaml'), 'utf8')
    expect(config).not.toContain('ghp_')
    expect(config).toContain(`servers:
  files:
    command: [node, server.js]
    env:
      GITHUB_TOKEN: env:GITHUB_TOKEN
      LEVEL: warn
  my-docs:
    url: https://docs.example.com/mcp
`)
    expect(readFileSync(folder.at('policies/main.cedar'), 'utf8')).toContain('resource in Server::"my-docs"')
    expect((await folder.run(['check', '--offline'])).stdout).toMatch(/^ok .*: 2 servers, 3 policies\n$/)
  })

  it('never overwrites', async () => {
    using folder = new Folder({ 'policies/main.cedar': 'mine' })
    const ran = await folder.run(['init'])
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toContain('policies/main.cedar is there already')
    expect(readFileSync(folder.at('policies/main.cedar'), 'utf8')).toBe('mine')
    expect((await folder.run(['check', '--offline'])).code).toBe(78)
  })

  it('writes elsewhere, and says so in JSON', async () => {
    using folder = new Folder()
    const ran = await folder.run(['init', '--directory', 'gate', '--json'])
    expect(JSON.parse(ran.stdout)).toEqual({
      written: ['gate/tollgate.yaml', 'gate/policies/main.cedar'],
      servers: [],
      notes: [],
    })
    expect(ran.stderr).toContain('tollgate run --config gate/tollgate.yaml')
    expect((await folder.run(['check', '--config', 'gate/tollgate.yaml'])).code).toBe(0)
  })

  it.each([
    ['none.json', 'none.json cannot be read (ENOENT)'],
    ['broken.json', 'broken.json: it is not JSON'],
    ['empty.json', 'empty.json: it has no servers'],
  ])('writes nothing when %s cannot be taken over', async (file, message) => {
    using folder = new Folder({ 'broken.json': '{', 'empty.json': '{"mcpServers": {}}' })
    const ran = await folder.run(['init', file])
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toContain(message)
    expect((await folder.run(['check', '--offline'])).code).toBe(78)
  })
})
