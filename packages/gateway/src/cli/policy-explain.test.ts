import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Folder } from './fixtures/tollgate.ts'

const CONFIG =
  'servers: { files: { command: [node, none.js], tools: { look: { readOnly: true } } }, db: { url: "http://127.0.0.1:9" } }\n'
const POLICIES = `@id("looking")
permit (principal in Group::"staff", action == Action::"files__look", resource)
when { context.input.path like "docs/*" && context.input.deep.limit <= 10 };

@id("of-alice") permit (principal == User::"alice", action, resource in Server::"files")
when { context.agent == Agent::"bot" && context.source.ip.isLoopback() };

@id("careless") forbid (principal, action == Action::"files__count", resource) when { context.input.n > 3 };
@id("not-private") @remedy("Ask Bob.") forbid (principal, action in Action::"tools/call", resource)
when { context.input has path && context.input.path like "*private*" }
unless { principal.hasTag("clearance") };
`
const ALICE = ['--principal', 'User::"alice"']
const STAFF = ['--principal', 'User::"carol"', '--group', 'Group::"staff"']

function folder(policies = POLICIES): Folder {
  return new Folder({ 'tollgate.yaml': CONFIG, 'policies/p.cedar': policies })
}

async function explain(...args: readonly string[]) {
  using made = folder()
  return await made.run(['policy', 'explain', ...args])
}

describe('tollgate policy explain', () => {
  it('of an allowed call tells the permit, its place, the conditions and what they read', async () => {
    const { code, stdout, stderr } = await explain(...ALICE, '--agent', 'Agent::"bot"', 'files__anything')
    expect(stderr).toBe('')
    expect(stdout).toBe(`allow  User::"alice" through Agent::"bot"  tools/call files__anything

policies/p.cedar:5:1: "of-alice" permits this, for context.agent == Agent::"bot" and context.source.ip.isLoopback()
    6 | when { context.agent == Agent::"bot" && context.source.ip.isLoopback() };
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        context.agent = Agent::"bot"
    6 | when { context.agent == Agent::"bot" && context.source.ip.isLoopback() };
      |                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        context.source.ip = ip("127.0.0.1")
`)
    expect(code).toBe(0)
  })

  it('of a refused call tells what the caller is told, and which condition of the nearest permit was false', async () => {
    const args = '{"path":"docs/a","deep":{"limit":50}}'
    const { code, stdout } = await explain(...STAFF, 'files__look', args)
    expect(stdout).toContain(`deny  User::"carol"  tools/call files__look  not-permitted
the caller is told: No policy permits this call. Policy "looking" would with another deep.limit.

policies/p.cedar:3:44: "looking" came near to permitting this; it needs context.input.deep.limit <= 10
    3 | when { context.input.path like "docs/*" && context.input.deep.limit <= 10 };
      |                                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        context.input.deep.limit = 50

policies/p.cedar:5:25: "of-alice" came near to permitting this; it needs principal == User::"alice"
    5 | @id("of-alice") permit (principal == User::"alice", action, resource in Server::"files")
      |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^
        principal = User::"carol"
`)
    expect(code).toBe(1)
  })

  it('tells a forbid, the condition of its unless as it had to be, and the remedy', async () => {
    const { code, stdout } = await explain(
      ...STAFF,
      'files__look',
      '{"path":"docs/private","deep":{"limit":1}}',
    )
    expect(stdout).toContain('the caller is told: Policy "not-private" forbids this call. Ask Bob.\n')
    expect(stdout).toContain(
      'forbids this, for context.input has path and context.input.path like "*private*" and !principal.hasTag("clearance")',
    )
    expect(stdout).toContain(`   11 | unless { principal.hasTag("clearance") };
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        principal = User::"carol"
`)
    expect(code).toBe(1)
    const cleared = [
      '--tag',
      'clearance=top=secret',
      'files__look',
      '{"path":"docs/private","deep":{"limit":1}}',
    ]
    expect(await explain(...STAFF, ...cleared)).toMatchObject({ code: 0 })
  })

  it('tells a policy that could not be evaluated', async () => {
    const { code, stdout } = await explain(
      ...ALICE,
      '--agent',
      'Agent::"bot"',
      'files__count',
      '{"n":"many"}',
    )
    expect(stdout).toContain('policies/p.cedar:8:87: "careless" could not be evaluated: type error')
    expect(stdout).toContain('        context.input.n = "many"\n')
    expect(code).toBe(1)
  })

  it('says of what is hidden why it is, and that the caller is told nothing', async () => {
    const tool = await explain('--principal', 'User::"bob"', '--group', 'Group::"staff"', 'files__write')
    expect(tool).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(
        'the caller is told: Unknown tool: write\nthe caller is not told: no policy permits this caller its use with any arguments\n',
      ),
    })
    const server = await explain('--principal', 'User::"bob"', 'db__query')
    expect(server).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(
        'the caller is told: Not found.\nthe caller is not told: no policy permits this caller anything on server "db"\n',
      ),
    })
  })

  it('explains resources and prompts, from another address, and writes JSON', async () => {
    const from = [...ALICE, '--agent', 'Agent::"bot"', '--server', 'files', '--json']
    const read = await explain(...from, '--resource', 'file:///a', '--source-ip', '::1')
    expect(JSON.parse(read.stdout)).toMatchObject({
      decision: 'allow',
      method: 'resources/read',
      resource: 'Resource::"file:///a"',
      determining: [{ policy: 'of-alice' }],
    })
    const got = await explain(...from, '--prompt', 'hello', '{"a":"b"}', '--source-ip', '10.0.0.7')
    expect(got.code).toBe(1)
    expect(JSON.parse(got.stdout)).toMatchObject({
      decision: 'deny',
      reason: 'unknown',
      message: 'Unknown prompt: hello',
      resource: 'Prompt::"files__hello"',
      policies: [],
      nearest: [
        {
          policy: 'of-alice',
          text: 'context.source.ip.isLoopback()',
          at: { line: 6, column: 41 },
          values: [{ value: 'ip("10.0.0.7")' }],
        },
      ],
    })
  })

  it.each([
    [['files__look'], "required option '--principal"],
    [[...ALICE, 'fils__look'], 'there is no server fils; did you mean files?'],
  ])('leaves with 2 where the command line is wrong: %j', async (args, message) => {
    const { code, stdout, stderr } = await explain(...args)
    expect(stderr).toContain(message)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  it('leaves with 78 where there is no configuration, or a policy does not parse', async () => {
    using wrong = folder('permit (principal, action);')
    const args = ['policy', 'explain', ...ALICE, 'files__look']
    expect(await wrong.run(args)).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('policies/p.cedar:1:'),
    })
    using none = new Folder()
    expect(await none.run(args)).toMatchObject({ code: 78 })
  })

  it('knows the policies of the quickstart', async () => {
    const quickstart = resolve(import.meta.dirname, '../../../../examples/quickstart')
    using made = new Folder({
      'tollgate.yaml': readFileSync(join(quickstart, 'tollgate.yaml'), 'utf8'),
      'policies/quickstart.cedar': readFileSync(join(quickstart, 'policies/quickstart.cedar'), 'utf8'),
      'workspace/x': '',
    })
    const args = [...ALICE, 'files__write_file', '{"path":"docs/a"}', '--json']
    const { code, stdout } = await made.run(['policy', 'explain', ...args])
    expect(JSON.parse(stdout)).toMatchObject({
      reason: 'task-required',
      remedy: { kind: 'task' },
      policies: ['writing-needs-a-task'],
    })
    expect(code).toBe(1)
  })
})
