/**
 * An agent on the official SDK client, working through the gateway. It knows a URL and a key, nothing of policies;
 * what it is told when it is refused is what a model would read.
 *
 *   TOLLGATE_URL=http://127.0.0.1:7070/mcp/files TOLLGATE_KEY=tg_… node agent.ts
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

const { TOLLGATE_URL: url = 'http://127.0.0.1:7070/mcp/files', TOLLGATE_KEY: key = '' } = process.env

/** What the agent does, in the order it does it. */
const steps = [
  { does: 'reads docs/welcome.md', tool: 'read_text_file', arguments: { path: 'docs/welcome.md' } },
  { does: 'looks into docs', tool: 'list_directory', arguments: { path: 'docs' } },
  {
    does: 'writes docs/welcome.md',
    tool: 'write_file',
    arguments: { path: 'docs/welcome.md', content: 'mine now' },
  },
  { does: 'reads private/salaries.csv', tool: 'read_text_file', arguments: { path: 'private/salaries.csv' } },
  {
    does: 'reads docs/../private/salaries.csv',
    tool: 'read_text_file',
    arguments: { path: 'docs/../private/salaries.csv' },
  },
  {
    does: 'moves private away',
    tool: 'move_file',
    arguments: { source: 'private', destination: 'docs/private' },
  },
]

interface ToolResult {
  readonly isError?: boolean
  readonly content?: readonly { readonly type: string; readonly text?: string }[]
}

const client = new Client(
  { name: 'quickstart-agent', version: '1.0.0' },
  { versionNegotiation: { mode: 'auto' } },
)
const transport = new StreamableHTTPClientTransport(new URL(url), {
  requestInit: { headers: { authorization: `Bearer ${key}` } },
})
await client.connect(transport)

const { tools } = await client.listTools()
tell('lists the tools', `${tools.length} shown: ${tools.map(({ name }) => name).join(', ')}`)
for (const { does, tool, arguments: input } of steps) tell(does, await call(tool, input))
await client.close()

/** The first line of what the model would read. */
async function call(name: string, input: Record<string, unknown>): Promise<string> {
  try {
    const result = (await client.callTool({ name, arguments: input })) as ToolResult
    const text = result.content?.find((part) => part.type === 'text')?.text ?? ''
    return text.split('\n', 1)[0] ?? ''
  } catch (problem) {
    return problem instanceof Error ? problem.message : String(problem)
  }
}

function tell(does: string, answer: string): void {
  process.stdout.write(`${JSON.stringify({ does, answer })}\n`)
}
