/** The one call that everything is measured with, and what answers it: a modern `tools/call` and 200 bytes of JSON. */

export const SERVER = 'bench'
export const TOOL = 'get_weather'

const ARGUMENTS = { city: 'Zurich', units: 'metric', days: 3 }

/** The bytes of the request, as a client on one kept connection sends them again and again. */
export function requestBytes({ port, token, args = ARGUMENTS }: RequestOptions): string {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 42,
    method: 'tools/call',
    params: {
      name: TOOL,
      arguments: args,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  })
  return [
    `POST /mcp/${SERVER} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    'MCP-Protocol-Version: 2026-07-28',
    'Mcp-Method: tools/call',
    `Mcp-Name: ${TOOL}`,
    'User-Agent: bench/1',
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

interface RequestOptions {
  readonly port: number
  readonly token: string
  readonly args?: object
}

interface Question {
  readonly id?: unknown
  readonly method?: unknown
}

const DISCOVERED = {
  resultType: 'complete',
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: {} },
  serverInfo: { name: 'bench', version: '1' },
}

/** What an upstream of the benchmark answers a message with; undefined for notifications. */
export function answerTo(message: string): string | undefined {
  const { id, method } = JSON.parse(message) as Question
  if (id === undefined) return undefined
  if (method === 'server/discover') return JSON.stringify({ jsonrpc: '2.0', id, result: DISCOVERED })
  if (method !== 'tools/call') {
    return JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } })
  }
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${WEATHER}}`
}

const WEATHER = JSON.stringify({
  resultType: 'complete',
  content: [
    { type: 'text', text: 'Zurich, next 3 days: 18, 21 and 16 degrees, light wind from the west, dry.' },
  ],
  isError: false,
})
