/**
 * Calls a running demo gateway as a legacy MCP client does: handshake, one call that policy allows,
 * one that it refuses, one without a key. Arguments: the gateway's origin, the file that what it prints is
 * written to, its process id. Exits 1 with the reason when an answer is not what it has to be.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Calls to the demo's servers; adapt them with the demo's policies. */
const allowedCall = { name: 'list_allowed_directories', arguments: {} }
const refusedCall = { name: 'write_file', arguments: { path: 'docs/smoke.md', content: 'no' } }

const [origin = '', printed = '', pid = ''] = process.argv.slice(2)
const deadlineMs = Date.now() + 120_000

interface Reply {
  readonly status: number
  readonly sessionId: string | null
  readonly message: {
    readonly result?: { readonly isError?: boolean; readonly _meta?: Record<string, { reason?: string }> }
    readonly error?: { readonly code: number; readonly message: string }
  }
}

async function post(headers: Record<string, string>, body: object): Promise<Reply> {
  const response = await fetch(`${origin}/mcp/files`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...body }),
    signal: AbortSignal.timeout(30_000),
  })
  const text = await response.text()
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
  const json = isStream
    ? text
        .split('\n')
        .findLast((line) => line.startsWith('data: {'))
        ?.slice(6)
    : text
  const message = (json ? JSON.parse(json) : {}) as Reply['message']
  return { status: response.status, sessionId: response.headers.get('mcp-session-id'), message }
}

/** Waits until the gateway answers and has printed a key; throws when it has ended. */
async function ready(): Promise<string> {
  while (Date.now() < deadlineMs) {
    process.kill(Number(pid), 0)
    const key = /\btg_[\w-]{51}/.exec(readFileSync(printed, 'utf8'))?.[0]
    const answers = await fetch(`${origin}/mcp/files`).then(
      () => true,
      () => false,
    )
    if (key !== undefined && answers) return key
    await sleep(200)
  }
  throw new Error('the gateway was not ready, or printed no key, within two minutes')
}

const key = await ready()
const authorization = `Bearer ${key}`
const protocolVersion = '2025-11-25'
const initialize = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'smoke', version: '1' } },
}

const stranger = await post({}, initialize)
assert.equal(stranger.status, 401, 'without a key the answer is 401')
console.log('without a key: 401')

const handshake = await post({ authorization }, initialize)
assert.equal(handshake.status, 200, JSON.stringify(handshake.message))
const session = {
  authorization,
  'mcp-protocol-version': protocolVersion,
  ...(handshake.sessionId === null ? {} : { 'mcp-session-id': handshake.sessionId }),
}
await post(session, { method: 'notifications/initialized' })

const allowed = await post(session, { id: 2, method: 'tools/call', params: allowedCall })
assert.ok(allowed.message.result && !allowed.message.result.isError, JSON.stringify(allowed.message))
console.log(`${allowedCall.name}: allowed`)

const refused = await post(session, { id: 3, method: 'tools/call', params: refusedCall })
const refusal = refused.message.result?._meta?.['tollgate/refusal']
assert.ok(refused.message.result?.isError && refusal?.reason, JSON.stringify(refused.message))
console.log(`${refusedCall.name}: refused, ${refusal.reason}`)
