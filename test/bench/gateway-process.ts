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
import { startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'
import { PRINCIPAL, policyText } from './policies.ts'
import { report } from './ready.ts'
import { SERVER } from './request.ts'

export interface GatewayOrder {
  /** The repository whose build is run. */
  readonly checkout: string
  readonly policies: number
  readonly audit: boolean
  /** YAML of the one server. */
  readonly server: string
  /** What the load generator shows: a key of the gateway's own, or a token of an issuer outside. */
  readonly credential: 'key' | 'token'
}

/** The sources have the types; what is run is the build of the checkout. */
type Modules = typeof gatewayModule & typeof loadModule & typeof keysModule

async function main(order: GatewayOrder): Promise<void> {
  const { RunningGateway, loadConfig, openKeyStore } = await load(order.checkout)
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(path.join(folder, 'policies'))
  writeFileSync(path.join(folder, 'policies', 'bench.cedar'), policyText(order.policies))
  // Asked once, by the first call; its part of the figures is nothing.
  const issuer = order.credential === 'token' ? await startTokenIssuer('RS256') : undefined
  writeFileSync(path.join(folder, 'tollgate.yaml'), config(order.server, issuer))

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
  const token = issuer?.sign({ aud, sub: PRINCIPAL, client_id: 'bench', groups: ['a', 'b'], exp: TOMORROW })
  report({ port: Number(port), token: (await token) ?? createKey(path.join(folder, 'data')) })

  function createKey(dataDir: string): string {
    const keys = openKeyStore(dataDir)
    if (!keys.ok) throw new Error(keys.error)
    const made = keys.value.create({
      principal: { type: 'User', id: PRINCIPAL },
      agent: 'bench',
      nowMs: Date.now(),
    })
    keys.value.close()
    if (!made.ok) throw new Error(made.error)
    return made.value.token
  }
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

function config(server: string, issuer: TokenIssuer | undefined): string {
  const issuers = issuer === undefined ? '' : `{ name: bench, issuer: '${issuer.url}', groups: groups }`
  return `listen: 127.0.0.1:0\ndata: ./data\nidentity: { issuers: [${issuers}] }\nservers: { ${SERVER}: ${server} }\n`
}

const TOMORROW = Math.floor(Date.now() / 1000) + 86_400

async function load(checkout: string): Promise<Modules> {
  const built = (file: string) => pathToFileURL(path.join(checkout, 'packages/gateway/dist', file)).href
  const parts = await Promise.all(
    ['server/gateway.js', 'config/load.js', 'store/keys.js'].map(
      (file) => import(built(file)) as Promise<object>,
    ),
  )
  return Object.assign({}, ...parts) as Modules
}

await main(JSON.parse(process.argv[2] ?? '') as GatewayOrder)
