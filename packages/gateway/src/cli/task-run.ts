/**
 * `tollgate task run -- <agent>`: a task that lasts as long as one program. What the program needs to reach the gateway
 * stands in a file that only this user can read, and that is gone with the task. The gateway ends the task itself when
 * this process goes without saying so.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { leaving, requireConfig } from './command.ts'
import { askTasks } from './task-admin.ts'
import { requestStart, type StartedTask, type StartOptions, takesStart, tell } from './task-start.ts'
import { EXIT, harmless, say } from './terminal.ts'

/** In the agent's command: the path of its MCP configuration. */
const PLACEHOLDER = '{mcp-config}'
const PASSED_ON = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const

interface RunOptions extends StartOptions {
  readonly keyEnv?: string
}

/** Registers the command. */
export function addTaskRun(task: Command): void {
  takesStart(task.command('run'))
    .description(
      `start a task and a program that works on it: its MCP configuration is at $TOLLGATE_MCP_CONFIG and where its command says ${PLACEHOLDER}; the task ends with the program`,
    )
    .argument('<command...>', 'the program and its arguments, after --')
    .option(
      '--key-env <name>',
      'give it the key in this variable too, for programs that take it from nowhere else',
    )
    .action(leaving(runTask))
}

async function runTask(command: readonly string[], options: RunOptions): Promise<number> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const signals = new Signals()
  try {
    const started = await requestStart(options, config.value)
    if (!started.ok) return started.error
    return await work(command, started.value, { config: config.value, signals, keyEnv: options.keyEnv })
  } finally {
    signals.ignore()
  }
}

async function work(
  command: readonly string[],
  started: StartedTask,
  { config, signals, keyEnv }: { config: Config; signals: Signals; keyEnv: string | undefined },
): Promise<number> {
  const { task, urls } = started
  const end = (why: string) =>
    askTasks(config, `POST /api/v1/tasks/${encodeURIComponent(task.id)}/end`, { why })
  if (Object.keys(urls).length === 0) {
    await end('no URL leads to the gateway')
    say(
      'error: MCP clients need a URL, and this gateway listens on a Unix socket; set publicUrl, or listen on a port',
    )
    return EXIT.failed
  }
  tell(started)
  const hold = holdTask(config, task.id)
  const place = writeMcpConfig(started)
  try {
    const status = await runAgent(command, {
      signals,
      mcpConfig: place.file,
      env: {
        TOLLGATE_MCP_CONFIG: place.file,
        TOLLGATE_TASK: task.id,
        ...(keyEnv === undefined ? {} : { [keyEnv]: started.key }),
      },
    })
    await end(`the agent has ended with status ${status}`)
    return status
  } finally {
    hold.release()
    place.remove()
  }
}

/** What this process is told, for the agent: kept from the beginning, so that nothing is left behind. */
class Signals {
  /** The first one that came while there was no agent. */
  early: NodeJS.Signals | undefined
  #agent: ChildProcess | undefined
  readonly #handlers = PASSED_ON.map((signal) => {
    const pass = () => this.#pass(signal)
    process.on(signal, pass)
    return () => process.off(signal, pass)
  })

  passTo(agent: ChildProcess): void {
    this.#agent = agent
  }

  ignore(): void {
    for (const off of this.#handlers) off()
  }

  #pass(signal: NodeJS.Signals): void {
    if (this.#agent === undefined) this.early ??= signal
    // At a terminal the agent is in the foreground too, and has had Ctrl-C already.
    else if (!process.stdin.isTTY || (signal !== 'SIGINT' && signal !== 'SIGQUIT')) this.#agent.kill(signal)
  }
}

interface AgentOptions {
  readonly signals: Signals
  readonly mcpConfig: string
  readonly env: Readonly<Record<string, string>>
}

/** Runs the agent to its end; its exit status, as shells put it where a signal ended it. */
function runAgent(command: readonly string[], { signals, mcpConfig, env }: AgentOptions): Promise<number> {
  const [program = '', ...args] = command.map((part) => part.replaceAll(PLACEHOLDER, mcpConfig))
  if (signals.early !== undefined) return Promise.resolve(statusOf(signals.early))
  return new Promise((resolve) => {
    const agent = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } })
    signals.passTo(agent)
    agent.once('error', (problem: NodeJS.ErrnoException) => {
      say(harmless(`error: ${program} cannot be started: ${problem.code ?? problem.message}`))
      resolve(problem.code === 'ENOENT' ? 127 : 126)
    })
    agent.once('close', (code, signal) => resolve(code ?? statusOf(signal ?? 'SIGTERM')))
  })
}

function statusOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** The `mcpServers` form that most clients read, in a folder of its own. */
function writeMcpConfig({ urls, key }: StartedTask): { readonly file: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-task-'))
  const file = join(folder, 'mcp.json')
  const headers = { Authorization: `Bearer ${key}` }
  const mcpServers = Object.fromEntries(
    Object.entries(urls).map(([server, url]) => [server, { type: 'http', url, headers }]),
  )
  const remove = () => {
    process.off('exit', remove)
    rmSync(folder, { recursive: true, force: true })
  }
  // However this process ends by itself.
  process.once('exit', remove)
  writeFileSync(file, `${JSON.stringify({ mcpServers }, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  return { file, remove }
}

const AGAIN_MS = 1000

/** Stays on the line, so that the gateway sees when this process is gone; calls again where the gateway was away. */
function holdTask({ admin }: Config, id: string): { release(): void } {
  let released = false
  let again: NodeJS.Timeout | undefined
  let line: ReturnType<typeof request> | undefined
  const call = () => {
    let isRefused = false
    line = request(
      {
        socketPath: admin.path,
        method: 'POST',
        path: `/api/v1/tasks/${encodeURIComponent(id)}/hold`,
        headers: { host: 'localhost' },
      },
      (response) => {
        isRefused = response.statusCode !== 200
        response.resume()
      },
    )
    line.on('error', () => undefined)
    line.once('close', () => {
      // A task that is over needs nobody on the line.
      if (!released && !isRefused) again = setTimeout(call, AGAIN_MS)
    })
    line.end()
  }
  call()
  return {
    release() {
      released = true
      clearTimeout(again)
      line?.destroy()
    },
  }
}
