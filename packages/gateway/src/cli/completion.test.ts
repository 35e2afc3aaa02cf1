import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Folder } from './fixtures/tollgate.ts'

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ['-c', 'true']).status === 0
}

describe('tollgate completion', () => {
  for (const shell of ['bash', 'zsh', 'fish'])
    it.skipIf(!isInstalled(shell))(`writes a script that ${shell} can read`, async () => {
      using folder = new Folder()
      const { code, stdout, stderr } = await folder.run(['completion', shell])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      writeFileSync(folder.at('script'), stdout)
      expect(spawnSync(shell, ['-n', folder.at('script')], { encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      })
    })

  it('completes commands, flags, choices and paths in bash', async () => {
    using folder = new Folder({ 'gate.yaml': '' })
    writeFileSync(folder.at('script'), (await folder.run(['completion', 'bash'])).stdout)
    const complete = (line: string) => {
      const words = line.split(' ').map((word) => `'${word}'`)
      const script = `source ./script; COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _tollgate; echo "\${COMPREPLY[@]}"`
      return spawnSync('bash', ['-c', script], { cwd: folder.path, encoding: 'utf8' }).stdout.trimEnd()
    }
    expect(complete('tollgate che')).toBe('check')
    expect(complete('tollgate key ')).toBe('create list revoke -h --help')
    expect(complete('tollgate key create --pr')).toBe('--principal')
    expect(complete('tollgate key --config x create --ag')).toBe('--agent')
    expect(complete('tollgate completion ')).toBe('bash zsh fish -h --help')
    expect(complete('tollgate check --config ga')).toBe('gate.yaml')
    expect(complete('tollgate nothing-like-it')).toBe('')
  })
})
