/**
 * A built Tollgate in a process of its own, as `tollgate run` would start it, in a folder made for it. With
 * `audit: false` it runs with a trail that keeps nothing: that is not a setting of the product, and only code that
 * starts a gateway itself can do it. Run with a `GatewayOrder` as JSON.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as loadModule from '../../packages/gateway/src/config/load.ts'
import type { DurableEntry } from '../../packages/gateway/src/model/entry.ts'
import type * as gatewayModule from '../../packages/gateway/src/server/gateway.ts'
import type * as keysModule from '../../packages/gateway/src/store/keys.ts'
import type * as tasksModule from '../../packages/gateway/src/store/tasks.ts'
import type * as grantModule from '../../packages/gateway/src/tasks/grant.ts'
import { startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'
import { PRINCIPAL, policyText } from './policies.ts'
import { report } from './ready.ts'
import { SERVER } from './request.ts'
import { TASK_ARGUMENTS, TASK_GRANT, TASK_PROMPT, TASK_TOOLS } from './task-call.ts'

export interface GatewayOrder {
  /** The repository whose build is run. */
  readonly checkout: string
  readonly policies: number
  readonly audit: boolean
  /** YAML of the one server. */
  readonly server: string
  /**
   * What the load generator can show besides a key: a token of an issuer outside, or a key for a task. Then all calls are
   * those of task-call.ts.
   */
  readonly besides: Besides | undefined
}

export type Besides = 'token' | 'task'

/** The sources have the types; what is run is the build of the checkout. */
type Modules = typeof gatewayModule &
  typeof loadModule &
  typeof keysModule &
  typeof tasksModule &
  typeof grantModule

async function main(order: GatewayOrder): Promise<void> {
  const modules = await load(order)
  const { RunningGateway, loadConfig } = modules
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(path.join(folder, 'policies'))
  writeFileSync(path.join(folder, 'policies', 'bench.cedar'), policyText(order.policies))
  // Asked once, by the first call; its part of the figures is nothing.
  const issuer = order.besides === 'token' ? await startTokenIssuer('RS256') : undefined
  writeFileSync(path.join(folder, 'tollgate.yaml'), config(order, issuer))

  const loaded = await loadConfig({
    path: path.join(folder, 'tollgate.yaml'),
    readFile: (file) => readFile(file, 'utf8'),
  })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  const log = (text: string) => void process.stderr.write(`${text}\n`)
  const started = await RunningGateway.start(loaded.value, log, order.audit ? undefined : { trail: NO_TRAIL })
  if (!started.ok) throw new Error(started.error.join('\n'))
  const gateway = started.value
  process.once('SIGTERM', () => void gateway.stop(1).then(() => process.exit()))
  const { port } = new URL(gateway.endpoint)
  const aud = `${gateway.endpoint}/mcp/${SERVER}`
  const claims = { aud, sub: PRINCIPAL, client_id: 'bench', groups: ['a', 'b'], exp: TOMORROW }
  const dataDir = path.join(folder, 'data')
  const token = createKey(modules, dataDir, false)
  const otherToken = order.besides === 'task' ? createKey(modules, dataDir, true) : await issuer?.sign(claims)
  report({
    port: Number(port),
    token,
    ...(otherToken === undefined ? {} : { otherToken }),
    ...(order.besides === 'task' ? { args: TASK_ARGUMENTS } : {}),
  })
}

/** A key, for a task or for none. */
function createKey({ openKeyStore, openTaskStore, parseGrant }: Modules, dataDir: string, forTask: boolean) {
  const who = { principal: { type: 'User', id: PRINCIPAL }, agent: 'bench', nowMs: Date.now() }
  const task = forTask ? { task: startTask() } : {}
  const keys = need(openKeyStore(dataDir))
  const { token } = need(keys.create({ ...who, ...task }))
  keys.close()
  return token

  function startTask(): string {
    const tasks = need(openTaskStore(dataDir))
    const started = need(tasks.start({ ...who, grant: need(parseGrant(TASK_GRANT)), prompt: TASK_PROMPT }))
    tasks.close()
    return started.id
  }
}

function need<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

/** Keeps nothing, and says that it did. */
const NO_TRAIL = {
  async record(entry: DurableEntry['entry']) {
    return { ok: true as const, value: { requestId: entry.requestId, entry } }
  },
  recordEvent: async () => ({ ok: true as const, value: undefined }),
  outcome: () => undefined,
  flush: async () => undefined,
  state: () => ({
    writable: true,
    waitingRecords: 0,
    queuedOutcomes: 0,
    refusedCalls: 0,
    lostOutcomes: 0,
    commits: 0,
    committedRecords: 0,
  }),
}

function config({ server, besides }: GatewayOrder, issuer: TokenIssuer | undefined): string {
  const issuers = issuer === undefined ? '' : `{ name: bench, issuer: '${issuer.url}', groups: groups }`
  return `listen: 127.0.0.1:0\ndata: ./data\nidentity: { issuers: [${issuers}] }\nservers: { ${SERVER}: ${besides === 'task' ? withTools(server) : server} }\n`
}

/** The same for both calls, so that the task is the only difference. */
function withTools(server: string): string {
  return server.replace(/\}$/, `, tools: ${TASK_TOOLS} }`)
}

const TOMORROW = Math.floor(Date.now() / 1000) + 86_400

const ALWAYS = ['server/gateway.js', 'config/load.js', 'store/keys.js']
/** A checkout to compare with may be older than these. */
const FOR_TASKS = ['store/tasks.js', 'tasks/grant.js']

async function load({ checkout, besides }: GatewayOrder): Promise<Modules> {
  const built = (file: string) => pathToFileURL(path.join(checkout, 'packages/gateway/dist', file)).href
  const parts = await Promise.all(
    [...ALWAYS, ...(besides === 'task' ? FOR_TASKS : [])].map(
      (file) => import(built(file)) as Promise<object>,
    ),
  )
  return Object.assign({}, ...parts) as Modules
}

await main(JSON.parse(process.argv[2] ?? '') as GatewayOrder)
