/**
 * A git server: MCP over stdio, on one repository. It runs the real git, without a shell, and an argument can be
 * neither an option nor a path outside; whether a push is a good idea is not for it to say.
 *
 *   node git.ts <repository>
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type CallToolResult, McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'

const run = promisify(execFile)
const [repository = '.'] = process.argv.slice(2)

/** No hooks, no helpers, no other transports, nothing of the machine's configuration. What stands in .git/config is believed. */
const ALWAYS = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', 'credential.helper=']
const env = {
  PATH: process.env['PATH'],
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ALLOW_PROTOCOL: 'file:https:ssh',
}
const TIME_LIMIT_MS = 60_000

/** What git printed; an error result with what it complained of. */
async function git(...words: string[]): Promise<CallToolResult> {
  try {
    const options = { cwd: repository, env, timeout: TIME_LIMIT_MS }
    const { stdout, stderr } = await run('git', [...ALWAYS, ...words], options)
    return text([stdout, stderr].join('').trim() || 'done')
  } catch (problem) {
    const { stderr } = problem as { stderr?: string }
    return { ...text(stderr?.trim() || String(problem)), isError: true }
  }
}

function text(value: string): CallToolResult {
  return { content: [{ type: 'text', text: value }] }
}

/** Names that git cannot take for an option or an address. */
const name = (what: string) => z.string().regex(/^[A-Za-z0-9][\w./-]*$/, `not the name of a ${what}`)
const branch = name('branch')
const remote = name('remote')

function createServer(): McpServer {
  const server = new McpServer({ name: 'git', version: '1.0.0' })
  server.registerTool('status', { description: 'What has changed, and the branch' }, () =>
    git('status', '--short', '--branch'),
  )
  server.registerTool('diff', { description: 'What has changed, line by line' }, () =>
    git('diff', '--no-ext-diff', '--no-textconv'),
  )
  server.registerTool('remotes', { description: 'The remotes, and where they are' }, () =>
    git('remote', '--verbose'),
  )
  server.registerTool(
    'switch',
    { description: 'Begins a new branch here', inputSchema: z.object({ branch }) },
    (input) => git('switch', '--create', input.branch),
  )
  server.registerTool(
    'commit',
    {
      description: 'Commits what has changed in files that are tracked',
      inputSchema: z.object({ message: z.string().min(1) }),
    },
    ({ message }) => git('commit', '--all', '--no-verify', `--message=${message}`),
  )
  server.registerTool(
    'push',
    { description: 'Pushes a branch to a remote', inputSchema: z.object({ remote, branch }) },
    (input) => git('push', '--', input.remote, `refs/heads/${input.branch}`),
  )
  return server
}

serveStdio(createServer)
