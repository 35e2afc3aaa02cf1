import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const COMMAND = path.resolve(import.meta.dirname, '../../bin/cedar.ts')
const folder = mkdtempSync(path.join(tmpdir(), 'format-'))
afterAll(() => rmSync(folder, { recursive: true }))

function run(args: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  // On the sources, so that no build is needed.
  const words = ['--conditions=@tollgate/source', COMMAND, 'format', ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    cwd: folder,
    input,
  })
  return { status, stdout, stderr }
}

describe('the command', () => {
  const laidOut = 'permit (principal, action, resource); // all\n'
  const write = (name: string, text: string | Uint8Array): void =>
    writeFileSync(path.join(folder, name), text)

  it('names what is not formatted, or formats it, and goes on after files it cannot read', () => {
    mkdirSync(path.join(folder, 'policies'))
    write('policies/loose.cedar', laidOut.replaceAll(', ', ','))
    write('policies/tidy.cedar', laidOut)
    write('policies/other.txt', 'not a policy')
    expect(run(['--check', 'policies'])).toEqual({ status: 1, stdout: 'policies/loose.cedar\n', stderr: '' })
    write('broken.cedar', 'permit (\n  principal);')
    write('bytes.cedar', new Uint8Array([0x2f, 0x2f, 0xff]))
    const all = run(['broken.cedar', 'bytes.cedar', 'absent.cedar', 'policies'])
    expect(all).toMatchObject({ status: 1, stdout: 'policies/loose.cedar\n' })
    expect(all.stderr).toMatch(/^broken.cedar:2:12: .*\nbytes.cedar: .*utf-8\nabsent.cedar: ENOENT.*\n$/)
    expect(readFileSync(path.join(folder, 'policies/loose.cedar'), 'utf8')).toBe(laidOut)
    expect(run(['--check', 'policies'])).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  it('formats standard input', () => {
    const text = '@a permit(principal,action,resource);'
    expect(run(['-'], text)).toEqual({
      status: 0,
      stdout: '@a\npermit (principal, action, resource);\n',
      stderr: '',
    })
    expect(run(['-', '--check'], text)).toEqual({ status: 1, stdout: '-\n', stderr: '' })
  })

  it('says when it is called wrongly', () => {
    expect(run(['--width', '0', 'policies'])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^cedar: --width needs a number/),
    })
    expect(run([])).toMatchObject({ status: 2, stderr: expect.stringMatching(/^cedar: no file/) })
  })
})
