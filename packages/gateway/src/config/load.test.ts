import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { showConfigError } from './config.ts'
import { loadConfig, parseConfig } from './load.ts'

const file = '/etc/gate/tollgate.yaml'

function load(text: string) {
  const result = parseConfig(file, text)
  if (!result.ok) throw new Error(result.error.map(showConfigError).join('\n'))
  return result.value
}

/** The errors as a person reads them, without the file's name. */
function errors(text: string): string[] {
  const result = parseConfig(file, text)
  return result.ok ? [] : result.error.map((error) => showConfigError(error).slice(file.length + 1))
}

describe('an accepted configuration', () => {
  it('has every default filled in', () => {
    expect(load('')).toEqual({
      file,
      dataDir: '/etc/gate/.tollgate',
      policyDir: '/etc/gate/policies',
      taskDir: '/etc/gate/tasks',
      environment: 'dev',
      listen: { kind: 'tcp', host: '127.0.0.1', port: 7070 },
      trustedProxies: [],
      allowedHosts: [],
      allowedOrigins: [],
      admin: { path: '/etc/gate/.tollgate/admin.sock' },
      issuers: [],
      authorizationServer: { clientMetadataDocuments: true, enterprise: [] },
      certificates: [],
      approvals: { self: false, minutes: 10 },
      history: [],
      limits: {
        maxBodyBytes: 4_194_304,
        maxHeaderBytes: 16_384,
        maxJsonDepth: 64,
        maxJsonMembers: 20_000,
        headersTimeoutSeconds: 10,
        bodyTimeoutSeconds: 30,
        requestTimeoutSeconds: 300,
        maxResultBytes: 67_108_864,
        maxSessions: 1000,
        drainSeconds: 10,
      },
      servers: new Map(),
    })
  })

  it.each([
    ['', true],
    ['listen: localhost:7070', true],
    ["listen: '[::1]:7070'", true],
    ['listen: 127.0.0.2:7070\nallowedOrigins: [https://app.example.com]', true],
    ['listen: unix:gate.sock', false],
    ['listen: 0.0.0.0:7070', false],
    ['publicUrl: https://gate.example.com', false],
    ['trustedProxies: [127.0.0.1]', false],
    ['allowedHosts: [gate.example.com]', false],
    ['identity: { anonymous: \'User::"local"\' }', false],
    ['identity: { issuers: [{ name: corp, issuer: https://idp.example.com }] }', false],
    ['identity: { authorizationServer: false }', false],
    ['listen: unix:gate.sock\nidentity: { authorizationServer: {} }', true],
    ['identity: { authorizationServer: {}, anonymous: \'User::"local"\' }', true],
  ])('signs tokens itself where nothing speaks against it: %j: %s', (text, isOn) => {
    expect(load(text).authorizationServer !== undefined).toBe(isOn)
  })

  it('keeps what is written, with paths from the folder of the file', () => {
    const config = load(`
listen: unix:gate.sock
admin: { listen: unix:/run/admin.sock }
data: ../state
policies: rules
environment: prod
identity: { anonymous: 'Corp::User::"a\\"b"' }
tls: { cert: tls/cert.pem, key: /tls/key.pem }
trustedProxies: [10.0.0.0/8, '::1']
allowedHosts: [gate.example.com, 'gate.example.com:8443']
allowedOrigins: [https://app.example.com]
limits: { maxSessions: 5 }
`)
    expect(config).toMatchObject({
      listen: { kind: 'unix', path: '/etc/gate/gate.sock' },
      admin: { path: '/run/admin.sock' },
      dataDir: '/etc/state',
      policyDir: '/etc/gate/rules',
      environment: 'prod',
      anonymous: { type: 'Corp::User', id: 'a"b' },
      tls: { certFile: '/etc/gate/tls/cert.pem', keyFile: '/tls/key.pem' },
      trustedProxies: ['10.0.0.0/8', '::1'],
      allowedHosts: ['gate.example.com', 'gate.example.com:8443'],
      allowedOrigins: ['https://app.example.com'],
      limits: { maxSessions: 5, maxBodyBytes: 4_194_304 },
    })
  })

  it('has servers of each kind', () => {
    const { servers } = load(`
servers:
  files:
    command: [node, ./server.js]
    env: { LOG_LEVEL: warn, TOKEN: env:FILES_TOKEN, KEY: file:secrets/key }
    tools: { write_file: { destructive: true, reads: [private], sends: false } }
  tickets:
    url: https://tickets.example.com/mcp
    credential: { type: bearer, secret: env:TICKETS_TOKEN }
  wiki: { url: http://wiki/mcp, socket: wiki.sock, credential: { type: header, name: X-Key, secret: file:/k } }
  db: { socket: /run/db.sock, sharing: per-session, startup: eager }
`)
    expect([...servers.values()]).toEqual([
      {
        name: 'files',
        kind: 'command',
        command: ['node', './server.js'],
        cwd: '/etc/gate',
        env: {
          LOG_LEVEL: { kind: 'value', value: 'warn' },
          TOKEN: { kind: 'env', name: 'FILES_TOKEN' },
          KEY: { kind: 'file', path: '/etc/gate/secrets/key' },
        },
        sharing: 'shared',
        startup: 'lazy',
        tools: new Map([['write_file', { destructive: true, reads: ['private'], sends: false }]]),
      },
      {
        name: 'tickets',
        kind: 'http',
        url: 'https://tickets.example.com/mcp',
        credential: { type: 'bearer', secret: { kind: 'env', name: 'TICKETS_TOKEN' } },
        tools: new Map(),
      },
      {
        name: 'wiki',
        kind: 'http',
        url: 'http://wiki/mcp',
        socket: '/etc/gate/wiki.sock',
        credential: { type: 'header', name: 'X-Key', secret: { kind: 'file', path: '/k' } },
        tools: new Map(),
      },
      {
        name: 'db',
        kind: 'socket',
        socket: '/run/db.sock',
        sharing: 'per-session',
        startup: 'eager',
        tools: new Map(),
      },
    ])
  })

  it('leaves ${…} in strings alone', () => {
    expect(load('environment: ${HOME}').environment).toBe('${HOME}')
  })

  it('may use anchors and aliases', () => {
    const { servers } = load('servers:\n  a: &same { command: [x] }\n  b: *same\n')
    expect(servers.get('b')).toMatchObject({ kind: 'command', command: ['x'] })
  })
})

describe('a refused configuration says what, where, and how to mend it', () => {
  const server = (text: string) => `servers:\n  s: { ${text} }`
  const secret = (text: string) =>
    server(`url: https://x.test/mcp, credential: { type: bearer, secret: ${text} }`)
  it.each<[string, string]>([
    // YAML
    ['data: a\ndata: b', '2:1: duplicate key data; keep one'],
    [
      'listen: [',
      '1:10: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['data: !secret x', '1:7: not valid YAML: Unresolved tag: !secret'],
    [
      'data: a\n---\ndata: b',
      '2:1: not valid YAML: Source contains multiple documents; please use YAML.parseAllDocuments()',
    ],
    ['data: *nope', '1:1: not valid YAML: Unresolved alias (the anchor must be set before the alias): nope'],
    [
      'servers: &a { x: *a }',
      '1:18: the alias *a stands within what it is an alias of; write out what is meant',
    ],
    ['servers: { a: { tools: { __proto__: {} } } }', '1:26: the key __proto__ is not accepted; remove it'],
    ['- a', '1:1: the file must be a map of keys and values'],
    // Keys
    ['servres: {}', '1:1: unknown key servres; did you mean servers?'],
    ['admin: { colour: red }', '1:10: unknown key admin.colour; admin takes listen'],
    ['limits:\n  maxBodyBites: 1', '2:3: unknown key limits.maxBodyBites; did you mean maxBodyBytes?'],
    [
      server('command: [x], tools: { t: { readonly: true } }'),
      '2:36: unknown key servers.s.tools.t.readonly; did you mean readOnly?',
    ],
    [
      server('command: [x], sandbox: {}'),
      '2:22: servers.s.sandbox is not supported yet; remove it (the server would run without the isolation that this promises)',
    ],
    [
      'listen: 10.0.0.1:7070\nidentity: { authorizationServer: {} }',
      '1:1: publicUrl is missing: tokens are issued for the address by which callers know this gateway, over https',
    ],
    [
      'identity: { authorizationServer: false }\napprovals: { stepUp: passkey }',
      '2:22: approvals.stepUp needs the page where people sign in to approve: write identity: { authorizationServer: {} }',
    ],
    [
      'identity: { authorizationServer: { registratoin: true } }',
      '1:36: unknown key identity.authorizationServer.registratoin; did you mean registration?',
    ],
    [
      'identity: { authorizationServer: true }',
      '1:34: identity.authorizationServer must be a map of keys and values or false',
    ],
    [
      'mcpServers: {}',
      '1:1: mcpServers is called `servers` here; tollgate init --import turns an mcpServers file into one',
    ],
    [
      server('command: [x], args: [y]'),
      '2:22: servers.s.args is part of `command` here: command: [program, argument, …]',
    ],
    // Values
    [
      'servers: { s: { url: http://localhost/, tools: { t: { reads: [Untrusted] } } } }',
      '1:63: servers.s.tools.t.reads[0] "Untrusted" looks like "untrusted"; write that, or a word that is less like it',
    ],
    ['listen: 7070', '1:9: listen must be text: put it in quotes (127.0.0.1:7070)'],
    [
      'listen: localhost',
      '1:9: listen must be host:port or unix:/path, such as 127.0.0.1:7070 or unix:/run/tollgate.sock',
    ],
    ['listen: localhost:70000', '1:9: listen must have a port from 0 to 65535'],
    ['listen: unix://run/x.sock', '1:9: listen must be written unix:/path, with one slash'],
    [
      'admin: { listen: "127.0.0.1:7071" }',
      '1:18: admin.listen must be a Unix socket: TCP is not supported yet, use unix:/path',
    ],
    ['data: ~/state', '1:7: data must be written in full: ~ is not expanded'],
    [
      `data: /${'x'.repeat(100)}`,
      '1:7: data must be at most 103 bytes long, from the root: the path of a Unix socket cannot be longer',
    ],
    ['servers:', '1:9: servers has no value; write a map of names and values, or remove the key'],
    [
      'identity: { anonymous: local }',
      '1:24: identity.anonymous must be an entity, a type and a quoted name, such as User::"alice"',
    ],
    ['limits: { maxSessions: 0 }', '1:24: limits.maxSessions must be at least 1'],
    ['limits: { drainSeconds: 100000 }', '1:25: limits.drainSeconds must be at most 86400'],
    ['limits: { maxSessions: 1.5 }', '1:24: limits.maxSessions must be a whole number'],
    ['limits: { maxSessions: "9" }', '1:24: limits.maxSessions must be a whole number'],
    ['tls: { cert: c.pem }', '1:6: tls.key is missing; it is text, such as ./key.pem'],
    [
      'trustedProxies: [proxy.test]',
      '1:18: trustedProxies[0] must be an address or a CIDR range, such as 10.0.0.0/8',
    ],
    [
      'allowedHosts: [https://x.test]',
      '1:16: allowedHosts[0] must be a host name in lower case, with a port or without, such as gate.example.com',
    ],
    [
      'allowedOrigins: [x.test]',
      '1:18: allowedOrigins[0] must be an origin: scheme and host in lower case, no path, such as https://app.example.com',
    ],
    // Servers
    [
      'servers: { Tollgate: { command: [x] } }',
      "1:12: servers.Tollgate is the name of the gateway's own server; choose another",
    ],
    [
      'servers: { a__b: { command: [x] } }',
      '1:12: servers.a__b must be a name of letters, digits, ".", "-" and single "_" between them, such as my-files',
    ],
    [
      `servers: { ${'x'.repeat(65)}: { command: [x] } }`,
      `1:12: servers.${'x'.repeat(65)} must be a name of at most 64 characters`,
    ],
    ['servers: { a: {} }', '1:12: servers.a needs one of command, url and socket'],
    [
      server('command: [x], url: "https://x.test"'),
      '2:3: servers.s has command and url, which exclude each other; keep one (only url and socket go together)',
    ],
    [server('command: node x.js'), '2:17: servers.s.command must be a list, such as [node, ./server.js]'],
    [server('command: []'), '2:17: servers.s.command must not be empty'],
    [server('command: [x, 1]'), '2:21: servers.s.command[1] must be text: put it in quotes'],
    [server('command: [x], sharing: session'), '2:31: servers.s.sharing must be shared or per-session'],
    [
      server('command: [x], sharing: per_session'),
      '2:31: servers.s.sharing must be shared or per-session; did you mean per-session?',
    ],
    [
      server('command: [x], env: { PORT: 80 }'),
      '2:35: servers.s.env.PORT must be text: put it in quotes (warn)',
    ],
    [
      server('command: [x], env: { A: "keychain:a" }'),
      '2:32: servers.s.env.A uses keychain:, which is not supported yet; use env:NAME or file:path',
    ],
    [server('socket: /x, cwd: /y'), '2:20: servers.s.cwd is only for servers with command; remove it'],
    [
      server('socket: /x, credential: { type: bearer, secret: "env:A" }'),
      '2:20: servers.s.credential is only for servers with url; remove it',
    ],
    [
      server('url: "https://x.test", socket: /x'),
      '2:13: servers.s.url must begin with http: when socket is given',
    ],
    [
      server('url: "ftp://x.test"'),
      '2:13: servers.s.url must be an http or https URL, such as https://tickets.example.com/mcp',
    ],
    [
      server('url: "https://u:p@x.test"'),
      '2:13: servers.s.url must not contain a user or password; use `credential`',
    ],
    [
      secret('hunter2'),
      '2:69: servers.s.credential.secret must be a reference, env:NAME or file:path, never the secret itself',
    ],
    [
      secret('"env:"'),
      '2:69: servers.s.credential.secret must name an environment variable after env:, such as env:TICKETS_TOKEN',
    ],
    [
      server('url: "https://x.test", credential: { type: basic }'),
      '2:51: servers.s.credential.type must be bearer or header',
    ],
    [
      server('url: "https://x.test", credential: {}'),
      '2:43: servers.s.credential.type is missing; it is bearer or header',
    ],
    [
      server('url: "https://x.test", credential: { type: header, name: Host, secret: "env:A" }'),
      '2:65: servers.s.credential.name must be another header: the gateway writes this one itself',
    ],
  ])('%s', (text, message) => expect(errors(text)).toEqual([message]))

  it('reports everything at once, in the order of the file', () => {
    expect(
      errors('lisen: x\nservers:\n  a: { url: x, socket: 1, foo: 1 }\n  b: {}\nlisen: y').map(
        (line) => line.split(': ')[0],
      ),
    ).toEqual(['1:1', '3:13', '3:24', '3:27', '4:3', '5:1'])
  })

  it('never repeats a secret', () => {
    expect(
      errors(`${secret('hunter2')}\n  t: { command: [x], env: { A: [hunter2], hunter: 2 } }`).join(),
    ).not.toContain('hunter2')
  })
})

describe('loadConfig', () => {
  it.each([
    ['ENOENT', 'there is no such file; write one with: tollgate init'],
    ['EACCES', 'the file may not be read by this user'],
    ['EISDIR', 'this is a folder; name the file in it'],
    ['EIO', 'the file cannot be read (EIO)'],
  ])('explains %s', async (code, message) => {
    const readFile = () => Promise.reject(Object.assign(new Error(code), { code }))
    const result = await loadConfig({ path: 'x.yaml', readFile })
    expect(result).toEqual({ ok: false, error: [{ file: 'x.yaml', message }] })
  })

  it('never throws, whatever the text', () => {
    const piece = fc.constantFrom(
      ...[
        'servers:',
        'a',
        ': ',
        '\n  ',
        '{',
        '}',
        '[',
        ']',
        '- ',
        'command',
        'url',
        '"',
        "'",
        '&x ',
        '*x',
        '!',
        '|',
        '#',
        '\t',
        '<<',
      ],
    )
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.array(piece).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (each) => {
        const result = parseConfig(file, each)
        if (!result.ok) expect(result.error.map(showConfigError).join()).toMatch(/:\d+:\d+: /)
      }),
      { numRuns: 500 },
    )
  })

  it('never throws on any JSON value in any place', () => {
    const keys = fc.constantFrom(
      'servers',
      'a',
      'command',
      'url',
      'tools',
      'env',
      'credential',
      'type',
      'limits',
      'listen',
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, 1, true, '', 'header'),
        tie('object'),
        fc.array(tie('value')),
      ),
      object: fc.dictionary(keys, tie('value')),
    }))
    fc.assert(
      fc.property(fc.dictionary(keys, value), (each) => void parseConfig(file, JSON.stringify(each))),
      { numRuns: 200 },
    )
  })

  it('is not brought down by depth or by aliases', () => {
    expect(errors('['.repeat(100_000))).toHaveLength(1)
    expect(errors(`${'{a: '.repeat(5000)}1${'}'.repeat(5000)}`)).toHaveLength(1)
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefghi'
        .split('')
        .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join()}]`),
    ]
    expect(errors(bomb.join('\n'))).toEqual([
      '1:1: not valid YAML: Excessive alias count indicates a resource exhaustion attack',
    ])
    expect(errors('a: &a { b: *a }')).toEqual([expect.stringMatching(/^1:12: the alias \*a stands within/)])
    expect(errors('a: &a [&b [*b, *a]]')).toHaveLength(2)
  })
})
