/**
 * The quickstart, running. A gateway on real servers, an agent that works through it, and the
 * decision on each of its calls as the audit log has it. Then it stays, with a key and a client configuration.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Config } from '../config/config.ts'
import { ok, type Result } from '../model/result.ts'
import { type Started, startGateway, stopSignal } from '../server/run.ts'
import { auditFilePath } from '../store/audit-file.ts'
import { openKeyStore } from '../store/keys.ts'
import { printConnection, printHeader, printStep, type Step } from './demo-output.ts'
import { readConfigLines } from './command.ts'
import { decisionsOf } from './demo-decisions.ts'
import { type ExitCode, say } from './terminal.ts'

export interface DemoOptions {
  /** Over the port of the quickstart's configuration. */
  readonly port?: number
  /** End after the agent's work instead of serving on. */
  readonly once?: boolean
}

/** The quickstart of the checkout that this file belongs to. */
const QUICKSTART = join(import.meta.dirname, '../../../../examples/quickstart')
const KEY_LIFETIME_MS = 24 * 3600 * 1000

/** Runs the demo; resolves to the exit code. */
export async function runDemo({ port, once = false }: DemoOptions): Promise<ExitCode> {
  const file = join(QUICKSTART, 'tollgate.yaml')
  if (!existsSync(file))
    return fail(['the demo needs a checkout of the repository: examples/quickstart was not found'], 1)
  const read = () => readDemoConfig(file, port)
  const config = await read()
  if (!config.ok) return fail(config.error, 78)
  const started = await startGateway(config.value, tell, read)
  if (!started.ok) return fail(started.error, 1)
  const stopped = stopSignal()
  const key = makeKey(config.value)
  try {
    const worked = await showAgent(config.value, started.value, key)
    if (once || !worked) return worked ? 0 : 1
    printConnection(started.value.gateway.endpoint, key.token)
    await serveUntil(stopped, started.value)
    return 0
  } finally {
    key.revoke()
    await started.value.stop()
  }
}

async function readDemoConfig(
  file: string,
  port: number | undefined,
): Promise<Result<Config, readonly string[]>> {
  const config = await readConfigLines({ config: file })
  if (!config.ok || port === undefined || config.value.listen.kind === 'unix') return config
  return ok({ ...config.value, listen: { ...config.value.listen, port } })
}

/** A key for this run; it ends with the demo. */
function makeKey({ dataDir }: Config) {
  const opened = openKeyStore(dataDir)
  if (!opened.ok) throw new Error(opened.error)
  const store = opened.value
  const nowMs = Date.now()
  const made = store.create({
    principal: { type: 'User', id: 'demo' },
    agent: 'quickstart-agent',
    expiresAtMs: nowMs + KEY_LIFETIME_MS,
    nowMs,
  })
  if (!made.ok) throw new Error(made.error)
  const { name, token } = made.value
  return {
    name,
    token,
    revoke() {
      store.revoke(name, Date.now())
      store.close()
    },
  }
}

/** Starts the agent and prints each of its steps with the decision that the log has on it. */
async function showAgent(
  config: Config,
  { gateway }: Started,
  key: { readonly name: string; readonly token: string },
): Promise<boolean> {
  printHeader(gateway.endpoint, config)
  const log = auditFilePath(config.dataDir)
  let step = 0
  const agent = spawn(process.execPath, [join(QUICKSTART, 'agent.ts')], {
    env: { ...process.env, TOLLGATE_URL: `${gateway.endpoint}/mcp/files`, TOLLGATE_KEY: key.token },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => agent.once('close', resolve))
  for await (const line of createInterface({ input: agent.stdout })) {
    const decisions = await decisionsOf(log, key.name)
    printStep(JSON.parse(line) as Step, decisions[step++])
  }
  return (await ended) === 0
}

/** What the server itself chats about would bury the story. */
function tell(text: string): void {
  if (!text.includes(': stderr: ')) say(text)
}

/** Enter reloads the policies, until the demo is told to stop. */
async function serveUntil(stopped: Promise<void>, { reload }: Started): Promise<void> {
  if (!process.stdin.isTTY) return stopped
  const lines = createInterface({ input: process.stdin })
  void stopped.then(() => lines.close())
  for await (const _line of lines) {
    const reloaded = await reload()
    for (const text of reloaded.ok ? ['reloaded'] : [...reloaded.error, 'kept the policies as they were']) {
      tell(text)
    }
  }
}

function fail(lines: readonly string[], code: ExitCode): ExitCode {
  for (const line of lines) say(line)
  return code
}
