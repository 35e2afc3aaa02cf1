import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Folder } from './fixtures/tollgate.ts'

const policy = '@id("all") permit (principal in Group::"all", action, resource);\n'

describe('tollgate check', () => {
  it('sums up what it found good', async () => {
    using folder = new Folder({
      'tollgate.yaml': 'servers: { files: { command: [node] } }',
      'policies/a.cedar': policy,
      'policies/b.cedar': policy.replaceAll('all', 'b'),
      'policies/notes.txt': 'not a policy',
    })
    const checked = await folder.run(['check', '--offline'])
    expect(checked).toMatchObject({
      code: 0,
      stdout: `ok  ${folder.at('tollgate.yaml')}: 1 server, 2 policies\n`,
    })
    const { stdout } = await folder.run(['check', '--offline', '--json'])
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      config: folder.at('tollgate.yaml'),
      servers: 1,
      policies: 2,
      asked: [{ server: 'files', tools: null }],
      errors: [],
      warnings: [],
    })
  })

  it.each<[string, Record<string, string>, string[]]>([
    [
      'configuration',
      { 'tollgate.yaml': 'lisen: x\nservers: { a: {} }' },
      [
        'tollgate.yaml:1:1: unknown key lisen; did you mean listen?',
        'tollgate.yaml:2:12: servers.a needs one of command, url and socket',
      ],
    ],
    [
      'policies',
      { 'tollgate.yaml': '', 'policies/a.cedar': policy, 'policies/b.cedar': 'permit (\n' },
      ['policies/b.cedar:2:1: expected principal in the scope, found the end of the text'],
    ],
    [
      'missing policies',
      { 'tollgate.yaml': '' },
      ['the folder of policies cannot be read; make it and put *.cedar files in it'],
    ],
    [
      'exposed listener',
      { 'tollgate.yaml': 'listen: 0.0.0.0:7070', 'policies/a.cedar': policy },
      ['listen: 0.0.0.0:7070 can be reached from other machines without TLS'],
    ],
    [
      'missing certificate',
      { 'tollgate.yaml': 'tls: { cert: c.pem, key: k.pem }', 'policies/a.cedar': policy },
      ['tls: '],
    ],
  ])('leaves with 78 and says what is wrong: %s', async (_title, files, lines) => {
    using folder = new Folder(files)
    const ran = await folder.run(['check'])
    expect(ran).toMatchObject({ code: 78, stdout: '' })
    const said = ran.stderr.trimEnd().split('\n')
    expect(said).toEqual(lines.map((line) => expect.stringContaining(line) as string))
  })

  it('reads what editors write: a byte order mark, other line ends; and refuses other encodings', async () => {
    using folder = new Folder({ 'tollgate.yaml': '', 'policies/a.cedar': `\ufeff// \u00e9\r\n${policy}` })
    expect(await folder.run(['check'])).toMatchObject({ code: 0, stderr: '' })
    writeFileSync(folder.at('policies/a.cedar'), Buffer.from(`\n// caf\u00e9\n${policy}`, 'latin1'))
    const { code, stderr } = await folder.run(['check'])
    expect({ code, stderr }).toEqual({
      code: 78,
      stderr: 'policies/a.cedar:2:7: this is not UTF-8; save the file in that encoding\n',
    })
  })

  it('warns of a folder without policies', async () => {
    using folder = new Folder({ 'tollgate.yaml': '', 'policies/a.ceder': policy })
    const warned =
      'policies: warning: there are no policies, so nothing is allowed; put *.cedar files with a permit in here\n'
    expect(await folder.run(['check'])).toMatchObject({ code: 0, stderr: warned })
    const strict = await folder.run(['check', '--strict', '--json'])
    expect(strict.code).toBe(78)
    expect(JSON.parse(strict.stdout)).toMatchObject({
      ok: false,
      errors: [],
      warnings: [{ file: 'policies' }],
    })
  })

  it('tells programs where', async () => {
    using folder = new Folder({ 'tollgate.yaml': 'listen: 7070' })
    const ran = await folder.run(['check', '--json'])
    expect(ran).toMatchObject({ code: 78, stderr: '' })
    expect(JSON.parse(ran.stdout)).toEqual({
      ok: false,
      errors: [
        {
          file: folder.at('tollgate.yaml'),
          line: 1,
          column: 9,
          message: 'listen must be text: put it in quotes (127.0.0.1:7070)',
        },
      ],
      warnings: [],
    })
  })

  it('says where it looked when there is no configuration', async () => {
    using folder = new Folder()
    const ran = await folder.run(['check'])
    expect(ran.code).toBe(78)
    expect(ran.stderr).toContain(folder.at('tollgate.yaml'))
    expect(ran.stderr).toContain(folder.at('.config/tollgate/tollgate.yaml'))
    expect(ran.stderr).toContain('tollgate init')
  })
})
