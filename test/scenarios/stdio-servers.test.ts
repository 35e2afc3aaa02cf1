/** Real clients of every era, through a real gateway, to real stdio servers of every era. */
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ANONYMOUS, PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { alive, LEGACY_SDK_SERVER, RAW_SERVER, SDK_SERVER, until } from '../fixtures/stdio-upstream.ts'

let gateway: TestGateway

beforeAll(async () => {
  const node = JSON.stringify(process.execPath)
  const server = (args: readonly string[], sharing = 'shared') =>
    `{ command: [${node}, ${args.map((arg) => JSON.stringify(arg)).join(', ')}], sharing: ${sharing} }`
  const config = `${ANONYMOUS}servers:
  dual: ${server([SDK_SERVER])}
  legacy: ${server([LEGACY_SDK_SERVER])}
  modern: ${server([RAW_SERVER, 'modern'])}
  rust: ${server([RAW_SERVER, 'dies-on-probe'])}
  own: ${server([LEGACY_SDK_SERVER], 'per-session')}
  owndual: ${server([SDK_SERVER], 'per-session')}
`
  gateway = await startTestGateway({ config, policies: PERMIT_ALL })
})
afterAll(() => gateway.close())

interface Calls {
  call(name: string, args?: Record<string, unknown>): Promise<{ readonly [member: string]: unknown }>
  names(): Promise<string[]>
  close(): Promise<void>
}

async function v1(server: string): Promise<Calls & { client: Client }> {
  const client = new Client({ name: 'v1', version: '1' }, { capabilities: { sampling: {} } })
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url(server))))
  return {
    client,
    call: (name, args = {}) => client.callTool({ name, arguments: args }),
    names: async () => (await client.listTools()).tools.map((tool) => tool.name),
    close: () => client.close(),
  }
}

type Mode = 'legacy' | 'auto' | { pin: string }

async function v2(server: string, mode: Mode): Promise<Calls & { client: ModernClient }> {
  const client = new ModernClient({ name: 'v2', version: '1' }, { versionNegotiation: { mode } })
  await client.connect(new ModernTransport(new URL(gateway.url(server))))
  return {
    client,
    call: (name, args = {}) => client.callTool({ name, arguments: args }),
    names: async () => (await client.listTools()).tools.map((tool) => tool.name),
    close: () => client.close(),
  }
}

const clients: [string, (server: string) => Promise<Calls>][] = [
  ['SDK v1', v1],
  ['SDK v2, legacy', (server) => v2(server, 'legacy')],
  ['SDK v2, auto', (server) => v2(server, 'auto')],
  ['SDK v2, modern only', (server) => v2(server, { pin: '2026-07-28' })],
]
const fits = (client: string, server: string) =>
  client.endsWith('auto') ||
  (client.endsWith('modern only')
    ? ['dual', 'modern', 'owndual']
    : ['dual', 'legacy', 'rust', 'own', 'owndual']
  ).includes(server)

describe.each(clients)('%s', (client, connect) => {
  it.each(['dual', 'legacy', 'modern', 'rust', 'own', 'owndual'].filter((server) => fits(client, server)))(
    'lists and calls the tools of the server "%s"',
    async (server) => {
      const calls = await connect(server)
      expect(await calls.names()).toContain('echo')
      const { structuredContent } = await calls.call('echo', { text: 'hello' })
      expect(JSON.stringify(structuredContent)).toContain('"hello"')
      await calls.close()
    },
  )

  it.each(['dual', 'legacy', 'modern', 'rust', 'own', 'owndual'].filter((server) => !fits(client, server)))(
    'is told that it does not share a revision with the server "%s"',
    async (server) => {
      await expect(connect(server)).rejects.toThrow(
        client.endsWith('modern only') ? /2026-07-28/ : /-32022.*2026-07-28/,
      )
    },
  )
})

describe('through the gateway', () => {
  it('progress arrives, and cancelling stops the tool', async () => {
    for (const mode of ['legacy', 'auto'] as const) {
      const { client, close } = await v2('dual', mode)
      const seen: number[] = []
      await client.callTool(
        { name: 'slow', arguments: { ms: 300 } },
        { onprogress: ({ progress }) => void seen.push(progress) },
      )
      expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      const before = gateway.log.filter((line) => line.includes('slow: cancelled')).length
      const leaving = new AbortController()
      const slow = client.callTool(
        { name: 'slow', arguments: { ms: 10_000 } },
        { signal: leaving.signal, onprogress: () => leaving.abort() },
      )
      await expect(slow).rejects.toThrow(/abort/i)
      await until(
        'the tool has stopped',
        () => gateway.log.filter((line) => line.includes('slow: cancelled')).length > before,
      )
      await close()
    }
  })

  it('a server with a process for each session asks its client for samples', async () => {
    const { client, call, close } = await v1('own')
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
      model: 'm',
      role: 'assistant',
      content: params.messages[0]!.content as { type: 'text'; text: string },
    }))
    const { structuredContent } = await call('ask', { kind: 'sampling', message: 'really?' })
    expect(structuredContent).toMatchObject({ content: { text: 'really?' } })
    await close()
  })

  it.each(['legacy', 'own'])('clients hear that the tools of "%s" have changed', async (server) => {
    const { client, call, close } = await v1(server)
    const changed = new Promise<void>((resolve) => {
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve())
    })
    await call('grow')
    await changed
    await close()
  })

  it('modern clients do, too', async () => {
    const client = new ModernClient(
      { name: 'v2', version: '1' },
      {
        versionNegotiation: { mode: 'auto' },
        listChanged: { tools: { debounceMs: 0, onChanged: () => void heard++ } },
      },
    )
    let heard = 0
    await client.connect(new ModernTransport(new URL(gateway.url('modern'))))
    await until('the server is listened to', async () => {
      await client.callTool({ name: 'changed', arguments: {} })
      return heard > 0
    })
    await client.close()
  })

  it('a server that crashes is a refusal to one call, and there for the next', async () => {
    for (const connect of [() => v1('dual'), () => v2('dual', 'auto')]) {
      const { call, close } = await connect()
      const crashed = (await call('crash')) as { isError?: boolean; content: { text: string }[] }
      expect(crashed.isError).toBe(true)
      expect(crashed.content[0]?.text).toContain('The server exited (exit code 1) during the call.')
      expect((await call('echo', { a: 1 }))['structuredContent']).toMatchObject({ arguments: { a: 1 } })
      await close()
    }
  })

  it('a session that is ended takes its process with it', async () => {
    const { client, call, close } = await v1('owndual')
    const { pid } = (await call('whoami'))['structuredContent'] as { pid: number }
    expect(alive(pid)).toBe(true)
    await (client.transport as unknown as StreamableHTTPClientTransport).terminateSession()
    await until('its process is gone', () => !alive(pid))
    await close()
  })
})
