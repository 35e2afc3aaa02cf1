import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Folder } from './fixtures/tollgate.ts'

const CONFIG = `servers: { files: { command: [node], tools: { look: { readOnly: true } } } }\nenvironment: dev`
const POLICIES = `
@id("looking") permit (principal, action in Action::"tools/call", resource in Server::"files") when { resource.readOnly };
@id("not-elsewhere") forbid (principal, action, resource) when { context.input has path && !(context.input.path like "docs/*") };
@id("from-here") permit (principal, action == Action::"files__write", resource) when { context.source.ip.isLoopback() };
@id("on-staging") permit (principal, action == Action::"files__run", resource) when { context.environment.name == "staging" };
@id("of-alice") permit (principal, action == Action::"files__ask", resource) when { context.input.who == User::"alice" };`

const test = (over: object, tool = 'look') => ({
  request: {
    principal: 'User::"alice"',
    action: `Action::"files__${tool}"`,
    resource: `Tool::"files__${tool}"`,
    context: {},
    ...over,
  },
  entities: [],
  decision: 'allow',
  reason: [],
  num_errors: 0,
})

async function run(tests: unknown, files: Record<string, string> = {}) {
  using folder = new Folder({
    'tollgate.yaml': CONFIG,
    'policies/a.cedar': POLICIES,
    'policies/a.tests.json': typeof tests === 'string' ? tests : JSON.stringify(tests),
    ...files,
  })
  return await folder.run(['policy', 'test'])
}

describe('tollgate policy test', () => {
  it('knows the tools as the gateway does: their attributes, their server, and the group of calls', async () => {
    const { code, stdout } = await run([{ ...test({}), name: 'a look', reason: ['looking'] }])
    expect(stdout).toBe('ok    a look\n1 passed, 0 failed\n')
    expect(code).toBe(0)
  })

  it('says which policy was expected and which was found, with the place of the test', async () => {
    const input = { input: { path: 'private/x' } }
    const { code, stdout } = await run([test({}), test({ context: input })])
    expect(stdout).toContain('FAIL  test 2\n      policies/a.tests.json:1:')
    expect(stdout).toContain('expected allow, got deny by "not-elsewhere"')
    expect(stdout).toMatch(/1 passed, 1 failed\n$/)
    expect(code).toBe(1)
  })

  it('completes a context with what every call has', async () => {
    const staging = { context: { environment: { name: 'staging' } } }
    expect((await run([test({}, 'write'), test(staging, 'run')])).code).toBe(0)
    expect((await run([test({}, 'run')])).code).toBe(1)
  })

  it('keeps arguments plain data', async () => {
    const forged = { context: { input: { who: { __entity: { type: 'User', id: 'alice' } } } } }
    expect((await run([test(forged, 'ask')])).stdout).toContain('got deny, no policy is behind it')
  })

  it('takes entities from the test or from a file beside it, and from nowhere else', async () => {
    const tool = { uid: { type: 'Tool', id: 'files__look' }, attrs: { readOnly: false }, parents: [] }
    const written = { ...test({}), decision: 'deny', entities: [tool] }
    expect((await run([written])).code).toBe(0)
    const shared = { ...written, entities: 'e.json' }
    expect((await run([shared], { 'policies/e.json': JSON.stringify([tool]) })).code).toBe(0)
    const outside = await run([{ ...written, entities: '../e.json' }], { 'e.json': JSON.stringify([tool]) })
    expect(outside).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('must be in the folder of the tests'),
    })
  })

  it.each([
    ['[{}]', 'policies/a.tests.json:1:2: a test needs "request"'],
    ['[', 'policies/a.tests.json:1:2: expected a JSON value'],
  ])('reports a file that is no test: %s', async (text, message) => {
    expect(await run(text)).toMatchObject({ code: 78, stderr: expect.stringContaining(message) })
  })

  it('says when there are no tests', async () => {
    using folder = new Folder({ 'tollgate.yaml': CONFIG, 'policies/a.cedar': POLICIES })
    expect(await folder.run(['policy', 'test'])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('there is no file *.tests.json'),
    })
  })

  it('passes those of the quickstart', async () => {
    const quickstart = resolve(import.meta.dirname, '../../../../examples/quickstart')
    const file = (name: string) => readFileSync(join(quickstart, name), 'utf8')
    using folder = new Folder({
      'tollgate.yaml': file('tollgate.yaml'),
      'policies/quickstart.cedar': file('policies/quickstart.cedar'),
      'policies/quickstart.tests.json': file('policies/quickstart.tests.json'),
      'workspace/x': '',
    })
    const { code, stdout } = await folder.run(['policy', 'test', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ passed: 5, failed: 0 })
    expect(code).toBe(0)
  })
})
