import { appendFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { encodeEntry, type LogEntry } from '../audit/encode.ts'
import { Folder } from './fixtures/tollgate.ts'

const log = '.tollgate/audit/audit.jsonl'

function decision(requestId: string, more: object = {}): LogEntry {
  return {
    kind: 'decision',
    requestId,
    time: '2026-05-01T10:00:00.000Z',
    principal: 'User::"alice"',
    agent: 'claude-code',
    credential: 'laptop',
    source: '127.0.0.1',
    server: 'files',
    method: 'tools/call',
    tool: 'files__read_file',
    argumentsDigest: null,
    decision: 'allow',
    policies: ['all'],
    reason: null,
    detail: null,
    ...more,
  }
}
const outcome = (requestId: string): LogEntry => ({
  kind: 'outcome',
  requestId,
  time: '2026-05-01T10:00:01.000Z',
  status: 'ok',
  reason: null,
  detail: null,
  durationMs: 1.5,
  resultBytes: 10,
})

function folderWith(...entries: LogEntry[]): Folder {
  return new Folder({ 'tollgate.yaml': '', [log]: entries.map(encodeEntry).join('') })
}

describe('tollgate audit tail', () => {
  it('shows one line for each entry', async () => {
    using folder = folderWith(
      decision('r1'),
      outcome('r1'),
      decision('r2', { decision: 'deny', reason: 'not-permitted', policies: ['no', 'never'], agent: null }),
      decision('r3', {
        decision: 'deny',
        reason: 'unauthenticated',
        policies: [],
        principal: null,
        agent: null,
        server: null,
        method: null,
        tool: null,
      }),
      {
        kind: 'gap',
        time: '2026-05-01T10:00:02.000Z',
        since: '2026-05-01T09:00:00.000Z',
        cause: 'disk full',
        refusedCalls: 2,
        lostOutcomes: 1,
      },
    )
    expect(await folder.run(['audit', 'tail'])).toEqual({
      code: 0,
      stderr: '',
      stdout: `2026-05-01T10:00:00.000Z  allow    User::"alice" via claude-code  files__read_file  [all]  r1
2026-05-01T10:00:01.000Z  ok       1.5 ms  10 bytes  r1
2026-05-01T10:00:00.000Z  deny     User::"alice"  files__read_file  not-permitted [no, never]  r2
2026-05-01T10:00:00.000Z  deny     (nobody)  unauthenticated  r3
2026-05-01T10:00:02.000Z  gap      the log could not be written since 2026-05-01T09:00:00.000Z: disk full  2 calls refused, 1 outcomes lost
`,
    })
  })

  it('shows as many as are wanted, and JSON lines', async () => {
    using folder = folderWith(decision('r1'), decision('r2'), decision('r3'))
    const { stdout } = await folder.run(['audit', 'tail', '--json', '-n', '2'])
    const shown = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as LogEntry)
    expect(shown).toEqual([decision('r2'), decision('r3')])
  })

  it('lets nobody write on the terminal through it', async () => {
    using folder = folderWith()
    const nasty = decision('r1', { principal: 'User::"\u001b[2J\u202e"', tool: 'a\nb' })
    folder.write(log, `${JSON.stringify(nasty)}\nnot an entry\n`)
    const ran = await folder.run(['audit', 'tail'])
    expect(ran.stdout).toContain('User::"\\u{1b}[2J\\u{202e}"')
    expect(ran.stdout.trimEnd()).not.toMatch(/[\p{C}]/u)
    expect(ran.stderr).toContain('no entry')
    const { stdout } = await folder.run(['audit', 'tail', '--json'])
    expect(stdout.trimEnd()).not.toMatch(/[\p{C}]/u)
    expect(JSON.parse(stdout)).toEqual(nasty)
  })

  it('follows, and shows each entry once', async () => {
    using folder = folderWith(decision('r1'))
    const started = folder.start(['audit', 'tail', '--follow'])
    await started.says('r1')
    for (const id of ['r2', 'r3']) {
      appendFileSync(folder.at(log), encodeEntry(decision(id)))
      await started.says(id)
    }
    started.child.kill('SIGINT')
    const { code, stdout } = await started.ended
    expect(code).toBe(0)
    expect(stdout.match(/r\d/g)).toEqual(['r1', 'r2', 'r3'])
  })

  it('waits for a log that is not there yet', async () => {
    using folder = new Folder({ 'tollgate.yaml': '' })
    expect(await folder.run(['audit', 'tail'])).toMatchObject({ code: 0, stdout: '' })
    const started = folder.start(['audit', 'tail', '-f'])
    await started.says('There are no entries yet')
    folder.write(log, encodeEntry(decision('r1')))
    await started.says('r1')
    started.child.kill('SIGTERM')
    expect((await started.ended).code).toBe(0)
  })
})
