/** The commands that ask a running gateway: against a real one, and against answers that a real one should not give. */
import { createServer, type RequestListener } from 'node:http'
import { describe, expect, it } from 'vitest'
import { Folder } from './fixtures/tollgate.ts'

const policy = '@id("all") permit (principal, action, resource);\n'
const config =
  'listen: unix:gate.sock\nservers: { files: { command: [node, -v] }, db: { socket: /db.sock } }\n'

/** Something at the admin socket that is not our gateway. */
async function impostor(folder: Folder, listener: RequestListener) {
  const server = createServer(listener)
  folder.write('.tollgate/x', '')
  await new Promise<void>((resolve) => server.listen(folder.at('.tollgate/admin.sock'), resolve))
  return {
    [Symbol.dispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

describe('with a gateway', () => {
  it('status, servers and reload talk to it, and it stops on SIGTERM', async () => {
    using folder = new Folder({ 'tollgate.yaml': config, 'policies/a.cedar': policy })
    const gateway = folder.start(['run'])
    await gateway.says('listens on')

    const status = await folder.run(['status'])
    expect(status).toMatchObject({ code: 0, stderr: '' })
    expect(status.stdout).toMatch(/^gateway +running, process \d+, since /)
    expect(status.stdout).toMatch(/^files +stdio +idle/m)
    expect(JSON.parse((await folder.run(['status', '--json'])).stdout)).toMatchObject({
      pid: gateway.child.pid,
      policies: 1,
    })
    expect((await folder.run(['servers'])).stdout).toMatch(/^db +socket +\/db\.sock +idle$/m)
    expect((await folder.run(['doctor'])).stdout).toContain('a gateway runs')

    folder.write('policies/b.cedar', 'permit (')
    const refused = await folder.run(['reload'])
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/b\.cedar:1:9: .*\nThe gateway keeps what it had\.\n$/)
    folder.write('tollgate.yaml', `${config}foo: 1\n`)
    const broken = await folder.run(['reload'])
    expect(broken).toMatchObject({ code: 1, stdout: '' })
    expect(broken.stderr).toContain('tollgate.yaml:3:1: unknown key foo')

    folder.write('tollgate.yaml', config)
    folder.write('policies/b.cedar', policy.replace('all', 'b'))
    expect(await folder.run(['reload'])).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse((await folder.run(['reload', '--json'])).stdout)).toEqual({ ok: true })
    expect(JSON.parse((await folder.run(['status', '--json'])).stdout)).toMatchObject({ policies: 2 })

    gateway.child.kill('SIGTERM')
    expect((await gateway.ended).code).toBe(0)
  })

  it('run leaves with 78 when the configuration is wrong', async () => {
    using folder = new Folder({ 'tollgate.yaml': 'listen: 1' })
    expect(await folder.run(['run'])).toMatchObject({ code: 78, stdout: '' })
  })
})

describe('without a gateway', () => {
  it('status and reload say how to start one', async () => {
    using folder = new Folder({ 'tollgate.yaml': config })
    for (const command of ['status', 'reload']) {
      const ran = await folder.run([command])
      expect(ran).toMatchObject({ code: 1, stdout: '' })
      expect(ran.stderr).toContain('start it with: tollgate run')
    }
  })

  it('servers lists what is configured', async () => {
    using folder = new Folder({ 'tollgate.yaml': config })
    const { code, stdout } = await folder.run(['servers', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual([
      { name: 'files', kind: 'command', target: 'node -v', state: null, detail: null },
      { name: 'db', kind: 'socket', target: '/db.sock', state: null, detail: null },
    ])
  })

  it.each<[string, RequestListener, string]>([
    ['no JSON', (_, response) => response.end('hello'), 'the answer is not JSON'],
    ['an error', (_, response) => response.writeHead(500).end('{}'), 'HTTP 500'],
    ['nothing', (request) => request.socket.destroy(), 'cannot be asked'],
  ])('an answer of %s is told', async (_title, listener, message) => {
    using folder = new Folder({ 'tollgate.yaml': config })
    using _server = await impostor(folder, listener)
    for (const command of ['status', 'reload']) {
      const ran = await folder.run([command])
      expect(ran).toMatchObject({ code: 1, stdout: '' })
      expect(ran.stderr).toContain(message)
    }
  })
})
