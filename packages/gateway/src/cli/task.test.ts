/** `tollgate task`, against a real gateway, a real server and agents on the SDK. */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Folder, type Ran, type Started } from './fixtures/tollgate.ts'

const fixtures = path.resolve(import.meta.dirname, '../../../../test/fixtures')
const server = JSON.stringify([process.execPath, path.join(fixtures, 'stdio-server.ts')])
const agent = path.join(fixtures, 'task-agent.ts')

const FILES = {
  'tollgate.yaml': `listen: 127.0.0.1:0
servers:
  fixture: { command: ${server}, tools: { whoami: { readOnly: true, reads: [private] }, echo: { sends: true } } }
`,
  'policies/a.cedar': 'permit (principal == User::"ada", action, resource);\n',
  'tasks/say.yaml': `description: Say one thing in a folder
parameters:
  what: { type: text }
  where: { type: path, description: The folder }
  times: { type: number, default: 3 }
grant:
  purpose: '{{purpose}}'
  tools: { fixture__echo: { text: { const: '{{what}}' }, path: { within: ['{{where}}'] } } }
  budget: { calls: '{{times}}' }
`,
}
const SAY = ['--template', 'say', '--set', 'what=hello', '--set', 'where=.', '--principal', 'User::"ada"']

let folder: Folder
let gateway: Started

beforeAll(async () => {
  folder = new Folder(FILES)
  gateway = folder.start(['run'])
  await gateway.says('listens on')
})
afterAll(async () => {
  gateway.child.kill('SIGTERM')
  await gateway.ended
  folder[Symbol.dispose]()
})

interface Told {
  readonly result: { readonly isError?: boolean }
  readonly url: string
  readonly headers: Record<string, string>
  readonly file: string
  readonly env: string
  readonly task: string
  readonly pid: number
}

const told = ({ stdout }: { readonly stdout: string }) => JSON.parse(stdout) as Told
const runAgent = (args: object, status: string, ...more: string[]) => {
  const command = [process.execPath, agent, '{mcp-config}', 'fixture', 'echo', JSON.stringify(args), status]
  return folder.start(['task', 'run', ...SAY, ...more, '--', ...command])
}
const stateOf = async (id: string) => {
  const { stdout } = await folder.run(['task', 'show', id, '--json'])
  return (JSON.parse(stdout) as { state: string }).state
}
/** The status of the answer to a call with the key of an agent. */
async function tryKey({ url, headers }: Pick<Told, 'url' | 'headers'>): Promise<number> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  const content = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const answer = await fetch(url, { method: 'POST', headers: { ...headers, ...content }, body })
  await answer.text()
  return answer.status
}

describe('task start', () => {
  it('prints the key alone on stdout, and the rest on stderr', async () => {
    const { code, stdout, stderr } = await folder.run([
      'task',
      'start',
      ...SAY,
      '--for',
      '20m',
      '--purpose',
      'Greet',
    ])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^tg_\S+\n$/)
    expect(stderr).toMatch(/^Task t-[a-z2-7]{16} of User::"ada", until .*, from say@[0-9a-f]{8}: Greet\n/)
    expect(stderr).toMatch(/http:\/\/127\.0\.0\.1:\d+\/mcp\/fixture/)
  })

  it('says all of it in JSON, with paths as this side resolves them', async () => {
    const { stdout } = await folder.run([
      'task',
      'start',
      ...SAY,
      '--set',
      'times=2',
      '--agent',
      'bot',
      '--json',
    ])
    const started = JSON.parse(stdout) as {
      task: { grant: object; expiresAt: string }
      urls: object
      key: string
    }
    expect(started).toMatchObject({
      task: {
        principal: 'User::"ada"',
        agent: 'bot',
        purpose: 'Say one thing in a folder',
        grant: { tools: { fixture__echo: { path: { within: [folder.path] } } }, budget: { calls: 2 } },
      },
    })
    expect(Object.keys(started.urls)).toEqual(['fixture', 'tollgate'])
  })

  it('takes a grant from a file', async () => {
    folder.write('grant.yaml', 'servers: [fixture]\nbudget: { calls: 1 }\n')
    const ran = await folder.run(['task', 'start', '--grant', 'grant.yaml', '--purpose', 'Look', '--json'])
    expect(JSON.parse(ran.stdout)).toMatchObject({ task: { purpose: 'Look', template: null } })
  })

  it.each<[string, string[], number, RegExp]>([
    ['neither template nor grant', [], 2, /--template.*--grant/],
    ['a template that is not there', ['--template', 'sya'], 1, /did you mean say\?/],
    [
      'a parameter that is not there',
      [...SAY, '--set', 'waht=x'],
      1,
      /say\.yaml:3:3: parameters has no "waht"; did you mean what\?/,
    ],
    [
      'a parameter that is missing',
      ['--template', 'say', '--set', 'what=x'],
      1,
      /say\.yaml:4:10: parameters\.where is missing/,
    ],
    [
      'a parameter of another type',
      [...SAY, '--set', 'times=x'],
      1,
      /say\.yaml:5:10: parameters\.times must be a number/,
    ],
    [
      'an empty path, as of a variable that is not set',
      [...SAY.map((each) => (each === 'where=.' ? 'where=' : each))],
      1,
      /say\.yaml:4:10: parameters\.where must be an absolute path/,
    ],
    ['a value without its name', ['--template', 'say', '--set', 'what'], 2, /a name and a value/],
    ['no duration', [...SAY, '--for', 'never'], 2, /duration/],
    ['a year', [...SAY, '--for', '52w'], 1, /expires_in/],
    ['nobody', ['--template', 'say', '--principal', 'ada'], 2, /--principal must be an entity/],
    [
      'a grant with a fault',
      ['--grant', 'wrong.yaml'],
      1,
      /^wrong\.yaml:3:18: budget\.calls must be at least 1\n$/,
    ],
    ['a list for a grant', ['--grant', 'list.yaml'], 1, /^list\.yaml:1:1: the grant must be a map\n$/],
    ['a grant for a server that is not there', ['--grant', 'other.yaml'], 1, /did you mean fixture\?/],
  ])('refuses %s', async (_, args, code, message) => {
    folder.write('wrong.yaml', 'purpose: x\nservers: [fixture]\nbudget: { calls: 0 }\n')
    folder.write('list.yaml', '- fixture\n')
    folder.write('other.yaml', 'purpose: x\nservers: [fixtur]\n')
    const ran = await folder.run(['task', 'start', ...args])
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toMatch(message)
  })
})

describe('a part of a task', () => {
  it("is its principal's, and the refusal says whose that is", async () => {
    const whole = await folder.run(['task', 'start', ...SAY, '--json'])
    const { task } = JSON.parse(whole.stdout) as { task: { id: string } }
    const part = ['task', 'start', '--parent', task.id, ...SAY.slice(0, -1)]
    expect(await folder.run([...part, 'User::"bob"'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is User::"ada"'s, .*name that principal, and not User::"bob"/),
    })
    expect((await folder.run([...part, 'User::"ada"'])).code).toBe(0)
  })
})

describe('a task that was started', () => {
  it('is listed, shown, vouched for and ended, and then its key is dead', async () => {
    const { stdout } = await folder.run(['task', 'start', ...SAY, '--prompt', 'Say hello', '--json'])
    const { task, key, urls } = JSON.parse(stdout) as {
      task: { id: string }
      key: string
      urls: Record<string, string>
    }
    const { id } = task
    const probe = { url: urls['tollgate'] ?? '', headers: { authorization: `Bearer ${key}` } }
    expect(await tryKey(probe)).toBe(200)
    expect((await folder.run(['task', 'list'])).stdout).toContain(id)
    expect((await folder.run(['task', 'endorse', id, 'bob@example.com'])).code).toBe(0)
    const part = await folder.run(['task', 'start', ...SAY, '--parent', id, '--json'])
    const shown = JSON.parse((await folder.run(['task', 'show', id, '--json'])).stdout) as object
    const partId = (JSON.parse(part.stdout) as { task: { id: string } }).task.id
    expect(shown).toMatchObject({
      state: 'running',
      prompt: 'Say hello',
      endorsed: ['bob@example.com'],
      parts: [partId],
      left: { calls: 3 },
    })
    expect((await folder.run(['task', 'show', id])).stdout).toContain('endorsed')
    expect((await folder.run(['task', 'end', id, '--why', 'enough'])).code).toBe(0)
    expect(await tryKey(probe)).toBe(401)
    expect(await stateOf(partId)).toBe('ended')
    expect((await folder.run(['task', 'list'])).stdout).not.toContain(id)
    expect((await folder.run(['task', 'list', '--all'])).stdout).toContain(id)
    const audit = readFileSync(folder.at('.tollgate/audit/audit.jsonl'), 'utf8')
    for (const what of ['started by the operator', 'ended by the operator: enough', 'endorsed the value'])
      expect(audit).toContain(what)
  })

  it.each(['show', 'end'])('that is not there cannot be had: %s', async (command) => {
    const ran = await folder.run(['task', command, 't-nothing'])
    expect(ran).toMatchObject({ code: 1, stdout: '', stderr: 'There is no task "t-nothing".\n' })
  })
})

describe('task run', () => {
  it('gives the agent what it needs, and ends with it: task over, key dead, file gone, status passed on', async () => {
    const ran = await runAgent({ text: 'hello' }, '7').ended
    expect(ran.code).toBe(7)
    const { result, file, env, task, ...key } = told(ran)
    expect(result.isError).toBeFalsy()
    expect(env).toBe(file)
    expect(existsSync(path.dirname(file))).toBe(false)
    expect(await stateOf(task)).toBe('ended')
    expect(await tryKey(key)).toBe(401)
  })

  it('holds the agent to the task', async () => {
    const ran = await runAgent({ text: 'secret' }, '0').ended
    expect(told(ran).result).toMatchObject({ isError: true })
  })

  it('passes signals on, and its file is for this user alone', async () => {
    const running = runAgent({ text: 'hello' }, 'stay')
    const { file, task } = await toldBy(running)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700)
    expect(await stateOf(task)).toBe('running')
    running.child.kill('SIGTERM')
    expect((await running.ended).code).toBe(23)
    expect(await stateOf(task)).toBe('ended')
    expect(existsSync(file)).toBe(false)
  })

  it('says how an agent ended that a signal ended', async () => {
    const ran = await folder.run(['task', 'run', ...SAY, '--', 'sh', '-c', 'kill -KILL $$'])
    expect(ran.code).toBe(137)
  })

  it('the task is over when nobody could end it', async () => {
    const running = runAgent({ text: 'hello' }, 'stay')
    const { task, pid, file, ...key } = await toldBy(running)
    running.child.kill('SIGKILL')
    await expect.poll(() => stateOf(task), { timeout: 5000 }).toBe('ended')
    expect(await tryKey(key)).toBe(401)
    // It had nobody to tell the agent.
    process.kill(pid)
    rmSync(path.dirname(file), { recursive: true })
  })

  it.each([
    ['a program that is not there', ['--', 'no-such-program'], 127],
    ['no program', [], 1],
  ])('with %s it leaves nothing behind', async (_, command, code) => {
    const ran: Ran = await folder.run(['task', 'run', ...SAY, ...command])
    expect(ran.code).toBe(code === 1 ? 2 : code)
    const running = await folder.run(['task', 'list', '--json'])
    const ids = (JSON.parse(running.stdout) as { id: string; purpose: string }[]).map(({ id }) => id)
    for (const id of /t-[a-z2-7]{16}/.exec(ran.stderr) ?? []) expect(ids).not.toContain(id)
  })
})

describe('templates', () => {
  it('are listed with their parameters', async () => {
    const { stdout } = await folder.run(['task', 'templates'])
    expect(stdout).toMatch(/^say@[0-9a-f]{8} {2}Say one thing in a folder\n {2}--set what=<text>\n/)
  })

  it('are looked over, and by check as well', async () => {
    using apart = new Folder({
      ...FILES,
      'tasks/danger.yaml': `description: Everything at once
grant:
  servers: [fixture]
  tools: { fixture__echo: {}, web__fetch: {} }
`,
      'tasks/broken.yaml': 'description: x\ngrant: { servers: [fixture], flow: loose }\n',
      'tollgate.yaml': `${FILES['tollgate.yaml']}  web: { command: ${server}, tools: { fetch: { reads: [untrusted] } } }\n`,
    })
    const lint = await apart.run(['task', 'lint'])
    expect(lint.code).toBe(78)
    expect(lint.stderr).toMatch(/^tasks\/broken\.yaml:2:36: grant\.flow must be strict or ask or off$/m)
    expect(lint.stderr).toMatch(
      /^tasks\/danger\.yaml:3:3: warning: grant holds untrusted input \(web__fetch\), private data \(fixture__whoami\) and a way out \(fixture__echo\) together/m,
    )
    expect((await apart.run(['task', 'lint', 'danger'])).code).toBe(0)
    expect((await apart.run(['task', 'lint', 'danger', '--strict'])).code).toBe(78)
    const check = await apart.run(['check', '--offline', '--json'])
    expect(check.code).toBe(78)
    expect(JSON.parse(check.stdout)).toMatchObject({
      errors: [{ file: 'tasks/broken.yaml', line: 2 }],
      warnings: expect.arrayContaining([
        expect.objectContaining({ rule: 'untrusted-private-way-out' }),
      ]) as unknown,
    })
  })
})

async function toldBy(running: Started): Promise<Told> {
  await running.says('}\n')
  return told({ stdout: running.stdout })
}
