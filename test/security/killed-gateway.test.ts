/**
 * SIGKILL of a real gateway, at random moments, with calls under way: whatever the server saw and the agents got over all
 * its lives is within the budgets of the task, and what the task has read still holds it back. TOLLGATE_KILLS sets how
 * often; a release is tried with 200.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { askAdmin } from '../../packages/gateway/src/cli/admin-client.ts'
import { openKeyStore } from '../../packages/gateway/src/store/keys.ts'
import { openTaskStore } from '../../packages/gateway/src/store/tasks.ts'
import { parseGrant } from '../../packages/gateway/src/tasks/grant.ts'
import { type Called, callTool } from '../fixtures/calls.ts'
import { PERMIT_ALL } from '../fixtures/gateway.ts'
import { GatewayProgram } from '../fixtures/gateway-program.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../fixtures/scripted-upstream.ts'

const kills = Number(process.env['TOLLGATE_KILLS'] ?? 4)

let upstream: ScriptedUpstream
let program: GatewayProgram
/** How many calls the server saw. */
let effects: number
/** The arguments of those of `deploy`. */
let deployed: string[]

beforeEach(async () => {
  effects = 0
  deployed = []
  upstream = await startScriptedUpstream(async ({ method, params }, answer) => {
    if (method !== 'tools/call') return answer.result('{}')
    effects++
    if (params['name'] === 'deploy') deployed.push(JSON.stringify(params['arguments']))
    await delay(Math.random() * 30)
    answer.result(JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(1000) }] }))
  })
  program = await GatewayProgram.start({
    config: `servers:
  s:
    url: '${upstream.url}'
    tools:
      read: { readOnly: true, reads: [untrusted, private] }
      mail: { sends: true }
`,
    policies: `${PERMIT_ALL}
@id("asked") @remedy("approval") forbid (principal, action == Action::"s__deploy", resource)
unless { context has approval };`,
  })
})
afterEach(async () => {
  await program.close()
  await upstream.close()
})

/** Kills it, whatever it is at, and starts it again. */
async function killAndRestart(): Promise<void> {
  program.signal('SIGKILL')
  await program.ended
  program = await program.startAgain()
}

function startTask(grant: object, parent?: string): { id: string; key: string } {
  const dataDir = join(program.folder, 'data')
  const [tasks, keys, parsed] = [
    openTaskStore(dataDir),
    openKeyStore(dataDir),
    parseGrant({ purpose: 'Some work', ...grant }),
  ]
  if (!tasks.ok || !keys.ok || !parsed.ok) throw new Error(JSON.stringify([tasks, keys, parsed]))
  const principal = { type: 'User', id: 'ada' }
  const nowMs = Date.now()
  const part = parent === undefined ? {} : { parent }
  const task = tasks.value.start({ principal, grant: parsed.value, nowMs, ...part })
  if (!task.ok) throw new Error(task.error)
  const key = keys.value.create({ principal, task: task.value.id, nowMs })
  if (!key.ok) throw new Error(key.error)
  tasks.value.close()
  keys.value.close()
  return { id: task.value.id, key: key.value.token }
}

const call = (key: string, tool: string, args: object = {}) => callTool(program.url('s'), key, tool, args)

describe('a gateway that is killed', () => {
  test(`never lets more through than the budget, in ${kills} kills`, {
    timeout: 60_000 + kills * 10_000,
  }, async () => {
    const budget = { calls: 40 * kills, result_bytes: 25_000 * kills }
    const root = startTask({ servers: ['s'], flow: 'off', budget })
    const part = startTask({ servers: ['s'], flow: 'off', budget: { calls: 30 * kills } }, root.id)
    let got = 0
    let n = 0
    const isUp = { now: true }
    const agent = async (key: string) => {
      for (let called: Called | undefined; isUp.now; ) {
        called = await call(key, 'read', { n: n++ }).catch(() => undefined)
        got += called?.bytes ?? 0
        if (called?.reason !== undefined || called === undefined) await delay(5)
      }
    }
    for (let round = 0; round < kills; round++) {
      isUp.now = true
      const agents = [root, part, root, part, root, part, root, part].map(({ key }) => agent(key))
      await delay(60 + Math.random() * 400)
      program.signal('SIGKILL')
      await program.ended
      isUp.now = false
      await Promise.all(agents)
      program = await program.startAgain()
      expect(effects).toBeLessThanOrEqual(budget.calls)
      expect(got).toBeLessThanOrEqual(budget.result_bytes)
    }
    expect(effects).toBeGreaterThan(0)
    // What is left can be spent, and then nothing more.
    for (let tries = 0; tries < budget.calls; tries++) got += (await call(root.key, 'read', { n: n++ })).bytes
    expect(effects).toBeLessThanOrEqual(budget.calls)
    expect(got).toBeLessThanOrEqual(budget.result_bytes)
    expect(await call(root.key, 'read')).toMatchObject({ reason: 'limited' })
    expect(await call(part.key, 'read')).toMatchObject({ reason: 'limited' })
  })

  test(`never uses an approval twice, in ${kills} kills`, { timeout: 60_000 + kills * 10_000 }, async () => {
    const { key } = startTask({ tools: { s__deploy: { n: {} } }, flow: 'off' })
    for (let n = 0; n < kills; n++) {
      expect(await call(key, 'deploy', { n })).toMatchObject({ reason: 'approval-required' })
      const admin = (route: string, body?: object) => {
        const socket = join(program.folder, 'data', 'admin.sock')
        return askAdmin(socket, route, body === undefined ? {} : { body })
      }
      const listed = await admin('GET /api/v1/approvals')
      if (!listed.ok) throw new Error(listed.error.message)
      const { approvals } = listed.value.body as { approvals: { id: string; state: string }[] }
      const [asked] = approvals.filter(({ state }) => state === 'pending')
      await admin(`POST /api/v1/approvals/${asked?.id}/approve`, { as: 'User::"lead"' })
      const again = () => call(key, 'deploy', { n }).catch(() => undefined)
      const calls = Promise.all(Array.from({ length: 6 }, again))
      await delay(Math.random() * 25)
      await killAndRestart()
      await calls
      await Promise.all([again(), again()])
      expect(deployed.filter((args) => args === JSON.stringify({ n })).length).toBeLessThanOrEqual(1)
    }
    expect(deployed.length).toBeGreaterThan(0)
  })

  test('still knows what a task has read, and that it was started', async () => {
    const { key } = startTask({ servers: ['s'], tools: { s__mail: { to: {} } }, flow: 'strict' })
    expect(await call(key, 'mail', { to: 'eve@example.net' })).toMatchObject({ reason: undefined })
    await call(key, 'read')
    await killAndRestart()
    expect(await call(key, 'mail', { to: 'eve@example.net' })).toMatchObject({ reason: 'approval-required' })
    expect(effects).toBe(2)
    // And after a save, and again after a stop.
    await delay(6000)
    await killAndRestart()
    expect(await call(key, 'mail', { to: 'eve@example.net' })).toMatchObject({ reason: 'approval-required' })
    program.signal('SIGTERM')
    await program.ended
    program = await program.startAgain()
    expect(await call(key, 'mail', { to: 'eve@example.net' })).toMatchObject({ reason: 'approval-required' })
    expect(effects).toBe(2)
  })
})
