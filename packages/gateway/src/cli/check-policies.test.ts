/** `tollgate check` on policies, against real servers. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type RecordingUpstream,
  startRecordingUpstream,
} from '../../../../test/fixtures/recording-upstream.ts'
import { startScriptedUpstream } from '../../../../test/fixtures/scripted-upstream.ts'
import { RAW_SERVER, SDK_SERVER } from '../../../../test/fixtures/stdio-upstream.ts'
import { Folder } from './fixtures/tollgate.ts'

/** A legacy and modern server over HTTP, with the tools `echo` and `query`. */
let web: RecordingUpstream
beforeAll(async () => {
  web = await startRecordingUpstream()
})
afterAll(() => web.close())

const run = (...args: string[]) => ({ command: [process.execPath, ...args] })
/** A server over stdio, with tools such as `read` and `connect`. */
const stdio = run(SDK_SERVER)

function folderWith(policies: string, servers: object = { fx: stdio, web: { url: web.url } }): Folder {
  const config = JSON.stringify({ data: './data', servers })
  return new Folder({ 'tollgate.yaml': config, 'policies/p.cedar': policies, 'data/.keep': '' })
}

/** The lines that say what is wrong, without the excerpts. */
function said(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line !== '' && !/^ *\d* \| /.test(line))
}

describe('tollgate check, on policies', () => {
  it('knows the counters that are configured, and no others', async () => {
    using folder = new Folder({
      'tollgate.yaml': JSON.stringify({
        servers: { web: { url: web.url } },
        history: { pushes: { tools: ['web__query'], per: 'task', window: '1h' } },
      }),
      'policies/p.cedar': `@id("misspelt")
forbid (principal, action == Action::"web__query", resource)
when { context.history.pushs >= 3 };

@id("right")
permit (principal, action == Action::"web__query", resource)
when { context.history.pushes < 3 };
`,
    })
    const { code, stderr } = await folder.run(['check'])
    expect(said(stderr)).toEqual([
      'policies/p.cedar:3:24: context.history has no attribute `pushs` for Action::"web__query"; did you mean `pushes`?',
    ])
    expect(code).toBe(78)
  })

  it('says what is wrong, where, and what to write, of servers over stdio and over HTTP', async () => {
    using folder = folderWith(`@id("misspelt")
permit (principal, action == Action::"web__query", resource)
when { context.input.regoin == "eu" };

@id("wrong-type")
permit (principal, action == Action::"fx__slow", resource)
when { context.input.ms == "10" };

@id("unknown-action")
permit (principal, action == Action::"fx__raed", resource);

@id("unguarded")
permit (principal, action == Action::"fx__connect", resource)
when { context.input.path == "/tmp/socket" };

@id("unknown-server")
permit (principal is User, action in Action::"tools/call", resource in Server::"wbe");

@id("right")
permit (principal, action == Action::"fx__connect", resource)
when { context.input has port && context.input.port > 1024 };
`)
    const { code, stdout, stderr } = await folder.run(['check'])
    expect(said(stderr)).toEqual([
      'policies/p.cedar:3:22: context.input has no attribute `regoin` for Action::"web__query"; did you mean `region`?',
      'policies/p.cedar:7:8: `context.input.ms == "10"` compares a Long and a String, which are never equal; write `10` instead of `"10"`',
      'policies/p.cedar:10:30: there is no action Action::"fx__raed"; did you mean `Action::"fx__read"`?',
      'policies/p.cedar:14:22: `path` of context.input is optional for Action::"fx__connect": where it is absent this policy is an error, and refuses the call; write `context.input has path && …`',
      'policies/p.cedar:17:72: there is no server "wbe"; did you mean `Server::"web"`?',
    ])
    expect(stderr).toContain(`
    3 | when { context.input.regoin == "eu" };
      |                      ^^^^^^
`)
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })

    const asked = web.requests.length
    const json = await folder.run(['check', '--json'])
    expect(web.requests.length).toBeGreaterThan(asked)
    expect(json).toMatchObject({ code: 78, stderr: '' })
    const report = JSON.parse(json.stdout) as { errors: unknown[] }
    expect(report).toMatchObject({
      ok: false,
      config: folder.at('tollgate.yaml'),
      servers: 2,
      policies: 6,
      asked: [
        { server: 'fx', tools: 10 },
        { server: 'web', tools: 2 },
      ],
      warnings: [],
    })
    expect(report.errors).toHaveLength(5)
    expect(report.errors[0]).toEqual({
      file: 'policies/p.cedar',
      line: 3,
      column: 22,
      length: 6,
      severity: 'error',
      rule: 'attribute',
      policy: 'misspelt',
      message: 'context.input has no attribute `regoin` for Action::"web__query"',
      suggestion: 'did you mean `region`?',
    })
  })

  it('is content with what is right, and asks the engine nothing about it again', async () => {
    const right = `@id("a") permit (principal is User, action == Action::"fx__read", resource) when { context.input.path like "/docs/*" };
@id("b") forbid (principal, action in Action::"tools/call", resource in Server::"web") when { context.input has sql };
@id("c") permit (principal is User, action == Action::"elicitation/create", resource == Server::"web") when { context.input has message };
@id("d") permit (principal is User, action in Action::"tools/call", resource == Tool::"web__query") when { context.input.sql like "select *" };\n`
    using folder = folderWith(right)
    const ok = { code: 0, stdout: `ok  ${folder.at('tollgate.yaml')}: 2 servers, 4 policies\n`, stderr: '' }
    expect(await folder.run(['check', '--strict'])).toEqual(ok)
    const cache = readFileSync(folder.at('data/validation-cache.json'), 'utf8')
    const entries = (JSON.parse(cache) as { entries: unknown[] }).entries
    expect(entries).toHaveLength(4)
    // With an answer that the engine would never give, so that one from the file shows.
    const planted = entries.map((entry) => [
      (entry as unknown[])[0],
      [{ severity: 'warning', message: 'planted', help: null, start: 0, end: 3 }],
    ])
    folder.write('data/validation-cache.json', JSON.stringify({ format: 1, entries: planted }))
    const again = await folder.run(['policy', 'check'])
    expect(said(again.stderr)).toEqual([
      'policies/p.cedar:1:1: warning: planted',
      'policies/p.cedar:2:1: warning: planted',
      'policies/p.cedar:3:1: warning: planted',
      'policies/p.cedar:4:1: warning: planted',
    ])
    expect(again.code).toBe(0)
    folder.write('data/validation-cache.json', '{"format":1,"entr')
    expect(await folder.run(['check'])).toEqual(ok)
  })

  it('warns of what it could not check, and leaves with 78 only when it is strict', async () => {
    const garbage = await startRecordingUpstream()
    garbage.misbehave({ kind: 'invalid-json' }, ['server/discover', 'initialize'])
    const servers = {
      fx: stdio,
      down: { url: 'http://127.0.0.1:9/mcp' },
      dies: run('-e', 'console.error("no \\u001b[2J such port"); process.exit(3)'),
      garbage: { url: garbage.url },
    }
    using folder = folderWith(
      `@id("a") permit (principal is User, action == Action::"down__any", resource) when { context.input.path == 1 };
@id("b") permit (principal is User, action == Action::"fx__read", resource);\n`,
      servers,
    )
    const { code, stdout, stderr } = await folder.run(['check'])
    const not =
      'could not be asked for its tools, so what policies say of them and of their arguments is taken for granted'
    expect(said(stderr)).toEqual([
      expect.stringMatching(
        `tollgate.yaml: warning: server down ${not}: The server cannot be reached .*ECONNREFUSED`,
      ),
      expect.stringMatching(
        `tollgate.yaml: warning: server dies ${not}: .*exit code 3.* It said: no .*such port`,
      ),
      expect.stringMatching(
        `tollgate.yaml: warning: server garbage ${not}: The server’s answer is not a JSON-RPC message`,
      ),
    ])
    expect(stderr).not.toContain('\u001b')
    expect(stdout).toMatch(/: 4 servers, 2 policies, 3 warnings\n$/)
    expect(code).toBe(0)
    const strict = await folder.run(['check', '--strict', '--json'])
    expect(strict.code).toBe(78)
    expect(JSON.parse(strict.stdout)).toMatchObject({
      ok: false,
      errors: [],
      warnings: [{ server: 'down' }, {}, {}],
    })
    await garbage.close()
  })

  it('says what is allowed but hardly meant', async () => {
    using folder = folderWith(`@id("everything") permit (principal, action, resource);
@id("reads") permit (principal, action == Action::"fx__read", resource);
@id("never") forbid (principal, action == Action::"fx__read", resource) when { context.input.path == "a" && context.input.path == "b" };
permit (principal, action == Action::"fx__read", resource) when { context.input.path == "c" };
`)
    const { code, stdout, stderr } = await folder.run(['check'])
    expect(said(stderr)).toEqual([
      expect.stringMatching(/^policies\/p\.cedar:1:1: warning: this permits everything to everyone/),
      expect.stringMatching(
        /^policies\/p\.cedar:3:\d+: warning: this forbid never applies: context\.input\.path == "b" contradicts/,
      ),
      expect.stringMatching(/^policies\/p\.cedar:4:1: warning: .*reads/),
      expect.stringMatching(/^policies\/p\.cedar:4:1: warning: this policy has no @id/),
    ])
    expect(stdout).toMatch(/: 2 servers, 4 policies, 4 warnings\n$/)
    expect(code).toBe(0)
  })

  it('asks no server when it is told not to', async () => {
    const before = web.requests.length
    using folder = folderWith(
      '@id("a") permit (principal is User, action == Action::"web__qurey", resource);\n',
    )
    const { code, stdout, stderr } = await folder.run(['check', '--offline', '--strict'])
    expect(stderr).toBe('servers were not asked: what policies say of their tools is taken for granted\n')
    expect(stdout).toMatch(/^ok /)
    expect(code).toBe(0)
    expect(web.requests.length).toBe(before)
  })

  it('stays whole when a server offers what no tool should be', async () => {
    const deep = `${'{"properties":{"a":'.repeat(300)}{}${'}}'.repeat(300)}`
    const tools = `[
      {"name": "ok", "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}},
      {"name": "\\"; permit(principal,action,resource);//", "inputSchema": {"type": "object"}},
      {"name": "x\\u0000\\u202e\\n", "inputSchema": {"type": "object", "properties": {"__proto__": {"type": "string"}, "": {"type": "integer"}, "\\n\\"": {}}}},
      {"name": "deep", "inputSchema": ${deep}},
      {"name": "loop", "inputSchema": {"type": "object", "$ref": "#", "properties": {"a": {"$ref": "#"}}}},
      {"inputSchema": {}},
      {"name": "tools/call", "inputSchema": {"type": "object"}}
    ]`
    const hostile = await startScriptedUpstream((_, { result }) => result(`{"tools": ${tools}}`))
    using folder = folderWith(
      '@id("a") permit (principal is User, action == Action::"h__ok", resource) when { context.input.pth == "" };\n',
      { h: { url: hostile.url, tools: { okk: { readOnly: true } } } },
    )
    const { code, stderr } = await folder.run(['check'])
    expect(said(stderr)).toEqual([
      expect.stringMatching(
        /server h offers a tool "deep" whose inputSchema is nested deeper than 64 levels$/,
      ),
      expect.stringMatching(/server h offers a tool without a name$/),
      expect.stringMatching(
        /server h offers no tool okk, which has attributes in the configuration; did you mean ok\?$/,
      ),
      'policies/p.cedar:1:95: context.input has no attribute `pth` for Action::"h__ok"; did you mean `path`?',
    ])
    expect(code).toBe(78)
    const schema = await folder.run(['policy', 'schema'])
    expect(schema.code).toBe(0)
    expect(schema.stdout).toMatch(/^action h__ok in "tools\/call" appliesTo \{$/m)
    await hostile.close()
  })

  it('stops validating when the time is over, says so, and goes on the next time', async () => {
    const schema = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] }
    const tools = Array.from({ length: 600 }, (_, index) => ({ name: `t${index}`, inputSchema: schema }))
    const large = await startScriptedUpstream((_, { result }) => result(JSON.stringify({ tools })))
    const policies = Array.from(
      { length: 400 },
      (_, index) =>
        `@id("p${index}") permit (principal is User, action in Action::"tools/call", resource) when { context.input.path == "${index}" };`,
    )
    using folder = folderWith(policies.join('\n'), { large: { url: large.url } })
    const { code, stdout, stderr } = await folder.run(['check', '--time-limit', '1'])
    expect(said(stderr)).toEqual([
      expect.stringMatching(
        /^the time limit of 1 s was over before \d+ of 400 policies were validated; what was done is kept/,
      ),
    ])
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
    const bad = await folder.run(['check', '--time-limit', '0'])
    expect(bad).toMatchObject({ code: 2, stdout: '' })
    expect(bad.stderr).toContain('It is a number of seconds')
    await large.close()
  })

  it('stops the servers when it is interrupted', async () => {
    using folder = folderWith('@id("a") permit (principal is User, action, resource);\n', {})
    folder.write(
      'tollgate.yaml',
      JSON.stringify({ servers: { h: run(RAW_SERVER, 'hangs', folder.at('log')) } }),
    )
    const started = folder.start(['check'])
    const log = () => {
      try {
        return readFileSync(folder.at('log'), 'utf8')
      } catch {
        return ''
      }
    }
    await expect.poll(log, { timeout: 20_000 }).toContain('probed')
    started.child.kill('SIGINT')
    expect(await started.ended).toMatchObject({ code: 130, stdout: '' })
    const pid = Number(/pid (\d+)/.exec(log())?.[1])
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })
})

describe('tollgate policy schema', () => {
  it('writes what policies are validated against', async () => {
    using folder = folderWith('not a policy yet')
    const { code, stdout, stderr } = await folder.run(['policy', 'schema'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(
      /action web__query in "tools\/call" appliesTo \{[^;]*region: String,\s*sql: String,/,
    )
    const json = await folder.run(['policy', 'schema', '--offline', '--json'])
    const schema = JSON.parse(json.stdout) as Record<string, { actions: Record<string, unknown> }>
    expect(Object.keys(schema['']?.actions ?? {})).toEqual(
      expect.arrayContaining(['tools/call', 'fx__*', 'web__*']),
    )
  })
})
