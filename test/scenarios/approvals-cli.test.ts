/**
 * `tollgate approvals`, with the built program on both sides: the official clients make calls that wait for a person, an
 * operator answers at a terminal, and the calls complete or do not.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askAdmin } from '../../packages/gateway/src/cli/admin-client.ts'
import { Folder, type Ran, type Started } from '../../packages/gateway/src/cli/fixtures/tollgate.ts'
import { closeClients, connectClient, connectV1, connectV2 } from '../fixtures/sdk-clients.ts'
import { SDK_SERVER } from '../fixtures/stdio-upstream.ts'
import { eventually } from '../fixtures/watched-gateway.ts'

const CONFIG = `listen: 127.0.0.1:0
data: ./data
servers: { files: { command: ${JSON.stringify([process.execPath, SDK_SERVER])} } }
`
const POLICIES = `@id("all") permit (principal, action in Action::"tools/call", resource in Server::"files");
@id("asked") @remedy("approval") forbid (principal, action == Action::"files__echo", resource)
unless { context has approval };
@id("leads") permit (principal in Group::"leads", action == Action::"approvals/approve", resource in Server::"files");
@id("own") permit (principal == User::"ada", action == Action::"approvals/approve", resource);
@id("others") permit (principal == User::"lea", action == Action::"approvals/approve", resource)
when { context.requester.name != "mallory" };`
const WITH_URLS = { elicitation: { url: {}, form: {} } }

interface Shown {
  readonly id: string
  readonly state: string
  readonly input: { readonly text: string }
}

let folder: Folder
let gateway: Started
let url: string
let ada: string
beforeAll(async () => {
  folder = new Folder({ 'tollgate.yaml': CONFIG, 'policies/all.cedar': POLICIES })
  gateway = folder.start(['run'])
  await gateway.says('listens on')
  url = /http:\S+?(?=\/mcp\/)/.exec(gateway.stderr)?.[0] ?? ''
  ada = await newKey('ada')
})
afterAll(async () => {
  await closeClients()
  gateway.child.kill('SIGTERM')
  expect((await gateway.ended).code).toBe(0)
  folder[Symbol.dispose]()
})

async function newKey(name: string): Promise<string> {
  const made = await folder.run(['key', 'create', '--principal', `User::"${name}"`, '--json'])
  return (JSON.parse(made.stdout) as { token: string }).token
}

const approvals = (...args: string[]): Promise<Ran> => folder.run(['approvals', ...args])
const byLea = ['--as', 'User::"lea"']

async function waiting(): Promise<readonly Shown[]> {
  const { code, stdout } = await approvals('list', '--json')
  expect(code).toBe(0)
  return JSON.parse(stdout) as Shown[]
}

/** Waits for the question about this text, as a person at a terminal would. */
async function questionOf(text: string): Promise<string> {
  let found: Shown | undefined
  await eventually(async () => {
    found = (await waiting()).find(({ input }) => input.text === text)
    expect(found).toBeDefined()
  })
  return found?.id ?? ''
}

const idIn = (text: string) => /tollgate approvals approve (a-[a-z2-7]{24}) \. /.exec(text)?.[1] ?? 'none'
const textOf = (result: object) => (result as { content: { text: string }[] }).content[0]?.text ?? ''
const echo = (text: string) => ({ name: 'echo', arguments: { text } })

/** A call that was refused, and its question. */
async function asked(text: string, key = ada): Promise<{ id: string; call: () => Promise<object> }> {
  const client = await connectClient('v2 pinned', `${url}/mcp/files`, { key })
  const call = () => client.callTool(echo(text))
  return { id: idIn(textOf(await call())), call }
}

/** A yes, where it is not the terminal's that is tested. */
async function agree(id: string): Promise<void> {
  const route = `POST /api/v1/approvals/${id}/approve`
  const answer = await askAdmin(folder.at('data/admin.sock'), route, { body: { as: 'User::"lea"' } })
  expect(answer).toMatchObject({ ok: true, value: { status: 200 } })
}

/** As if its time had passed. */
function expire(id: string): void {
  using database = new DatabaseSync(folder.at('data/tollgate.db'))
  const { changes } = database
    .prepare('UPDATE approvals SET good_until_ms = ? WHERE id = ?')
    .run(Date.now(), id)
  expect(changes).toBe(1)
}

describe.concurrent('a call that is approved at a terminal', () => {
  test('2026-07-28: completes while the client waits, and one that is denied does not', async () => {
    const client = await connectV2('v2 pinned', `${url}/mcp/files`, { key: ada, capabilities: WITH_URLS })
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept' }))
    for (const [verb, said] of [
      ['approve', 'wait and approve'],
      ['deny', 'said no to exactly this call'],
    ] as const) {
      const calling = client.callTool(echo(`wait and ${verb}`))
      const answered = await approvals(verb, await questionOf(`wait and ${verb}`), ...byLea)
      expect(answered).toMatchObject({ code: 0, stdout: '' })
      const result = await calling
      expect(result.isError === true).toBe(verb === 'deny')
      expect(textOf(result)).toContain(said)
    }
  })

  test.each(['v2 legacy', 'v1'] as const)(
    '2025-11-25, %s: goes through when it is made again',
    async (sdk) => {
      const options = { key: ada, capabilities: WITH_URLS }
      const client =
        sdk === 'v1'
          ? await connectV1(`${url}/mcp/files`, options)
          : await connectV2(sdk, `${url}/mcp/files`, options)
      const call = () => client.callTool(echo(`page of ${sdk}`))
      await expect(call()).rejects.toMatchObject({ code: -32042 })
      expect((await approvals('approve', await questionOf(`page of ${sdk}`), ...byLea)).code).toBe(0)
      expect(textOf(await call())).toContain(`page of ${sdk}`)
      await expect(call()).rejects.toMatchObject({ code: -32042 })
    },
  )

  test.each(['v1', 'v2 pinned'] as const)(
    '%s without pages: the refusal has the command that lets it through',
    async (flavour) => {
      const client = await connectClient(flavour, `${url}/mcp/files`, { key: ada })
      const call = (text: string) => client.callTool(echo(`${text} ${flavour}`))
      const [, command = ''] = /with: tollgate (.+?) \. /.exec(textOf(await call('yes'))) ?? []
      expect((await folder.run([...command.split(' '), ...byLea])).code).toBe(0)
      expect(textOf(await call('yes'))).toContain(`yes ${flavour}`)
      expect(textOf(await call('yes'))).toContain('approval-required')

      expect((await approvals('deny', idIn(textOf(await call('no'))), ...byLea)).code).toBe(0)
      expect(textOf(await call('no'))).toMatch(/said no to exactly this call\. \(approval-required/)
    },
  )
})

describe.concurrent('the commands', () => {
  test('show the exact call, and what becomes of it', async () => {
    const { id, call } = await asked('to \u202eprod\u001b[2J')
    const listed = await approvals('list')
    expect(listed).toMatchObject({ code: 0, stderr: '' })
    expect(listed.stdout).toMatch(new RegExp(`^${id} +pending +files__echo +User::"ada" +- `, 'm'))
    const shown = await approvals('show', id)
    expect(shown.stdout).toContain('"text": "to \\u{202e}prod\\u001b[2J"')
    expect(shown.stdout).toMatch(/^why +Policy "asked" forbids this call\.$/m)
    expect(shown.stdout).toMatch(/^waits until +\d{4}-\d\d-\d\d \d\d:\d\d UTC$/m)
    expect(shown.stdout).toContain(`${url}/approvals/${id}`)

    const approved = await approvals(
      'approve',
      id,
      '--group',
      'Group::"leads"',
      '--as',
      'User::"lou"',
      '--json',
    )
    expect(JSON.parse(approved.stdout)).toMatchObject({ id, state: 'approved', decidedBy: 'User::"lou"' })
    expect((await waiting()).map((each) => each.id)).not.toContain(id)
    await call()
    const used = await approvals('show', id, '--json')
    expect(JSON.parse(used.stdout)).toMatchObject({
      id,
      state: 'used',
      input: { text: 'to \u202eprod\u001b[2J' },
    })
    expect((await approvals('show', id)).stdout).toMatch(/^decided by +User::"lou"$/m)
    expect((await approvals('list', '--all')).stdout).toMatch(new RegExp(`^${id} +used `, 'm'))
  })

  test('let nobody decide who may not', async () => {
    const { id, call } = await asked('not by those')
    const refusedAs = async (said: string, ...args: string[]) =>
      expect(await approvals('approve', id, ...args)).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining(said) as string,
      })
    await refusedAs('User::"ada" asked for this: somebody else', '--as', 'User::"ada"')
    await refusedAs('No policy lets User::"bob" approve this', '--as', 'User::"bob"')
    await refusedAs('No policy lets User::"lou"', '--as', 'User::"lou"', '--group', 'Group::"interns"')
    await refusedAs('No policy lets') // whoever runs this
    expect(await approvals('deny', id, '--as', 'User::"ada"')).toMatchObject({ code: 1 })
    await refusedAs('does not ask about "bo@example.com"', ...byLea, '--endorse', 'bo@example.com')
    expect(textOf(await call())).toContain('approval-required')

    const theirs = await asked('mallory wants', await newKey('mallory'))
    expect(await approvals('approve', theirs.id, ...byLea)).toMatchObject({ code: 1 })
  })

  test('say what is wrong, and leave with it', async () => {
    const { id, call } = await asked('late')
    await agree(id)
    const fails = async (said: string, code: number, ...args: string[]) =>
      expect(await approvals(...args)).toMatchObject({
        code,
        stdout: '',
        stderr: expect.stringContaining(said) as string,
      })
    await fails('was approved already', 1, 'deny', id, ...byLea)
    await call()
    await fails('was used already', 1, 'approve', id, ...byLea)
    const { id: gone, call: again } = await asked('too late')
    expire(gone)
    await fails('has expired', 1, 'approve', gone, ...byLea)
    expect((await approvals('show', gone)).stdout).toContain('(expired)')
    expect(textOf(await again())).toContain('approval-required')
    for (const verb of ['show', 'approve']) await fails('There is no approval "a-x', 1, verb, 'a-x\u001b')
    await fails('--as must be an entity', 2, 'approve', id, '--as', 'lea')
    await fails("missing required argument 'id'", 2, 'approve')
    await fails('no such file', 78, 'list', '--config', 'none.yaml')
  })

  test('an approval that nobody used in time lets nothing through', async () => {
    const { id, call } = await asked('forgotten')
    await agree(id)
    expire(id)
    expect(textOf(await call())).toContain('approval-required')
  })
})

describe.concurrent('tollgate approvals watch', () => {
  test('shows each question once, as it comes, and ends well when it is interrupted', async () => {
    const before = await asked('before')
    const watching = folder.start(['approvals', 'watch', '--config', 'tollgate.yaml'])
    await watching.says(`tollgate approvals approve ${before.id} --config tollgate.yaml`)
    const { id } = await asked('meanwhile')
    await watching.says(`tollgate approvals deny ${id}`)
    watching.child.kill('SIGINT')
    const { code, stdout, stderr } = await watching.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('Ctrl-C') as string })
    expect(stdout.split(`approval     ${id} (pending)`)).toHaveLength(2)
    expect(stdout).not.toContain('\u0007')
  })

  test('writes a line of JSON for each, and nothing else', async () => {
    const { id } = await asked('as json')
    const watching = folder.start(['approvals', 'watch', '--json'])
    await watching.says(id)
    watching.child.kill('SIGTERM')
    const { code, stdout, stderr } = await watching.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Shown)
    expect(lines.map((each) => each.id)).toContain(id)
  })

  test.skipIf(!existsSync('/usr/bin/script'))('rings at a terminal', async () => {
    const { id } = await asked('ring')
    // A shell that stays (dash, where SHELL is not set) would be interrupted too, and its end would be what is seen.
    const program = `exec '${process.execPath}' '${resolve('packages/gateway/bin/tollgate.cjs')}' approvals watch`
    const terminal = spawn('/usr/bin/script', ['-qec', program, '/dev/null'], { cwd: folder.path })
    let shown = ''
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text))
    const ended = new Promise<number | null>((done) => terminal.once('close', done))
    await eventually(() => expect(shown).toContain(`deny ${id}`))
    terminal.stdin.write('\u0003') // Ctrl-C
    expect({ code: await ended, shown }).toEqual({
      code: 0,
      shown: expect.stringContaining('\u0007') as string,
    })
  })

  test('waits for a gateway that is started anew', async () => {
    using other = new Folder({ 'tollgate.yaml': CONFIG, 'policies/all.cedar': POLICIES })
    const first = other.start(['run'])
    await first.says('listens on')
    const watching = other.start(['approvals', 'watch'])
    await watching.says('Ctrl-C')
    first.child.kill('SIGTERM')
    expect((await first.ended).code).toBe(0)
    await watching.says('tollgate run')
    const second = other.start(['run'])
    await watching.says('answers again')
    watching.child.kill('SIGINT')
    expect((await watching.ended).code).toBe(0)
    second.child.kill('SIGTERM')
    expect((await second.ended).code).toBe(0)
  })

  test('without a gateway says how to start one', async () => {
    using elsewhere = new Folder({ 'tollgate.yaml': CONFIG, 'policies/all.cedar': POLICIES })
    expect(await elsewhere.run(['approvals', 'watch'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('tollgate run') as string,
    })
  })
})
