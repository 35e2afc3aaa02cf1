/** A gateway for one sequence, with its admin socket, as `tollgate run` has it; what is asked of it goes over sockets. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { askAdmin, errorsOf } from '../../../packages/gateway/src/cli/admin-client.ts'
import { parseEntity } from '../../../packages/gateway/src/config/entity.ts'
import { showConfigError } from '../../../packages/gateway/src/config/config.ts'
import { loadConfig } from '../../../packages/gateway/src/config/load.ts'
import { isObject, type JsonObject } from '../../../packages/gateway/src/model/message.ts'
import { err } from '../../../packages/gateway/src/model/result.ts'
import { startGateway } from '../../../packages/gateway/src/server/run.ts'
import { openKeyStore } from '../../../packages/gateway/src/store/keys.ts'
import type { Call, Facts, Sequence } from './format.ts'

export interface Gate {
  /** Asks the admin API; throws what the gateway said against it. */
  admin(route: string, body?: unknown): Promise<JsonObject>
  /** A key that belongs to no task. */
  plainKey(principal: string, agent: string | undefined): string
  /** One `tools/call` of 2026-07-28; what came back. */
  call(key: string, call: Call): Promise<JsonObject>
  /** The tools are something else from now on. */
  relabel(facts: AllFacts): Promise<void>
  close(): Promise<void>
}

/** By the name of the server, then of the tool. */
export type AllFacts = ReadonlyMap<string, ReadonlyMap<string, Facts>>

/** Starts it for servers at these addresses. */
export async function startGate(
  sequence: Sequence,
  urls: ReadonlyMap<string, string>,
  facts: AllFacts,
): Promise<Gate> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'replay-'))
  const file = join(folder, 'tollgate.yaml')
  const write = (now: AllFacts) => writeFileSync(file, configuration(urls, now))
  const log: string[] = []
  mkdirSync(join(folder, 'policies'))
  writeFileSync(join(folder, 'policies', 'sequence.cedar'), sequence.policies)
  write(facts)
  const read = async () => {
    const loaded = await loadConfig({ path: file, readFile: (path) => readFile(path, 'utf8') })
    return loaded.ok ? loaded : err(loaded.error.map(showConfigError))
  }
  const config = value(await read())
  const started = value(await startGateway(config, (text) => log.push(text), read))
  return {
    async admin(route, body) {
      const asked = await askAdmin(config.admin.path, route, { body })
      if (!asked.ok) throw new Error(asked.error.message)
      if (asked.value.status >= 400) throw new Error(errorsOf(asked.value).join('\n'))
      return isObject(asked.value.body) ? asked.value.body : {}
    },
    plainKey(principal, agent) {
      const store = value(openKeyStore(config.dataDir))
      const who = value(parseEntity(principal))
      const named = agent === undefined ? {} : { agent }
      const made = store.create({ principal: who, nowMs: Date.now(), ...named })
      store.close()
      return value(made).token
    },
    call: (key, call) => send(`${started.gateway.endpoint}/mcp/${call.server}`, key, call),
    async relabel(now) {
      write(now)
      value(await started.reload())
    },
    async close() {
      await started.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** JSON is YAML. */
function configuration(urls: ReadonlyMap<string, string>, facts: AllFacts): string {
  const servers = Object.fromEntries(
    [...urls].map(([name, url]) => [name, { url, tools: Object.fromEntries(facts.get(name) ?? []) }]),
  )
  const limits = { drainSeconds: 0 }
  const admin = { listen: 'unix:./admin.sock' }
  return JSON.stringify({
    listen: '127.0.0.1:0',
    admin,
    data: './data',
    policies: './policies',
    limits,
    servers,
  })
}

const VERSION = '2026-07-28'

async function send(url: string, key: string, { tool, arguments: args }: Call): Promise<JsonObject> {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': VERSION,
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const params = { name: tool, arguments: args, _meta: meta }
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': VERSION,
      'mcp-method': 'tools/call',
      'mcp-name': tool,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  })
  const answer: unknown = await response.json()
  if (!isObject(answer)) throw new Error(`HTTP ${response.status}, and no JSON-RPC message`)
  return answer
}

function value<T>(
  result:
    | { readonly ok: true; readonly value: T }
    | { readonly ok: false; readonly error: string | readonly string[] },
): T {
  if (!result.ok) throw new Error([result.error].flat().join('\n'))
  return result.value
}
