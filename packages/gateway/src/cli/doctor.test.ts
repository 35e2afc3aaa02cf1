import { chmodSync, mkdirSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { describe, expect, it } from 'vitest'
import { startTokenIssuer } from '../../../../test/fixtures/token-issuer.ts'
import type { Finding } from './doctor-finding.ts'
import { Folder } from './fixtures/tollgate.ts'

const policy = '@id("all") permit (principal, action, resource);\n'
const free = 'listen: 127.0.0.1:0\n'

async function examine(folder: Folder, env: Record<string, string> = {}) {
  const ran = await folder.run(['doctor', '--json'], env)
  const findings = JSON.parse(ran.stdout) as Finding[]
  return { ...ran, findings, of: (check: string) => findings.filter((finding) => finding.check === check) }
}

/** Listens as long as the block lasts; the port, where it has one. */
async function listening(server: Server, at: string | number) {
  await new Promise<void>((resolve) => server.listen(at, () => resolve()))
  return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() }
}

describe('tollgate doctor', () => {
  it('finds everything well', async () => {
    using folder = new Folder({ 'policies/a.cedar': policy })
    using web = await listening(
      createHttpServer((_, response) => response.writeHead(401).end()),
      0,
    )
    using _socket = await listening(createServer(), folder.at('db.sock'))
    folder.write(
      'tollgate.yaml',
      `${free}servers:
  a: { command: [node, x.js], env: { TOKEN: env:A_TOKEN } }
  b: { url: 'http://127.0.0.1:${web.port}/mcp', credential: { type: bearer, secret: file:token } }
  c: { socket: db.sock }`,
    )
    folder.write('token', 'secret')
    expect((await folder.run(['key', 'create', '--principal', 'User::"a"'])).code).toBe(0)
    const { code, findings, stderr } = await examine(folder, { A_TOKEN: 'x' })
    expect(findings.map(({ check, state }) => `${check}: ${state}`)).toEqual(
      [
        'node',
        'configuration',
        'data folder',
        'policies',
        'callers',
        'listener',
        'clock',
        'server a',
        'server b',
        'server c',
      ].map((check) => `${check}: ok`),
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { stdout } = await folder.run(['doctor'], { A_TOKEN: 'x' })
    expect(stdout).toMatch(/^ok {4}configuration {7}\//m)
  })

  it('fetches the keys of issuers, and says why it cannot', async () => {
    const corp = await startTokenIssuer()
    using folder = new Folder({ 'policies/a.cedar': policy })
    const issuers = [
      `{ name: corp, issuer: '${corp.url}' }`,
      `{ name: gone, issuer: 'http://127.0.0.1:9', jwks: 'http://127.0.0.1:9/keys' }`,
    ]
    folder.write('tollgate.yaml', `${free}identity: { issuers: [${issuers.join(', ')}] }\n`)
    const { of } = await examine(folder)
    expect(of('issuer corp')).toMatchObject([{ state: 'ok', detail: `${corp.url}, 1 key` }])
    expect(of('issuer gone')).toMatchObject([
      { state: 'fail', detail: expect.stringContaining('cannot be fetched'), mend: expect.any(String) },
    ])
    await corp.close()
  })

  it('says how to mend what is not right in a server', async () => {
    using folder = new Folder({
      'policies/a.cedar': policy,
      'tollgate.yaml': `${free}servers:
  a: { command: [no-such-program], env: { TOKEN: env:A_TOKEN } }
  b: { url: 'http://127.0.0.1:1/mcp', credential: { type: bearer, secret: file:token } }
  c: { socket: db.sock }
  d: { command: [./tollgate.yaml] }
  e: { command: [node], cwd: none }`,
    })
    const { code, of } = await examine(folder)
    expect(code).toBe(1)
    expect([
      ...of('server a'),
      ...of('server b'),
      ...of('server c'),
      ...of('server d'),
      ...of('server e'),
    ]).toMatchObject([
      { state: 'fail', detail: 'no-such-program is not on the PATH' },
      { state: 'fail', detail: 'env.TOKEN: env:A_TOKEN cannot be read or is empty' },
      { state: 'fail', detail: 'http://127.0.0.1:1/mcp cannot be reached (ECONNREFUSED)' },
      { state: 'fail', detail: `credential: file:${folder.at('token')} cannot be read or is empty` },
      { state: 'fail', detail: `${folder.at('db.sock')} cannot be reached (ENOENT)` },
      { state: 'fail', detail: `./tollgate.yaml is not there, or not executable, from ${folder.path}` },
      { state: 'fail', detail: `the folder ${folder.at('none')} does not exist` },
    ])
    const { stdout } = await folder.run(['doctor'])
    expect(stdout).toContain('fail  server a            no-such-program is not on the PATH\n')
    expect(stdout).toContain('→ install it, or write its whole path in command\n')
  })

  it('warns of a gateway that nobody can use', async () => {
    using folder = new Folder({ 'tollgate.yaml': free, 'policies/none.txt': '' })
    const { code, of } = await examine(folder)
    expect(code).toBe(0)
    expect([...of('policies'), ...of('callers')]).toMatchObject([
      { state: 'warn', detail: `0 in ${folder.at('policies')}: nothing is allowed` },
      { state: 'warn', detail: 'nobody has a key', mend: 'tollgate key create' },
    ])
  })

  it('finds a data folder that others can read', async () => {
    using folder = new Folder({ 'tollgate.yaml': free, 'policies/a.cedar': policy })
    mkdirSync(folder.at('.tollgate'))
    chmodSync(folder.at('.tollgate'), 0o755)
    const { code, of } = await examine(folder)
    expect(code).toBe(1)
    expect(of('data folder')).toMatchObject([{ state: 'fail', mend: `chmod 700 ${folder.at('.tollgate')}` }])
  })

  it('finds a port that is taken', async () => {
    using taken = await listening(createServer(), 0)
    using folder = new Folder({
      'tollgate.yaml': `listen: 127.0.0.1:${taken.port}`,
      'policies/a.cedar': policy,
    })
    const { of } = await examine(folder)
    expect(of('listener')).toMatchObject([
      { state: 'fail', detail: `127.0.0.1:${taken.port} cannot be listened on (EADDRINUSE)` },
    ])
  })

  it('finds a clock that went backwards', async () => {
    const line = JSON.stringify({ kind: 'outcome', requestId: 'r', time: '2999-01-01T00:00:00.000Z' })
    using folder = new Folder({
      'tollgate.yaml': free,
      'policies/a.cedar': policy,
      '.tollgate/audit/audit.jsonl': `${line}\n`,
    })
    const { of } = await examine(folder)
    expect(of('clock')).toMatchObject([{ state: 'warn' }])
  })

  it.each([
    ['listen: 7070', 'configuration', ':1:9: listen must be text'],
    ['listen: 0.0.0.0:7070', 'listener', 'can be reached from other machines'],
    ['tls: { cert: a, key: b }', 'listener', 'are not a certificate and its key'],
  ])('finds a configuration that cannot be: %s', async (text, check, detail) => {
    using folder = new Folder({ 'tollgate.yaml': text, 'policies/a.cedar': policy })
    const { code, of } = await examine(folder)
    expect(code).toBe(1)
    expect(of(check)).toMatchObject([{ state: 'fail', detail: expect.stringContaining(detail) as string }])
  })
})
