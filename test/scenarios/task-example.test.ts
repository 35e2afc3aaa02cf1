/** The story of examples/task, run as a person would run it; and its checks, which can fail. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { checksOf } from '../../examples/task/checks.ts'

const STORY = join(import.meta.dirname, '../../examples/task/story.ts')
const GUIDE = join(import.meta.dirname, '../../docs/guides/tasks.md')
const hasGit = spawnSync('git', ['--version']).status === 0
if (!hasGit) console.error('SKIPPED: git is not installed (apt-get install git)')

test.skipIf(!hasGit)('the work is done on a task and without, and the attack only without', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'story-'))
  try {
    const { code, output } = await tell({ TMPDIR: folder })
    expect(output).not.toContain('NOT AS TOLD')
    expect(output).toMatch(/^\d+ checks: all as told$/m)
    expect(code).toBe(0)
    const [, onTask = '', without = ''] = output.split(/^\d {2}.*$/m)
    const refused =
      /^ {5}refused {2}(\S+).*\n {5}outside-task \(remedy: a wider task\): .*\boutside-task, request /gm
    expect([...onTask.matchAll(refused)].map(([, tool]) => tool)).toEqual([
      'files__read_text_file',
      'files__read_text_file',
      'git__push',
      'mail__send',
    ])
    expect(without).not.toContain('refused')
    expect(output).toContain(/^```text\n(.*?)```$/ms.exec(readFileSync(GUIDE, 'utf8'))?.[1])
    expect(readdirSync(folder)).toEqual([]) // it cleans up
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('every check fails where nothing happened as told', () => {
  const nothing = {
    wasBroken: false,
    steps: [],
    outcome: {
      isFixed: false,
      originBranches: [],
      mirrorBranches: ['main'],
      mail: {},
      secretsRead: ['.env'],
      secretsMailed: ['.env'],
      refusals: [],
    },
  }
  const holding = checksOf({ ...nothing, isKeyGood: true }, { ...nothing, isKeyGood: false }).filter(
    ({ holds }) => holds,
  )
  expect(holding.map(({ what }) => what)).toEqual([])
})

describe.skipIf(!hasGit)('the servers take no argument for more than it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'servers-'))
  const client = new Client({ name: 'test', version: '1' })
  const start = (name: string, ...args: string[]) =>
    client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [join(STORY, '../servers', name), ...args],
        stderr: 'ignore',
      }),
    )
  const call = async (name: string, input: Record<string, string>) => {
    const { isError, content } = await client.callTool({ name, arguments: input })
    return { isError, text: JSON.stringify(content) }
  }
  afterEach(() => client.close())
  afterAll(() => rmSync(folder, { recursive: true }))

  test('git', async () => {
    spawnSync('git', ['init', folder])
    await start('git.ts', folder)
    const touched = join(folder, 'touched')
    for (const remote of ['--receive-pack=touch touched', `ext::sh -c touch% ${touched}`, '-o', ''])
      expect(await call('push', { remote, branch: 'main' })).toMatchObject({
        isError: true,
        text: expect.stringMatching(/not the name of a remote/),
      })
    for (const branch of ['--force', '-D', 'a b', 'a\nb'])
      expect(await call('switch', { branch })).toMatchObject({
        isError: true,
        text: expect.stringMatching(/not the name/),
      })
    expect(existsSync(touched)).toBe(false)
  })

  test('mail', async () => {
    await start('mail.ts', join(folder, 'spool'), 'ada@example.com')
    const message = { to: 'team@example.com', subject: 'Hello', body: 'x' }
    for (const to of ['../../x@example.com', 'a/b@example.com', 'a@b', '', 'a@example.com\n'])
      expect(await call('send', { ...message, to })).toMatchObject({
        isError: true,
        text: expect.stringMatching(/not an address/),
      })
    expect(await call('send', { ...message, subject: 'Hi\nBcc: eve@example.org' })).toMatchObject({
      isError: true,
    })
    expect(existsSync(join(folder, 'spool'))).toBe(false)
    expect(await call('send', message)).toMatchObject({
      text: expect.stringMatching(/sent to team@example.com/),
    })
  })
})

function tell(env: Readonly<Record<string, string>>): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [STORY], { env: { ...process.env, ...env, NO_COLOR: '1' } })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}
