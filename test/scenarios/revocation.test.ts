import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEverythingServer } from '../fixtures/everything-server.ts'
import { PERMIT_ALL } from '../fixtures/gateway.ts'
import { GatewayProgram } from '../fixtures/gateway-program.ts'
import { createKeys, revokeKey } from '../fixtures/key-bundle.ts'
import {
  getStream,
  MODERN,
  messagesOf,
  postLegacy,
  postModern,
  resultOf,
  startSession,
} from '../fixtures/raw-http.ts'
import { RAW_SERVER } from '../fixtures/stdio-upstream.ts'

const LAUNCHER = join(import.meta.dirname, '../../packages/gateway/bin/tollgate.cjs')
/** Longer than it takes; what is promised is a second. */
const SOON_MS = 5000

let everything: Awaited<ReturnType<typeof startEverythingServer>>
let program: GatewayProgram

beforeAll(async () => {
  everything = await startEverythingServer()
  const program_ = JSON.stringify([process.execPath, RAW_SERVER, 'modern'])
  const own = JSON.stringify([process.execPath, RAW_SERVER, 'legacy'])
  const config = `servers:
  http: { url: '${everything.url}' }
  stdio: { command: ${program_} }
  own: { command: ${own}, sharing: per-session }
`
  program = await GatewayProgram.start({ config, policies: PERMIT_ALL })
})

afterAll(async () => {
  await program.close()
  await everything.close()
})

const ECHO = { id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } }
const HANG = { id: 2, method: 'tools/call', params: { name: 'hang', arguments: {} } }
const LISTEN = {
  id: 1,
  method: 'subscriptions/listen',
  params: { notifications: { toolsListChanged: true } },
}

/** Resolves when a reply has ended, however it did. */
const end = (response: Response) => response.text().catch(() => 'cut')

test.each([
  [
    'in another process, as a person does',
    async (name: string) => {
      const args = [LAUNCHER, 'key', 'revoke', name, '--config', join(program.folder, 'tollgate.yaml')]
      await promisify(execFile)(process.execPath, args)
    },
  ],
  ['through the key store', async (name: string) => revokeKey(program.folder, name)],
] as const)(
  'a key that is revoked %s ends: its use, its sessions and its open streams',
  async (how, revoke) => {
    const prefix = how.startsWith('in') ? 'gone-a-' : 'gone-b-'
    const [key, other] = createKeys(program.folder, prefix, 2)
    const sessions = {
      http: await startSession(program.url('http'), { key }),
      own: await startSession(program.url('own'), { key }),
    }
    const streams = [
      await getStream(program.url('http'), { key, session: sessions.http }),
      await getStream(program.url('own'), { key, session: sessions.own }),
      await postModern(program.url('http'), LISTEN, { key }),
      await postModern(program.url('stdio'), LISTEN, { key }),
    ]
    const kept = messagesOf(await postModern(program.url('stdio'), LISTEN, { key: other }))
    await kept.next()
    await resultOf(await postModern(program.url('stdio'), ECHO, { key }))
    const before = (await program.admin('GET /api/v1/status')).body as { sessions: number }

    await revoke(`${prefix}0`)

    await Promise.all(streams.map(end))
    const refused = async () => (await postModern(program.url('stdio'), ECHO, { key })).status
    await expect.poll(refused, { timeout: SOON_MS }).toBe(401)
    expect((await postLegacy(program.url('own'), ECHO, { key, session: sessions.own })).status).toBe(401)
    const status = async () =>
      ((await program.admin('GET /api/v1/status')).body as { sessions: number }).sessions
    await expect.poll(status, { timeout: SOON_MS }).toBe(before.sessions - 2)

    // Another key, even of the same person, does not inherit the session and is not disturbed.
    const inherited = await postLegacy(program.url('own'), ECHO, { key: other, session: sessions.own })
    expect(inherited.status).toBe(404)
    await resultOf(
      await postModern(
        program.url('stdio'),
        { ...ECHO, params: { name: 'changed', arguments: {} } },
        { key: other },
      ),
    )
    expect((await kept.next()).value).toMatchObject({ method: 'notifications/tools/list_changed' })
    await kept.return(undefined)
  },
)

test('calls under way end with the key they were made with, and are told why', async () => {
  const [key] = createKeys(program.folder, 'under-way-', 1)
  const session = await startSession(program.url('own'), { key })
  const calls = [
    postModern(program.url('stdio'), HANG, { key }),
    postLegacy(program.url('own'), HANG, { key, session }),
  ]
  await setTimeout(300) // until they have been forwarded
  revokeKey(program.folder, 'under-way-0')
  for (const call of calls) {
    const response = await call
    expect(response.status).toBe(401)
    expect(await response.text()).toContain('has ended while the call was under way')
  }
})

test('a call whose body arrives after its key was revoked is not made', async () => {
  const [key] = createKeys(program.folder, 'slow-', 1)
  const meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const text = JSON.stringify({ jsonrpc: '2.0', ...ECHO, params: { ...ECHO.params, _meta: meta } })
  const sent = request(program.url('stdio'), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': MODERN,
      'mcp-method': 'tools/call',
      'mcp-name': 'echo',
    },
  })
  sent.write(text.slice(0, 10))
  const answered = once(sent, 'response')
  await setTimeout(300) // until the gateway has seen the head
  revokeKey(program.folder, 'slow-0')
  await setTimeout(1500)
  sent.on('error', () => undefined)
  sent.end(text.slice(10))
  const [response] = (await answered) as [IncomingMessage]
  expect(response.statusCode).toBe(401)
})
