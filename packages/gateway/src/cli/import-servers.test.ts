import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSecret, variableOf } from './import-secrets.ts'
import { importServers } from './import-servers.ts'
import { parseJsonc } from './jsonc.ts'

function imported(servers: object) {
  const result = importServers(JSON.stringify({ mcpServers: servers }))
  if (!result.ok) throw new Error(result.error)
  return result.value
}

describe('servers are taken over', () => {
  it.each<[string, object, object]>([
    ['a command', { command: 'npx', args: ['-y', 'x', 1] }, { command: ['npx', '-y', 'x', '1'] }],
    ['its folder', { command: 'x', cwd: '/y' }, { command: ['x'], cwd: '/y' }],
    [
      'settings',
      { command: 'x', env: { LEVEL: 'warn', PORT: 80 } },
      { command: ['x'], env: { LEVEL: 'warn', PORT: '80' } },
    ],
    [
      'secrets, as references',
      { command: 'x', env: { API_KEY: 'a' } },
      { command: ['x'], env: { API_KEY: 'env:API_KEY' } },
    ],
    [
      'variables, as references',
      { command: 'x', env: { A: '${env:B}', C: '${D}' } },
      { command: ['x'], env: { A: 'env:B', C: 'env:D' } },
    ],
    [
      'values that only look like references',
      { command: 'x', env: { DB: 'file:./dev.db' } },
      { command: ['x'], env: { DB: 'value:file:./dev.db' } },
    ],
    ['a url', { type: 'http', url: 'https://x.test/mcp' }, { url: 'https://x.test/mcp' }],
    ['a url of Windsurf', { serverUrl: 'https://x.test/mcp' }, { url: 'https://x.test/mcp' }],
    ['a url of Gemini', { httpUrl: 'https://x.test/mcp' }, { url: 'https://x.test/mcp' }],
    [
      'a token',
      { url: 'https://x.test', headers: { authorization: 'Bearer abc' } },
      { url: 'https://x.test', credential: { type: 'bearer', secret: 'env:S_TOKEN' } },
    ],
    [
      'a token in a variable',
      { url: 'https://x.test', headers: { Authorization: 'Bearer ${input:my-key}' } },
      { url: 'https://x.test', credential: { type: 'bearer', secret: 'env:MY_KEY' } },
    ],
    [
      'a header',
      { url: 'https://x.test', headers: { 'X-Api-Key': 'abc', 'X-A': 'b' } },
      { url: 'https://x.test', credential: { type: 'header', name: 'X-Api-Key', secret: 'env:S_X_API_KEY' } },
    ],
  ])('%s', (_title, given, taken) => expect(imported({ s: given }).servers).toEqual({ s: taken }))

  it('as VS Code writes them', () => {
    const text = '{ // servers\n "servers": { "a": { "type": "stdio", "command": "x", }, }, "inputs": [] }'
    expect(importServers(text)).toMatchObject({ ok: true, value: { servers: { a: { command: ['x'] } } } })
  })

  it.each([
    ['a b', 'a-b'],
    ['a__b', 'a_b'],
    ['_a_', 'a'],
    ['@scope/name', 'scope-name'],
    ['é', 'server'],
    ['x'.repeat(100), 'x'.repeat(60)],
  ])('under a name that may be: %j', (given, name) => {
    const { servers, notes } = imported({ [given]: { command: 'x' } })
    expect(Object.keys(servers)).toEqual([name])
    expect(notes).toEqual([expect.stringContaining(`is called ${name} here`) as string])
  })

  it('under different names and variables when two are alike', () => {
    const { servers } = imported({
      'a b': { command: 'x', env: { TOKEN: '1a' } },
      'a-b': { command: 'y', env: { TOKEN: '2a' } },
    })
    expect(servers).toEqual({
      'a-b': { command: ['x'], env: { TOKEN: 'env:TOKEN' } },
      'a-b-2': { command: ['y'], env: { TOKEN: 'env:A_B_2_TOKEN' } },
    })
  })

  it.each<[object, string]>([
    [{ command: 'x', disabled: true }, 's was left out: it is disabled there'],
    [{ args: ['x'] }, 's was left out: it has neither command nor url'],
    [{ url: 'ws://x.test' }, 's was left out: its url is not one of http or https'],
    [{ url: 'https://u:p@x.test' }, 's was left out: its url holds a secret'],
    [{ url: 'https://x.test/mcp?api_key=abcd' }, 's was left out: its url holds a secret'],
    [{ command: 'x', args: ['--key', 'sk-0123456789abcdef'] }, 's: command held what looks like a secret'],
    [{ command: 'x', args: ['${HOME}/y'] }, 's: command holds ${…}, which is not expanded here'],
    [{ command: 'x', envFile: '.env' }, 's: envFile is not read'],
    [{ url: 'https://x.test/sse', type: 'sse' }, 's: it was set up for the old SSE transport'],
    [{ url: 'https://x.test', headers: { 'X-A': 'b' } }, 's: the header X-A is not taken over'],
    [{ command: 'x', env: { TOKEN: 'abc' } }, 's: set the variable TOKEN where tollgate starts'],
  ])('with a note about %j', (given, note) => {
    expect(imported({ s: given }).notes).toEqual([expect.stringContaining(note) as string])
  })

  it('never with a secret, and never with an exception', () => {
    const secret = 'ghp_0123456789abcdefghijABCDEFGHIJ'
    const value = fc.oneof(
      fc.constant(secret),
      fc.constant(`Bearer ${secret}`),
      fc.string(),
      fc.constant(null),
      fc.array(fc.constant(secret)),
    )
    const keys = ['command', 'args', 'env', 'url', 'headers', 'cwd', 'type', 'disabled']
    const server = fc.dictionary(
      fc.constantFrom(...keys),
      fc.oneof(value, fc.dictionary(fc.constantFrom('TOKEN', 'LEVEL', 'Authorization'), value)),
    )
    fc.assert(
      fc.property(fc.dictionary(fc.string(), server), (servers) => {
        const result = importServers(JSON.stringify({ mcpServers: servers }))
        expect(JSON.stringify(result.ok ? result.value : {})).not.toContain(secret)
      }),
    )
  })
})

describe('a secret is told from a setting', () => {
  it.each([
    ['GITHUB_TOKEN', 'x', true],
    ['apiKey', 'x', true],
    ['OPENAI_KEY', 'x', true],
    ['DB_PASSWORD', 'x', true],
    ['ANYTHING', 'sk-proj-0123456789', true],
    ['DATABASE', 'postgres://u:p@db/x', true],
    ['ANYTHING', 'aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3', true],
    ['LOG_LEVEL', 'warn', false],
    ['DATABASE', 'postgres://db/x', false],
    ['KEYBOARD', 'de', false],
    ['MAX_TOKENS', '4096', false],
    ['USE_AUTH', 'true', false],
    ['TOKEN', '', false],
  ])('%s=%s: %s', (name, value, secret) => expect(isSecret(name, value)).toBe(secret))
  it.each([
    ['${A}', 'A'],
    ['${env:A}', 'A'],
    ['${A:-b}', 'A'],
    ['${input:my-key}', 'MY_KEY'],
    ['${my_key}', 'my_key'],
    ['x${A}', undefined],
    ['$A', undefined],
  ])('%s stands for %s', (text, name) => expect(variableOf(text)).toBe(name))
})

describe('JSON with comments', () => {
  it.each<[string, unknown]>([
    ['{"a": 1,}', { a: 1 }],
    ['[1, /* two */ 2, // three\n]', [1, 2]],
    ['{"a": "// no /* comment */,]"}', { a: '// no /* comment */,]' }],
    ['{"a": "\\"//"}', { a: '"//' }],
    ['\uFEFF{"a":\t1}', { a: 1 }],
    ['[1, // x, ]\n 2]', [1, 2]],
    ['[1, /* , */ ]', [1]],
  ])('%j', (text, value) => expect(parseJsonc(text)).toEqual({ ok: true, value }))
  it.each(['', '{', '{"a"}', '[,]', '// x', '{"a": "\n"}'])('%j is refused', (text) =>
    expect(parseJsonc(text).ok).toBe(false),
  )
  it('is what JSON is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value, null, 1)
        expect(parseJsonc(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown })
      }),
    )
  })
})
