/**
 * An approval never works twice, whichever step of its store fails, before or after it is done, at whichever time it is
 * taken: for a call that a person approved once, the server sees one call at the most.
 */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { SqliteApprovalStore } from '../../packages/gateway/src/store/approvals.ts'
import { type Admin, adminOf } from '../fixtures/admin.ts'
import { callTool } from '../fixtures/calls.ts'
import { PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../fixtures/scripted-upstream.ts'
import { type FaultMode, StorageFaults } from '../fixtures/storage-faults.ts'

const STEPS = ['add', 'find', 'findBound', 'decide', 'use', 'countPending'] as const

let upstream: ScriptedUpstream
let gateway: TestGateway
let admin: Admin
let ada: string
/** What the server was called with. */
const effects: string[] = []

beforeAll(async () => {
  upstream = await startScriptedUpstream(({ method, params }, answer) => {
    if (method === 'tools/call') effects.push(JSON.stringify(params['arguments']))
    answer.result(JSON.stringify({ content: [] }))
  })
  gateway = await startTestGateway({
    config: `servers: { s: { url: '${upstream.url}' } }\n`,
    policies: `${PERMIT_ALL}
@id("asked") @remedy("approval") forbid (principal, action == Action::"s__deploy", resource)
unless { context has approval };`,
  })
  admin = await adminOf(gateway)
  ada = gateway.key('ada')
})
afterAll(async () => {
  await admin.close()
  await gateway.close()
  await upstream.close()
})
afterEach(() => vi.restoreAllMocks())

/** From now on the gateway's store fails where the fault says. */
function harm(faults: StorageFaults): void {
  for (const step of STEPS) {
    const original = SqliteApprovalStore.prototype[step] as (...args: unknown[]) => unknown
    vi.spyOn(SqliteApprovalStore.prototype, step).mockImplementation(function (
      this: SqliteApprovalStore,
      ...args: unknown[]
    ) {
      const { wrapped } = { wrapped: { [step]: () => Reflect.apply(original, this, args) } }
      return faults.wrap('approvals', wrapped, [step])[step]?.() as never
    })
  }
}

interface Listed {
  readonly approvals: readonly { readonly id: string; readonly state: string; readonly input: unknown }[]
}

/** Asks for a call, has it approved once, and makes it again and again, two at a time. Faults are not waited for. */
async function story(n: number): Promise<void> {
  const call = () => callTool(gateway.url('s'), ada, 'deploy', { n }).catch(() => undefined)
  await call()
  const listed = await admin.ask('GET /api/v1/approvals').catch(() => undefined)
  const asked = (listed?.body as Listed | undefined)?.approvals.find(
    ({ state, input }) => state === 'pending' && JSON.stringify(input) === JSON.stringify({ n }),
  )
  if (asked !== undefined)
    await admin
      .ask(`POST /api/v1/approvals/${asked.id}/approve`, { as: 'User::"lead"' })
      .catch(() => undefined)
  for (let again = 0; again < 3; again++) await Promise.all([call(), call()])
}

test('without a fault it works once', async () => {
  const faults = new StorageFaults()
  harm(faults)
  await story(0)
  expect(effects.filter((args) => args === '{"n":0}')).toHaveLength(1)
  expect(faults.steps).toEqual(
    expect.arrayContaining(['add', 'findBound', 'decide', 'use'].map((s) => `approvals.${s}`)),
  )
})

let n = 0
const modes: readonly FaultMode[] = ['fails', 'fails but is done']
test.each(modes)('it never works twice, whichever step %s', { timeout: 60_000 }, async (mode) => {
  let worked = 0
  for (let at = 0, last = 1; at < last; at++) {
    const faults = new StorageFaults({ at, mode })
    harm(faults)
    const args = { n: ++n }
    await story(args.n)
    last = faults.steps.length
    faults.stop()
    // Nor once the store is well again.
    await callTool(gateway.url('s'), ada, 'deploy', args)
    const times = effects.filter((each) => each === JSON.stringify(args)).length
    expect(times, `step ${at}, ${faults.steps[at]}`).toBeLessThanOrEqual(1)
    worked += times
    vi.restoreAllMocks()
  }
  expect(worked, 'most faults keep nobody from working').toBeGreaterThan(0)
})
