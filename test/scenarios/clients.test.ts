import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ANONYMOUS, PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts'
import { closeClients, connectClient, connectV2, FLAVOURS, type SdkClient } from '../fixtures/sdk-clients.ts'
import { LEGACY_SDK_SERVER, RAW_SERVER, SDK_SERVER } from '../fixtures/stdio-upstream.ts'

const stdio = (...args: string[]) => `{ command: ${JSON.stringify([process.execPath, ...args])} }`
const servers = `
servers:
  both: ${stdio(SDK_SERVER)}
  former: ${stdio(LEGACY_SDK_SERVER)}
  latest: ${stdio(RAW_SERVER, 'modern')}
`

const socketPath = join(tmpdir(), `tollgate-clients-${process.pid}.sock`)
let overTcp: TestGateway
let overUnix: TestGateway

beforeAll(async () => {
  overTcp = await startTestGateway({ config: ANONYMOUS + servers, policies: PERMIT_ALL })
  overUnix = await startTestGateway({
    config: ANONYMOUS + servers,
    policies: PERMIT_ALL,
    listen: `unix:${socketPath}`,
  })
})

afterEach(closeClients)
afterAll(async () => {
  await overTcp.close()
  await overUnix.close()
})

type Way = 'TCP' | 'a Unix socket'
const connectAll = (way: Way, server: string): Promise<SdkClient[]> =>
  Promise.all(
    FLAVOURS.map((flavour) =>
      way === 'TCP'
        ? connectClient(flavour, overTcp.url(server))
        : connectClient(flavour, `http://localhost/mcp/${server}`, { socketPath }),
    ),
  )

describe.each(['TCP', 'a Unix socket'] as const)('clients of every kind at one server, over %s', (way) => {
  test('each speaks its own revision, at the same time', async () => {
    const clients = await connectAll(way, 'both')
    expect(clients.map(({ protocolVersion }) => protocolVersion)).toEqual([
      '2025-11-25',
      '2025-11-25',
      '2026-07-28',
      '2026-07-28',
    ])
    const eras = await Promise.all(clients.map((client) => client.callTool({ name: 'whoami' })))
    expect(eras.map(({ structuredContent }) => (structuredContent as { era: string }).era)).toEqual([
      'legacy',
      'legacy',
      'modern',
      'modern',
    ])
  })

  test('tools, resources, templates, prompts and completions are those of the server', async () => {
    const clients = await connectAll(way, 'both')
    await Promise.all(
      clients.map(async (client) => {
        expect(await client.toolNames()).toContain('echo')
        expect(await client.resourceUris()).toEqual(['fixture://greeting'])
        expect(await client.templateUris()).toEqual(['fixture://notes/{name}'])
        expect(await client.readText('fixture://greeting')).toBe('Hello from a resource.')
        expect(await client.readText('fixture://notes/ada')).toBe('A note about ada.')
        expect(await client.promptNames()).toEqual(['greet'])
        expect(await client.getPrompt('greet', { name: client.flavour })).toBe(
          `Please greet ${client.flavour}.`,
        )
        expect(await client.complete('greet', 'name', 'a')).toEqual(['ada', 'alan'])
        const echoed = await client.callTool({ name: 'echo', arguments: { to: client.flavour } })
        expect(echoed.structuredContent).toMatchObject({ arguments: { to: client.flavour } })
      }),
    )
  })

  test('progress reaches exactly the caller, under the token it chose, even if all choose the same', async () => {
    const clients = await connectAll(way, 'both')
    const tell = (client: SdkClient, token: string | number) =>
      client.callTool({
        name: 'tell',
        arguments: { text: client.flavour, steps: 10, ms: 50 },
        _meta: { progressToken: token },
      })
    await Promise.all(clients.map((client) => tell(client, 'same')))
    await Promise.all(clients.map((client, index) => tell(client, index)))
    for (const [index, client] of clients.entries()) {
      const steps = Array.from({ length: 10 }, (_, step) => step + 1)
      const expected = ['same', index].flatMap((token) =>
        steps.map((progress) => ({ token, progress, message: client.flavour })),
      )
      await expect.poll(() => client.progress).toEqual(expected)
    }
  })

  test('a cancelled call ends at the server, and the others go on', async () => {
    const clients = await connectAll(way, 'both')
    const cancels = clients.map(() => new AbortController())
    const log = (way === 'TCP' ? overTcp : overUnix).log
    const before = cancelled(log)
    const slow = clients.map((client, index) =>
      client.callTool({ name: 'slow', arguments: { ms: 60_000 } }, cancels[index]!.signal),
    )
    const refused = Promise.allSettled(slow)
    await Promise.all(clients.map((client) => client.callTool({ name: 'whoami' }))) // the slow ones have arrived
    for (const cancel of cancels) cancel.abort(new Error('enough'))
    expect((await refused).map(({ status }) => status)).toEqual(clients.map(() => 'rejected'))
    await expect.poll(() => cancelled(log) - before, { timeout: 10_000 }).toBe(clients.length)
    await Promise.all(clients.map((client) => client.callTool({ name: 'whoami' })))
  })
})

const cancelled = (log: readonly string[]) => log.filter((line) => line.includes('slow: cancelled')).length

describe('a server of one era', () => {
  test.each(['a program', 'an HTTP server'] as const)(
    'automatic clients fall back to the former era with %s that knows no other',
    async (kind) => {
      const http = await startRecordingUpstream({ era: 'legacy' })
      const config = `${ANONYMOUS}servers: { http: { url: '${http.url}' } }\n`
      const beforeHttp = await startTestGateway({ config, policies: PERMIT_ALL })
      const url = kind === 'a program' ? overTcp.url('former') : beforeHttp.url('http')
      const client = await connectClient('v2 auto', url)
      expect(client.protocolVersion).toBe('2025-11-25')
      const result = await client.callTool({ name: 'echo', arguments: { text: 'hello' } })
      expect(JSON.stringify(result)).toContain('hello')
      await beforeHttp.close()
      await http.close()
    },
  )

  test('a client that insists on the newest era does not get the former one', async () => {
    await expect(connectV2('v2 pinned', overTcp.url('former'))).rejects.toThrow(
      'did not offer pinned protocol version 2026-07-28',
    )
  })

  test.each(['v1', 'v2 legacy'] as const)(
    'a %s client is told the revisions of a server that knows only the newest',
    async (flavour) => {
      const http = await startRecordingUpstream({ era: 'modern' })
      const config = `${ANONYMOUS}servers: { http: { url: '${http.url}' } }\n`
      const gateway = await startTestGateway({ config, policies: PERMIT_ALL })
      await expect(connectClient(flavour, overTcp.url('latest'))).rejects.toThrow('2026-07-28')
      await expect(connectClient(flavour, gateway.url('http'))).rejects.toThrow('2026-07-28')
      await gateway.close()
      await http.close()
    },
  )
})
