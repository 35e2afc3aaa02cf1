/**
 * The schema generated for the demo's real server, as the official engine sees it: the policies that we show to people
 * are valid, and what people get wrong in them is not.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import type * as cedarWasm from '@cedar-policy/cedar-wasm/nodejs'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { parsePolicies, schemaToText, type ToolDefinition } from '@tollgate/cedar'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { starterPolicy } from '../../packages/gateway/src/cli/starter.ts'
import { gatewaySchema } from '../../packages/gateway/src/policy/schema.ts'

// Inlining calls into WebAssembly can abort the process when the official engine runs hot.
setFlagsFromString('--no-turbo-inline-js-wasm-calls')
const official = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof cedarWasm

const root = new URL('../../', import.meta.url)
const quickstart = readFileSync(new URL('examples/quickstart/policies/quickstart.cedar', root), 'utf8')
const readme = readFileSync(new URL('README.md', root), 'utf8')
const [, documented = ''] = /```cedar\n(.*?)```/s.exec(readme) ?? []

let folder: string
let files: readonly ToolDefinition[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-schema-'))
  const client = new Client({ name: 'test', version: '1' })
  const program = fileURLToPath(new URL('node_modules/.bin/mcp-server-filesystem', root))
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [program, folder], stderr: 'ignore' }),
  )
  files = (await client.listTools()).tools
  await client.close()
})

afterAll(() => rmSync(folder, { recursive: true }))

type Servers = Readonly<Record<string, readonly ToolDefinition[] | undefined>>

/** What the official engine finds, in its own words, without the policies' names. */
function findings(text: string, servers: Servers = { files }): string[] {
  const policies = parsePolicies(text)
  if (!policies.ok) throw new Error(JSON.stringify(policies.errors))
  const { checks } = gatewaySchema({ servers: new Map(Object.entries(servers)), policies: policies.value })
  return checks.flatMap((check) => {
    const schema = schemaToText(check.fragment)
    if (!schema.ok) throw new Error(JSON.stringify(schema.errors))
    const staticPolicies = Object.fromEntries(check.policies.map((policy) => [policy.id, policy.text]))
    const answer = official.validate({ schema: schema.value, policies: { staticPolicies } })
    if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors))
    expect(answer.otherWarnings).toEqual([])
    const found = [...answer.validationErrors, ...answer.validationWarnings]
    return found.map(({ error }) => error.message.replace(/^for policy `[^`]*`, /, ''))
  })
}

describe('policies that we show', () => {
  test('the demo’s are valid', () => {
    expect(files.length).toBeGreaterThan(5)
    expect(findings(quickstart)).toEqual([])
    expect(findings(quickstart, { files, other: files, db: undefined })).toEqual([])
    expect(findings(quickstart, { files: undefined })).toEqual([])
  })

  test('that of the README is valid', () => {
    expect(documented).toContain('permit')
    expect(findings(documented)).toEqual([])
  })

  test.each([
    ['with servers', ['files']],
    ['without', []],
  ])('those that init writes are valid, %s', (_name, servers) => {
    const text = starterPolicy({ type: 'User', id: 'ada' }, servers)
    const examples = text.slice(text.indexOf('// Examples:') + 12).replaceAll(/^\/\/ ?/gm, '')
    expect(examples).toContain('permit')
    expect(findings(text + examples)).toEqual([])
  })
})

describe('what people get wrong', () => {
  const ACT = 'principal, action == Action::"files__read_text_file", resource'
  test.each([
    [
      'an argument',
      `permit (${ACT}) when { context.input.pth like "docs/*" };`,
      'attribute `input.pth` in context for Action::"files__read_text_file" not found',
    ],
    [
      'its type',
      `permit (${ACT}) when { context.input.path == 7 };`,
      'the types Long and String are not compatible',
    ],
    [
      'an optional argument',
      `permit (${ACT}) when { context.input.head < 9 };`,
      'unable to guarantee safety of access to optional attribute `input.head` in context for Action::"files__read_text_file"',
    ],
    [
      'an attribute of the tool',
      `permit (${ACT}) when { resource.readonly };`,
      'attribute `readonly` on entity type `Tool` not found',
    ],
    [
      'an attribute of things that are no tools',
      'forbid (principal, action, resource) when { resource.sends };',
      'attribute `sends` on entity type `Server` not found',
    ],
    [
      'a key of the context',
      `forbid (${ACT}) unless { context.task.id == "x" };`,
      'unable to guarantee safety of access to optional attribute `task` in context for Action::"files__read_text_file"',
    ],
    [
      'an address',
      `permit (${ACT}) when { context.source.ip.isLoopback() };`,
      'unable to guarantee safety of access to optional attribute `source.ip` in context for Action::"files__read_text_file"',
    ],
    [
      'a claim',
      `permit (${ACT}) when { principal.getTag("team") == "x" };`,
      'unable to guarantee safety of access to tag `"team"` on entity type `User`',
    ],
    [
      'a tool',
      'permit (principal, action == Action::"files__reed", resource);',
      'unrecognized action `Action::"files__reed"`',
    ],
    [
      'a server',
      'permit (principal, action == Action::"file__read_text_file", resource);',
      'unrecognized action `Action::"file__read_text_file"`',
    ],
    [
      'a method',
      'permit (principal, action == Action::"resource/read", resource);',
      'unrecognized action `Action::"resource/read"`',
    ],
    ['a type', `permit (principal == Usr::"ada", action, resource);`, 'unrecognized entity type `Usr`'],
  ])('%s is found', (_name, text, message) => {
    expect(findings(text)).toContain(message)
  })

  test('arguments of another server’s tools are no matter to policies about one', () => {
    const other = [
      { name: 'copy', inputSchema: { properties: { path: { type: 'array', items: { type: 'string' } } } } },
    ]
    const condition = 'when { context.input has path && context.input.path like "a*" };'
    const about = (resource: string) =>
      `permit (principal, action in Action::"tools/call", ${resource}) ${condition}`
    expect(findings(about('resource in Server::"db"'), { other, db: undefined })).toEqual([])
    const tools = [{ name: 'x', inputSchema: { properties: { path: { type: 'string' } } } }]
    expect(findings(about('resource in Server::"x"'), { other, x: tools })).toEqual([])
    expect(findings(about('resource'), { other, x: tools })).toEqual([
      expect.stringContaining('expected String'),
    ])
  })

  test('arguments of tools that are not known are taken for granted, and all else is not', () => {
    const query = (condition: string) =>
      findings(`permit (principal, action == Action::"db__query", resource) when { ${condition} };`, {
        db: undefined,
      })
    expect(query('context.input has sql && context.input.sql like "SELECT *" && resource.readOnly')).toEqual(
      [],
    )
    expect(query('["a", "b"].contains(context.input.table) && context.input.limit < 10')).toEqual([])
    expect(query('context.input has sql && principal.nme == "x"')).toEqual([
      expect.stringContaining('attribute `nme`'),
      expect.stringContaining('attribute `nme`'),
      expect.stringContaining('attribute `nme`'),
    ])
  })

  test('arguments of prompts are strings', () => {
    const text = (condition: string) =>
      `permit (principal, action == Action::"prompts/get", resource) when { ${condition} };`
    expect(findings(text('context.input has "the name" && context.input["the name"] like "a*"'))).toEqual([])
    expect(findings(text('context has input.n && context.input.n < 3'))).toHaveLength(1)
  })

  test('methods of extensions can be named', () => {
    expect(
      findings('permit (principal, action == Action::"com.example/do", resource in Server::"files");'),
    ).toEqual([])
  })
})
